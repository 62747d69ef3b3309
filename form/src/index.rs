//! Where a value stands in a list: the keys by which lists are sorted, and under which indexes hold records.

use kvs::{IndexKey, Txn};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::{
    collation::Collation,
    document::Document,
    error::Result,
    field::{Field, Type},
    form::Form,
    number,
    show::{self, Titles},
    spec::Spec,
    value::{Data, is_empty, plain},
};

/// The version of the keys. Whoever changes them, or takes a library with other data for collation, raises it, so that
/// what is stored is indexed anew.
const VERSION: u32 = 2;
/// Characters of a text that count for its place.
const CHARS: usize = 64;
/// The first byte of the key of nothing; those of values are less.
const NOTHING: u8 = 2;
/// Digits after the point that a decimal can have.
const DIGITS: u32 = 28;

/// The keys of a record in the index of a field, whose name is the field's: the place of its value, and then
/// the place of the record's id, once for each language that the form has labels in where one of them is a text.
/// `#[form(index)]` declares such an index; a record that implements [`kvs::Record`] itself declares it as
/// `Index::many("name", |record: &Self| form::index::<Self>("name", &record.name, &record.id)).version(form::index_version::<Self>)`.
pub fn index<R: Form>(field: &str, value: &impl Serialize, id: &impl Serialize) -> Vec<IndexKey> {
    let document = &R::spec().document;
    let json = |value: Result<Value, serde_json::Error>| value.unwrap_or_default();
    let (Some(field), Some(id_field)) = (document.field(field), document.field(&document.id)) else {
        return Vec::new();
    };
    let (value, id) = (json(serde_json::to_value(value)), json(serde_json::to_value(id)));
    let own = field.name == id_field.name;
    let key = |lang: &str| {
        let key = wanted(document, field, &value, lang);
        if own { key } else { add(key, id_field, &id, None, lang) }
    };
    if is_ordered(document, field) { langs(document).map(key).collect() } else { vec![key("")] }
}

/// The version of the keys of [`index`], which also depends on the languages of the form.
#[must_use]
pub fn index_version<R: Form>() -> u32 {
    // FNV-1a, as it has to be the same for ever.
    let add = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let langs = langs(&R::spec().document).flat_map(|lang| lang.bytes().chain([0]));
    langs.fold(add(0x811c_9dc5, VERSION.to_le_bytes()[0]), add)
}

/// The languages of a form, in the order of their codes.
fn langs(document: &Document) -> impl Iterator<Item = &str> {
    document.texts.get("").into_iter().flat_map(|texts| texts.keys().map(String::as_str))
}

/// Whether a field is in the order of its numbers or codes, which is that of all languages.
fn is_plain(field: &Field) -> bool {
    !matches!(field.kind, Type::Text | Type::Lines | Type::Email | Type::Phone)
}

/// Whether the places in the index of a field depend on a language.
fn is_ordered(document: &Document, field: &Field) -> bool {
    !is_plain(field) || document.field(&document.id).is_some_and(|id| !is_plain(id))
}

/// Whether the index of a field has the order in which people see its values. Options and looked-up records
/// are shown by other names than they are kept by.
pub(crate) fn sorts(field: &Field) -> bool {
    !matches!(field.kind, Type::Select { .. } | Type::Lookup { .. })
}

/// The beginning of the keys of an index, for a language.
fn begin(document: &Document, field: &Field, lang: &str) -> IndexKey {
    IndexKey::of(if is_ordered(document, field) { lang } else { "" })
}

/// The beginning of the keys under which records with this value are held.
pub(crate) fn wanted(document: &Document, field: &Field, value: &Value, lang: &str) -> IndexKey {
    let key = begin(document, field, lang);
    match (&field.kind, value) {
        (Type::Check, Value::String(text)) => add(key, field, &(text == "true").into(), None, lang),
        _ => add(key, field, value, None, lang),
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
        add(key, field, &value, shown, lang)
    })
}

/// Whether a record has nothing in the field that a list is sorted by. It comes last, in whichever order.
pub(crate) fn is_last(field: &Field, data: &Data) -> bool {
    let value = data.get(&field.name).unwrap_or(&Value::Null);
    match field.kind {
        Type::Check => false,
        Type::Number { .. } | Type::Money { .. } => number::of(value).is_none(),
        _ => is_empty(value),
    }
}

/// Adds the place of a value. What is empty comes last.
fn add(key: IndexKey, field: &Field, value: &Value, shown: Option<String>, lang: &str) -> IndexKey {
    match field.kind {
        Type::Number { .. } | Type::Money { .. } => match number::of(value) {
            Some(number) => add_number(key, number),
            None => key.and(NOTHING),
        },
        Type::Check => key.and(0_u8).and(!is_empty(value)),
        _ if is_empty(value) => key.and(NOTHING),
        Type::Date => key.and(1_u8).and(plain(value)),
        Type::Select { .. } | Type::Lookup { .. } if shown.is_none() => key.and(1_u8).and(plain(value)),
        _ => {
            let text = shown.unwrap_or_else(|| plain(value));
            let end = text.char_indices().nth(CHARS).map_or(text.len(), |(at, _)| at);
            let place = Collation::of(lang).key(&text[..end]);
            key.and(1_u8).and(&*place)
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

/// The ids that an index of a field has in the order of a list, or those with a value, at most `limit`; `None` when
/// there is no such index, or the table has records that are not in it yet, or it is of other languages.
pub(crate) async fn ids<R: Form>(
    txn: &mut Txn,
    field: &Field,
    wanted: Option<&Value>,
    lang: &str,
    back: bool,
    limit: usize,
) -> Result<Option<Vec<String>>> {
    let document = &R::spec().document;
    if is_ordered(document, field) && !langs(document).any(|known| known == lang) {
        return Ok(None);
    }
    let begin = begin(document, field, lang);
    let parts = match wanted {
        Some(value) => vec![kvs::Query::starts(self::wanted(document, field, value, lang))],
        // Read backwards, nothing would come first.
        None if back => vec![
            kvs::Query::between(begin.clone(), begin.clone().and(NOTHING)),
            kvs::Query::starts(begin.and(NOTHING)),
        ],
        None => vec![kvs::Query::starts(begin)],
    };
    let mut ids = Vec::new();
    for part in parts {
        match txn.find_ids::<R>(&field.name, part, back, limit - ids.len()).await {
            Ok(found) => ids.extend(found),
            Err(kvs::Error::NoIndex { .. } | kvs::Error::NotIndexed { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of a collation are stored: another library may make others.
    #[test]
    fn keys_of_texts_are_those_of_this_version() {
        let texts = [
            "",
            "Ada",
            "\u{490}\u{430}\u{43d}\u{43e}\u{43a}",
            "Stra\u{df}e",
            "a\u{2019}b",
            "\u{1f600}",
            "\u{4e2d}",
        ];
        let add = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let keys = ["en", "uk"].map(|lang| texts.map(|text| Collation::of(lang).key(text)));
        let sum = keys.iter().flatten().flatten().copied().fold(0xcbf2_9ce4_8422_2325, add);
        assert_eq!(
            (VERSION, sum),
            (2, 1_080_450_489_350_386_367),
            "raise the version, so that stores are indexed anew"
        );
    }

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
