//! Cards as they were saved.

use serde::Deserialize;

use super::{card::Card, note::Note};
use crate::{conflict::Conflict, fault::Faults, filling::Filling, read::Kind, table::Version, value::Data};

/// A card as it was saved, so that one that is open across a deploy goes on. Earlier versions had the parts of the form
/// beside the rest.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    opened: bool,
    id: String,
    fill: Option<Filling>,
    note: Option<Note>,
    done: bool,
    looks: bool,
    #[serde(default)]
    gone: bool,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    version: Version,
    #[serde(default)]
    base: Data,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    faults: Faults,
    #[serde(default)]
    clashes: Conflict,
}

impl<R> From<Stored> for Card<R> {
    fn from(stored: Stored) -> Self {
        let Stored { opened, id, fill, note, done, looks, gone, .. } = stored;
        let Stored { kind, version, base, data, faults, clashes: conflict, .. } = stored;
        let fill = fill.unwrap_or_else(|| Filling {
            kind,
            version,
            base,
            data,
            faults,
            conflict,
            ..Filling::default()
        });
        let mut card = Card::default();
        (card.opened, card.id, card.fill, card.note) = (opened, id, fill, note);
        (card.done, card.looks, card.gone) = (done, looks, gone);
        card
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_earlier_version_has_saved_is_read() {
        let before = json!({
            "opened": true, "kind": "edit", "id": "7", "version": 3, "base": { "name": "Ada" },
            "data": { "name": "Bob" }, "faults": { "name": { "code": "required" } }, "clashes": [],
            "note": null, "done": false, "looks": true, "gone": false,
        });
        let card: Card<()> = serde_json::from_value(before).unwrap();
        let Filling { kind, version, base, data, faults, .. } = &card.fill;
        assert_eq!(
            (*kind, *version, &base["name"], &data["name"]),
            (Kind::Edit, 3, &json!("Ada"), &json!("Bob"))
        );
        assert!(faults.contains_key("name") && card.opened && card.looks && card.id == "7");
        let again: Card<()> = serde_json::from_value(serde_json::to_value(&card).unwrap()).unwrap();
        assert_eq!(again.fill.data, card.fill.data);
    }
}
