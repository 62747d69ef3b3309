//! A protocol of the application beside the page: exactly once, undone when it fails, saved and restored.

use std::time::Duration;

use bytes::Bytes;
use n2o::{Dispatch, Error, Event, Later, Limits, Node, Protocol, Value};

use crate::house::{Client, Page, Seen, awake, connect, house, later, open};

/// Adds what it is told, and answers the sum.
#[derive(Default)]
struct Tally(u64);

impl Protocol for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn claims(&self) -> &'static [u8] {
        &[16, 200]
    }

    fn event<'a>(&'a mut self, message: &'a Event<'a>, cx: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async move {
            let [Value::Text(what), Value::Text(number)] = &message.values[..] else {
                return Err(Error::Refused("a tally is told what to do, and a number"));
            };
            self.0 += number.parse::<u64>().map_err(|_| Error::user("That is not a number."))?;
            cx.kvs().append("/tally", &self.0)?;
            match &**what {
                "add" => cx.reply(self.0.to_string()),
                "fail" => return Err(Error::user("It failed.")),
                "panic" => panic!("as it was asked to"),
                "wait" => std::future::pending().await,
                _ => return Err(Error::Refused("a tally only adds")),
            }
            Ok(())
        })
    }

    fn save(&self, state: &mut Vec<u8>) -> n2o::Result {
        state.extend_from_slice(&self.0.to_be_bytes());
        Ok(())
    }

    fn restore(&mut self, state: &[u8]) -> n2o::Result {
        self.0 = state.try_into().map(u64::from_be_bytes).map_err(|_| Error::other("no tally"))?;
        Ok(())
    }
}

fn declare(node: &Node) {
    node.protocol(|| Box::new(Tally::default())).unwrap();
}

fn say(client: &Client, frame: &str) {
    client.send_frame(Bytes::copy_from_slice(frame.as_bytes()));
}

/// Sends a frame, and answers what answers it.
async fn ask(client: &mut Client, frame: &str) -> String {
    say(client, frame);
    let seq = |frame: &str| frame.split([',', ']']).nth(1).map(str::to_owned);
    loop {
        match client.seen().await {
            Seen::Frame(answer) if answer == "[0]" => return answer,
            Seen::Frame(answer) if !answer.starts_with("[4,") && seq(&answer) == seq(frame) => return answer,
            Seen::Frame(_) => {}
            Seen::Closed(code) => return format!("closed with {code}"),
        }
    }
}

async fn sums(node: &Node) -> Vec<u64> {
    let found = node.store().txn().feed("/tally", kvs::From::Start, 99).await.unwrap();
    found.into_iter().map(|(_, sum)| sum).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_are_numbered_with_the_events_and_each_is_done_once() {
    awake(async {
        let node = house(Limits::default()).await;
        declare(&node);
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        assert_eq!(ask(&mut client, r#"[16,1,["add","5"]]"#).await, r#"[16,1,["5"]]"#);
        assert_eq!(ask(&mut client, r#"[1,2,"state","",["kept"]]"#).await, r#"[1,2,[[8,"text","kept"]]]"#);
        assert_eq!(ask(&mut client, r#"[200,3,["add","7"]]"#).await, r#"[200,3,["12"]]"#);
        assert_eq!(ask(&mut client, r#"[16,1,["add","5"]]"#).await, r#"[16,1,["5"]]"#, "the kept reply");
        assert_eq!(sums(&node).await, [5, 12], "and it was not done again");
        assert_eq!(ask(&mut client, r#"[16,9,["add","5"]]"#).await, "closed with 4400", "out of order");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_message_that_fails_nothing_has_happened() {
    awake(async {
        let node = house(Limits::default()).await;
        declare(&node);
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        assert_eq!(ask(&mut client, r#"[16,1,["add","5"]]"#).await, r#"[16,1,["5"]]"#);
        assert_eq!(ask(&mut client, r#"[16,2,["fail","100"]]"#).await, r#"[3,2,1,"It failed."]"#);
        assert!(ask(&mut client, r#"[16,3,["panic","100"]]"#).await.starts_with("[3,3,1,"));
        assert!(ask(&mut client, r#"[16,4,["add"]]"#).await.starts_with("[3,4,2,"), "refused");
        say(&client, r#"[16,5,["wait","100"]]"#);
        later(Limits::default().handler + Duration::from_secs(1)).await;
        let Seen::Frame(late) = client.seen().await else { panic!("closed") };
        assert!(late.starts_with("[3,5,1,"), "its time is over: {late}");
        assert_eq!(ask(&mut client, r#"[16,6,["add","1"]]"#).await, r#"[16,6,["6"]]"#);
        assert_eq!(sums(&node).await, [5, 6]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_no_protocol_claims_close_the_connection() {
    awake(async {
        let node = house(Limits::default()).await;
        declare(&node);
        let session = node.sessions().create();
        for frame in ["[17,1,[]]", "[255,1,[]]", "[15,1,[]]", "[2,1,[]]", "[256,1,[]]", "[16,1]", "[16,0,[]]"]
        {
            let mut client = open(&node, &session, Page::default());
            assert_eq!(ask(&mut client, frame).await, "closed with 4400", "{frame}");
        }
        assert_eq!(sums(&node).await, [0; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_answered_while_a_message_is_being_answered() {
    awake(async {
        let node = house(Limits::default()).await;
        declare(&node);
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        say(&client, r#"[16,1,["wait","1"]]"#);
        assert_eq!(ask(&mut client, "[0,0]").await, "[0]");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn its_state_is_saved_and_restored_with_the_page_and_without_it() {
    awake(async {
        let node = house(Limits::default()).await;
        let session = node.sessions().create();
        // A page that was saved before there was such a protocol.
        let mut old = open(&node, &session, Page::default());
        assert_eq!(
            ask(&mut old, r#"[1,1,"state","",["as it was"]]"#).await,
            r#"[1,1,[[8,"text","as it was"]]]"#
        );
        later(2 * Limits::default().save).await;
        old.leave();
        declare(&node);
        let mut new = open(&node, &session, Page::default());
        ask(&mut new, r#"[1,1,"state","",["as it is"]]"#).await;
        ask(&mut new, r#"[16,2,["add","5"]]"#).await;
        let page = new.page;
        drop(new);
        while node.pages().live() > 0 {
            later(Limits::default().park).await;
        }

        let mut old = connect(&node, &session, old.page);
        assert_eq!(ask(&mut old, r#"[1,2,"ok","",[""]]"#).await, r#"[1,2,[[8,"text","as it was"]]]"#);
        assert_eq!(ask(&mut old, r#"[16,3,["add","1"]]"#).await, r#"[16,3,["1"]]"#, "it begins anew");
        let mut new = connect(&node, &session, page);
        assert_eq!(ask(&mut new, r#"[16,3,["add","1"]]"#).await, r#"[16,3,["6"]]"#);
        assert_eq!(ask(&mut new, r#"[1,4,"ok","",[""]]"#).await, r#"[1,4,[[8,"text","as it is"]]]"#);
    })
    .await;
}
