//! A lost race, told: what somebody else made of the record, field by field, and what is to be kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{access::Who, field::Field, lang::text, read::Kind, spec::Spec, value::Data};

/// Whose value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    Theirs,
    Mine,
}

/// A field that somebody else has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clash {
    pub(crate) field: String,
    /// What it was when the user began.
    pub(crate) was: Value,
    pub(crate) theirs: Value,
    pub(crate) mine: Value,
    /// What the user has chosen, or, where they changed nothing themselves, what is taken unless they choose.
    pub(crate) side: Option<Side>,
    /// The field is not open as the values are, so that there is nothing to choose.
    #[serde(default)]
    pub(crate) closed: bool,
    /// The user may not change the field as the record is now: theirs holds, and mine is only to be read.
    #[serde(default)]
    pub(crate) locked: bool,
}

impl Clash {
    /// The user has changed the field, and cannot save that as the record is.
    fn is_kept_out(&self) -> bool {
        self.locked && self.mine != self.was
    }
}

/// What somebody else made of a record while the user was changing it, field by field, until the user has chosen
/// whose values are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conflict(pub(crate) Vec<Clash>);

impl Conflict {
    /// The differences between what the user began with, what they made of it, and what somebody else did.
    /// What only the other one has changed is taken over. Fields that the user may never change do not clash: of those,
    /// theirs holds. It holds also of fields that they may not change any more as the record is now; what they made of
    /// them is told.
    #[must_use]
    pub fn new(spec: &Spec, who: &Who, was: &Data, mine: &mut Data, theirs: &Data) -> Self {
        Conflict::default().again(spec, who, was, mine, theirs)
    }

    /// The same after another write. What the user had typed and could not save as the record was then can be chosen when
    /// they may change the field again.
    #[must_use]
    pub(crate) fn again(&self, spec: &Spec, who: &Who, was: &Data, mine: &mut Data, theirs: &Data) -> Self {
        let value = |data: &Data, name: &str| data.get(name).cloned().unwrap_or(Value::Null);
        let mut clashes = Vec::new();
        for field in &spec.document.fields {
            if !spec.may_enter(who, Kind::Edit, field) {
                mine.insert(field.name.clone(), value(theirs, &field.name));
                continue;
            }
            let (name, locked) = (&field.name, spec.lock(who, Kind::Edit, field, theirs).is_some());
            let (mut was, mut own, theirs) = (value(was, name), value(mine, name), value(theirs, name));
            let typed = self.0.iter().find(|clash| clash.is_kept_out() && clash.field == *name && own == was);
            if let Some(typed) = typed {
                (was, own) = (typed.was.clone(), typed.mine.clone());
            }
            let is_told = locked || typed.is_some();
            if theirs == own || theirs == was && !is_told {
                continue;
            }
            let side = (own == was || is_told).then_some(Side::Theirs);
            if side.is_some() {
                mine.insert(name.clone(), theirs.clone());
            }
            clashes.push(Clash { field: name.clone(), was, theirs, mine: own, side, locked, closed: false });
        }
        spec.compute(mine);
        Conflict(clashes)
    }

