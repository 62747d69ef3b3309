//! What the user of a card may do with its record as it is stored.

use super::{card::Card, note::Note};
use crate::{access::Act, form::Form, read::Kind, right::Denial, table::Kept};

impl<R: Form> Card<R> {
    /// Somebody like the user may do this with records in some state.
    pub(super) fn may(&self, act: Act) -> bool {
        R::spec().document.rights.allow(&self.who, act)
    }

    /// Why the user may not do this with the record as they see it.
    pub(super) fn denial(&self, act: Act) -> Option<Denial> {
        R::spec().denial(&self.who, act, &self.fill.base)
    }

    pub(super) fn first_open(&self) -> Option<&'static str> {
        R::spec().first_open(&self.who, self.fill.kind, &self.fill.base, &self.fill.data)
    }

    /// Goes over to the record as it is now where the user's rights are others then, and says whether it did.
    pub(super) fn follow(&mut self, now: Kept) -> bool {
        let is_other = self.fill.follow(R::spec(), &self.who, now);
        if is_other {
            self.tell_lost();
        }
        is_other
    }

    /// Says what becomes of what was typed, after somebody else has written the record.
    pub(super) fn tell_lost(&mut self) {
        let denial = self.denial(Act::Update).filter(|_| self.fill.kind == Kind::Edit);
        self.note = match denial {
            Some(denial) => Some(Note::Locked(denial)),
            None if self.fill.conflict.is_locked() => Some(Note::Kept),
            None => Some(Note::Lost),
        };
    }
}
