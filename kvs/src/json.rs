//! CBOR as JSON and back, without loss: what JSON cannot say is written as `{"$cbor": "HEX"}`.

use serde_json::{Map, Number, Value as Json};

use crate::{
    chain::{hex, unhex},
    record::Cbor,
};

const ESCAPE: &str = "$cbor";

/// A stored value as JSON, as [`Store::dump`](crate::Store::dump) writes it: what JSON cannot say, such as
/// bytes, is `{"$cbor": "HEX"}`.
#[must_use]
pub fn json(value: &Cbor) -> String {
    to_json(value).to_string()
}

/// The value as JSON. Reading it back with [`from_json`] gives the same value.
pub(crate) fn to_json(value: &Cbor) -> Json {
    plain(value).unwrap_or_else(|| escaped(value))
}

fn plain(value: &Cbor) -> Option<Json> {
    Some(match value {
        Cbor::Null => Json::Null,
        Cbor::Bool(truth) => Json::Bool(*truth),
        Cbor::Text(text) => Json::String(text.clone()),
        Cbor::Integer(integer) => {
            let integer = i128::from(*integer);
            let number = u64::try_from(integer)
                .map(Number::from)
                .or_else(|_| i64::try_from(integer).map(Number::from));
            Json::Number(number.ok()?)
        }
        // JSON has no infinities, and -0.0 would come back as an integer from some writers.
        Cbor::Float(float) => Json::Number(Number::from_f64(*float)?),
        Cbor::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Cbor::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let Cbor::Text(key) = key else { return None };
                if key == ESCAPE || map.insert(key.clone(), to_json(value)).is_some() {
                    return None;
                }
            }
            Json::Object(map)
        }
        _ => return None,
    })
}

fn escaped(value: &Cbor) -> Json {
    let mut bytes = Vec::new();
    // Writing a value that was read into memory cannot fail.
    let _ = ciborium::into_writer(value, &mut bytes);
    Json::Object(Map::from_iter([(ESCAPE.to_owned(), Json::String(hex(&bytes)))]))
}

/// Reads what [`to_json`] wrote; `None` when an escaped value is damaged.
pub(crate) fn from_json(json: &Json) -> Option<Cbor> {
    Some(match json {
        Json::Null => Cbor::Null,
        Json::Bool(truth) => Cbor::Bool(*truth),
        Json::String(text) => Cbor::Text(text.clone()),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(integer), _) => Cbor::Integer(integer.into()),
            (_, Some(integer)) => Cbor::Integer(integer.into()),
            _ => Cbor::Float(number.as_f64()?),
        },
        Json::Array(items) => Cbor::Array(items.iter().map(from_json).collect::<Option<_>>()?),
        Json::Object(map) => match map.get(ESCAPE) {
            Some(Json::String(bytes)) if map.len() == 1 => ciborium::from_reader(&*unhex(bytes)?).ok()?,
            _ => {
                let entry =
                    |(key, value): (&String, &Json)| Some((Cbor::Text(key.clone()), from_json(value)?));
                Cbor::Map(map.iter().map(entry).collect::<Option<_>>()?)
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_cannot_say_comes_back_as_it_was() {
        let values = [
            Cbor::Null,
            Cbor::Integer(u64::MAX.into()),
            Cbor::Integer(i64::MIN.into()),
            Cbor::Float(0.1),
            Cbor::Float(1.0),
            Cbor::Float(-0.0),
            Cbor::Float(f64::INFINITY),
            Cbor::Float(f64::MAX),
            Cbor::Bytes(vec![0, 255]),
            Cbor::Tag(5, Box::new(Cbor::Text("t".into()))),
            Cbor::Array(vec![Cbor::Bytes(vec![1]), Cbor::Bool(true)]),
            Cbor::Map(vec![(Cbor::Integer(1.into()), Cbor::Null)]),
            Cbor::Map(vec![(Cbor::Text("$cbor".into()), Cbor::Text("00".into()))]),
            Cbor::Map(vec![(Cbor::Text("a".into()), Cbor::Bytes(vec![]))]),
        ];
        for value in values {
            let text = to_json(&value).to_string();
            let json: Json = serde_json::from_str(&text).unwrap();
            assert_eq!(from_json(&json).as_ref(), Some(&value), "{text}");
        }
    }
}
