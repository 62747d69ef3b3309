//! The parts that the stories share: the server's process, a browser, a protocol client, HTTP by hand.

mod browser;
mod client;
mod driver;
mod http;
mod proxy;
mod server;

use std::{
    future::Future,
    path::Path,
    time::{Duration, Instant},
};

pub(crate) use browser::{Window, in_every_browser};
pub(crate) use client::{Bound, Client, Frame, Lost, escaped};
pub(crate) use driver::Engine;
pub(crate) use http::{Jar, Reply, request};
pub(crate) use proxy::Proxy;
pub(crate) use server::{Server, refused, store};

/// How long anything may take before a test gives up; far above what a loaded machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// Looks until the condition holds; fails the test when it does not within the time that a story has.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// All messages of a room, from the store of a server that has stopped.
pub(crate) async fn feed(data: &Path, room: &str) -> Vec<(u64, String, String)> {
    #[derive(serde::Deserialize)]
    struct Said {
        by: String,
        text: String,
    }
    let url = format!("redb:{}", data.join("demo.redb").display());
    let store = kvs::Store::open(&url).await.unwrap();
    let read = store.txn().feed::<Said>(&format!("/chat/{room}"), kvs::From::Start, 1_000_000).await.unwrap();
    read.into_iter().map(|(position, said)| (position, said.by, said.text)).collect()
}
