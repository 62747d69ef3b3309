//! How values are shown to a reader of a language.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    field::{Field, Type},
    lang::text,
    number,
    spec::Spec,
    value::{is_empty, plain},
};

/// The titles of looked-up records, by table and id.
pub type Titles = BTreeMap<(String, String), String>;

/// A value as text; of a lookup it is the id.
#[must_use]
pub fn value(spec: &Spec, field: &Field, value: &Value, lang: &str) -> String {
    match (&field.kind, value) {
        (Type::Check, value) => {
            let t = text(lang);
            if is_empty(value) { t.no } else { t.yes }.to_owned()
        }
        (_, Value::Null) => String::new(),
        (Type::Select { .. }, Value::String(option)) if option.is_empty() => String::new(),
        (Type::Select { .. }, Value::String(option)) => spec.document.option(&field.name, option, lang),
        // A number that names a record is read digit by digit, as on paper.
        (Type::Number { .. }, value) if field.name == spec.document.id => plain(value),
        (Type::Money { .. } | Type::Number { .. }, value) => {
            number::shown(field, value, lang).unwrap_or_else(|| plain(value))
        }
        (Type::Date, Value::String(date)) => match date.split('-').collect::<Vec<_>>().as_slice() {
            [year, month, day] if lang == "uk" => format!("{day}.{month}.{year}"),
            _ => date.clone(),
        },
        (_, value) => plain(value),
    }
}

/// A value as an input holds it for somebody who may change it.
#[cfg(feature = "screens")]
pub(crate) fn entered(spec: &Spec, field: &Field, value: &Value, lang: &str) -> String {
    let number = if field.is_number() && field.name != spec.document.id {
        number::entered(field, value, lang)
    } else {
        None
    };
    number.unwrap_or_else(|| plain(value))
}

/// As [`value`], with the title of a looked-up record.
#[must_use]
pub fn titled(spec: &Spec, field: &Field, found: &Value, titles: &Titles, lang: &str) -> String {
    let shown = value(spec, field, found, lang);
    let Type::Lookup { table } = &field.kind else { return shown };
    titles.get(&(table.clone(), shown.clone())).cloned().unwrap_or(shown)
}
