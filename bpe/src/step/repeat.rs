//! Repeated activities: multi-instance and standard loops. The instances move in a scope of their own, inside
//! the token that arrived; boundary events belong to that token, so there is one set of them.

use std::sync::Arc;

use super::run::Run;
use crate::feel::Value;
use crate::model::Loop;
use crate::scope::{Rounds, ScopeKind};
use crate::state::{Key, Resume, Wait};

/// What the instances are made from.
struct Plan {
    total: Option<usize>,
    items: Option<Arc<Vec<Value>>>,
    at_once: usize,
}

impl Run<'_> {
    /// Begins the rounds of a repeated activity.
    pub(super) fn begin_rounds(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        let Some(repeat) = &process.node(id).repeat else { return };
        let plan = match self.plan(key, repeat) {
            Ok(plan) => plan,
            Err(what) => return self.incident(key, what, Resume::Repeat),
        };
        if plan.total == Some(0) {
            return self.rounds_done(key, None);
        }
        let Some(scope) = self.open_scope(key, Some(id)) else { return };
        if let Some(scope) = self.state.scopes.get_mut(&scope) {
            let Plan { total, items, .. } = plan;
            scope.kind =
                ScopeKind::Loop(Rounds { total, items, begun: 0, completed: 0, outputs: Vec::new() });
        }
        for _ in 0..plan.at_once {
            self.begin_round(scope);
        }
    }

    fn plan(&self, key: Key, repeat: &Loop) -> Result<Plan, String> {
        let scope = self.scope_of(key);
        match repeat {
            Loop::Standard { before, condition, maximum } => {
                let go = match condition {
                    Some(condition) if *before => self.condition(condition, Some(key), scope)?,
                    _ => *maximum != Some(0),
                };
                let total = if go { None } else { Some(0) };
                Ok(Plan { total, items: None, at_once: 1 })
            }
            Loop::Multi { sequential, cardinality, collection, .. } => {
                let (total, items) = match (collection, cardinality) {
                    (Some(collection), _) => match self.evaluate(collection, Some(key), scope)? {
                        Value::List(items) => (items.len(), Some(items)),
                        other => {
                            return Err(format!(
                                "`{}` gives `{other}`, which is no list",
                                collection.source()
                            ));
                        }
                    },
                    (None, Some(cardinality)) => {
                        use rust_decimal::prelude::ToPrimitive;
                        let value = self.evaluate(cardinality, Some(key), scope)?;
                        let total =
                            value.as_number().filter(|n| n.fract().is_zero()).and_then(|n| n.to_usize());
                        let wrong = || {
                            format!(
                                "`{}` gives `{value}`, which is no number of instances",
                                cardinality.source()
                            )
                        };
                        (total.ok_or_else(wrong)?, None)
                    }
                    (None, None) => {
                        return Err("neither a number nor a list says how many instances".to_owned());
                    }
                };
                if total > self.limits.instances {
                    return Err(format!(
                        "{total} instances are more than the limit of {}",
                        self.limits.instances
                    ));
                }
                Ok(Plan { total: Some(total), items, at_once: if *sequential { 1 } else { total } })
            }
        }
    }

    fn begin_round(&mut self, scope: Key) {
        let Some(here) = self.state.scopes.get_mut(&scope) else { return };
        let (ScopeKind::Loop(rounds), Some(node)) = (&mut here.kind, here.node) else { return };
        let index = rounds.begun;
        rounds.begun += 1;
        let item = rounds.items.as_ref().map(|items| items.get(index).cloned().unwrap_or_default());
        let key = self.place_token(scope, node, None);
        let process = self.process_of(scope);
        let element = match &process.node(node).repeat {
            Some(Loop::Multi { element, .. }) => element.as_deref(),
            _ => None,
        };
        if let Some(token) = self.state.tokens.get_mut(&key) {
            token.variables.insert("loopCounter".into(), (index + 1).into());
            if let (Some(element), Some(item)) = (element, item) {
                token.variables.insert(element.into(), item);
            }
        }
        self.count(scope);
        self.activate(key);
    }

    /// Keeps the counting variables true.
    fn count(&mut self, scope: Key) {
        let Some(scope) = self.state.scopes.get_mut(&scope) else { return };
        let ScopeKind::Loop(rounds) = &scope.kind else { return };
        let counts = [
            ("numberOfInstances", rounds.total.unwrap_or(rounds.begun)),
            ("numberOfActiveInstances", rounds.begun - rounds.completed),
            ("numberOfCompletedInstances", rounds.completed),
        ];
        for (name, count) in counts {
            scope.variables.insert(name.into(), count.into());
        }
    }

    /// One round is complete.
    pub(super) fn round_done(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        let Some(repeat) = &process.node(id).repeat else { return };
        let scope = self.scope_of(key);
        let output = match repeat {
            Loop::Multi { output_element: Some(output), .. } => match self.evaluate(output, Some(key), scope)
            {
                Ok(value) => Some(value.into_data()),
                Err(what) => return self.incident(key, what, Resume::Round),
            },
            _ => None,
        };
        let index = self.state.tokens.get(&key).and_then(|token| token.variables.get("loopCounter")).cloned();
        if let Some(here) = self.state.scopes.get_mut(&scope)
            && let ScopeKind::Loop(rounds) = &mut here.kind
        {
            rounds.completed += 1;
            if let Some(output) = output {
                use rust_decimal::prelude::ToPrimitive;
                let index = index.and_then(|index| index.as_number()).and_then(|n| n.to_usize()).unwrap_or(1);
                if rounds.outputs.len() < index {
                    rounds.outputs.resize(index, Value::Null);
                }
                rounds.outputs[index - 1] = output;
            }
        }
        self.count(scope);
        match self.goes_on(key, scope, repeat) {
            Ok(More::Done) => {
                self.remove(key);
                self.kill_tokens(scope);
                if let Some(outer) = self.state.scopes.get(&scope).and_then(|scope| scope.token) {
                    self.rounds_done(outer, Some(scope));
                }
            }
            Ok(More::Another) => {
                self.remove(key);
                self.begin_round(scope);
            }
            Ok(More::Wait) => {
                self.remove(key);
            }
            Err(what) => {
                if let Some(here) = self.state.scopes.get_mut(&scope)
                    && let ScopeKind::Loop(rounds) = &mut here.kind
                {
                    rounds.completed -= 1;
                }
                self.incident(key, what, Resume::Round);
            }
        }
    }

    fn goes_on(&self, key: Key, scope: Key, repeat: &Loop) -> Result<More, String> {
        let Some(ScopeKind::Loop(rounds)) = self.state.scopes.get(&scope).map(|scope| &scope.kind) else {
            return Ok(More::Done);
        };
        match repeat {
            Loop::Standard { condition, maximum, .. } => {
                if maximum.is_some_and(|maximum| rounds.completed >= maximum as usize) {
                    return Ok(More::Done);
                }
                let again = match condition {
                    Some(condition) => self.condition(condition, Some(key), scope)?,
                    None => maximum.is_some(),
                };
                Ok(if again { More::Another } else { More::Done })
            }
            Loop::Multi { sequential, completion, .. } => {
                let enough = match completion {
                    Some(completion) => self.condition(completion, Some(key), scope)?,
                    None => false,
                };
                let total = rounds.total.unwrap_or(0);
                Ok(if enough || rounds.completed >= total {
                    More::Done
                } else if *sequential {
                    More::Another
                } else {
                    More::Wait
                })
            }
        }
    }

    /// All rounds are over: what they gave is collected, and the activity is left.
    fn rounds_done(&mut self, key: Key, inside: Option<Key>) {
        let Some((process, id)) = self.place(key) else { return };
        let outputs =
            match inside.and_then(|inside| self.state.scopes.remove(&inside)).map(|scope| scope.kind) {
                Some(ScopeKind::Loop(rounds)) => rounds.outputs,
                _ => Vec::new(),
            };
        if let Some(Loop::Multi { output: Some(name), .. }) = &process.node(id).repeat {
            self.set(None, self.scope_of(key), &(&**name).into(), Value::list(outputs));
        }
        self.unsubscribe(key);
        self.wait(key, Wait::Ready);
        self.leave(key);
    }
}

/// What comes after a round.
enum More {
    Another,
    Wait,
    Done,
}
