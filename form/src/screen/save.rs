//! What a card does when the user saves, decides or deletes.

use nitro::{Inputs, prelude::*};
use serde_json::Value;

use super::{
    card::{Card, Outcome},
    conflict::Conflict,
    note::Note,
};
use crate::{
    access::Act,
    fault::{Fault, Faults},
    field::Type,
    form::Form,
    read::{Kind, Typed},
    table::{self, By, Changed, Saved},
};

/// Records looked at when a lookup was typed by its title.
const OFFERS: usize = 20;

impl<R: Form> Card<R> {
    /// Takes over what is in the inputs, and answers what is wrong with it.
    pub(super) fn absorb(&mut self, form: &Inputs, lang: &str) -> Faults {
        let form = Typed::new(form, lang);
        R::spec().absorb(&self.who, self.kind, form, &self.base, &mut self.data, &mut self.faults)
    }

    /// Turns what was typed for a lookup into the id of a record, by id or by the whole title.
    async fn resolve(&mut self, cx: &mut Cx<'_, Self>) -> Result<Faults> {
        let (spec, mut faults) = (R::spec(), Faults::new());
        for field in &spec.document.fields {
            let (Type::Lookup { .. }, Some(lookup)) = (&field.kind, spec.lookup(&field.name)) else {
                continue;
            };
            let typed = self.data.get(&field.name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let open = spec.is_open(&self.who, self.kind, field, &self.data);
            if !open
                || typed.is_empty()
                || self.base.get(&field.name).is_some_and(|was| *was == typed.as_str())
            {
                continue;
            }
            if lookup.title(cx.kvs(), &self.who, &typed).await?.is_some() {
                continue;
            }
            let wanted = typed.to_lowercase();
            let found = lookup.find(cx.kvs(), &self.who, &typed, OFFERS).await?;
            let mut same = found.into_iter().filter(|(_, title)| title.to_lowercase() == wanted);
            match (same.next(), same.next()) {
                (Some((id, _)), None) => {
                    self.data.insert(field.name.clone(), Value::from(id));
                }
                _ => {
                    faults.insert(field.name.clone(), Fault::Lookup);
                }
            }
        }
        Ok(faults)
    }

    pub(super) async fn save(&mut self, anew: bool, form: &Inputs, cx: &mut Cx<'_, Self>) -> Result {
        self.faults = self.absorb(form, cx.lang());
        for (field, fault) in self.resolve(cx).await? {
            self.faults.entry(field).or_insert(fault);
        }
        if !self.may(self.act()) {
            self.note = Some(Note::Denied);
        } else if self.gone && !anew {
            // They pressed it before they could know.
            self.note = Some(Note::Gone);
        } else if !self.faults.is_empty() {
            self.mend(cx);
        } else if self.clashes.is_open() {
            self.note = Some(Note::Decide);
        } else {
            let (who, now) = (self.who.clone(), cx.now());
            let by = By { who: &who, now };
            let saved = match self.kind {
                Kind::Create => table::create::<R>(cx.kvs(), by, &self.data).await?,
                _ => table::update::<R>(cx.kvs(), by, &self.id, self.version, &self.data).await?,
            };
            return self.saved(saved, cx).await;
        }
        self.keep(cx).await?;
        self.tell_user(cx);
        Ok(())
    }

    /// Shows the note, and leads to it: what has to be decided may be out of sight.
    fn tell_user(&self, cx: &mut Cx<'_, Self>) {
        cx.refresh();
        if self.note != Some(Note::Mend) {
            cx.focus("f.note");
        }
    }

    /// Shows the faults, and goes to the first.
    fn mend(&mut self, cx: &mut Cx<'_, Self>) {
        self.note = Some(Note::Mend);
        let mut fields = R::spec().document.fields.iter();
        if let Some(first) = fields.find(|field| self.faults.contains_key(&field.name)) {
            cx.focus(&first.name);
        }
    }

    async fn saved(&mut self, saved: Saved, cx: &mut Cx<'_, Self>) -> Result {
        match saved {
            Saved::Done { .. } | Saved::Same { .. } => {
                let act = self.act();
                self.forget(cx);
                self.gone = false;
                if let Saved::Done { id } = saved {
                    self.id = id;
                    self.tell(act, cx);
                }
                if !cx.is_page() {
                    self.looks |= act == Act::Create;
                    self.show_again(cx).await?;
                }
                return self.leave(cx, self.here(cx, ""), Outcome::Saved(self.id.clone()));
            }
            Saved::Gone => {
                self.gone();
                self.keep(cx).await?;
            }
            Saved::Lost(kept) => {
                self.note = Some(Note::Lost);
                self.clashes = Conflict::new(R::spec(), &self.who, &self.base, &mut self.data, &kept.data);
                self.version = kept.version;
                self.base = kept.data;
                self.keep(cx).await?;
            }
            Saved::Taken => {
                self.faults.insert(R::spec().document.id.clone(), Fault::Taken);
                self.mend(cx);
            }
            Saved::Moved => {
                self.faults.insert(R::spec().document.id.clone(), Fault::Fixed);
                self.mend(cx);
            }
        }
        self.tell_user(cx);
        Ok(())
    }

    /// Tells the other pages.
    fn tell(&mut self, act: Act, cx: &mut Cx<'_, Self>) {
        let changed = Changed { id: self.id.clone(), who: self.who.name().to_owned(), act };
        cx.send(&table::record_topic(R::TABLE, &self.id), changed.clone());
        cx.send(&table::topic(R::TABLE), changed);
    }

    pub(super) fn decide(&mut self, field: &str, theirs: bool) {
        self.clashes.decide(R::spec(), field, theirs, &mut self.data);
        self.faults.remove(field);
        if self.note == Some(Note::Decide) {
            self.note = Some(Note::Lost);
        }
    }

    pub(super) async fn delete(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if !self.may(Act::Delete) {
            return Err(Error::Denied);
        }
        let (who, now) = (self.who.clone(), cx.now());
        let by = By { who: &who, now };
        match table::delete::<R>(cx.kvs(), by, &self.id, self.version).await? {
            Saved::Done { .. } => {
                self.tell(Act::Delete, cx);
                self.leave_gone(cx)
            }
            Saved::Lost(_) => {
                self.read(cx).await?;
                self.around(cx).await?;
                self.note = Some(Note::Changed);
                self.tell_user(cx);
                Ok(())
            }
            _ => self.leave_gone(cx),
        }
    }
}
