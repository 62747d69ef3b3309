//! The record that a task is about: what its user was shown of it, and what has become of it since.

use kvs::Txn;
use n2o::Result;
use serde::{Deserialize, Serialize};

use super::{form::ProcessForm, text::text};
use crate::{
    Act, Data, Filling, Kind, Spec, Who, audit, list, show,
    table::{Kept, Version},
};
use bpe::feel::Context;

/// What the user of a task has seen of the record that it is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The version that is shown; none before, and where there is no record to be seen.
    pub(crate) version: Version,
    /// What it was when the user began.
    first: Option<Data>,
    /// Who has changed it since.
    by: Vec<String>,
}

impl Seen {
    /// It is shown as it is now.
    pub(crate) async fn look(
        &mut self,
        spec: &Spec,
        who: &Who,
        id: &str,
        now: Option<&Kept>,
        txn: &mut Txn,
    ) -> Result {
        let version = now.map_or(0, |now| now.version);
        if version == self.version {
            return Ok(());
        }
        if self.first.is_none() {
            self.first = now.map(|now| spec.seen(who, &now.data));
        } else {
            let last = audit::history(txn, spec, who, id, 1).await?.pop();
            let name = last.map(|entry| entry.who).filter(|name| !self.by.contains(name));
            self.by.extend(name);
        }
        self.version = version;
        Ok(())
    }

    /// The record to be looked at, with the titles for what it was as well.
    pub(crate) async fn show(&self, spec: &Spec, who: &Who, kept: Kept, txn: &mut Txn) -> Result<Filling> {
        let mut fill = Filling::of(Kind::View, kept);
        fill.entitle(spec, who, txn).await?;
        if let Some(first) = &self.first {
            list::add_titles(txn, spec, who, first, &mut fill.titles).await?;
        }
        Ok(fill)
    }

    /// What has changed since the user began, and by whom, in a sentence; empty when nothing has.
    pub(crate) fn text(&self, spec: &Spec, who: &Who, now: Option<&Filling>, lang: &str) -> String {
        let (t, Some(first)) = (text(lang), &self.first) else { return String::new() };
        let Some(now) = now else { return t.about_gone.to_owned() };
        let fields = spec.document.fields.iter().filter(|field| spec.may_see(who, field));
        let changes = fields.filter_map(|field| {
            let [was, is] = [first, &now.data].map(|data| data.get(&field.name).cloned().unwrap_or_default());
            let shown = |value| show::titled(spec, field, &value, &now.titles, lang);
            let label = spec.document.label(&field.name, lang);
            (was != is).then(|| format!("{label}: {} \u{2192} {}", shown(was), shown(is)))
        });
        let changes: Vec<String> = changes.collect();
        if changes.is_empty() {
            return String::new();
        }
        let by = if self.by.is_empty() { t.somebody.to_owned() } else { self.by.join(", ") };
        let mut parts = t.about_changed.split("{}");
        let mut next = || parts.next().unwrap_or_default();
        format!("{}{by}{}{}{}", next(), next(), changes.join("; "), next())
    }
}

impl ProcessForm {
    /// The version of all that somebody sees who does a task of this form: the record that it is about, and the one that
    /// it changes. `None` where they see none. A version is the number of a commit, so that the later one stands for
    /// both.
    #[cfg(feature = "rest")]
    pub(crate) async fn version(
        &self,
        who: &Who,
        variables: &Context,
        txn: &mut Txn,
    ) -> Result<Option<Version>> {
        let mut version = None;
        for record in [self.about, self.record].into_iter().flatten() {
            let may = record.records.spec().document.rights.allow(who, Act::Read);
            if let Some(id) = record.id(variables).filter(|_| may) {
                let kept = record.records.get(txn, &id).await?;
                version = version.max(kept.map(|kept| kept.version));
            }
        }
        Ok(version)
    }

    /// The record that a task is about as somebody may see it, and its id.
    pub(crate) async fn about_now(
        &self,
        who: &Who,
        variables: &Context,
        txn: &mut Txn,
    ) -> Result<Option<(String, Option<Kept>)>> {
        let Some(about) =
            self.about.filter(|about| about.records.spec().document.rights.allow(who, Act::Read))
        else {
            return Ok(None);
        };
        let Some(id) = about.id(variables) else { return Ok(None) };
        let kept = about.records.get(txn, &id).await?;
        Ok(Some((id, kept)))
    }
}
