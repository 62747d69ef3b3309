//! Reading a form: what came from inputs or from JSON becomes the values of a record, or faults.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::Who,
    fault::{Fault, Faults},
    field::{Field, Type},
    rule,
    spec::Spec,
    value::{Data, is_empty, nothing, parse, refuse},
};

/// What a form is shown for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A new record.
    Create,
    /// A record that is there.
    Edit,
    /// A record to look at.
    #[default]
    View,
    /// Values to search records by; no rule counts.
    Search,
    /// A record as a row of a table.
    Row,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// The values; one with a fault is what the user typed, so that it can be shown again. What was typed for a
    /// number and is none is an object, with which nothing can be computed.
    pub data: Data,
    /// What is wrong with them.
    pub faults: Faults,
    /// What was given for fields that are not open, and is not among the values.
    pub(crate) aside: Data,
    /// What was given for fields that the user may not change as the record is stored, and is not among the values.
    pub locked: Data,
}

impl Spec {
    /// Whether somebody may see a field at all.
    #[must_use]
    pub fn may_see(&self, who: &Who, field: &Field) -> bool {
        who.is_any(&field.read)
    }

    /// Whether somebody may enter a field in a form of this kind, whatever the record is.
    #[must_use]
    pub fn may_enter(&self, who: &Who, kind: Kind, field: &Field) -> bool {
        let id = field.name == self.document.id;
        let fixed = field.computed.is_some() || (id && (kind == Kind::Edit || self.document.auto));
        self.may_see(who, field) && field.write.ever(who) && !fixed
    }

    /// Whether a field can be entered now: by rights over the record as it is stored, and by the conditions over the
    /// values as they are. What is stored of a new record are its first values.
    #[must_use]
    pub fn is_open(&self, who: &Who, kind: Kind, field: &Field, stored: &Data, data: &Data) -> bool {
        self.may_enter(who, kind, field)
            && self.lock(who, kind, field, stored).is_none()
            && field.visible.holds(data)
            && !field.readonly.holds(data)
    }

    /// The first field that can be filled in.
    #[cfg(feature = "screens")]
    pub(crate) fn first_open(&self, who: &Who, kind: Kind, stored: &Data, data: &Data) -> Option<&str> {
        let mut fields = self.document.fields.iter();
        fields.find(|field| self.is_open(who, kind, field, stored, data)).map(|field| field.name.as_str())
    }

    /// The names of the inputs that a form of this kind may have, for
    /// `Postback::reads` of `nitro`. An input that is not on the page just now reads nothing.
    #[must_use]
    pub fn names(&self, who: &Who, kind: Kind) -> Vec<String> {
        let fields = self.document.fields.iter();
        let named = fields.filter(|field| match kind {
            Kind::Create | Kind::Edit => self.may_enter(who, kind, field),
            Kind::Search => field.is_filter() && self.may_see(who, field),
            Kind::View | Kind::Row => false,
        });
        named.map(|field| field.name.clone()).collect()
    }

    /// Puts what a program gave over the values that were there before, computes what is computed, and runs all
    /// rules. What the user may not enter, or what is hidden or read-only by its condition, stays as it
    /// was, whatever was given. A number is one of JSON or a text such as `-1230.50`.
    #[must_use]
    pub fn fill(&self, who: &Who, kind: Kind, given: &Data, base: &Data) -> Filled {
        self.fill_with(who, kind, base, &|field| {
            Some(entered(field, given.get(&field.name)?, |given| parse(field, given)))
        })
    }

