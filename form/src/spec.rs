//! A document with its functions, checked and made ready: what everything else in this crate works with.

use std::{fmt, sync::Arc};

use regex_lite::Regex;
use serde_json::Value;

use crate::{
    document::Document,
    error::{Error, Result},
    field::Type,
    lookup::Lookup,
    rule::{self, Rule},
    value::{self, Data, is_empty, nothing},
};

type Compute = Arc<dyn Fn(&Data) -> Value + Send + Sync>;
type Check = Arc<dyn Fn(&Data) -> bool + Send + Sync>;

/// The functions of a document, by field. `#[derive(Form)]` makes them; a program that builds documents
/// registers them by hand.
#[derive(Clone, Default)]
pub struct Functions {
    computes: Vec<(String, Compute)>,
    checks: Vec<(String, Check)>,
    lookups: Vec<(String, Lookup)>,
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let computes = self.computes.iter().map(|(name, _)| name);
        f.debug_list().entries(computes.chain(self.checks.iter().map(|(name, _)| name))).finish()
    }
}

impl Functions {
    /// No functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers what computes a field.
    #[must_use]
    pub fn compute(mut self, field: &str, f: impl Fn(&Data) -> Value + Send + Sync + 'static) -> Self {
        self.computes.push((field.to_owned(), Arc::new(f)));
        self
    }

    /// Registers what checks a field.
    #[must_use]
    pub fn check(mut self, field: &str, f: impl Fn(&Data) -> bool + Send + Sync + 'static) -> Self {
        self.checks.push((field.to_owned(), Arc::new(f)));
        self
    }

    /// Registers where the records of a lookup are found.
    #[must_use]
    pub fn lookup(mut self, field: &str, lookup: Lookup) -> Self {
        self.lookups.push((field.to_owned(), lookup));
        self
    }
}

fn find<'a, T>(list: &'a [(String, T)], field: &str) -> Option<&'a T> {
    list.iter().find(|(name, _)| name == field).map(|(_, f)| f)
}

/// A document that is ready for use.
pub struct Spec {
    /// The document.
    pub document: Document,
    functions: Functions,
    /// The computed fields, each behind those that it needs.
    order: Vec<String>,
    pub(crate) patterns: Vec<(String, Regex)>,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("document", &self.document.name).finish_non_exhaustive()
    }
}

impl Spec {
    /// Checks a document and takes its functions.
    ///
    /// ```
    /// use form::{Document, Field, Functions, Spec, Type};
    ///
    /// let text = || Type::Text;
    /// let document = Document::new("ring", "a")
    ///     .field_added(Field::new("a", text()).computed(&["b"]))
    ///     .field_added(Field::new("b", text()).computed(&["a"]))
    ///     .labels(&form::Labels::new("key|en\nring|Ring\na|A\nb|B"));
    /// let functions = Functions::new().compute("a", |_| "".into()).compute("b", |_| "".into());
    /// let error = Spec::new(document, functions).unwrap_err();
    /// assert_eq!(error.to_string(), "the computed fields of `ring` go in a circle: a -> b -> a");
    /// ```
    pub fn new(document: Document, functions: Functions) -> Result<Self> {
        document.check()?;
        let (mut patterns, name) = (Vec::new(), document.name.clone());
        for field in &document.fields {
            let missing = |what| Error::Function { document: name.clone(), field: field.name.clone(), what };
            if field.computed.is_some() && find(&functions.computes, &field.name).is_none() {
                return Err(missing("to compute it"));
            }
            if matches!(field.kind, Type::Lookup { .. }) && find(&functions.lookups, &field.name).is_none() {
                return Err(missing("to look records up"));
            }
            for rule in &field.rules {
                match rule {
                    Rule::Check { .. } if find(&functions.checks, &field.name).is_none() => {
                        return Err(missing("to check it"));
                    }
                    // The check of the document has compiled it once already.
                    Rule::Pattern(text) => {
                        patterns.extend(rule::pattern(text).ok().map(|regex| (field.name.clone(), regex)));
                    }
                    _ => {}
                }
            }
        }
        let order = order(&document)?;
        Ok(Spec { document, functions, order, patterns })
    }

    /// As [`new`](Self::new), for what the derive has checked while compiling.
    ///
    /// # Panics
    ///
    /// When the declaration is wrong in a way that only running it shows, with a message that names the
    /// place: the first test that touches the form fails.
    #[doc(hidden)]
    #[must_use]
    pub fn declared(document: Document, functions: Functions) -> Self {
        match Self::new(document, functions) {
            Ok(spec) => spec,
            Err(error) => panic!("#[derive(Form)]: {error}"),
        }
    }

