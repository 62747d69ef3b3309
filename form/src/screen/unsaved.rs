//! What a card keeps of what was typed and is not saved: its draft, and the values of a record that is gone.

use nitro::prelude::*;

use super::{card::Card, note::Note};
use crate::{
    access::Act,
    conflict::Conflict,
    draft,
    form::Form,
    read::Kind,
    table::{self, Kept},
};

impl<R: Form> Card<R> {
    fn draft(&self, cx: &n2o::Cx) -> Option<String> {
        // A new record has one draft, whatever stands in its address; no record has an empty id. One that was
        // deleted has its own.
        let id = if self.fill.kind == Kind::Create && !self.gone { "" } else { &self.id };
        draft::key(cx, R::TABLE, id)
    }

    /// Goes on where the user left off without saving.
    pub(super) async fn again(&mut self, cx: &mut Cx<'_, Self>) -> Result<bool> {
        let Some(key) = self.draft(cx) else { return Ok(false) };
        let Some(draft) = draft::find(cx, &key).await? else { return Ok(false) };
        let now = Kept { version: self.fill.version, data: std::mem::take(&mut self.fill.base) };
        draft.into_filling(&mut self.fill);
        self.note = Some(Note::Again);
        if self.fill.kind == Kind::Edit && now.version != 0 {
            self.follow(now);
        }
        Ok(true)
    }

    /// Keeps what was typed, when there is room for it.
    pub(super) async fn keep(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let Some(key) = self.draft(cx) else { return Ok(()) };
        self.has_room = self.has_room || draft::make_room(cx, &key).await?;
        if self.has_room {
            draft::keep(cx, key, &self.fill);
        }
        Ok(())
    }

    pub(super) fn forget(&self, cx: &mut Cx<'_, Self>) {
        if let Some(key) = self.draft(cx) {
            draft::forget(cx, &key);
        }
    }

    /// What was typed is a new record now, if the user wants it so. What they may not enter in a new record begins as in
    /// any other.
    pub(super) fn gone(&mut self) {
        let spec = R::spec();
        let blank = spec.blank();
        self.note = Some(Note::Gone);
        (self.fill.kind, self.gone) = (Kind::Create, true);
        let fields = spec.document.fields.iter().filter(|field| field.computed.is_none());
        for field in fields.filter(|field| spec.denial_of(&self.who, Act::Create, field, &blank).is_some()) {
            self.fill.data.insert(field.name.clone(), blank.get(&field.name).cloned().unwrap_or_default());
        }
        spec.compute(&mut self.fill.data);
        self.fill.base.clone_from(&self.fill.data);
        self.fill.conflict = Conflict::default();
    }

    /// Reads the record that somebody has written while the user edits it.
    pub(super) async fn stale(&mut self, changed: &table::Changed, cx: &mut Cx<'_, Self>) -> Result {
        self.note = Some(Note::Stale(changed.who.clone()));
        if let Some(now) = table::get::<R>(cx.kvs(), &self.id).await?
            && self.follow(now)
        {
            self.keep(cx).await?;
            self.around(cx).await?;
        }
        Ok(())
    }
}
