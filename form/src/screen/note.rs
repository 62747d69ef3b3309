//! What a card says above its form.

use serde::{Deserialize, Serialize};

use crate::{filling::Filling, lang::text, right::Denial, spec::Spec};

/// What a card says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Note {
    /// Values have faults.
    Mend,
    /// The user may not do this any more.
    Denied,
    /// What was typed earlier is here again.
    Again,
    /// The record was deleted while it was edited.
    Gone,
    /// The record was saved by somebody while it was edited; the user tried to save.
    Lost,
    /// The record was saved by somebody while it is being edited.
    Stale(String),
    /// The record changed before it could be deleted.
    Changed,
    /// There are fields for which nothing was chosen yet.
    Decide,
    /// The form does not let the user do it as the record is now.
    Locked(Denial),
    /// The record was saved by somebody, and some of what the user typed may not be saved any more.
    Kept,
}

impl Note {
    pub(crate) fn text(&self, spec: &Spec, fill: &Filling, lang: &str) -> String {
        let t = text(lang);
        match self {
            Note::Mend => fill.marked(spec, lang),
            Note::Denied => t.denied.to_owned(),
            Note::Again => t.again.to_owned(),
            Note::Gone => t.gone.to_owned(),
            Note::Lost => t.lost.to_owned(),
            Note::Stale(who) => t.stale.replace("{}", who),
            Note::Changed => t.changed.to_owned(),
            Note::Decide => t.decide.to_owned(),
            Note::Kept => [t.lost, t.locked_typed].join(" "),
            Note::Locked(denial) if fill.conflict.is_locked() => {
                [&denial.text(spec, lang), t.locked_typed].join(" ")
            }
            Note::Locked(denial) => denial.text(spec, lang),
        }
    }
}
