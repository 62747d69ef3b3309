//! Where a value stands in a list: the keys by which lists are sorted, and under which indexes hold records.

use kvs::{IndexKey, Txn};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::{
    error::Result,
    field::{Field, Type},
    form::Form,
    number,
    show::{self, Titles},
    spec::Spec,
    value::{Data, is_empty, plain},
};

/// Characters of a text that count for its place.
const CHARS: usize = 64;
/// Digits after the point that a decimal can have.
const DIGITS: u32 = 28;

/// The key of a record in the index of a field, whose name is the field's: the place of its value, and then
/// the place of the record's id. `#[form(index)]` declares such an index; a record that implements
/// [`kvs::Record`] itself declares it as
/// `Index::many("name", |record| form::index::<Self>("name", &record.name, &record.id))`.
pub fn index<R: Form>(field: &str, value: &impl Serialize, id: &impl Serialize) -> Vec<IndexKey> {
    let document = &R::spec().document;
    let json = |value: Result<Value, serde_json::Error>| value.unwrap_or_default();
    let (Some(field), Some(id_field)) = (document.field(field), document.field(&document.id)) else {
        return Vec::new();
    };
    let key = wanted(field, &json(serde_json::to_value(value)));
    let own = field.name == id_field.name;
    vec![if own { key } else { add(key, id_field, &json(serde_json::to_value(id)), None) }]
}

/// Whether the index of a field has the order in which people see its values. Options and looked-up records
/// are shown by other names than they are kept by.
pub(crate) fn sorts(field: &Field) -> bool {
    !matches!(field.kind, Type::Select { .. } | Type::Lookup { .. })
}

/// The beginning of the keys under which records with this value are held.
pub(crate) fn wanted(field: &Field, value: &Value) -> IndexKey {
    match (&field.kind, value) {
        (Type::Check, Value::String(text)) => add(IndexKey::default(), field, &(text == "true").into(), None),
        _ => add(IndexKey::default(), field, value, None),
    }
}

/// Where a record stands in a list sorted by a field; those with the same value stand in the order of their ids.
pub(crate) fn place(spec: &Spec, sort: Option<&Field>, data: &Data, titles: &Titles, lang: &str) -> IndexKey {
    let value = |field: &Field| data.get(&field.name).cloned().unwrap_or_default();
    let id = spec.document.field(&spec.document.id);
    let other = sort.filter(|sort| id.is_none_or(|id| id.name != sort.name));
    [other, id].into_iter().flatten().fold(IndexKey::default(), |key, field| {
        let value = value(field);
        let shown = (!sorts(field)).then(|| show::titled(spec, field, &value, titles, lang));
        add(key, field, &value, shown)
    })
}

/// Adds the place of a value. What is empty comes last.
fn add(key: IndexKey, field: &Field, value: &Value, shown: Option<String>) -> IndexKey {
    match field.kind {
        Type::Number { .. } | Type::Money { .. } => match number::of(value) {
            Some(number) => add_number(key, number),
            None => key.and(2_u8),
        },
        Type::Check => key.and(0_u8).and(!is_empty(value)),
        _ if is_empty(value) => key.and(2_u8),
        Type::Date => key.and(1_u8).and(plain(value)),
        Type::Select { .. } | Type::Lookup { .. } if shown.is_none() => key.and(1_u8).and(plain(value)),
        _ => {
            let text: Vec<u8> = show::sort_key(&shown.unwrap_or_else(|| plain(value)))
                .into_iter()
                .take(CHARS)
                .flat_map(|char| char.to_be_bytes().into_iter().skip(1))
                .collect();
            key.and(1_u8).and(&*text)
        }
    }
}

/// The whole part, rounded down, and what is above it.
fn add_number(key: IndexKey, number: Decimal) -> IndexKey {
    let (mantissa, scale) = (number.mantissa(), number.scale().min(DIGITS));
    let unit = 10_i128.pow(scale);
    let above = mantissa.rem_euclid(unit) * 10_i128.pow(DIGITS - scale);
    key.and(0_u8).and(mantissa.div_euclid(unit)).and(above)
}

/// The ids that an index of a field has; `None` when there is no such index, or it was declared later than the
/// table has records and is not built yet.
pub(crate) async fn ids<R: Form>(
    txn: &mut Txn,
    field: &Field,
    query: kvs::Query,
    back: bool,
    limit: usize,
) -> Result<Option<Vec<String>>> {
    match txn.find_ids::<R>(&field.name, query, back, limit).await {
        Ok(ids) => Ok(Some(ids)),
        Err(kvs::Error::NoIndex { .. } | kvs::Error::NotIndexed { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_the_order_of_their_values() {
        let numbers =
            ["-79228162514264337593543950335", "-1.5", "-1", "-0.25", "0", "0.1", "0.25", "9", "10.0001"];
        let keys = numbers.map(|text| add_number(IndexKey::default(), text.parse().unwrap()));
        assert!(keys.is_sorted_by(|a, b| a < b));
        let (short, long) = ("1.5".parse().unwrap(), "1.500".parse().unwrap());
        assert_eq!(add_number(IndexKey::default(), short), add_number(IndexKey::default(), long));
    }
}
