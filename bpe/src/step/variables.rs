//! Evaluating expressions against an instance, and mapping variables in and out of activities.

use std::sync::Arc;

use super::run::Run;
use crate::feel::{Context, Value};
use crate::model::{Expression, Mapping, Node, NodeKind};
use crate::scope::View;
use crate::state::Key;

/// How deep lists and contexts may nest in a variable: deeper ones could not be written and read back safely.
const DEPTH: usize = 100;

impl Run<'_> {
    /// Evaluates an expression as seen from a token, or from a scope.
    pub(super) fn evaluate(
        &self,
        expression: &Expression,
        token: Option<Key>,
        scope: Key,
    ) -> Result<Value, String> {
        self.answer(expression, token, scope).map(|(value, _)| value)
    }

    /// The value, and why it is null if it is.
    fn answer(
        &self,
        expression: &Expression,
        token: Option<Key>,
        scope: Key,
    ) -> Result<(Value, Option<String>), String> {
        let view = View { state: self.state, token, scope };
        let answer = expression.evaluate(&view, self.now, self.limits);
        let answer = answer.map_err(|error| format!("`{}`: {error}", expression.source()))?;
        Ok((answer.value, answer.note))
    }

    /// Evaluates a condition, which must be true or false.
    pub(super) fn condition(
        &self,
        expression: &Expression,
        token: Option<Key>,
        scope: Key,
    ) -> Result<bool, String> {
        match self.answer(expression, token, scope)? {
            (Value::Bool(bool), _) => Ok(bool),
            (_, note) => {
                let why = note.map(|note| format!(": {note}")).unwrap_or_default();
                Err(format!("the condition `{}` is neither true nor false{why}", expression.source()))
            }
        }
    }

    /// Evaluates a name: text, or FEEL that gives text.
    pub(super) fn name(
        &self,
        expression: &Expression,
        token: Option<Key>,
        scope: Key,
    ) -> Result<Arc<str>, String> {
        if let Some(fixed) = expression.fixed() {
            return Ok(fixed.into());
        }
        match self.answer(expression, token, scope)? {
            (Value::Text(text), _) => Ok(text),
            (_, note) => {
                let why = note.map(|note| format!(": {note}")).unwrap_or_default();
                Err(format!("`{}` gives no text{why}", expression.source()))
            }
        }
    }

    /// Sets a variable where it is, or at the outermost scope.
    pub(super) fn set(&mut self, token: Option<Key>, scope: Key, name: &Arc<str>, value: Value) {
        self.changed = true;
        self.state.set(token, scope, name, value.into_data());
    }

    /// Sets what an event carries.
    pub(super) fn set_all(&mut self, token: Option<Key>, scope: Key, variables: &Context) {
        for (name, value) in variables {
            self.set(token, scope, name, value.clone());
        }
    }

    /// Each input sees those before it.
    pub(super) fn map_inputs(&mut self, key: Key, inputs: &[Mapping]) -> Result<(), String> {
        let scope = self.scope_of(key);
        for mapping in inputs {
            let value = sound(self.evaluate(&mapping.source, Some(key), scope)?)?;
            if let Some(token) = self.state.tokens.get_mut(&key) {
                assign(&mut token.variables, &mapping.target, value);
            }
        }
        Ok(())
    }

    /// Outputs are evaluated inside the activity and set around it.
    pub(super) fn map_outputs(&mut self, key: Key, inside: Option<Key>, node: &Node) -> Result<(), String> {
        let scope = self.scope_of(key);
        let called = inside.filter(|_| matches!(node.kind, NodeKind::Call(_)));
        let mut results = Vec::with_capacity(node.outputs.len());
        for mapping in &node.outputs {
            let value = match inside {
                Some(inside) => self.evaluate(&mapping.source, None, inside),
                None => self.evaluate(&mapping.source, Some(key), scope),
            };
            results.push((&mapping.target, sound(value?)?));
        }
        if let (Some(called), NodeKind::Call(how)) = (called, &node.kind)
            && how.all_out
            && node.outputs.is_empty()
        {
            let scope_of_call = self.state.scopes.get(&called);
            let written = scope_of_call.into_iter().flat_map(|scope| {
                scope
                    .written
                    .iter()
                    .filter_map(|name| Some((name.clone(), scope.variables.get(name)?.clone())))
            });
            let written: Context = written.collect();
            self.set_all(Some(key), scope, &written);
        }
        for (target, value) in results {
            let (name, path) =
                target.split_once('.').map_or((&**target, None), |(name, path)| (name, Some(path)));
            let name: Arc<str> = name.into();
            let value = match path {
                None => value,
                Some(path) => {
                    let view = View { state: self.state, token: None, scope };
                    let mut entries = match crate::feel::Names::value(&view, &name) {
                        Some(Value::Context(entries)) => Context::clone(&entries),
                        _ => Context::new(),
                    };
                    assign(&mut entries, path, value);
                    entries.into()
                }
            };
            self.set(None, scope, &name, value);
        }
        Ok(())
    }
}

/// Sets `a.b.c` inside nested contexts.
fn assign(entries: &mut Context, target: &str, value: Value) {
    let Some((name, rest)) = target.split_once('.') else {
        entries.insert(target.into(), value);
        return;
    };
    let mut inner = match entries.get(name) {
        Some(Value::Context(inner)) => Context::clone(inner),
        _ => Context::new(),
    };
    assign(&mut inner, rest, value);
    entries.insert(name.into(), inner.into());
}

fn sound(value: Value) -> Result<Value, String> {
    fn deeper(value: &Value, left: usize) -> bool {
        match (value, left) {
            (Value::List(_) | Value::Context(_), 0) => true,
            (Value::List(items), _) => items.iter().any(|item| deeper(item, left - 1)),
            (Value::Context(entries), _) => entries.values().any(|value| deeper(value, left - 1)),
            _ => false,
        }
    }
    if deeper(&value, DEPTH) {
        Err(format!("a value is nested deeper than {DEPTH}"))
    } else {
        Ok(value.into_data())
    }
}
