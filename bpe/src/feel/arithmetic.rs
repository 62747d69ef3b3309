//! The operators `+ - * / **` over decimals, texts, dates, times and durations. None means "not defined".

use jiff::{SignedDuration, Span};
use rust_decimal::Decimal;
use rust_decimal::prelude::{MathematicalOps, ToPrimitive};

use super::ast::Operator;
use super::temporal;
use super::value::Value;

pub(super) fn negate(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => Some(Value::Number(-*number)),
        Value::Duration(duration) => duration.checked_neg().map(Value::Duration),
        Value::Months(months) => months.checked_neg().map(Value::Months),
        _ => None,
    }
}

pub(super) fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    match operator {
        Operator::Add => {
            add(left, right).or_else(|| add(right, left).filter(|_| !matches!(left, Value::Text(_))))
        }
        Operator::Subtract => subtract(left, right),
        Operator::Multiply => multiply(left, right).or_else(|| multiply(right, left)),
        Operator::Divide => divide(left, right),
        Operator::Power => match (left, right) {
            (Value::Number(base), Value::Number(exponent)) => power(*base, *exponent).map(Value::Number),
            _ => None,
        },
    }
}

fn add(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.checked_add(*b).map(Value::Number),
        (Value::Text(a), Value::Text(b)) => Some(Value::text(format!("{a}{b}"))),
        (Value::Duration(a), Value::Duration(b)) => a.checked_add(*b).map(Value::Duration),
        (Value::Months(a), Value::Months(b)) => a.checked_add(*b).map(Value::Months),
        (Value::Date(date), Value::Months(months)) => date.checked_add(span(*months)?).ok().map(Value::Date),
        (Value::Date(date), Value::Duration(duration)) => date
            .to_datetime(jiff::civil::Time::midnight())
            .checked_add(*duration)
            .ok()
            .map(|d| Value::Date(d.date())),
        (Value::DateTime(date, zone), Value::Months(months)) => {
            date.checked_add(span(*months)?).ok().map(|date| Value::DateTime(date, zone.clone()))
        }
        (Value::DateTime(date, None), Value::Duration(duration)) => {
            date.checked_add(*duration).ok().map(|date| Value::DateTime(date, None))
        }
        // With a zone, hours are hours on a watch: the clock change lies between or not.
        (Value::DateTime(date, Some(zone)), Value::Duration(duration)) => {
            let moved = date.to_zoned(zone.clone()).ok()?.checked_add(*duration).ok()?;
            Some(Value::DateTime(moved.datetime(), Some(zone.clone())))
        }
        (Value::Time(time, zone), Value::Duration(duration)) => {
            Some(Value::Time(time.wrapping_add(*duration), zone.clone()))
        }
        _ => None,
    }
}

fn subtract(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.checked_sub(*b).map(Value::Number),
        (Value::Date(_) | Value::DateTime(..), Value::Date(_) | Value::DateTime(..)) => {
            temporal::between(right, left).map(Value::Duration)
        }
        (Value::Time(a, None), Value::Time(b, None)) => Some(Value::Duration(a.duration_since(*b))),
        (Value::Time(a, Some(zone_a)), Value::Time(b, Some(zone_b))) => temporal::time_in_utc(*a, zone_a)
            .checked_sub(temporal::time_in_utc(*b, zone_b))
            .map(Value::Duration),
        (_, Value::Duration(_) | Value::Months(_)) => add(left, &negate(right)?),
        _ => None,
    }
}

fn multiply(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.checked_mul(*b).map(Value::Number),
        (Value::Duration(duration), Value::Number(factor)) => {
            seconds(*duration).checked_mul(*factor).and_then(from_seconds).map(Value::Duration)
        }
        (Value::Months(months), Value::Number(factor)) => {
            Decimal::from(*months).checked_mul(*factor)?.trunc().to_i64().map(Value::Months)
        }
        _ => None,
    }
}

fn divide(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.checked_div(*b).map(Value::Number),
        (Value::Duration(a), Value::Number(b)) => {
            seconds(*a).checked_div(*b).and_then(from_seconds).map(Value::Duration)
        }
        (Value::Duration(a), Value::Duration(b)) => seconds(*a).checked_div(seconds(*b)).map(Value::Number),
        (Value::Months(a), Value::Number(b)) => {
            Decimal::from(*a).checked_div(*b)?.trunc().to_i64().map(Value::Months)
        }
        (Value::Months(a), Value::Months(b)) => {
            Decimal::from(*a).checked_div(Decimal::from(*b)).map(Value::Number)
        }
        _ => None,
    }
}

fn power(base: Decimal, exponent: Decimal) -> Option<Decimal> {
    match exponent.fract().is_zero().then(|| exponent.to_i64()).flatten() {
        Some(exponent) if base.is_zero() => match exponent {
            0 => Some(Decimal::ONE),
            1.. => Some(Decimal::ZERO),
            _ => None,
        },
        Some(exponent) => base.checked_powi(exponent),
        None if base.is_sign_negative() => None,
        None => base.checked_powd(exponent),
    }
}

fn span(months: i64) -> Option<Span> {
    Span::new().try_months(months).ok()
}

fn seconds(duration: SignedDuration) -> Decimal {
    Decimal::from(duration.as_secs()) + Decimal::new(i64::from(duration.subsec_nanos()), 9)
}

fn from_seconds(seconds: Decimal) -> Option<SignedDuration> {
    let whole = seconds.trunc();
    let nanos = (seconds - whole).checked_mul(Decimal::from(1_000_000_000))?.trunc().to_i32()?;
    Some(SignedDuration::new(whole.to_i64()?, nanos))
}
