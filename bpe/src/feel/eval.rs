//! Evaluation: a walk over the syntax tree that counts its steps and its depth.

use std::sync::Arc;

use jiff::Timestamp;

use super::arithmetic::{arithmetic, negate};
use super::ast::{Arguments, Expr, Kind, Test};
use super::compare::{compare, contains, equal};
use super::value::{Context, Lambda, Range, Value};
use super::{convert, functions};
use crate::{Error, Limits, Result};

/// Where an expression finds the variables it names.
pub trait Names {
    /// The value of that name, if there is one.
    fn value(&self, name: &str) -> Option<Value>;
}

impl Names for Context {
    fn value(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
}

/// What an evaluation gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// Why something in it became null, if that happened: the first reason met.
    pub note: Option<String>,
}

/// Evaluates an expression. `now` is what `now()` and `today()` answer, in UTC.
pub fn evaluate(expr: &Expr, names: &dyn Names, now: Timestamp, limits: &Limits) -> Result<Answer> {
    let mut run = Run {
        names,
        now,
        steps: limits.feel_steps,
        depth: 4 * limits.feel_depth,
        locals: Vec::new(),
        note: None,
    };
    let value = run.eval(expr)?;
    Ok(Answer { value, note: run.note })
}

/// The state of one evaluation.
pub(super) struct Run<'a> {
    names: &'a dyn Names,
    pub(super) now: Timestamp,
    steps: u64,
    depth: usize,
    locals: Vec<Local>,
    note: Option<String>,
}

/// What an expression binds inside itself.
enum Local {
    Name(Arc<str>, Value),
    /// The entries of a filtered item are visible under their own names.
    Entries(Arc<Context>),
}

