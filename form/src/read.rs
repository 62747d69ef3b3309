//! Reading a form: what came from inputs or from JSON becomes the values of a record, or faults.

use nitro::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::Who,
    fault::{Fault, Faults},
    field::{Field, Type},
    number, rule, show,
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

/// What stands in the inputs of a page, and the language of the page, which says what the numbers in them are.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    inputs: &'a Inputs,
    lang: &'a str,
}

impl<'a> Typed<'a> {
    /// The inputs of a page in a language, which is that of the handler's context.
    #[must_use]
    pub fn new(inputs: &'a Inputs, lang: &'a str) -> Self {
        Typed { inputs, lang }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// The values; one with a fault is what the user typed, so that it can be shown again. What was typed for a
    /// number and is none is an object, with which nothing can be computed.
    pub data: Data,
    /// What is wrong with them.
    pub faults: Faults,
}

impl Spec {
    /// Whether somebody may see a field at all.
    #[must_use]
    pub fn may_see(&self, who: &Who, field: &Field) -> bool {
        who.is_any(&field.read)
    }

    /// Whether somebody may enter a field in a form of this kind, conditions aside.
    #[must_use]
    pub fn may_enter(&self, who: &Who, kind: Kind, field: &Field) -> bool {
        let id = field.name == self.document.id;
        let fixed = field.computed.is_some() || (id && (kind == Kind::Edit || self.document.auto));
        self.may_see(who, field) && who.is_any(&field.write) && !fixed
    }

    /// Whether a field can be entered now: by rights, and by the conditions over the values as they are.
    #[must_use]
    pub fn is_open(&self, who: &Who, kind: Kind, field: &Field, data: &Data) -> bool {
        self.may_enter(who, kind, field) && field.visible.holds(data) && !field.readonly.holds(data)
    }

    /// The first field that can be filled in.
    pub(crate) fn first_open(&self, who: &Who, kind: Kind, data: &Data) -> Option<&str> {
        let mut fields = self.document.fields.iter();
        fields.find(|field| self.is_open(who, kind, field, data)).map(|field| field.name.as_str())
    }

    /// The names of the inputs that a form of this kind may have, for
    /// [`Postback::reads`](nitro::Postback::reads). An input that is not on the page just now reads nothing.
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

    /// Reads inputs over the values that were there before; see [`fill`](Self::fill).
    ///
    /// Of a text that is more than 100 characters longer than its field allows nothing is read: what there was
    /// before stays, the fault says so, and the text is still in the user's input.
    #[must_use]
    pub fn read(&self, who: &Who, kind: Kind, inputs: Typed<'_>, base: &Data) -> Filled {
        self.read_over(who, kind, inputs, base, base)
    }

    /// Reads inputs like [`read`](Self::read) for a form that goes on being filled in: `data` is what was read of
    /// it before and becomes what is read now, `shown` the faults that are shown at its fields. Answers all that
    /// is wrong.
    ///
    /// A fault is shown when the user tries to save; until then only those that are shown already are looked at
    /// again, and what is too long is told at once, because it may be kept nowhere but in the user's input.
    pub fn absorb(
        &self,
        who: &Who,
        kind: Kind,
        inputs: Typed<'_>,
        base: &Data,
        data: &mut Data,
        shown: &mut Faults,
    ) -> Faults {
        let filled = self.read_over(who, kind, inputs, base, data);
        *data = filled.data;
        let before = std::mem::take(shown);
        let is_told =
            |name: &str, fault: &Fault| before.contains_key(name) || matches!(fault, Fault::Long { .. });
        let told = filled.faults.iter().filter(|(name, fault)| is_told(name, fault));
        *shown = told.map(|(name, fault)| (name.clone(), fault.clone())).collect();
        filled.faults
    }

    /// Reads inputs over `base`; where a text is too long to be kept, or is a number that nobody has changed,
    /// `before` has what stays.
    fn read_over(&self, who: &Who, kind: Kind, typed: Typed<'_>, base: &Data, before: &Data) -> Filled {
        let Typed { inputs, lang } = typed;
        let mut filled = self.fill_with(who, kind, base, &|field| {
            let (name, value) = (field.name.as_str(), inputs.get(&field.name)?);
            let was = before.get(name);
            if self.is_over(name, value) {
                return Some(Ok(was?.clone()));
            }
            let given = match value {
                n2o::Value::Bool(on) => Value::Bool(*on),
                _ => inputs.text(name).map_or(Value::Null, |text| Value::String(text.into_owned())),
            };
            let number = given.as_str().filter(|_| field.is_number());
            Some(match (number, was) {
                // As it was shown: there may be more to it than that.
                (Some(text), Some(was))
                    if number::of(was).is_some() && show::entered(self, field, was, lang) == text =>
                {
                    Ok(was.clone())
                }
                (Some(text), _) => entered(field, &given, |_| field.typed(text, lang)),
                (None, _) => entered(field, &given, |given| parse(field, given)),
            })
        });
        // A text that is too long to be kept is still in the user's input; here is what there was before.
        for (name, _) in inputs.iter().filter(|(name, value)| self.is_over(name, value)) {
            let open = self.document.field(name).filter(|field| self.is_open(who, kind, field, &filled.data));
            if let Some(field) = open {
                let max = rule::longest(field).unwrap_or_else(|| rule::most(field));
                filled.faults.insert(name.to_owned(), Fault::Long { max });
            }
        }
        filled
    }

    /// Says whether a text is so long that it is not kept, because of its field or of the server's own limit.
    fn is_over(&self, name: &str, value: &n2o::Value<'_>) -> bool {
        match (value, self.document.field(name)) {
            (n2o::Value::TooLong, _) => true,
            (n2o::Value::Text(text), Some(field)) => {
                let most = rule::most(field);
                // A character takes a byte at least, so that most texts need no count.
                text.len() > most && text.chars().count() > most
            }
            _ => false,
        }
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
    fn fill_with(
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
                Some(Ok(value)) => value,
                Some(Err((fault, given))) => {
                    faults.insert(field.name.clone(), fault);
                    given
                }
            };
            data.insert(field.name.clone(), value);
        }
        self.compute(&mut data);
        self.close(who, kind, &mut data, &mut faults, base);
        for field in &self.document.fields {
            if faults.contains_key(&field.name) || !field.visible.holds(&data) || !self.may_see(who, field) {
                continue;
            }
            if let Err(fault) = self.fits(field, kind, &data) {
                faults.insert(field.name.clone(), fault);
            }
        }
        Filled { data, faults }
    }

    /// Takes back what was given for fields that are not open. That may close others, so it is repeated.
    fn close(&self, who: &Who, kind: Kind, data: &mut Data, faults: &mut Faults, base: &Data) {
        for _ in 0..=self.document.fields.len() {
            let mut changed = false;
            for field in &self.document.fields {
                if field.computed.is_some() || self.is_open(who, kind, field, data) {
                    continue;
                }
                // What was wrong with it does not matter either.
                faults.remove(&field.name);
                let before = base.get(&field.name).cloned().unwrap_or_else(|| nothing(field));
                if data.get(&field.name) != Some(&before) {
                    data.insert(field.name.clone(), before);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
            self.compute(data);
        }
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

/// A value as it is read, or what is wrong with it and what the form holds then.
type Entered = Result<Value, (Fault, Value)>;

fn entered(field: &Field, given: &Value, read: impl FnOnce(&Value) -> Result<Value, Fault>) -> Entered {
    read(given).map_err(|fault| (fault, refuse(field, given)))
}
