//! The built-in functions over texts, numbers, booleans, contexts and dates.

use std::sync::Arc;

use rust_decimal::prelude::{FromPrimitive, MathematicalOps, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

use super::value::{Context, Value};
use super::{convert, temporal};

/// The built-in names of several words, longest first where one begins another.
pub(super) const LONG_NAMES: [&str; 30] = [
    "years and months duration",
    "date and time",
    "string length",
    "string join",
    "upper case",
    "lower case",
    "substring before",
    "substring after",
    "starts with",
    "ends with",
    "list contains",
    "list replace",
    "insert before",
    "index of",
    "distinct values",
    "duplicate values",
    "get value",
    "get entries",
    "get or else",
    "context put",
    "context merge",
    "round half up",
    "round half down",
    "round up",
    "round down",
    "day of week",
    "day of year",
    "week of year",
    "month of year",
    "is defined",
];

/// The parameters of the functions that people call by name.
pub(super) const PARAMETERS: [(&str, &[&str]); 26] = [
    ("string", &["from"]),
    ("number", &["from", "grouping separator", "decimal separator"]),
    ("date", &["from"]),
    ("date and time", &["date", "time"]),
    ("duration", &["from"]),
    ("years and months duration", &["from", "to"]),
    ("not", &["negand"]),
    ("substring", &["string", "start position", "length"]),
    ("string length", &["string"]),
    ("upper case", &["string"]),
    ("lower case", &["string"]),
    ("substring before", &["string", "match"]),
    ("substring after", &["string", "match"]),
    ("contains", &["string", "match"]),
    ("starts with", &["string", "match"]),
    ("ends with", &["string", "match"]),
    ("split", &["string", "delimiter"]),
    ("list contains", &["list", "element"]),
    ("count", &["list"]),
    ("sublist", &["list", "start position", "length"]),
    ("index of", &["list", "match"]),
    ("decimal", &["n", "scale"]),
    ("modulo", &["dividend", "divisor"]),
    ("get value", &["m", "key"]),
    ("get entries", &["m"]),
    ("sort", &["list", "precedes"]),
];

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Value> {
    match name {
        "string" => match arguments {
            [Value::Null] => None,
            [value] => Some(Value::text(value.to_string())),
            _ => None,
        },
        "number" => convert::number(arguments),
        "date" => convert::date(arguments),
        "time" => convert::time(arguments),
        "date and time" => convert::date_and_time(arguments),
        "duration" => convert::duration(arguments),
        "years and months duration" => convert::months_between(arguments),
        "not" => match arguments {
            [Value::Bool(bool)] => Some((!bool).into()),
            _ => None,
        },
        "is defined" => arguments.first().map(|value| (!value.is_null()).into()),
        "get or else" => match arguments {
            [Value::Null, other] => Some(other.clone()),
            [value, _] => Some(value.clone()),
            _ => None,
        },
        _ => text(name, arguments)
            .or_else(|| number(name, arguments))
            .or_else(|| context(name, arguments))
            .or_else(|| calendar(name, arguments)),
    }
}

fn text(name: &str, arguments: &[Value]) -> Option<Value> {
    if name == "string join" {
        let (items, rest) = match arguments {
            [Value::List(items), rest @ ..] => (items, rest),
            _ => return None,
        };
        let by = rest.first().and_then(Value::as_str).unwrap_or_default();
        let parts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        return Some(parts.join(by).into());
    }
    let text = arguments.first()?.as_str()?;
    match (name, &arguments[1..]) {
        ("string length", []) => Some(text.chars().count().into()),
        ("upper case", []) => Some(text.to_uppercase().into()),
        ("lower case", []) => Some(text.to_lowercase().into()),
        ("trim", []) => Some(text.trim().into()),
        ("substring", [start, rest @ ..]) => substring(text, start, rest.first()),
        ("contains", [Value::Text(part)]) => Some(text.contains(&**part).into()),
        ("starts with", [Value::Text(part)]) => Some(text.starts_with(&**part).into()),
        ("ends with", [Value::Text(part)]) => Some(text.ends_with(&**part).into()),
        ("substring before", [Value::Text(part)]) => {
            Some(text.split_once(&**part).map_or("", |(before, _)| before).into())
        }
        ("substring after", [Value::Text(part)]) => {
            Some(text.split_once(&**part).map_or("", |(_, after)| after).into())
        }
        ("split", [Value::Text(by)]) if !by.is_empty() => {
            Some(Value::list(text.split(&**by).map(Value::from).collect()))
        }
        _ => None,
    }
}

fn substring(text: &str, start: &Value, length: Option<&Value>) -> Option<Value> {
    let count = i64::try_from(text.chars().count()).ok()?;
    let start = match start.as_number()?.to_i64()? {
        0 => return None,
        start if start > 0 => start - 1,
        start => (count + start).max(0),
    };
    let length = match length {
        Some(length) => length.as_number()?.to_i64().filter(|length| *length >= 0)?,
        None => count,
    };
    let part: String =
        text.chars().skip(usize::try_from(start).ok()?).take(usize::try_from(length).ok()?).collect();
    Some(part.into())
}

fn number(name: &str, arguments: &[Value]) -> Option<Value> {
    let number = arguments.first()?.as_number()?;
    let second = || arguments.get(1).and_then(Value::as_number);
    let scale = || second().map_or(Some(0), |scale| scale.to_u32());
    let round = |strategy| Some(number.round_dp_with_strategy(scale()?.min(28), strategy));
    let result = match name {
        "decimal" => round(RoundingStrategy::MidpointNearestEven),
        "floor" => round(RoundingStrategy::ToNegativeInfinity),
        "ceiling" => round(RoundingStrategy::ToPositiveInfinity),
        "round up" => round(RoundingStrategy::AwayFromZero),
        "round down" => round(RoundingStrategy::ToZero),
        "round half up" => round(RoundingStrategy::MidpointAwayFromZero),
        "round half down" => round(RoundingStrategy::MidpointTowardZero),
        "abs" => Some(number.abs()),
        "sqrt" => number.sqrt(),
        "log" => number.checked_ln(),
        "exp" => number.checked_exp(),
        "modulo" => {
            let divisor = second().filter(|divisor| !divisor.is_zero())?;
            let whole = number.checked_div(divisor)?.floor();
            number.checked_sub(divisor.checked_mul(whole)?)
        }
        "odd" | "even" => {
            let odd = !number.checked_rem(Decimal::TWO)?.is_zero();
            return number.fract().is_zero().then(|| (odd == (name == "odd")).into());
        }
        _ => return None,
    };
    result.map(Value::Number)
}

fn context(name: &str, arguments: &[Value]) -> Option<Value> {
    match (name, arguments) {
        ("get value", [Value::Context(entries), Value::Text(key)]) => entries.get(key).cloned(),
        ("get entries", [Value::Context(entries)]) => {
            let entry = |(key, value): (&Arc<str>, &Value)| {
                Value::context([("key", Value::Text(key.clone())), ("value", value.clone())])
            };
            Some(Value::list(entries.iter().map(entry).collect()))
        }
        ("context put", [Value::Context(entries), Value::Text(key), value]) => {
            let mut entries = Context::clone(entries);
            entries.insert(key.clone(), value.clone());
            Some(entries.into())
        }
        ("context merge", [Value::List(contexts)]) => {
            let mut merged = Context::new();
            for context in contexts.iter() {
                let Value::Context(entries) = context else { return None };
                merged.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Some(merged.into())
        }
        ("context", [Value::List(entries)]) => {
            let entry = |entry: &Value| {
                Some((Arc::from(entry.entry("key")?.as_str()?), entry.entry("value")?.clone()))
            };
            entries.iter().map(entry).collect::<Option<Context>>().map(Value::from)
        }
        _ => None,
    }
}

fn calendar(name: &str, arguments: &[Value]) -> Option<Value> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = temporal::date_of(arguments.first()?)?;
    let named = |names: &[&str], at: i8| names.get(usize::try_from(at).ok()?).map(|name| Value::from(*name));
    match name {
        "day of week" => named(&DAYS, date.weekday().to_monday_zero_offset()),
        "month of year" => named(&MONTHS, date.month() - 1),
        "day of year" => Decimal::from_i16(date.day_of_year()).map(Value::Number),
        "week of year" => Decimal::from_i8(date.iso_week_date().week()).map(Value::Number),
        _ => None,
    }
}
