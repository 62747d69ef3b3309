//! What the tests share: a record, and a way to run one story on every kind of store.

use std::borrow::Cow;

use kvs::{Record, Store};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) number: u64,
}

impl Record for Note {
    const TABLE: &'static str = "note";
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

pub(crate) fn note(id: &str, number: u64) -> Note {
    Note { id: id.to_owned(), text: format!("note {id}"), number }
}

/// Runs the story on a fresh store of each kind.
pub(crate) async fn each(story: impl AsyncFn(Store)) {
    let folder = tempfile::tempdir().unwrap();
    for url in urls(folder.path()) {
        eprintln!("on {url}");
        story(Store::open(&url).await.unwrap()).await;
    }
}

pub(crate) fn urls(folder: &std::path::Path) -> Vec<String> {
    let mut urls = vec!["memory:".to_owned(), format!("redb:{}", folder.join("store.redb").display())];
    urls.extend(server());
    urls
}

#[cfg(feature = "postgres")]
fn server() -> Option<String> {
    Some(crate::server::Server::shared().fresh())
}

#[cfg(not(feature = "postgres"))]
fn server() -> Option<String> {
    None
}

pub(crate) async fn put(store: &Store, notes: &[Note]) {
    let mut txn = store.txn();
    for note in notes {
        txn.put(note).unwrap();
    }
    txn.commit().await.unwrap();
}
