//! What happens when an event comes: to the token that waits for it, to the activity it is on the border of,
//! or to the scope whose event sub-process it starts.

use super::run::Run;
use super::subscribe::start_of;
use crate::effect::{Effect, Happened};
use crate::feel::Context;
use crate::model::{NodeId, NodeKind, Trigger};
use crate::state::{Key, On, Subscription, Wait};

/// Where something was caught.
#[derive(Clone, Copy, Debug)]
pub(super) enum Catch {
    /// On the border of the activity of `token`.
    Boundary { token: Key, node: NodeId },
    /// By an event sub-process of `scope`.
    EventSub { scope: Key, node: NodeId },
}

impl Run<'_> {
    /// The event of a subscription came.
    pub(super) fn fire(&mut self, key: Key, variables: Context) {
        let Some(Subscription { scope, token, node, .. }) = self.state.subscriptions.get(&key).cloned()
        else {
            return;
        };
        let process = self.process_of(scope);
        match (&process.node(node).kind, token) {
            (NodeKind::Boundary { interrupting, .. }, Some(token)) => {
                if !interrupting {
                    self.go_on(key);
                }
                self.caught(Catch::Boundary { token, node }, variables);
            }
            (NodeKind::Start { interrupting, .. }, None) => {
                if !interrupting {
                    self.go_on(key);
                }
                if let Some(event_sub) = process.node(node).parent {
                    self.caught(Catch::EventSub { scope, node: event_sub }, variables);
                }
            }
            (_, Some(token)) => self.received(token, node, variables),
            _ => {}
        }
    }

    /// A subscription that outlives its event: it stays, or waits for its next time, or is over.
    fn go_on(&mut self, key: Key) {
        let Some(subscription) = self.state.subscriptions.get_mut(&key) else { return };
        let On::Timer(schedule) = &mut subscription.on else { return };
        let on = On::Timer(schedule.clone());
        let old = Subscription {
            scope: subscription.scope,
            token: subscription.token,
            node: subscription.node,
            on,
        };
        match schedule.next() {
            Some(next) => {
                *schedule = next;
                self.effects.push(Effect::Unsubscribed(key, old));
                self.effects.push(Effect::Subscribed(key));
            }
            None => {
                self.state.subscriptions.remove(&key);
                self.effects.push(Effect::Unsubscribed(key, old));
            }
        }
    }

    /// A waiting token got what it waits for: itself, or at an event after an event-based gateway.
    fn received(&mut self, key: Key, node: NodeId, variables: Context) {
        let Some((process, at)) = self.place(key) else { return };
        self.unsubscribe(key);
        let mut token = key;
        if at != node {
            let scope = self.scope_of(key);
            self.entry(Happened::Completed, key, None);
            let flow = process.node(at).outgoing.iter().find(|flow| process.flow(**flow).target == node);
            let flow = flow.copied();
            token = self.place_token(scope, node, flow);
            if let Some(flow) = flow {
                self.taken(key, &process, flow);
            }
            self.remove(key);
            self.entry(Happened::Entered, token, None);
        }
        self.entry(Happened::Triggered, token, None);
        self.wait(token, Wait::Ready);
        if process.node(node).is_activity() {
            self.finish(token, variables);
            return;
        }
        self.take_in(token, node, variables);
        self.leave_event(token);
    }

    /// What an event carries becomes variables, through its output mappings if it has any.
    fn take_in(&mut self, token: Key, node: NodeId, variables: Context) {
        let scope = self.scope_of(token);
        let process = self.process_of(scope);
        if process.node(node).outputs.is_empty() {
            self.set_all(None, scope, &variables);
        } else if let Some(token) = self.state.tokens.get_mut(&token) {
            token.variables.extend(variables.into_iter().map(|(name, value)| (name, value.into_data())));
        }
    }

    fn leave_event(&mut self, token: Key) {
        let Some((process, id)) = self.place(token) else { return };
        if process.node(id).outputs.is_empty() {
            self.pass(token);
        } else {
            self.complete(token);
        }
    }

    /// Something was caught: the event's own path begins.
    pub(super) fn caught(&mut self, catch: Catch, variables: Context) {
        match catch {
            Catch::Boundary { token, node } => {
                let scope = self.scope_of(token);
                let process = self.process_of(scope);
                let interrupting =
                    matches!(process.node(node).kind, NodeKind::Boundary { interrupting: true, .. });
                let path = self.place_token(scope, node, None);
                self.entry(Happened::Triggered, path, None);
                if interrupting {
                    self.kill(token);
                }
                self.take_in(path, node, variables);
                self.leave_event(path);
            }
            Catch::EventSub { scope, node } => self.start_event_sub(scope, node, &variables),
        }
    }

    pub(super) fn start_event_sub(&mut self, scope: Key, event_sub: NodeId, variables: &Context) {
        let process = self.process_of(scope);
        let Some(start) = start_of(&process, event_sub) else { return };
        let interrupting = matches!(process.node(start).kind, NodeKind::Start { interrupting: true, .. });
        let compensation = matches!(process.node(start).trigger(), Some(Trigger::Compensation(_)));
        if interrupting && !compensation {
            self.unsubscribe_scope(scope);
            self.kill_tokens(scope);
            if let Some(scope) = self.state.scopes.get_mut(&scope) {
                scope.interrupted = true;
            }
        }
        let token = self.place_token(scope, event_sub, None);
        self.entry(Happened::Entered, token, None);
        let Some(inside) = self.open_scope(token, Some(event_sub)) else { return };
        self.set_all(None, inside, variables);
        let body = process.body_of(Some(event_sub));
        for nested in &body.event_subs {
            self.subscribe_event_sub(inside, *nested);
        }
        let path = self.spawn(inside, start, None);
        self.entry(Happened::Triggered, path, None);
    }

    /// Asks the conditions again after variables changed; says whether one became true.
    pub(super) fn ask_conditions(&mut self) -> bool {
        if !std::mem::take(&mut self.changed) {
            return false;
        }
        let waiting =
            self.state.subscriptions.iter().filter(|(_, found)| matches!(found.on, On::Condition { .. }));
        let waiting: Vec<Key> = waiting.map(|(key, _)| *key).collect();
        let mut fired = false;
        for key in waiting {
            let Some(subscription) = self.state.subscriptions.get(&key) else { continue };
            let process = self.process_of(subscription.scope);
            let Some(Trigger::Conditional(Some(condition))) = process.node(subscription.node).trigger()
            else {
                continue;
            };
            let holds = self.condition(condition, subscription.token, subscription.scope).unwrap_or(false);
            let Some(subscription) = self.state.subscriptions.get_mut(&key) else { continue };
            let On::Condition { was } = &mut subscription.on else { continue };
            // Only becoming true is an event; staying true is not.
            if holds && !std::mem::replace(was, holds) {
                fired = true;
                self.fire(key, Context::new());
            } else {
                *was = holds;
            }
        }
        fired
    }
}
