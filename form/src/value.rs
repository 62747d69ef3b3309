//! Values: how they are read from what a user or a program gave, compared and kept. How they are shown is
//! in `show`, how numbers are written in `number`.

use std::{cmp::Ordering, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    characters, contact,
    fault::Fault,
    field::{Field, Type},
    number,
};

/// The values of a record by field, as JSON has them.
pub type Data = serde_json::Map<String, Value>;

/// Whether there is nothing: no value, an empty text, or a check that is off.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Compares as numbers when both are, else as what they are; dates compare as their texts do.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ if is_empty(a) && is_empty(b) => Some(Ordering::Equal),
        _ => match (number::of(a), number::of(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.as_str()?.cmp(b.as_str()?)),
        },
    }
}

/// A value as an input holds it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => refused(other).map_or_else(|| other.to_string(), str::to_owned),
    }
}

/// The key of what was typed for a number and is none.
const REFUSED: &str = "typed";

/// What a form holds where a value has a fault: what was given for it. For a number it is another shape than that of
/// any value, as an amount is kept as a text, and nothing may compute with one that was refused.
pub(crate) fn refuse(field: &Field, given: &Value) -> Value {
    match given {
        Value::String(text) if field.is_number() => json!({ REFUSED: text }),
        other => other.clone(),
    }
}

/// What was typed for a number and is none.
pub(crate) fn refused(value: &Value) -> Option<&str> {
    value.as_object()?.get(REFUSED)?.as_str()
}

/// What a field holds when it holds nothing.
pub(crate) fn nothing(field: &Field) -> Value {
    match &field.kind {
        Type::Check => Value::Bool(false),
        Type::Number { .. } | Type::Money { .. } | Type::Date => Value::Null,
        _ if field.nullable => Value::Null,
        _ => Value::String(String::new()),
    }
}

impl Field {
    /// Reads a text for this field as it is typed or pasted on a page in a language, or stands in a file of it, into
    /// what is kept. A number has the digits, the separators and the groups of the language, by CLDR, or blanks between
    /// its groups. What is not written so is never taken for another number: the fault names those that it could be.
    ///
    /// ```
    /// use form::{Fault, Field, Type};
    ///
    /// let price = Field::new("price", Type::Money { decimals: 2 });
    /// assert_eq!(price.typed("20\u{a0}400,00", "uk"), Ok("20400.00".into()));
    /// assert_eq!(price.typed("1,230", "en"), Ok("1230.00".into()));
    /// let other = Fault::Unclear { numbers: vec!["12.5".to_owned()] };
    /// assert_eq!(price.typed("12,50", "en"), Err(other));
    /// ```
    pub fn typed(&self, text: &str, lang: &str) -> Result<Value, Fault> {
        match self.kind {
            _ if text.trim().is_empty() => Ok(nothing(self)),
            Type::Number { decimals } | Type::Money { decimals } => {
                number::keep(self, number::typed(text, decimals, lang)?)
            }
            _ => parse(self, &Value::from(text)),
        }
    }
}

/// Reads what a program gave for a field, or what is no number from an input, into what is kept.
pub(crate) fn parse(field: &Field, given: &Value) -> Result<Value, Fault> {
    if let Type::Check = field.kind {
        return match given {
            Value::Bool(on) => Ok(Value::Bool(*on)),
            Value::Null => Ok(Value::Bool(false)),
            Value::String(text) if text == "true" => Ok(Value::Bool(true)),
            Value::String(text) if text == "false" || text.is_empty() => Ok(Value::Bool(false)),
            _ => Err(Fault::Type),
        };
    }
    if is_empty(given) && !given.is_boolean() {
        return Ok(nothing(field));
    }
    if field.is_number() {
        return number::given(field, given);
    }
    let Value::String(text) = given else { return Err(Fault::Type) };
    let text = text.as_str();
    match &field.kind {
        Type::Date => {
            let date = jiff::civil::Date::from_str(text.trim()).map_err(|_| Fault::Date)?;
            // Others cannot be shown in an input: HTML, "date strings", has four digits or more, and no year 0.
            if !(1..=9999).contains(&date.year()) {
                return Err(Fault::Date);
            }
            Ok(Value::String(date.to_string()))
        }
        Type::Select { options } if !options.iter().any(|option| option == text) => Err(Fault::Choice),
        Type::Phone => contact::phone(text).map(Value::String).ok_or(Fault::Phone),
        Type::Text | Type::Lines | Type::Email => {
            let text = characters::clean(text, field.kind == Type::Lines)?;
            match field.kind {
                _ if text.is_empty() => Ok(nothing(field)),
                Type::Email => contact::email(&text).map(Value::String).ok_or(Fault::Email),
                _ => Ok(Value::String(text)),
            }
        }
        Type::Select { .. } => Ok(Value::String(text.to_owned())),
        _ => Ok(Value::String(text.trim().to_owned())),
    }
}

/// A value in its Rust type; `None` when it is not there or does not fit. Called by what the derive makes.
pub fn get<T: DeserializeOwned>(data: &Data, name: &str) -> Option<T> {
    serde_json::from_value(data.get(name).cloned().unwrap_or(Value::Null)).ok()
}

/// What a computing function made; nothing when one of its inputs is missing. Called by what the derive makes.
pub fn computed<T: Serialize>(f: impl FnOnce() -> Option<T>) -> Value {
    f().and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Type, text: &str) -> Result<Value, Fault> {
        parse(&Field::new("x", kind), &Value::from(text))
    }

    #[test]
    fn texts_are_what_they_claim_to_be() {
        assert_eq!(read(Type::Email, " a@b.ua "), Ok("a@b.ua".into()));
        for bad in ["a", "a@b", "@b.ua", "a@-b.ua", "a b@c.ua", "a@b..ua"] {
            assert_eq!(read(Type::Email, bad), Err(Fault::Email), "{bad}");
        }
        assert!(read(Type::Phone, "+380 (44) 123-45-67").is_ok());
        assert_eq!(read(Type::Phone, "call me"), Err(Fault::Phone));
        for bad in ["2026-02-30", "-009999-01-01", "0000-01-01", "+010000-01-01"] {
            assert_eq!(read(Type::Date, bad), Err(Fault::Date), "{bad}");
        }
        assert_eq!(read(Type::Date, "0001-01-01"), Ok("0001-01-01".into()));
        assert_eq!(read(Type::Lines, "a\r\nb"), Ok("a\nb".into()));
    }
}
