//! Equality and order. None means "these do not compare", which becomes null.

use std::cmp::Ordering;

use super::ast::Comparison;
use super::temporal;
use super::value::{Range, Value};

pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::Unequal => equal(left, right).map(|equal| !equal),
        Comparison::Less => order(left, right).map(Ordering::is_lt),
        Comparison::LessOrEqual => order(left, right).map(Ordering::is_le),
        Comparison::Greater => order(left, right).map(Ordering::is_gt),
        Comparison::GreaterOrEqual => order(left, right).map(Ordering::is_ge),
    }
}

/// Null equals only null; otherwise both sides must be of one type.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Some(left.is_null() && right.is_null()),
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            Some(a.iter().zip(b.iter()).all(|(a, b)| equal(a, b) == Some(true)))
        }
        (Value::Context(a), Value::Context(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            Some(a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b) == Some(true))))
        }
        (Value::Range(a), Value::Range(b)) => Some(a == b),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a, None), Value::Time(b, None)) => Some(a.cmp(b)),
        (Value::Time(a, Some(zone_a)), Value::Time(b, Some(zone_b))) => {
            Some(temporal::time_in_utc(*a, zone_a).cmp(&temporal::time_in_utc(*b, zone_b)))
        }
        (Value::DateTime(a, None), Value::DateTime(b, None)) => Some(a.cmp(b)),
        (Value::DateTime(a, Some(zone_a)), Value::DateTime(b, Some(zone_b))) => {
            let a = a.to_zoned(zone_a.clone()).ok()?.timestamp();
            Some(a.cmp(&b.to_zoned(zone_b.clone()).ok()?.timestamp()))
        }
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Months(a), Value::Months(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whether the value lies in the range; an open end holds no one back.
pub(super) fn contains(range: &Range, value: &Value) -> Option<bool> {
    let above = match &range.low {
        Some((low, closed)) => {
            let order = order(value, low)?;
            order.is_gt() || (*closed && order.is_eq())
        }
        None => true,
    };
    let below = match &range.high {
        Some((high, closed)) => {
            let order = order(value, high)?;
            order.is_lt() || (*closed && order.is_eq())
        }
        None => true,
    };
    Some(above && below)
}
