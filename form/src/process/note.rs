//! What a task, or the start of a process, says above its form.

use serde::{Deserialize, Serialize};

use super::text::text;
use crate::{Denial, Filling, Spec};

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Note {
    /// Values have faults.
    Mend,
    /// Somebody has changed the record meanwhile.
    Changed,
    /// The record was saved by somebody while the form is being filled in.
    Stale(String),
    /// What the task is about is another than what was shown when the form was sent.
    Moved,
    /// The form does not let the user write the record as it is.
    Denied(Denial),
    /// There are fields for which nothing was chosen yet.
    Decide,
    /// The task is not there any more.
    Done,
    /// The process was started already, by this form.
    Sent,
}

impl Note {
    pub(crate) fn text(&self, spec: Option<&Spec>, fill: &Filling, lang: &str) -> String {
        let (t, of_form) = (text(lang), crate::lang::text(lang));
        let typed = if fill.conflict.is_locked() { of_form.locked_typed } else { "" };
        match self {
            Note::Mend => spec.map(|spec| fill.marked(spec, lang)).unwrap_or_default(),
            Note::Changed if fill.conflict.is_empty() => t.changed.to_owned(),
            Note::Changed | Note::Decide => {
                let asked = fill.conflict.ask(lang, *self == Note::Decide);
                [asked, typed].join(" ").trim_end().to_owned()
            }
            Note::Stale(who) => of_form.stale.replace("{}", who),
            Note::Moved => t.about_moved.to_owned(),
            Note::Denied(denial) => spec.map(|spec| denial.text(spec, lang)).unwrap_or_default(),
            Note::Done => t.done_before.to_owned(),
            Note::Sent => t.sent_before.to_owned(),
        }
    }
}
