//! Numbers: read and written as the language of a page has them, and the plain shape in which programs send them.
//! Which text is a number is decided in `reading`, what CLDR says of a language stands in `grammar`.

mod grammar;
mod reading;

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    fault::Fault,
    field::{Field, Type},
};

pub(crate) use grammar::Grammar;
use reading::{Reading, readings};

/// Significant digits that every number of JSON has exactly.
const EXACT: usize = 15;
/// The greatest whole number below which a float has all of them.
const WHOLE: u64 = 1 << 53;

/// Reads a number of at most so many places as it is typed on a page in a language.
pub(crate) fn typed(text: &str, decimals: u32, lang: &str) -> Result<Decimal, Fault> {
    let most = decimals as usize;
    let readings = readings(text, most, lang);
    let fits = |reading: &&Reading| reading.places() <= most;
    let mut ways: Vec<String> = readings.others.iter().filter(fits).map(Reading::plain).collect();
    match readings.own {
        Some(own) if own.fraction.len() <= most || own.places() <= most && ways.is_empty() => {
            plain(&own.plain()).ok_or(Fault::Number)
        }
        Some(own) if own.places() <= most => {
            ways.push(own.plain());
            Err(Fault::Unclear { numbers: ways })
        }
        Some(_) => Err(places(decimals)),
        None if !ways.is_empty() => Err(Fault::Unclear { numbers: ways }),
        None if !readings.others.is_empty() => Err(places(decimals)),
        None => Err(Fault::Number),
    }
}

/// Reads a plain decimal, as programs write it: `-?[0-9]+(\.[0-9]+)?`.
pub(crate) fn plain(text: &str) -> Option<Decimal> {
    if !is_plain(text) {
        return None;
    }
    // Zeros at the end are no reason to be too long, and nothing is rounded.
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    let number = Decimal::from_str_exact(short).ok()?;
    Some(if number.is_zero() { Decimal::ZERO } else { number })
}

fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    is_digits(whole) && is_digits(fraction)
}

/// The number that a value of JSON is; a text that is no plain decimal is none.
pub(crate) fn of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            plain(&text).or_else(|| Decimal::from_scientific(&text).ok())
        }
        Value::String(text) => plain(text.trim()),
        _ => None,
    }
}

/// Reads what a program sent for a field: a number of JSON or a plain decimal.
pub(crate) fn given(field: &Field, given: &Value) -> Result<Value, Fault> {
    let number = match given {
        Value::String(text) => plain(text).ok_or(Fault::Number)?,
        Value::Number(float) if float.is_f64() => {
            let number = of(given).ok_or(Fault::Number)?;
            let digits = number.normalize().mantissa().unsigned_abs().to_string().len();
            // What was sent may have been rounded on its way into a float; an amount is a text then.
            if matches!(field.kind, Type::Money { .. }) && (digits > EXACT || number.abs() >= WHOLE.into()) {
                return Err(Fault::Number);
            }
            number
        }
        Value::Number(_) => of(given).ok_or(Fault::Number)?,
        _ => return Err(Fault::Type),
    };
    keep(field, number)
}

/// A number as its field keeps it.
pub(crate) fn keep(field: &Field, number: Decimal) -> Result<Value, Fault> {
    let number = number.normalize();
    if number.scale() > decimals(field) {
        return Err(places(decimals(field)));
    }
    match field.kind {
        Type::Money { decimals } => {
            let mut amount = number;
            amount.rescale(decimals);
            Ok(Value::String(amount.to_string()))
        }
        _ => float(number, decimals(field)),
    }
}

/// A number of JSON, if it is as exact as what was written.
fn float(number: Decimal, decimals: u32) -> Result<Value, Fault> {
    let kept = if number.is_integer() {
        let whole = number.to_string();
        whole.parse::<i64>().map(Value::from).or_else(|_| whole.parse::<u64>().map(Value::from)).ok()
    } else {
        number.to_string().parse::<f64>().map(Value::from).ok().filter(|kept| of(kept) == Some(number))
    };
    // Where there are places the record has a float.
    let is_exact = decimals == 0 || number.abs() <= WHOLE.into();
    kept.filter(|_| is_exact).ok_or(Fault::Number)
}

/// A value as a plain decimal, with the places that its field shows; `None` when it is no number.
fn digits<'a>(field: &Field, value: &'a Value) -> Option<Cow<'a, str>> {
    match (&field.kind, value) {
        // As they are kept, which is what lists are full of.
        (Type::Number { .. }, Value::Number(number)) if !number.is_f64() => {
            return Some(number.to_string().into());
        }
        (Type::Money { decimals: places @ 1.. }, Value::String(text))
            if is_plain(text)
                && !text.starts_with('-')
                && text.len().checked_sub(1 + *places as usize) == text.find('.') =>
        {
            return Some(text.into());
        }
        _ => {}
    }
    let number = of(value)?;
    Some(match field.kind {
        Type::Money { decimals } => {
            let text = number.normalize().to_string();
            let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let missing = (decimals as usize).saturating_sub(places);
            let point = if places == 0 && missing > 0 { "." } else { "" };
            format!("{text}{point}{}", "0".repeat(missing)).into()
        }
        // A float has digits that nobody has written.
        _ => number.round_dp(decimals(field)).normalize().to_string().into(),
    })
}

/// A value as a language writes it, for reading.
pub(crate) fn shown(field: &Field, value: &Value, lang: &str) -> Option<String> {
    Some(Grammar::of(lang).write(&digits(field, value)?, true))
}

/// A value as a language writes it, for an input: without groups, which get in the way of who changes a digit.
#[cfg(feature = "screens")]
pub(crate) fn entered(field: &Field, value: &Value, lang: &str) -> Option<String> {
    Some(Grammar::of(lang).write(&digits(field, value)?, false))
}

/// A count as a language writes it.
pub(crate) fn count(number: usize, lang: &str) -> String {
    Grammar::of(lang).write(&number.to_string(), true)
}

fn decimals(field: &Field) -> u32 {
    match field.kind {
        Type::Number { decimals } | Type::Money { decimals } => decimals,
        _ => 0,
    }
}

fn places(decimals: u32) -> Fault {
    if decimals == 0 { Fault::Whole } else { Fault::Places { max: decimals } }
}

#[cfg(test)]
mod tests;
