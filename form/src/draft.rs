//! Drafts: what a user has typed into a form and not saved yet, kept in the store. They outlive the page,
//! its connection and the server, and go when the user saves or discards them. A guest's end with the login.

use std::{borrow::Cow, time::Duration};

use kvs::Record;
use n2o::Cx;
use serde::{Deserialize, Serialize};

use crate::{table::Version, value::Data};

/// What was typed, with the record that the user began with, so that a race is noticed also days later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    key: String,
    pub(crate) version: Version,
    pub(crate) base: Data,
    pub(crate) data: Data,
}

impl Record for Draft {
    const TABLE: &'static str = "form.draft";
    const TTL: Option<Duration> = Some(Duration::from_hours(24 * 14));

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.key)
    }
}

/// Longest key, in bytes: an id of the store may have more, but not with a name and a table before it.
const MAX_KEY: usize = 512;

/// Where a user's draft of a record is kept; nobody else reads it, also not a guest who takes the user's name.
/// Visitors without a name have none.
pub(crate) fn key(cx: &Cx, table: &str, id: &str) -> Option<String> {
    let owner = cx.owner()?.to_string();
    // The length of the owner keeps those apart whose names hold slashes.
    let key = format!("{}:{owner}/{table}/{id}", owner.len());
    Some(key).filter(|key| key.len() <= MAX_KEY)
}

/// Keeps what was typed, with the page's next save: people type faster than it is worth writing. What is too
/// large for the store is not kept, which is no reason to fail: it is still in the browser.
pub(crate) fn keep(cx: &mut Cx, key: String, version: Version, base: &Data, data: &Data) {
    cx.put_soon(Draft { key, version, base: base.clone(), data: data.clone() });
}

/// What was typed earlier.
pub(crate) async fn find(cx: &mut Cx, key: &str) -> n2o::Result<Option<Draft>> {
    cx.get_soon(key).await
}

/// Forgets what was typed.
pub(crate) fn forget(cx: &mut Cx, key: &str) {
    cx.give_up_soon();
    cx.kvs().delete::<Draft>(key);
}
