//! What a card does when the user saves, decides or deletes.

use nitro::{Inputs, prelude::*};

use super::{
    card::{Card, Outcome},
    note::Note,
};
use crate::{
    access::Act,
    filling::Ended,
    form::Form,
    records::Records,
    table::{self, By, Changed, Saved},
    typed::Typed,
};

impl<R: Form> Card<R> {
    pub(super) async fn save(&mut self, anew: bool, form: &Inputs, cx: &mut Cx<'_, Self>) -> Result {
        let (who, now, lang) = (self.who.clone(), cx.now(), cx.lang().to_owned());
        self.fill.check(R::spec(), &who, Typed::new(form, &lang), cx.kvs()).await?;
        if !self.may(self.act()) {
            self.note = Some(Note::Denied);
        } else if self.gone && !anew {
            // They pressed it before they could know.
            self.note = Some(Note::Gone);
        } else if !self.fill.faults.is_empty() {
            self.mend(cx);
        } else if self.fill.conflict.is_open() {
            self.note = Some(Note::Decide);
        } else {
            match self.fill.save(Records::of::<R>(), cx.kvs(), By { who: &who, now }).await? {
                Ended::Saved { id, act } => return self.saved(id, act, cx).await,
                Ended::Denied(denial) => self.note = Some(Note::Locked(denial)),
                Ended::Gone => self.gone(),
                Ended::Lost => self.tell_lost(),
                Ended::Faulty => self.mend(cx),
            }
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
        if let Some(first) = self.fill.first_fault(R::spec()) {
            cx.focus(first);
        }
    }

    async fn saved(&mut self, id: String, act: Option<Act>, cx: &mut Cx<'_, Self>) -> Result {
        self.forget(cx);
        self.gone = false;
        if let Some(act) = act {
            self.id = id;
            self.tell(act, cx);
        }
        if !cx.is_page() {
            self.looks |= act == Some(Act::Create);
            self.show_again(cx).await?;
        }
        self.leave(cx, self.here(cx, ""), Outcome::Saved(self.id.clone()))
    }

    /// Tells the other pages.
    fn tell(&mut self, act: Act, cx: &mut Cx<'_, Self>) {
        let changed = Changed { id: self.id.clone(), who: self.who.name().to_owned(), act };
        cx.send(&table::record_topic(R::TABLE, &self.id), changed.clone());
        cx.send(&table::topic(R::TABLE), changed);
    }

    pub(super) async fn delete(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if !self.may(Act::Delete) {
            return Err(Error::Denied);
        }
        let (who, now) = (self.who.clone(), cx.now());
        let by = By { who: &who, now };
        match table::delete::<R>(cx.kvs(), by, &self.id, self.fill.version).await? {
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
            Saved::Denied(denial) => {
                self.note = Some(Note::Locked(denial));
                self.tell_user(cx);
                Ok(())
            }
            _ => self.leave_gone(cx),
        }
    }
}