    /// Puts over the values that were there before what `read` has for a field: a value, or what is wrong and what was
    /// given instead.
    pub(crate) fn fill_with(
        &self,
        who: &Who,
        kind: Kind,
        base: &Data,
        read: &dyn Fn(&Field) -> Option<Entered>,
    ) -> Filled {
        let (mut data, mut faults) = (base.clone(), Faults::new());
        for field in self.document.fields.iter().filter(|field| self.may_enter(who, kind, field)) {
            let value = match read(field) {
                None => continue,
                Some(Ok(value)) => {
                    unchanged(field, base).filter(|(_, now)| *now == value).map_or(value, |(was, _)| was)
                }
                Some(Err((fault, given))) => {
                    faults.insert(field.name.clone(), fault);
                    given
                }
            };
            data.insert(field.name.clone(), value);
        }
        self.compute(&mut data);
        let locked = self.locked(who, kind, base, &data);
        let mut aside = self.close(who, kind, &mut data, &mut faults, base);
        aside.retain(|name, _| !locked.contains_key(name));
        for field in &self.document.fields {
            if faults.contains_key(&field.name) || !field.visible.holds(&data) || !self.may_see(who, field) {
                continue;
            }
            if let Err(fault) = self.fits(field, kind, &data) {
                faults.insert(field.name.clone(), fault);
            }
        }
        Filled { data, faults, aside, locked }
    }

    /// Takes what was given for fields that are not open aside, and answers it. That may close others, or open them
    /// again, so it is repeated.
    fn close(&self, who: &Who, kind: Kind, data: &mut Data, faults: &mut Faults, base: &Data) -> Data {
        let (mut aside, mut found) = (Data::new(), Faults::new());
        for _ in 0..=self.document.fields.len() {
            let mut changed = false;
            for field in self.document.fields.iter().filter(|field| field.computed.is_none()) {
                let name = &field.name;
                if self.is_open(who, kind, field, base, data) {
                    let Some(given) = aside.remove(name) else { continue };
                    data.insert(name.clone(), given);
                    faults.extend(found.remove_entry(name));
                    changed = true;
                    continue;
                }
                // What was wrong with it does not matter either.
                found.extend(faults.remove_entry(name));
                let before = base.get(name).cloned().unwrap_or_else(|| nothing(field));
                if data.get(name) != Some(&before) {
                    aside.extend(data.insert(name.clone(), before).map(|given| (name.clone(), given)));
                    changed = true;
                }
            }
            if !changed {
                break;
            }
            self.compute(data);
        }
        aside
    }

    fn fits(&self, field: &Field, kind: Kind, data: &Data) -> Result<(), Fault> {
        if kind == Kind::Search {
            return Ok(());
        }
        let value = data.get(&field.name).unwrap_or(&Value::Null);
        if is_empty(value) {
            let given_later = self.document.auto && field.name == self.document.id;
            let id = field.name == self.document.id && !self.document.auto;
            let needed = (id || field.required.holds(data)) && field.computed.is_none() && !given_later;
            return if needed { Err(Fault::Required) } else { self.own(field, data) };
        }
        if !matches!(field.kind, Type::Check) {
            rule::run(field, value, &self.patterns)?;
        }
        self.own(field, data)
    }

    fn own(&self, field: &Field, data: &Data) -> Result<(), Fault> {
        if self.holds(&field.name, data) { Ok(()) } else { Err(Fault::Check) }
    }

    /// The values that somebody may see.
    #[must_use]
    pub fn seen(&self, who: &Who, data: &Data) -> Data {
        let fields = self.document.fields.iter().filter(|field| self.may_see(who, field));
        fields
            .filter_map(|field| data.get_key_value(&field.name))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}

/// A text as it stands in the record, and as it would be read now: where only that differs, nobody has changed it.
fn unchanged(field: &Field, base: &Data) -> Option<(Value, Value)> {
    let was = base.get(&field.name).filter(|was| was.is_string() && field.is_text())?;
    Some((was.clone(), parse(field, was).ok()?))
}

/// A value as it is read, or what is wrong with it and what the form holds then.
pub(crate) type Entered = Result<Value, (Fault, Value)>;

pub(crate) fn entered(
    field: &Field,
    given: &Value,
    read: impl FnOnce(&Value) -> Result<Value, Fault>,
) -> Entered {
    read(given).map_err(|fault| (fault, refuse(field, given)))
}
