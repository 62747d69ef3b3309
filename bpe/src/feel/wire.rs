//! Values in serde's data model: JSON and CBOR as a reader would expect, and nothing lost on the way back.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::{Context, Value};

/// The one entry of a context that stands for a number too long for a binary float.
const LONG: &str = "@number";

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Number(number) => number_out(*number, serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Context(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(name, value)| map.serialize_entry(&**name, value))?;
                map.end()
            }
            Self::Range(_) | Self::Function(_) => serializer.serialize_unit(),
            temporal => serializer.collect_str(temporal),
        }
    }
}

/// Integers stay integers; a fraction is written as a float only when the float reads back as the same
/// number.
fn number_out<S: Serializer>(number: Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    let plain = number.normalize();
    if plain.scale() == 0
        && let Some(integer) = plain.to_i64()
    {
        return serializer.serialize_i64(integer);
    }
    // Up to 15 digits every reader gets the same float back, whatever its algorithm.
    const EXACT: i128 = 1_000_000_000_000_000;
    let short = plain.mantissa().abs() < EXACT && plain.scale() <= 22;
    let float =
        plain.to_string().parse::<f64>().ok().filter(|float| short && number_in(*float) == Some(plain));
    if let Some(float) = float {
        return serializer.serialize_f64(float);
    }
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(LONG, &plain.to_string())?;
    map.end()
}

/// A float as the shortest decimal that names it.
fn number_in(float: f64) -> Option<Decimal> {
    let text = format!("{float}");
    Decimal::from_str_exact(&text)
        .or_else(|_| Decimal::from_scientific(&format!("{float:e}")))
        .ok()
        .map(|d| d.normalize())
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a boolean, a number, a text, a list or a map with text keys")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        number_in(value).map(Value::Number).ok_or_else(|| E::custom("the number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Context::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            entries.insert(name.into(), value);
        }
        if entries.len() == 1
            && let Some(text) = entries.get(LONG).and_then(Value::as_str)
            && let Ok(number) = Decimal::from_str_exact(text)
        {
            return Ok(Value::Number(number));
        }
        Ok(Value::Context(Arc::new(entries)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (any::<i64>(), 0u32..28).prop_map(|(digits, scale)| Value::Number(Decimal::new(digits, scale))),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(Value::context),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_keeps_every_value(value in any_value()) {
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        }
    }
}
