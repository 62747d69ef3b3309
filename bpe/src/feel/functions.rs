//! Calling built-in functions: by position or by name, with null and a note for what does not fit.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::builtin::{self, PARAMETERS};
use super::eval::{Called, Run};
use super::lists;
use super::value::{Range, Value};
use crate::Result;

/// Calls the built-in function of that name.
pub(super) fn call(run: &mut Run<'_>, name: &str, called: Called) -> Result<Value> {
    let parameters = PARAMETERS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, names)| *names);
    let named = !called.names.is_empty();
    let arguments = called.ordered(parameters);
    if named && parameters.is_empty() {
        return Ok(run.null(|| format!("`{name}` takes no named arguments")));
    }
    let cost: usize = arguments.iter().map(size).sum();
    // These compare each item with each.
    let squared = matches!(name, "distinct values" | "duplicate values" | "union");
    run.spend(if squared { cost.saturating_mul(cost) / 16 } else { cost })?;
    let answer = match name {
        "sort" => return sort(run, &arguments),
        "now" => Some(now(run)),
        "today" => Some(match now(run) {
            Value::DateTime(datetime, _) => Value::Date(datetime.date()),
            other => other,
        }),
        _ => builtin::call(name, &arguments).or_else(|| lists::call(name, &arguments)),
    };
    if let Some(value) = &answer {
        run.spend(size(value))?;
    }
    Ok(answer.unwrap_or_else(|| {
        let types: Vec<&str> = arguments.iter().map(Value::type_name).collect();
        run.null(|| format!("`{name}({})` has no result", types.join(", ")))
    }))
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() / 8,
        Value::List(items) => items.len(),
        Value::Context(entries) => entries.len(),
        _ => 0,
    }
}

fn now(run: &Run<'_>) -> Value {
    let zoned = run.now.to_zoned(jiff::tz::TimeZone::UTC);
    Value::DateTime(zoned.datetime(), Some(jiff::tz::TimeZone::UTC))
}

/// Item `index` from the front (1) or from the back (-1).
pub(super) fn item(items: &[Value], index: Decimal) -> Option<Value> {
    let index = index.fract().is_zero().then(|| index.to_i64()).flatten()?;
    let at = match index {
        1.. => usize::try_from(index - 1).ok()?,
        0 => return None,
        _ => items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    items.get(at).cloned()
}

/// The whole numbers a range of `for` runs over, upwards or downwards.
pub(super) fn integers(range: &Range) -> Option<(i64, i64)> {
    let end = |end: &Option<(Value, bool)>| match end {
        Some((Value::Number(number), _)) if number.fract().is_zero() => number.to_i64(),
        _ => None,
    };
    Some((end(&range.low)?, end(&range.high)?))
}

/// Merge sort, because the comparison is an expression that can fail and need not be an order.
fn sort(run: &mut Run<'_>, arguments: &[Value]) -> Result<Value> {
    let (items, precedes) = match arguments {
        [Value::List(items)] => (items, None),
        [Value::List(items), Value::Function(lambda)] => (items, Some(lambda)),
        _ => return Ok(run.null(|| "`sort` takes a list and a function".to_owned())),
    };
    let mut runs: Vec<Vec<Value>> = items.iter().map(|item| vec![item.clone()]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            let Some(right) = pairs.next() else {
                merged.push(left);
                break;
            };
            let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
            let mut both = Vec::with_capacity(left.len() + right.len());
            while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                run.spend(0)?;
                let swap = match precedes {
                    Some(lambda) => {
                        let called = Called { names: Vec::new(), values: vec![b.clone(), a.clone()] };
                        run.apply(lambda, called)? == Value::Bool(true)
                    }
                    None => super::compare::order(b, a).is_some_and(std::cmp::Ordering::is_lt),
                };
                both.extend(if swap { right.next() } else { left.next() });
            }
            both.extend(left);
            both.extend(right);
            merged.push(both);
        }
        runs = merged;
    }
    Ok(Value::list(runs.pop().unwrap_or_default()))
}
