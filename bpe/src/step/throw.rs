//! Throwing: end events and throwing events, and the search for who catches an error or an escalation.

use super::event::Catch;
use super::run::Run;
use super::subscribe::start_of;
use crate::effect::{Effect, Happened};
use crate::feel::Context;
use crate::model::{Expression, NodeId, NodeKind, Trigger};
use crate::scope::ScopeKind;
use crate::state::{Key, On, Resume, Wait};

impl Run<'_> {
    pub(super) fn end_event(&mut self, key: Key, trigger: &Trigger) {
        match trigger {
            Trigger::Message { name, key: correlation } => {
                if self.send_message(key, name, correlation.as_ref()) {
                    self.end(key);
                }
            }
            Trigger::Signal(name) => {
                if self.send_signal(key, name) {
                    self.end(key);
                }
            }
            Trigger::Error(code) => {
                self.entry(Happened::Completed, key, None);
                self.raise(key, code.as_deref(), Context::new(), Resume::Enter);
            }
            Trigger::Escalation(code) => {
                self.entry(Happened::Completed, key, None);
                self.escalate(key, code.as_deref());
                self.consume(key);
            }
            Trigger::Terminate => {
                self.entry(Happened::Completed, key, None);
                self.kill_others(self.scope_of(key), Some(key));
                self.consume(key);
            }
            Trigger::Compensation(target) => {
                self.entry(Happened::Completed, key, None);
                self.compensate(key, *target);
            }
            Trigger::Cancel => {
                self.entry(Happened::Completed, key, None);
                self.cancel_transaction(key);
            }
            _ => self.end(key),
        }
    }

    fn end(&mut self, key: Key) {
        if self.state.tokens.contains_key(&key) {
            self.entry(Happened::Completed, key, None);
            self.consume(key);
        }
    }

    pub(super) fn throw_event(&mut self, key: Key, trigger: &Trigger) {
        let thrown = match trigger {
            Trigger::Message { name, key: correlation } => self.send_message(key, name, correlation.as_ref()),
            Trigger::Signal(name) => self.send_signal(key, name),
            Trigger::Escalation(code) => {
                self.escalate(key, code.as_deref());
                true
            }
            Trigger::Compensation(target) => return self.compensate(key, *target),
            Trigger::Link(name) => return self.jump(key, name),
            _ => true,
        };
        if thrown && self.state.tokens.contains_key(&key) {
            self.pass(key);
        }
    }

    /// What the input mappings of a throwing event make is what it carries.
    fn carried(&mut self, key: Key) -> Result<Context, String> {
        let Some((process, id)) = self.place(key) else { return Ok(Context::new()) };
        self.map_inputs(key, &process.node(id).inputs)?;
        Ok(self
            .state
            .tokens
            .get_mut(&key)
            .map(|token| std::mem::take(&mut token.variables))
            .unwrap_or_default())
    }

    fn send_message(&mut self, key: Key, name: &Expression, correlation: Option<&Expression>) -> bool {
        let scope = self.scope_of(key);
        let sent = (|| {
            let name = self.name(name, Some(key), scope)?;
            let correlation = correlation.map(|value| self.evaluate(value, Some(key), scope)).transpose()?;
            Ok::<_, String>((name, correlation, self.carried(key)?))
        })();
        match sent {
            Ok((name, key, variables)) => {
                self.effects.push(Effect::Message { name, key, variables });
                true
            }
            Err(what) => {
                self.incident(key, what, Resume::Enter);
                false
            }
        }
    }

    fn send_signal(&mut self, key: Key, name: &Expression) -> bool {
        let scope = self.scope_of(key);
        match self.name(name, Some(key), scope).and_then(|name| Ok((name, self.carried(key)?))) {
            Ok((name, variables)) => {
                self.effects.push(Effect::Signal { name: name.clone(), variables: variables.clone() });
                self.signal(&name, &variables);
                true
            }
            Err(what) => {
                self.incident(key, what, Resume::Enter);
                false
            }
        }
    }

    /// Delivers a signal to everything in this instance that waits for it now.
    pub(super) fn signal(&mut self, name: &str, variables: &Context) {
        let waiting = self.state.subscriptions.iter();
        let waiting = waiting.filter(|(_, found)| matches!(&found.on, On::Signal(known) if **known == *name));
        let waiting: Vec<Key> = waiting.map(|(key, _)| *key).collect();
        for key in waiting {
            self.fire(key, variables.clone());
        }
    }

    fn jump(&mut self, key: Key, name: &str) {
        let Some((process, id)) = self.place(key) else { return };
        let parent = process.node(id).parent;
        let target = process.numbered().find(|(_, node)| {
            node.parent == parent
                && matches!(&node.kind, NodeKind::Catch(Trigger::Link(caught)) if **caught == *name)
        });
        match target {
            Some((target, _)) => {
                self.entry(Happened::Completed, key, None);
                self.spawn(self.scope_of(key), target, None);
                self.remove(key);
            }
            None => self.incident(key, format!("the link `{name}` has no target"), Resume::Enter),
        }
    }

    /// Raises a BPMN error at a token. What nobody catches is an incident.
    pub(super) fn raise(&mut self, key: Key, code: Option<&str>, variables: Context, resume: Resume) {
        let exact = |trigger: &Trigger| match trigger {
            Trigger::Error(None) => Some(false),
            Trigger::Error(caught) => (caught.as_deref() == code).then_some(true),
            _ => None,
        };
        match self.propagate(key, &exact) {
            Some(catch) => self.caught(catch, variables),
            None => {
                let what = format!("nobody catches the error `{}`", code.unwrap_or_default());
                self.incident(key, what, resume);
            }
        }
    }

    /// Escalates from a token. What nobody catches is ignored, as the standard says.
    fn escalate(&mut self, key: Key, code: Option<&str>) {
        let exact = |trigger: &Trigger| match trigger {
            Trigger::Escalation(None) => Some(false),
            Trigger::Escalation(caught) => (caught.as_deref() == code).then_some(true),
            _ => None,
        };
        if let Some(catch) = self.propagate(key, &exact) {
            self.caught(catch, Context::new());
        }
    }

    /// Walks outwards from a token to the nearest event that matches: on each level the event sub-processes
    /// first, then the border of the activity; an exact code before one that catches everything.
    fn propagate(&self, from: Key, exact: &dyn Fn(&Trigger) -> Option<bool>) -> Option<Catch> {
        let mut key = from;
        loop {
            let token = self.state.tokens.get(&key)?;
            let scope = self.state.scopes.get(&token.scope)?;
            let process = self.process_of(token.scope);
            if !scope.repeats(token.node) {
                let boundaries = &process.node(token.node).boundaries;
                let matching = |id: &&NodeId| process.node(**id).trigger().and_then(exact);
                let rank = |id: &&NodeId| matching(id).map_or(0, |exact| 1 + u8::from(exact));
                // `max_by_key` keeps the last of equals; the first one in the file shall win.
                if let Some(node) =
                    boundaries.iter().rev().filter(|id| matching(id).is_some()).max_by_key(rank)
                {
                    return Some(Catch::Boundary { token: key, node: *node });
                }
            }
            if matches!(scope.kind, ScopeKind::Body) && !scope.interrupted {
                let body = process.body_of(scope.node);
                let start =
                    |id: NodeId| start_of(&process, id).and_then(|start| process.node(start).trigger());
                let matching = |id: &&NodeId| start(**id).and_then(exact);
                let rank = |id: &&NodeId| matching(id).map_or(0, |exact| 1 + u8::from(exact));
                // What is thrown inside an event sub-process does not start it again.
                let others = body.event_subs.iter().rev().filter(|id| **id != token.node);
                if let Some(node) = others.filter(|id| matching(id).is_some()).max_by_key(rank) {
                    return Some(Catch::EventSub { scope: token.scope, node: *node });
                }
            }
            key = scope.token?;
        }
    }

    /// The boundary event or event sub-process start of that id that could catch something now.
    pub(super) fn find_catch(&self, element: &str) -> Option<Catch> {
        for (key, token) in &self.state.tokens {
            let process = self.process_of(token.scope);
            let repeats = self.state.scopes.get(&token.scope).is_some_and(|scope| scope.repeats(token.node));
            if repeats || matches!(token.wait, Wait::Ready | Wait::Join) {
                continue;
            }
            let boundaries = &process.node(token.node).boundaries;
            if let Some(node) = boundaries.iter().find(|id| *process.node(**id).id == *element) {
                return Some(Catch::Boundary { token: *key, node: *node });
            }
        }
        for (key, scope) in &self.state.scopes {
            if scope.interrupted || !matches!(scope.kind, ScopeKind::Body) {
                continue;
            }
            let process = self.process_at(scope.process);
            let of = |id: &&NodeId| {
                start_of(&process, **id).is_some_and(|start| *process.node(start).id == *element)
            };
            if let Some(node) = process.body_of(scope.node).event_subs.iter().find(of) {
                return Some(Catch::EventSub { scope: *key, node: *node });
            }
        }
        None
    }
}
