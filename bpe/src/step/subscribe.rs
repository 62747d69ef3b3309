//! Opening and closing subscriptions.

use std::sync::Arc;

use super::run::Run;
use crate::effect::Effect;
use crate::model::{Node, NodeId, NodeKind, Process, Trigger};
use crate::state::{Key, On, Resume, Subscription};
use crate::timer;

impl Run<'_> {
    /// Subscribes a catching event or receive task to what it waits for.
    pub(super) fn subscribe_own(&mut self, key: Key) -> bool {
        let Some((process, id)) = self.place(key) else { return false };
        self.subscribe_all(key, &process, &[id])
    }

    /// Subscribes an event-based gateway to the events after it.
    pub(super) fn subscribe_targets(&mut self, key: Key) -> bool {
        let Some((process, id)) = self.place(key) else { return false };
        let targets = process.node(id).outgoing.iter().map(|flow| process.flow(*flow).target);
        let targets: Vec<NodeId> = targets.collect();
        self.subscribe_all(key, &process, &targets)
    }

    /// Subscribes an activity to its boundary events; errors and the like are looked for when they are
    /// thrown.
    pub(super) fn subscribe_boundaries(&mut self, key: Key) -> bool {
        let Some((process, id)) = self.place(key) else { return false };
        let boundaries = &process.node(id).boundaries;
        if boundaries.is_empty() {
            return true;
        }
        let waiting = boundaries.iter().filter(|id| subscribes(process.node(**id)));
        let waiting: Vec<NodeId> = waiting.copied().collect();
        self.subscribe_all(key, &process, &waiting)
    }

    /// All or nothing: a bad expression leaves an incident and no subscription.
    fn subscribe_all(&mut self, key: Key, process: &Arc<Process>, nodes: &[NodeId]) -> bool {
        let scope = self.scope_of(key);
        let mut found = Vec::with_capacity(nodes.len());
        for node in nodes {
            match self.on(process.node(*node), Some(key), scope) {
                Ok(on) => found.push(Subscription { scope, token: Some(key), node: *node, on }),
                Err(what) => {
                    let what = format!("`{}` cannot wait: {what}", process.node(*node).id);
                    self.incident(key, what, Resume::Enter);
                    return false;
                }
            }
        }
        if let Some(token) = self.state.tokens.get_mut(&key) {
            token.subscribed |= !found.is_empty();
        }
        found.into_iter().for_each(|subscription| self.subscribe(subscription));
        true
    }

    /// Subscribes the start event of an event sub-process for as long as the scope around it lives.
    pub(super) fn subscribe_event_sub(&mut self, scope: Key, event_sub: NodeId) {
        let process = self.process_of(scope);
        let Some(start) = start_of(&process, event_sub) else { return };
        if !subscribes(process.node(start)) {
            return;
        }
        match self.on(process.node(start), None, scope) {
            Ok(on) => self.subscribe(Subscription { scope, token: None, node: start, on }),
            Err(what) => {
                let token = self.place_token(scope, event_sub, None);
                let what = format!("`{}` cannot wait: {what}", process.node(start).id);
                self.incident(token, what, Resume::Subscribe);
            }
        }
    }

    /// After an incident of `subscribe_event_sub`: the token that carried it goes.
    pub(super) fn subscribe_again(&mut self, key: Key) {
        let Some(token) = self.remove(key) else { return };
        self.subscribe_event_sub(token.scope, token.node);
        self.end_if_empty(token.scope);
    }

    fn subscribe(&mut self, subscription: Subscription) {
        // A condition may hold already.
        self.changed |= matches!(subscription.on, On::Condition { .. });
        let key = self.key();
        self.state.subscriptions.insert(key, subscription);
        self.effects.push(Effect::Subscribed(key));
    }

    /// What an event waits for, with its expressions evaluated now.
    fn on(&self, node: &Node, token: Option<Key>, scope: Key) -> Result<On, String> {
        match node.trigger() {
            Some(Trigger::Message { name, key }) => {
                let name = self.name(name, token, scope)?;
                let key = match key {
                    Some(key) => match self.evaluate(key, token, scope)? {
                        value if value.is_null() => {
                            return Err(format!("the correlation key `{}` is null", key.source()));
                        }
                        value => Some(value.into_data()),
                    },
                    None => None,
                };
                Ok(On::Message { name, key })
            }
            Some(Trigger::Signal(name)) => self.name(name, token, scope).map(On::Signal),
            Some(Trigger::Timer(timer)) => match &timer.value {
                Some(value) => {
                    let value = self.evaluate(value, token, scope)?;
                    timer::schedule(timer.kind, &value, self.now).map(On::Timer)
                }
                None => Ok(On::Hand),
            },
            Some(Trigger::Conditional(Some(_))) => Ok(On::Condition { was: false }),
            _ => Ok(On::Hand),
        }
    }

    /// Closes the subscriptions of a token.
    pub(super) fn unsubscribe(&mut self, key: Key) {
        let Some(token) = self.state.tokens.get_mut(&key).filter(|token| token.subscribed) else { return };
        token.subscribed = false;
        self.close(|subscription| subscription.token == Some(key));
    }

    /// Closes the subscriptions of a scope's event sub-processes.
    pub(super) fn unsubscribe_scope(&mut self, scope: Key) {
        self.close(|subscription| subscription.scope == scope && subscription.token.is_none());
    }

    fn close(&mut self, which: impl Fn(&Subscription) -> bool) {
        if self.state.subscriptions.is_empty() {
            return;
        }
        let keys = self.state.subscriptions.iter().filter(|(_, found)| which(found)).map(|(key, _)| *key);
        let keys: Vec<Key> = keys.collect();
        for key in keys {
            if let Some(subscription) = self.state.subscriptions.remove(&key) {
                self.effects.push(Effect::Unsubscribed(key, subscription));
            }
        }
    }
}

/// Whether the event is waited for, instead of being looked for when something is thrown.
fn subscribes(node: &Node) -> bool {
    !matches!(
        node.trigger(),
        Some(Trigger::Error(_) | Trigger::Escalation(_) | Trigger::Compensation(_) | Trigger::Cancel)
    )
}

/// The start event of an event sub-process.
pub(super) fn start_of(process: &Process, event_sub: NodeId) -> Option<NodeId> {
    let body = process.body_of(Some(event_sub));
    let mut starts =
        body.nodes.iter().copied().filter(|id| matches!(process.node(*id).kind, NodeKind::Start { .. }));
    starts.next()
}
