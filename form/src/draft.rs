//! Drafts: what a user has typed into a form and not saved yet, kept in the store. They outlive the page,
//! its connection and the server, and go when the user saves or discards them. A guest's end with the login, and
//! are kept for a day.

use std::{borrow::Cow, time::Duration};

use kvs::Record;
use n2o::Cx;
use serde::{Deserialize, Serialize};

use crate::{conflict::Conflict, filling::Filling, table::Version, value::Data};

/// What was typed, with the record that the user began with, so that a race is noticed also days later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    key: String,
    version: Version,
    base: Data,
    data: Data,
    /// What the user has typed into fields that are not open, for when they are again.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    aside: Data,
    /// What the user had typed for fields that they may not change any more.
    #[serde(default, skip_serializing_if = "Conflict::is_empty")]
    conflict: Conflict,
}

impl Draft {
    /// Goes on where the user left off.
    pub(crate) fn into_filling(self, fill: &mut Filling) {
        (fill.version, fill.base, fill.data) = (self.version, self.base, self.data);
        (fill.aside, fill.conflict) = (self.aside, self.conflict);
    }
}

impl Record for Draft {
    const TABLE: &'static str = "form.draft";
    const TTL: Option<Duration> = Some(Duration::from_hours(24 * 14));

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.key)
    }
}

/// The draft of a guest, which nobody can reach when the session has ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct OfGuest(Draft);

impl Record for OfGuest {
    const TABLE: &'static str = "form.draft.guest";
    const TTL: Option<Duration> = Some(Duration::from_hours(24));

    fn id(&self) -> Cow<'_, str> {
        self.0.id()
    }
}

/// Most drafts of one owner, the latest: more than anybody has begun and not ended. Pages of an owner that begin
/// a draft at the same moment may leave one more each, until the next one is begun.
pub(crate) const MOST: usize = 50;

/// Longest key, in bytes: an id of the store may have more, but not with a name and a table before it.
const MAX_KEY: usize = 512;

/// Where a user's draft of a record is kept; nobody else reads it, also not a guest who takes the user's name.
/// Visitors without a name have none.
pub(crate) fn key(cx: &Cx, table: &str, id: &str) -> Option<String> {
    let key = format!("{}{table}/{id}", all(cx)?);
    Some(key).filter(|key| key.len() <= MAX_KEY)
}

/// What the keys of all drafts of a user begin with.
fn all(cx: &Cx) -> Option<String> {
    let owner = cx.owner()?.to_string();
    // The length of the owner keeps those apart whose names hold slashes.
    Some(format!("{}:{owner}/", owner.len()))
}

/// Makes room for a draft: the user's oldest ones beyond [`MOST`] go. `false` when there is none, because guests of
/// the same address have begun too many.
pub(crate) async fn make_room(cx: &mut Cx, key: &str) -> n2o::Result<bool> {
    if cx.is_proven() { room_in::<Draft>(cx, key).await } else { room_in::<OfGuest>(cx, key).await }
}

async fn room_in<D: Record>(cx: &mut Cx, key: &str) -> n2o::Result<bool> {
    let Some(all) = all(cx) else { return Ok(false) };
    // Apart from the handler's transaction, which must not conflict with the user's other pages.
    let mut drafts = cx.node().store().txn().range_raw(D::TABLE, &all, None, 2 * MOST).await?;
    let known = drafts.len();
    drafts.retain(|draft| draft.id != key);
    let is_new = drafts.len() == known;
    drafts.sort_unstable_by_key(|draft| draft.version);
    let over = (drafts.len() + 1).saturating_sub(MOST);
    for draft in drafts.iter().take(over) {
        cx.kvs().delete::<D>(&draft.id);
    }
    Ok(!is_new || cx.may_keep())
}

/// Keeps what was typed, with the page's next save: people type faster than it is worth writing. What is too
/// large for the store is not kept, which is no reason to fail: it is still in the browser.
pub(crate) fn keep(cx: &mut Cx, key: String, fill: &Filling) {
    let Filling { version, base, data, aside, conflict, .. } = fill.clone();
    let draft = Draft { key, version, base, data, aside, conflict };
    if cx.is_proven() { cx.put_soon(draft) } else { cx.put_soon(OfGuest(draft)) }
}

/// What was typed earlier.
pub(crate) async fn find(cx: &mut Cx, key: &str) -> n2o::Result<Option<Draft>> {
    if cx.is_proven() {
        return cx.get_soon(key).await;
    }
    Ok(cx.get_soon::<OfGuest>(key).await?.map(|draft| draft.0))
}

/// Forgets what was typed.
pub(crate) fn forget(cx: &mut Cx, key: &str) {
    if cx.is_proven() { forget_in::<Draft>(cx, key) } else { forget_in::<OfGuest>(cx, key) }
}

fn forget_in<D: Record>(cx: &mut Cx, key: &str) {
    cx.give_up_soon::<D>(key);
    cx.kvs().delete::<D>(key);
}
