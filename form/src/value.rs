//! Values: how they are read from what a user or a program gave, compared and kept. How they are shown is
//! in `show`.

use std::{cmp::Ordering, str::FromStr};

use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    fault::Fault,
    field::{Field, Type},
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

/// A number in any of the shapes that values have.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
        }
        Value::String(text) => Decimal::from_str(text.trim()).ok(),
        _ => None,
    }
}

/// Compares as numbers when both are, else as what they are; dates compare as their texts do.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ if is_empty(a) && is_empty(b) => Some(Ordering::Equal),
        _ => match (decimal(a), decimal(b)) {
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
        other => other.to_string(),
    }
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

/// Whether a character shows nothing: white space, or a Default_Ignorable_Code_Point of Unicode 16.0
/// (DerivedCoreProperties.txt).
fn is_unseen(char: char) -> bool {
    char.is_whitespace()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Reads what came for a field, as a text from an input or as a value of JSON, into what is kept.
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
    let text = match given {
        Value::String(text) => text.as_str(),
        Value::Number(_) if matches!(field.kind, Type::Number { .. } | Type::Money { .. }) => &plain(given),
        _ => return Err(Fault::Type),
    };
    match &field.kind {
        Type::Number { decimals } => number(text, *decimals),
        Type::Money { decimals } => {
            let mut amount = places(text, *decimals)?;
            amount.rescale(*decimals);
            Ok(Value::String(amount.to_string()))
        }
        Type::Date => {
            let date = jiff::civil::Date::from_str(text.trim()).map_err(|_| Fault::Date)?;
            // Others cannot be shown in an input: HTML, "date strings", has four digits or more, and no year 0.
            if !(1..=9999).contains(&date.year()) {
                return Err(Fault::Date);
            }
            Ok(Value::String(date.to_string()))
        }
        Type::Select { options } if !options.iter().any(|option| option == text) => Err(Fault::Choice),
        Type::Email if !is_email(text.trim()) => Err(Fault::Email),
        Type::Phone if !is_phone(text.trim()) => Err(Fault::Phone),
        // What cannot be seen is nothing.
        Type::Text | Type::Lines if text.chars().all(is_unseen) => Ok(nothing(field)),
        Type::Lines if text.contains('\0') => Err(Fault::Type),
        // Line ends as the form data of HTML has them would count double against a length.
        Type::Lines => Ok(Value::String(text.replace("\r\n", "\n"))),
        Type::Text if text.contains(['\n', '\r', '\0']) => Err(Fault::Type),
        Type::Select { .. } => Ok(Value::String(text.to_owned())),
        _ => Ok(Value::String(text.trim().to_owned())),
    }
}

fn places(text: &str, decimals: u32) -> Result<Decimal, Fault> {
    // As people write numbers: blanks between thousands, a comma for the point.
    let text: String = text.chars().filter(|char| !char.is_whitespace()).collect();
    let text = if text.contains('.') { text } else { text.replace(',', ".") };
    let number = Decimal::from_str(&text).map_err(|_| Fault::Number)?.normalize();
    if number.scale() > decimals {
        return Err(if decimals == 0 { Fault::Whole } else { Fault::Places { max: decimals } });
    }
    Ok(number)
}

fn number(text: &str, decimals: u32) -> Result<Value, Fault> {
    let number = places(text, decimals)?;
    if number.is_integer() {
        let whole = number.trunc().normalize().to_string();
        let value = whole.parse::<i64>().map(Value::from).or_else(|_| whole.parse::<u64>().map(Value::from));
        return value.map_err(|_| Fault::Number);
    }
    number.to_string().parse::<f64>().map(Value::from).map_err(|_| Fault::Number)
}

/// The rule of browsers for `input type=email`, with a point in the domain asked for.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte))
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// Digits, 5 to 15 as E.164 has them, with what people put between them.
fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    (5..=15).contains(&digits) && rest.bytes().all(|byte| byte.is_ascii_digit() || b" -().".contains(&byte))
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
    fn numbers_are_read_as_people_write_them() {
        let money = || Type::Money { decimals: 2 };
        assert_eq!(read(money(), "1\u{a0}234,5"), Ok("1234.50".into()));
        assert_eq!(read(money(), "1.005"), Err(Fault::Places { max: 2 }));
        assert_eq!(read(money(), "ten"), Err(Fault::Number));
        assert_eq!(read(Type::Number { decimals: 0 }, " 12 "), Ok(12.into()));
        assert_eq!(read(Type::Number { decimals: 0 }, "1.5"), Err(Fault::Whole));
        assert_eq!(read(Type::Number { decimals: 3 }, "-1.5"), Ok((-1.5).into()));
        assert_eq!(read(Type::Number { decimals: 0 }, "99999999999999999999"), Err(Fault::Number));
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
        for unseen in ["\u{200b}\u{200b}", " \u{202e}\u{2066} ", "\u{3164}", "\u{e0041}"] {
            assert_eq!((read(Type::Text, unseen), read(Type::Lines, unseen)), (Ok("".into()), Ok("".into())));
        }
        assert_eq!(read(Type::Text, "\u{200f}a"), Ok("\u{200f}a".into()), "what is seen keeps its marks");
        assert_eq!(read(Type::Lines, "a\0b"), Err(Fault::Type));
        assert_eq!(read(Type::Text, "a\nb"), Err(Fault::Type));
        assert_eq!(read(Type::Lines, "a\r\nb"), Ok("a\nb".into()));
    }
}
