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
    field::Field,
    filling::Filling,
    number,
    read::{Entered, Filled, Kind, entered},
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
    /// Reads inputs over the values that were there before; see [`fill`](Self::fill). An input that is not on the page
    /// leaves what there was.
    ///
    /// Of a text that is more than 100 characters longer than its field allows nothing is read: what there was
    /// before stays, the fault says so, and the text is still in the user's input.
    #[must_use]
    pub fn read(&self, who: &Who, kind: Kind, inputs: Typed<'_>, base: &Data) -> Filled {
        self.read_over(who, kind, inputs, base, &Before { base, data: base, aside: &Data::new() })
    }

    /// Reads inputs over `base`. What is not on the page, is too long to be kept, or is a number that nobody has
    /// changed, is as it was `before`.
    fn read_over(&self, who: &Who, kind: Kind, typed: Typed<'_>, base: &Data, before: &Before<'_>) -> Filled {
        let Typed { inputs, lang } = typed;
        let mut filled = self.fill_with(who, kind, base, &|field| {
            let name = field.name.as_str();
            let was = before.data.get(name);
            let given = match inputs.get(name) {
                None | Some(n2o::Value::Null) => return before.of(self, who, kind, field),
                Some(value) if self.is_over(name, value) => return Some(Ok(was?.clone())),
                Some(n2o::Value::Bool(on)) => Value::Bool(*on),
                Some(_) => inputs.text(name).map_or(Value::Null, |text| Value::String(text.into_owned())),
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
            let open =
                self.document.field(name).filter(|field| self.is_open(who, kind, field, base, &filled.data));
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

/// What was filled in before.
struct Before<'a> {
    base: &'a Data,
    data: &'a Data,
    aside: &'a Data,
}

impl Before<'_> {
    /// The value of a field that has no input on the page: it may have been hidden, and be shown again.
    fn of(&self, spec: &Spec, who: &Who, kind: Kind, field: &Field) -> Option<Entered> {
        let was_open = || spec.is_open(who, kind, field, self.base, self.data);
        let known = self.aside.get(&field.name);
        known.or_else(|| self.data.get(&field.name).filter(|_| was_open())).map(|value| Ok(value.clone()))
    }
}

impl Filling {
    /// Takes over what is in the inputs of a page, and answers all that is wrong with it. What was typed into a field
    /// that is hidden or read-only now is laid aside until it is open again.
    ///
    /// A fault is shown when the user tries to save; until then only those that are shown already are looked at
    /// again, and what is too long is told at once, because it may be kept nowhere but in the user's input.
    pub fn absorb(&mut self, spec: &Spec, who: &Who, typed: Typed<'_>) -> Faults {
        let before = Before { base: &self.base, data: &self.data, aside: &self.aside };
        let filled = spec.read_over(who, self.kind, typed, &self.base, &before);
        // Sent from a page that did not know yet of what has closed them.
        if self.kind == Kind::Edit {
            self.conflict.keep_out(&self.base, filled.locked.clone());
        }
        let faults = self.take(spec, who, filled);
        let before = std::mem::take(&mut self.faults);
        let is_told =
            |name: &str, fault: &Fault| before.contains_key(name) || matches!(fault, Fault::Long { .. });
        let told = faults.iter().filter(|(name, fault)| is_told(name, fault));
        self.faults = told.map(|(name, fault)| (name.clone(), fault.clone())).collect();
        faults
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
        if !spec.is_open(who, self.kind, known, &self.base, &self.data) {
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
