//! 1,000 messages by 20 clients while the server is killed five times: each once, in one order for all.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use tokio::{sync::watch, task::JoinSet};

use super::common::{Client, Lost, Server, feed};

const CLIENTS: usize = 20;
const EACH: usize = 50;
const ALL: usize = CLIENTS * EACH;
/// When the server dies: after so many acknowledged messages.
const DEATHS: [usize; 5] = [120, 290, 430, 600, 810];
/// What the room's brake lets through at leisure.
const BREATH: Duration = Duration::from_millis(300);

/// Says everything that one client has to say, whatever happens to the server.
async fn talk(address: String, number: usize, acknowledged: watch::Sender<usize>) -> Client {
    let mut client = Client::new(&address);
    client.enter(&format!("Client {number}"), "storm").await;
    for message in 0..EACH {
        let text = format!("{number}-{message}");
        while !said(&mut client, &text).await {
            tokio::time::sleep(BREATH).await;
        }
        acknowledged.send_modify(|count| *count += 1);
    }
    // Until the end of the feed has come.
    while client.lines.last().is_none_or(|(position, _)| *position < ALL as u64) {
        if client.step().await.is_err() {
            client.reconnect().await.unwrap();
        }
    }
    client
}

/// Says one thing; `false` when the server says that it was too fast, and did not take it.
async fn said(client: &mut Client, text: &str) -> bool {
    let say = client.bound("message");
    let seq = client.answered() + 1;
    let errors = client.errors.len();
    let mut done = client.fire(&say, json!([text])).await.map(drop);
    while client.answered() < seq {
        done = match done {
            Ok(()) => client.step().await.map(drop),
            Err(Lost(1001 | 1005 | 1006 | 1013)) => client.reconnect().await,
            Err(lost) => panic!("{text}: {lost:?}"),
        };
    }
    let refused = client.errors.get(errors);
    assert!(refused.is_none_or(|(_, code, text)| *code == 1 && text.contains("very fast")), "{refused:?}");
    refused.is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_server_dies_five_times() {
    let mut server = Server::start();
    let (acknowledged, mut count) = watch::channel(0);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(talk(server.address.clone(), number, acknowledged.clone()));
    }
    let runtime = tokio::runtime::Handle::current();
    let killer = tokio::task::spawn_blocking(move || {
        for death in DEATHS {
            runtime.block_on(count.wait_for(|count| *count >= death)).unwrap();
            server.kill();
            server.again();
        }
        server
    });
    let mut documents = Vec::new();
    while let Some(client) = clients.join_next().await {
        documents.push(client.unwrap().lines);
    }
    let mut server = killer.await.unwrap();
    server.kill();

    let feed = feed(server.data(), "storm").await;
    let texts: BTreeSet<&str> = feed.iter().map(|(_, _, text)| text.as_str()).collect();
    assert_eq!((feed.len(), texts.len()), (ALL, ALL), "each message once");
    let order: Vec<(u64, String)> =
        feed.iter().map(|(position, _, text)| (*position, text.clone())).collect();
    for number in 0..CLIENTS {
        let name = format!("Client {number}");
        let own: Vec<&str> =
            feed.iter().filter(|(_, by, _)| *by == name).map(|(_, _, text)| text.as_str()).collect();
        let sent: Vec<String> = (0..EACH).map(|message| format!("{number}-{message}")).collect();
        assert_eq!(own, sent, "in the order in which {name} sent them");
    }
    for document in documents {
        let shown = order.get(ALL - document.len()..).unwrap();
        assert!(document.len() >= 50);
        assert_eq!(document, shown, "every client shows the end of the feed, in its order");
    }
}