    /// Adds fields that only the user has changed, and that what somebody else did has closed: their values are kept
    /// for when the fields are open again.
    pub(crate) fn add_closed<'f>(
        &mut self,
        spec: &Spec,
        fields: impl Iterator<Item = &'f Field>,
        was: &Data,
        mine: &Data,
        theirs: &Data,
    ) {
        let value = |data: &Data, name: &str| data.get(name).cloned().unwrap_or(Value::Null);
        for name in fields.map(|field| &field.name) {
            let is_there = self.0.iter().any(|clash| clash.field == *name);
            let (was, mine, theirs) = (value(was, name), value(mine, name), value(theirs, name));
            if !is_there && mine != theirs {
                let side = Some(Side::Mine);
                self.0.push(Clash {
                    field: name.clone(),
                    was,
                    theirs,
                    mine,
                    side,
                    locked: false,
                    closed: true,
                });
            }
        }
        let place = |clash: &Clash| spec.document.fields.iter().position(|field| field.name == clash.field);
        self.0.sort_by_key(place);
    }

    /// Notes which fields are open as the values are.
    pub(crate) fn follow(&mut self, spec: &Spec, who: &Who, kind: Kind, (base, data): (&Data, &Data)) {
        for clash in self.0.iter_mut().filter(|clash| !clash.locked) {
            let field = spec.document.field(&clash.field);
            clash.closed = !field.is_some_and(|field| spec.is_open(who, kind, field, base, data));
        }
    }

    /// Keeps what was typed for fields that the user may not change as the record is, to be read.
    #[cfg(feature = "screens")]
    pub(crate) fn keep_out(&mut self, base: &Data, locked: Data) {
        for (field, mine) in locked {
            match self.0.iter_mut().find(|clash| clash.field == field) {
                Some(clash) => clash.mine = mine,
                None => {
                    let was = base.get(&field).cloned().unwrap_or_default();
                    let (theirs, side) = (was.clone(), Some(Side::Theirs));
                    self.0.push(Clash { field, was, theirs, mine, side, locked: true, closed: false });
                }
            }
        }
    }

    /// There are fields that the user has changed and may not change any more.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.iter().any(Clash::is_kept_out)
    }

    /// Whether there is a field for which nothing was chosen yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.iter().any(|clash| clash.side.is_none() && !clash.closed)
    }

    /// Whether nobody changed anything that has to be told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps theirs or the user's own value of a field.
    pub fn decide(&mut self, field: &str, theirs: bool, data: &mut Data) {
        let clash = self.0.iter_mut().find(|clash| clash.field == field);
        let Some(clash) = clash.filter(|clash| !clash.locked) else { return };
        // What was typed since is the user's own, too.
        if clash.side != Some(Side::Theirs) {
            clash.mine = data.get(field).cloned().unwrap_or_default();
        }
        let (side, value) = if theirs { (Side::Theirs, &clash.theirs) } else { (Side::Mine, &clash.mine) };
        clash.side = Some(side);
        data.insert(field.to_owned(), value.clone());
    }

    /// What the user is asked to do, in a sentence; another one when they went on without choosing.
    #[must_use]
    pub fn ask(&self, lang: &str, again: bool) -> &'static str {
        if again && self.is_open() { text(lang).decide } else { text(lang).lost }
    }

    /// The values of the fields in question as they were, as they are, and as the user wants them, for their titles.
    pub(crate) fn sides(&self) -> [Data; 3] {
        let side = |value: fn(&Clash) -> &Value| {
            self.0.iter().map(|clash| (clash.field.clone(), value(clash).clone())).collect()
        };
        [side(|clash| &clash.was), side(|clash| &clash.theirs), side(|clash| &clash.mine)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Field, Functions, Labels, Type};

    #[test]
    fn only_what_both_changed_has_to_be_decided() {
        let field = |name: &str| Field::new(name, Type::Text);
        let document = Document::new("t", "id")
            .field_added(field("id"))
            .field_added(field("a"))
            .field_added(field("b"))
            .field_added(field("c"))
            .field_added(field("d"))
            .labels(&Labels::new("key|en\nt|T\nid|Id\na|A\nb|B\nc|C\nd|D"));
        let spec = Spec::new(document, Functions::new()).unwrap();
        let data = |values: [&str; 4]| -> Data {
            ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(values.map(Value::from)).collect()
        };
        let (was, mut mine, theirs) =
            (data(["1", "1", "1", "1"]), data(["2", "1", "2", "3"]), data(["1", "2", "3", "3"]));
        let conflict = Conflict::new(&spec, &Who::default(), &was, &mut mine, &theirs);
        let told: Vec<_> = conflict.0.iter().map(|clash| (clash.field.as_str(), clash.side)).collect();
        assert_eq!(told, [("b", Some(Side::Theirs)), ("c", None)]);
        assert_eq!((&mine["b"], &mine["c"], conflict.is_open()), (&"2".into(), &"2".into(), true));
    }
}
