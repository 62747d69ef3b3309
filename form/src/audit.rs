//! The history of a record: an entry for each change, in a feed of its own, shown by rights.

use kvs::{From, Txn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::{Act, Who},
    document::Document,
    error::Result,
    spec::Spec,
    table::By,
    value::Data,
};

/// A change of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// Who.
    pub who: String,
    /// What they did.
    pub act: Act,
    /// The fields that changed.
    pub changes: Vec<Change>,
    /// Whether fields were left out that the reader may not see.
    #[serde(default)]
    pub redacted: bool,
}

/// A change of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: String,
    /// What it was.
    pub before: Value,
    /// What it became.
    pub after: Value,
}

impl Entry {
    /// The difference between two states of a record.
    pub(crate) fn new(document: &Document, by: By<'_>, act: Act, before: &Data, after: &Data) -> Self {
        let value = |data: &Data, name: &str| data.get(name).cloned().unwrap_or(Value::Null);
        let changes = document.fields.iter().filter_map(|field| {
            let (before, after) = (value(before, &field.name), value(after, &field.name));
            (before != after).then(|| Change { field: field.name.clone(), before, after })
        });
        let changes = changes.collect();
        Entry { at: by.now, who: by.who.name().to_owned(), act, changes, redacted: false }
    }

    /// The values that changed, as they were and as they became.
    #[cfg(feature = "screens")]
    pub(crate) fn sides(&self) -> [Data; 2] {
        let side = |value: fn(&Change) -> &Value| {
            self.changes.iter().map(|change| (change.field.clone(), value(change).clone())).collect()
        };
        [side(|change| &change.before), side(|change| &change.after)]
    }

    /// The entry as somebody may see it.
    fn seen(mut self, spec: &Spec, who: &Who) -> Self {
        let all = self.changes.len();
        self.changes.retain(|change| {
            spec.document.field(&change.field).is_some_and(|field| spec.may_see(who, field))
        });
        self.redacted = self.changes.len() < all;
        self
    }
}

/// The feed of a record's history.
#[must_use]
pub fn feed(table: &str, id: &str) -> String {
    format!("/form/{table}/{id}")
}

/// The newest entries of a record's history, as far as somebody may see them.
pub async fn history(txn: &mut Txn, spec: &Spec, who: &Who, id: &str, limit: usize) -> Result<Vec<Entry>> {
    let entries: Vec<(u64, Entry)> = txn.feed(&feed(&spec.document.name, id), From::End, limit).await?;
    Ok(entries.into_iter().map(|(_, entry)| entry.seen(spec, who)).collect())
}
