//! The built-in functions over lists.

use rust_decimal::Decimal;
use rust_decimal::prelude::{MathematicalOps, ToPrimitive};

use super::compare::{equal, order};
use super::value::Value;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Value> {
    match name {
        "min" | "max" | "sum" | "mean" | "product" | "median" | "stddev" | "all" | "any" | "count" => {
            // These take one list, or the items themselves.
            match arguments {
                [Value::List(items)] => reduce(name, items),
                items => reduce(name, items),
            }
        }
        "concatenate" | "union" => {
            let mut joined = Vec::new();
            for list in arguments {
                joined.extend_from_slice(list.as_list()?);
            }
            Some(Value::list(if name == "union" { distinct(&joined) } else { joined }))
        }
        _ => one(name, arguments.first()?.as_list()?, &arguments[1..]),
    }
}

fn reduce(name: &str, items: &[Value]) -> Option<Value> {
    let numbers =
        || items.iter().map(Value::as_number).collect::<Option<Vec<Decimal>>>().filter(|n| !n.is_empty());
    let sum =
        |numbers: &[Decimal]| numbers.iter().try_fold(Decimal::ZERO, |sum, number| sum.checked_add(*number));
    let mean = |numbers: &[Decimal]| sum(numbers)?.checked_div(Decimal::from(numbers.len()));
    match name {
        "count" => Some(items.len().into()),
        "min" | "max" => {
            let mut best = items.first()?;
            for item in items {
                let order = order(item, best)?;
                if if name == "min" { order.is_lt() } else { order.is_gt() } {
                    best = item;
                }
            }
            Some(best.clone())
        }
        "sum" => sum(&numbers()?).map(Value::Number),
        "mean" => mean(&numbers()?).map(Value::Number),
        "product" => numbers()?
            .iter()
            .try_fold(Decimal::ONE, |all, number| all.checked_mul(*number))
            .map(Value::Number),
        "median" => {
            let mut numbers = numbers()?;
            numbers.sort();
            let middle = numbers.len() / 2;
            if numbers.len() % 2 == 1 {
                return numbers.get(middle).copied().map(Value::Number);
            }
            mean(numbers.get(middle - 1..=middle)?).map(Value::Number)
        }
        "stddev" => {
            let numbers = numbers().filter(|numbers| numbers.len() > 1)?;
            let mean = mean(&numbers)?;
            let squares =
                numbers.iter().map(|number| number.checked_sub(mean).and_then(|d| d.checked_mul(d)));
            let squares: Vec<Decimal> = squares.collect::<Option<_>>()?;
            sum(&squares)?.checked_div(Decimal::from(numbers.len() - 1))?.sqrt().map(Value::Number)
        }
        // `all` is false as soon as one is, true if all are, and unknown otherwise; `any` the other way
        // round.
        "all" | "any" => {
            let decisive = name == "any";
            if items.iter().any(|item| item.as_bool() == Some(decisive)) {
                return Some(decisive.into());
            }
            items.iter().all(|item| item.as_bool().is_some()).then(|| (!decisive).into())
        }
        _ => None,
    }
}

fn one(name: &str, items: &[Value], rest: &[Value]) -> Option<Value> {
    let list = match (name, rest) {
        ("list contains", [wanted]) => {
            return Some(items.iter().any(|item| equal(item, wanted) == Some(true)).into());
        }
        ("index of", [wanted]) => {
            let found = items.iter().enumerate().filter(|(_, item)| equal(item, wanted) == Some(true));
            found.map(|(at, _)| (at + 1).into()).collect()
        }
        ("append", more) => [items, more].concat(),
        ("reverse", []) => items.iter().rev().cloned().collect(),
        ("sublist", [start, length @ ..]) => {
            let start = place(items, start)?;
            let end = match length.first() {
                Some(length) => start.checked_add(length.as_number()?.to_usize()?)?,
                None => items.len(),
            };
            items.get(start..end)?.to_vec()
        }
        ("remove", [at]) => {
            let at = place(items, at)?;
            let mut list = items.to_vec();
            list.remove(at);
            list
        }
        ("insert before", [at, item]) => {
            let at = place(items, at)?;
            let mut list = items.to_vec();
            list.insert(at, item.clone());
            list
        }
        ("list replace", [at @ Value::Number(_), item]) => {
            let at = place(items, at)?;
            let mut list = items.to_vec();
            list[at] = item.clone();
            list
        }
        ("distinct values", []) => distinct(items),
        ("duplicate values", []) => {
            let twice =
                |item: &&Value| items.iter().filter(|other| equal(item, other) == Some(true)).count() > 1;
            distinct(&items.iter().filter(twice).cloned().collect::<Vec<_>>())
        }
        ("flatten", []) => {
            let mut flat = Vec::new();
            flatten(items, &mut flat);
            flat
        }
        _ => return None,
    };
    Some(Value::list(list))
}

/// The index of position `at`, counted from 1 or from the end (-1).
fn place(items: &[Value], at: &Value) -> Option<usize> {
    let at = at.as_number()?.to_i64()?;
    let index = match at {
        1.. => usize::try_from(at - 1).ok()?,
        0 => return None,
        _ => items.len().checked_sub(usize::try_from(at.unsigned_abs()).ok()?)?,
    };
    (index < items.len()).then_some(index)
}

fn distinct(items: &[Value]) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    for item in items {
        if !seen.iter().any(|known| equal(known, item) == Some(true)) {
            seen.push(item.clone());
        }
    }
    seen
}

fn flatten(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(inner) => flatten(inner, flat),
            other => flat.push(other.clone()),
        }
    }
}
