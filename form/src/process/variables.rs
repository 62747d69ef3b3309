//! Between the values of a form and the variables of a process: money is a text in the one and a number in the
//! other, and everything else is what JSON makes of it.

use crate::{Data, Field, Spec, Type};
use bpe::feel::{Context, Value};
use maud::{Markup, html};

use super::text::text;

/// How deep variables are shown.
const DEPTH: usize = 4;

/// A value of a form as a variable.
fn variable(field: Option<&Field>, value: &serde_json::Value) -> Value {
    let amount = match (field.map(|field| &field.kind), value) {
        (Some(Type::Money { .. }), serde_json::Value::String(amount)) => serde_json::from_str(amount).ok(),
        _ => None,
    };
    amount.or_else(|| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

/// The values of a form as variables.
pub(crate) fn variables(spec: &Spec, data: &Data) -> Context {
    data.iter()
        .map(|(name, value)| (name.as_str().into(), variable(spec.document.field(name), value)))
        .collect()
}

/// The variables that a form has fields for, as its values.
pub(crate) fn data(spec: &Spec, variables: &Context) -> Data {
    let mut data = spec.blank();
    for field in &spec.document.fields {
        let Some(value) = variables.get(field.name.as_str()) else { continue };
        let value = match (&field.kind, value) {
            (Type::Money { .. }, Value::Number(number)) => number.to_string().into(),
            _ => serde_json::to_value(value).unwrap_or_default(),
        };
        data.insert(field.name.clone(), value);
    }
    data
}

/// Variables as people read them.
pub(crate) fn show(variables: &Context, lang: &str) -> Markup {
    list(variables, lang, DEPTH)
}

fn list(variables: &Context, lang: &str, depth: usize) -> Markup {
    html! { dl class="variables" {
        @for (name, value) in variables { dt { (name) } dd { (shown(value, lang, depth)) } }
    } }
}

fn shown(value: &Value, lang: &str, depth: usize) -> Markup {
    let t = text(lang);
    html! {
        @match value {
            Value::Null => { "-" }
            Value::Bool(on) => { (if *on { t.yes } else { t.no }) }
            Value::Text(words) => { (words) }
            Value::Context(entries) if depth > 0 => { (list(entries, lang, depth - 1)) }
            Value::List(items) if depth > 0 => {
                ol { @for item in items.iter() { li { (shown(item, lang, depth - 1)) } } }
            }
            other => { (other.to_string()) }
        }
    }
}
