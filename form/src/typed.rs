//! What people type into a page, read as the values of a form.

use kvs::Txn;
use nitro::Inputs;
use serde_json::Value;

use crate::{
    access::Who,
    characters::nfc,
    collation::Collation,
    error::Result,
    fault::{Fault, Faults},
    filling::Filling,
    number,
    read::{Filled, Kind, entered},
    rule, show,
    spec::Spec,
    value::{Data, parse},
};

/// Records offered for a lookup at once, and looked at where one was typed by its title.
const OFFERS: usize = 20;

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

impl Spec {
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
                text.len() > most && nfc(text).chars().count() > most
            }
            _ => false,
        }
    }
}

impl Filling {
    /// Takes over what is in the inputs of a page, and answers all that is wrong with it. Only what was shown already
    /// is shown; see [`Spec::absorb`].
    pub fn absorb(&mut self, spec: &Spec, who: &Who, typed: Typed<'_>) -> Faults {
        spec.absorb(who, self.kind, typed, &self.base, &mut self.data, &mut self.faults)
    }

    /// Takes over what is in the inputs of a page, and shows all that is wrong with it: afterwards it can be saved if
    /// there are no [`faults`](Self::faults). A record that was typed by its whole title is found.
    pub async fn check(&mut self, spec: &Spec, who: &Who, typed: Typed<'_>, txn: &mut Txn) -> Result {
        self.faults = self.absorb(spec, who, typed);
        let (lang, collation) = (typed.lang, Collation::of(typed.lang));
        for (field, lookup, typed) in self.looked_up(spec, who) {
            if lookup.title(txn, who, &typed).await?.is_some() {
                continue;
            }
            let wanted = collation.fold(&typed);
            let found = lookup.find(txn, who, &typed, OFFERS, lang).await?;
            let mut named = found.into_iter().filter(|(_, title)| collation.fold(title) == wanted);
            match (named.next(), named.next()) {
                (Some((id, _)), None) => drop(self.data.insert(field.name.clone(), Value::from(id))),
                _ => drop(self.faults.insert(field.name.clone(), Fault::Lookup)),
            }
        }
        Ok(())
    }

    /// Offers records for what is typed in a lookup, which is taken over.
    pub async fn offer(
        &mut self,
        spec: &Spec,
        who: &Who,
        field: &str,
        typed: Typed<'_>,
        txn: &mut Txn,
    ) -> Result {
        let (Some(lookup), Some(known)) = (spec.lookup(field), spec.document.field(field)) else {
            return Ok(());
        };
        let text = typed.inputs.text(field).unwrap_or_default().into_owned();
        if !spec.is_open(who, self.kind, known, &self.data) {
            return Ok(());
        }
        if typed.inputs.get(field).is_some_and(|value| spec.is_over(field, value)) {
            let max = rule::longest(known).unwrap_or_default();
            self.faults.insert(field.to_owned(), Fault::Long { max });
            return Ok(());
        }
        let found = lookup.find(txn, who, &text, OFFERS, typed.lang).await?;
        self.choices.insert(field.to_owned(), found);
        if let Some(Fault::Long { .. }) = self.faults.get(field) {
            self.faults.remove(field);
        }
        // Only this field was sent; the others stay as they are.
        self.data.insert(field.to_owned(), Value::from(text));
        Ok(())
    }
}
