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

    /// Goes over to the record as it is now where that closes or opens fields to the user, and says whether it did. What
    /// they have typed for closed ones is kept to be read. Other changes are told when they save.
    pub(super) fn follow(&mut self, now: Kept) -> bool {
        let (spec, who) = (R::spec(), &self.who);
        let is_closed = |field, stored| spec.lock(who, Kind::Edit, field, stored).is_some();
        let mut fields = spec.document.fields.iter();
        let is_other = now.version != self.fill.version
            && fields.any(|field| is_closed(field, &self.fill.base) != is_closed(field, &now.data));
        if is_other {
            self.fill.merge(spec, who, now);
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