    /// The values of a new record.
    #[must_use]
    pub fn blank(&self) -> Data {
        let fields = self.document.fields.iter();
        // As it is kept after reading, so that a form that shows it changes nothing when it is read.
        let kept = |field: &crate::Field, default: &Value| {
            value::parse(field, default).unwrap_or_else(|_| default.clone())
        };
        let value = |field: &crate::Field| {
            field.default.as_ref().map_or_else(|| nothing(field), |default| kept(field, default))
        };
        let mut data: Data = fields.map(|field| (field.name.clone(), value(field))).collect();
        self.compute(&mut data);
        data
    }

    /// Computes the computed fields. One that is computed from a value which breaks a rule of its own field is empty:
    /// no function sees a number that is out of range.
    pub fn compute(&self, data: &mut Data) {
        let mut odd = Vec::new();
        for name in &self.order {
            let Some((f, field)) = find(&self.functions.computes, name).zip(self.document.field(name)) else {
                continue;
            };
            let mut from = field.computed.iter().flatten();
            let value = if from.any(|from| odd.contains(&from) || !self.is_sound(from, data)) {
                odd.push(name);
                nothing(field)
            } else {
                f(data)
            };
            data.insert(name.clone(), value);
        }
    }

    /// The value of a field breaks none of the field's own rules.
    fn is_sound(&self, name: &str, data: &Data) -> bool {
        let Some((field, value)) = self.document.field(name).zip(data.get(name)) else { return true };
        field.computed.is_some()
            || is_empty(value)
            || matches!(field.kind, Type::Check)
            || rule::run(field, value, &self.patterns).is_ok()
    }

    /// Whether the field's own function says yes; also when it has none.
    pub(crate) fn holds(&self, field: &str, data: &Data) -> bool {
        find(&self.functions.checks, field).is_none_or(|f| f(data))
    }

    /// Where the records of a lookup are found.
    #[must_use]
    pub fn lookup(&self, field: &str) -> Option<Lookup> {
        find(&self.functions.lookups, field).copied()
    }
}

/// The computed fields in an order in which each can be computed.
fn order(document: &Document) -> Result<Vec<String>> {
    fn visit(document: &Document, name: &str, path: &mut Vec<String>, done: &mut Vec<String>) -> Result {
        let Some(from) = document.field(name).and_then(|field| field.computed.as_ref()) else {
            return Ok(());
        };
        if done.iter().any(|known| known == name) {
            return Ok(());
        }
        let again = path.iter().position(|known| known == name);
        path.push(name.to_owned());
        if let Some(at) = again {
            return Err(Error::Circle { document: document.name.clone(), fields: path.split_off(at) });
        }
        for other in from {
            visit(document, other, path, done)?;
        }
        done.extend(path.pop());
        Ok(())
    }
    let mut done = Vec::new();
    for field in &document.fields {
        visit(document, &field.name, &mut Vec::new(), &mut done)?;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Field, Labels};

    #[test]
    fn nothing_is_computed_from_a_value_that_breaks_a_rule_of_its_field() {
        let range = Rule::Range { min: Some(1.into()), max: Some(100.into()) };
        let document = Document::new("t", "id")
            .field_added(Field::of::<String>("id"))
            .field_added(Field::of::<u64>("price").rule(range))
            .field_added(Field::of::<u64>("total").computed(&["price"]))
            .field_added(Field::of::<u64>("tax").computed(&["total"]))
            .field_added(Field::of::<u64>("free").computed(&["id"]))
            .labels(&Labels::new("key|en\nt|T\nid|Id\nprice|Price\ntotal|Total\ntax|Tax\nfree|Free"));
        let price = |data: &Data| u8::try_from(data["price"].as_u64().unwrap_or_default()).expect("in range");
        let functions = Functions::new()
            .compute("total", move |data| json!(price(data) + 1))
            .compute("tax", |data| json!(data["total"].as_u64().expect("a total") / 5))
            .compute("free", |_| json!(7));
        let spec = Spec::new(document, functions).expect("a form");
        for (price, total, tax) in [
            (json!(99), json!(100), json!(20)),
            (json!(1_000_000), Value::Null, Value::Null),
            (json!({ "typed": "many" }), Value::Null, Value::Null),
        ] {
            let mut data = Data::from_iter([("id".to_owned(), json!("1")), ("price".to_owned(), price)]);
            spec.compute(&mut data);
            assert_eq!((&data["total"], &data["tax"], &data["free"]), (&total, &tax, &json!(7)));
        }
    }
}