impl Run<'_> {
    /// Pays for `cost` operations. Building long texts and lists costs by their length, so that no expression
    /// can use memory it does not pay for.
    pub(super) fn spend(&mut self, cost: usize) -> Result<()> {
        self.steps = self.steps.checked_sub(cost as u64 + 1).ok_or(Error::FeelSteps)?;
        Ok(())
    }

    /// Null, remembering why.
    pub(super) fn null(&mut self, note: impl FnOnce() -> String) -> Value {
        self.note.get_or_insert_with(note);
        Value::Null
    }

    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Value> {
        self.spend(0)?;
        self.depth = self.depth.checked_sub(1).ok_or(Error::FeelSteps)?;
        let value = self.kind(&expr.0);
        self.depth += 1;
        value
    }

    fn kind(&mut self, kind: &Kind) -> Result<Value> {
        match kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) => Ok(self.name(name)),
            Kind::List(items) => {
                let items: Result<Vec<Value>> = items.iter().map(|item| self.eval(item)).collect();
                Ok(Value::list(items?))
            }
            Kind::Context(entries) => self.context(entries),
            Kind::Range { low, high } => {
                let low = self.end(low.as_ref())?;
                let high = self.end(high.as_ref())?;
                Ok(Value::Range(Arc::new(Range { low, high })))
            }
            Kind::Path(from, name) => {
                let from = self.eval(from)?;
                self.path(&from, name)
            }
            Kind::Filter(list, filter) => self.filter(list, filter),
            Kind::Call(name, arguments) => self.call(name, arguments),
            Kind::Apply(function, arguments) => match self.eval(function)? {
                Value::Function(lambda) => {
                    let arguments = self.arguments(arguments)?;
                    self.apply(&lambda, arguments)
                }
                other => Ok(self.null(|| format!("a {} cannot be called", other.type_name()))),
            },
            Kind::Negate(inner) => {
                let value = self.eval(inner)?;
                Ok(negate(&value)
                    .unwrap_or_else(|| self.null(|| format!("a {} has no negative", value.type_name()))))
            }
            Kind::Arithmetic(operator, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                if let (Value::Text(a), Value::Text(b)) = (&left, &right) {
                    self.spend((a.len() + b.len()) / 8)?;
                }
                Ok(arithmetic(*operator, &left, &right).unwrap_or_else(|| {
                    let (left, right) = (left.type_name(), right.type_name());
                    self.null(|| format!("no result for {operator:?} of {left} and {right}"))
                }))
            }
            Kind::Compare(comparison, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                let result = compare(*comparison, &left, &right);
                self.truth(result, || {
                    format!("a {} does not compare with a {}", left.type_name(), right.type_name())
                })
            }
            Kind::And(left, right) => self.logic(left, right, false),
            Kind::Or(left, right) => self.logic(left, right, true),
            Kind::Between(value, low, high) => {
                let (value, low, high) = (self.eval(value)?, self.eval(low)?, self.eval(high)?);
                let range = Range { low: Some((low, true)), high: Some((high, true)) };
                self.truth(contains(&range, &value), || "`between` needs values of one type".to_owned())
            }
            Kind::In(value, tests) => {
                let value = self.eval(value)?;
                self.any_test(&value, tests)
            }
            Kind::InstanceOf(value, name) => {
                let value = self.eval(value)?;
                Ok((!value.is_null() && (&**name == "Any" || value.type_name() == &**name)).into())
            }
            Kind::If(condition, yes, no) => {
                let chosen = if self.eval(condition)? == Value::Bool(true) { yes } else { no };
                self.eval(chosen)
            }
            Kind::For(over, body) => {
                let mut results: Vec<Value> = Vec::new();
                self.each(over, &mut |run| {
                    let value = run.eval(body)?;
                    results.push(value);
                    Ok(true)
                })?;
                Ok(Value::list(results))
            }
            Kind::Quantified { every, over, satisfies } => self.quantified(*every, over, satisfies),
            Kind::Function(parameters, body) => {
                let captured = self.locals.iter().filter_map(|local| match local {
                    Local::Name(name, value) => Some((name.clone(), value.clone())),
                    Local::Entries(_) => None,
                });
                let captured = captured.collect();
                Ok(Value::Function(Arc::new(Lambda {
                    parameters: parameters.clone(),
                    body: body.clone(),
                    captured,
                })))
            }
        }
    }

    fn truth(&mut self, result: Option<bool>, note: impl FnOnce() -> String) -> Result<Value> {
        Ok(result.map_or_else(|| self.null(note), Value::Bool))
    }

    fn find(&self, name: &str) -> Option<Value> {
        let local = self.locals.iter().rev().find_map(|local| match local {
            Local::Name(known, value) => (&**known == name).then(|| value.clone()),
            Local::Entries(entries) => entries.get(name).cloned(),
        });
        local.or_else(|| self.names.value(name))
    }

    fn name(&mut self, name: &str) -> Value {
        self.find(name).unwrap_or_else(|| self.null(|| format!("the variable `{name}` is undefined")))
    }

    fn end(&mut self, end: Option<&(Expr, bool)>) -> Result<Option<(Value, bool)>> {
        end.map(|(expr, closed)| Ok((self.eval(expr)?, *closed))).transpose()
    }

    /// Later entries see earlier ones.
    fn context(&mut self, entries: &[(Arc<str>, Expr)]) -> Result<Value> {
        let mark = self.locals.len();
        let mut context = Context::new();
        for (name, expr) in entries {
            let value = self.eval(expr)?;
            self.locals.push(Local::Name(name.clone(), value.clone()));
            context.insert(name.clone(), value);
        }
        self.locals.truncate(mark);
        Ok(context.into())
    }

    fn path(&mut self, from: &Value, name: &str) -> Result<Value> {
        match from {
            Value::List(items) => {
                self.spend(items.len())?;
                let mapped: Result<Vec<Value>> = items.iter().map(|item| self.path(item, name)).collect();
                Ok(Value::list(mapped?))
            }
            Value::Context(entries) => Ok(match entries.get(name) {
                Some(value) => value.clone(),
                None => self.null(|| format!("there is no entry `{name}`")),
            }),
            other => Ok(match convert::property(other, name) {
                Some(value) => value,
                None => self.null(|| format!("a {} has no `{name}`", other.type_name())),
            }),
        }
    }

    fn filter(&mut self, list: &Expr, filter: &Expr) -> Result<Value> {
        let list = self.eval(list)?;
        let items = match &list {
            Value::List(items) => items.clone(),
            Value::Null => return Ok(Value::Null),
            single => Arc::new(vec![single.clone()]),
        };
        if let Kind::Literal(Value::Number(_)) | Kind::Negate(_) = &*filter.0
            && let Value::Number(index) = self.eval(filter)?
        {
            return Ok(
                functions::item(&items, index).unwrap_or_else(|| self.null(|| format!("no item {index}")))
            );
        }
        let mut kept = Vec::new();
        for item in items.iter() {
            let mark = self.locals.len();
            if let Value::Context(entries) = item {
                self.locals.push(Local::Entries(entries.clone()));
            }
            self.locals.push(Local::Name("item".into(), item.clone()));
            let answer = self.eval(filter);
            self.locals.truncate(mark);
            match answer? {
                Value::Bool(true) => kept.push(item.clone()),
                // A filter that is a number for the first item selects by position.
                Value::Number(index) => {
                    return Ok(functions::item(&items, index).unwrap_or(Value::Null));
                }
                _ => {}
            }
        }
        Ok(Value::list(kept))
    }

    fn logic(&mut self, left: &Expr, right: &Expr, decisive: bool) -> Result<Value> {
        let left = self.eval(left)?.as_bool();
        if left == Some(decisive) {
            return Ok(decisive.into());
        }
        let right = self.eval(right)?.as_bool();
        match (left, right) {
            (_, Some(right)) if right == decisive => Ok(decisive.into()),
            (Some(_), Some(_)) => Ok((!decisive).into()),
            _ => Ok(self.null(|| "a condition is neither true nor false".to_owned())),
        }
    }

    fn any_test(&mut self, value: &Value, tests: &[Test]) -> Result<Value> {
        let mut unknown = false;
        for test in tests {
            let answer = match test {
                Test::Compare(comparison, expr) => compare(*comparison, value, &self.eval(expr)?),
                Test::Value(expr) => match self.eval(expr)? {
                    Value::Range(range) => contains(&range, value),
                    Value::List(items) if !matches!(value, Value::List(_)) => {
                        self.spend(items.len())?;
                        Some(items.iter().any(|item| match item {
                            Value::Range(range) => contains(range, value) == Some(true),
                            item => equal(item, value) == Some(true),
                        }))
                    }
                    Value::Bool(bool) if !matches!(value, Value::Bool(_)) => Some(bool),
                    other => equal(&other, value),
                },
            };
            match answer {
                Some(true) => return Ok(true.into()),
                Some(false) => {}
                None => unknown = true,
            }
        }
        self.truth((!unknown).then_some(false), || "`in` needs values of one type".to_owned())
    }

    fn quantified(&mut self, every: bool, over: &[(Arc<str>, Expr)], satisfies: &Expr) -> Result<Value> {
        let mut result = Some(every);
        self.each(over, &mut |run| {
            match run.eval(satisfies)? {
                Value::Bool(answer) if answer != every => {
                    result = Some(!every);
                    return Ok(false);
                }
                Value::Bool(_) => {}
                _ => result = None,
            }
            Ok(true)
        })?;
        Ok(result.map_or(Value::Null, Value::Bool))
    }

    /// Calls `visit` for each combination of the bindings, the last varying fastest, until it answers false.
    fn each(
        &mut self,
        over: &[(Arc<str>, Expr)],
        visit: &mut dyn FnMut(&mut Self) -> Result<bool>,
    ) -> Result<bool> {
        let Some(((name, domain), rest)) = over.split_first() else { return visit(self) };
        let items = match self.eval(domain)? {
            Value::List(items) => items,
            Value::Range(range) => match functions::integers(&range) {
                Some((from, to)) => return self.count(name, from, to, rest, visit),
                None => return Ok(true),
            },
            Value::Null => return Ok(true),
            single => Arc::new(vec![single]),
        };
        for item in items.iter() {
            self.spend(0)?;
            self.locals.push(Local::Name(name.clone(), item.clone()));
            let go_on = self.each(rest, visit);
            self.locals.pop();
            if !go_on? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn count(
        &mut self,
        name: &Arc<str>,
        from: i64,
        to: i64,
        rest: &[(Arc<str>, Expr)],
        visit: &mut dyn FnMut(&mut Self) -> Result<bool>,
    ) -> Result<bool> {
        let mut at = from;
        loop {
            self.spend(0)?;
            self.locals.push(Local::Name(name.clone(), at.into()));
            let go_on = self.each(rest, visit);
            self.locals.pop();
            if !go_on? {
                return Ok(false);
            }
            if at == to {
                return Ok(true);
            }
            at += if from <= to { 1 } else { -1 };
        }
    }

    fn call(&mut self, name: &str, arguments: &Arguments) -> Result<Value> {
        let arguments = self.arguments(arguments)?;
        match self.find(name) {
            Some(Value::Function(lambda)) => self.apply(&lambda, arguments),
            _ => functions::call(self, name, arguments),
        }
    }

    fn arguments(&mut self, arguments: &Arguments) -> Result<Called> {
        match arguments {
            Arguments::Positional(items) => {
                let values: Result<Vec<Value>> = items.iter().map(|item| self.eval(item)).collect();
                Ok(Called { names: Vec::new(), values: values? })
            }
            Arguments::Named(items) => {
                let values: Result<Vec<Value>> = items.iter().map(|(_, item)| self.eval(item)).collect();
                Ok(Called { names: items.iter().map(|(name, _)| name.clone()).collect(), values: values? })
            }
        }
    }

    /// Calls a function written in FEEL.
    pub(super) fn apply(&mut self, lambda: &Lambda, called: Called) -> Result<Value> {
        let mark = self.locals.len();
        let values = called.ordered(&lambda.parameters);
        self.locals
            .extend(lambda.captured.iter().map(|(name, value)| Local::Name(name.clone(), value.clone())));
        for (at, name) in lambda.parameters.iter().enumerate() {
            let value = values.get(at).cloned().unwrap_or_default();
            self.locals.push(Local::Name(name.clone(), value));
        }
        let value = self.eval(&lambda.body);
        self.locals.truncate(mark);
        value
    }
}

/// Evaluated arguments, with their names if the call named them.
pub(super) struct Called {
    pub(super) names: Vec<Arc<str>>,
    pub(super) values: Vec<Value>,
}

impl Called {
    /// The values in the order of the parameters.
    pub(super) fn ordered<S: AsRef<str>>(self, parameters: &[S]) -> Vec<Value> {
        if self.names.is_empty() {
            return self.values;
        }
        let find = |parameter: &S| self.names.iter().position(|name| **name == *parameter.as_ref());
        let values = parameters.iter().map(|parameter| find(parameter).map(|at| self.values[at].clone()));
        let mut values: Vec<Option<Value>> = values.collect();
        while values.last().is_some_and(Option::is_none) {
            values.pop();
        }
        values.into_iter().map(Option::unwrap_or_default).collect()
    }
}
