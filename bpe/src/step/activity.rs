//! Entering nodes, and beginning and completing activities.

use super::run::Run;
use crate::effect::{Effect, Happened};
use crate::feel::Context;
use crate::model::{GatewayKind, NodeId, NodeKind, SubProcessKind, TaskKind, Trigger, Work};
use crate::scope::{Compensation, Scope, ScopeKind};
use crate::state::{Key, Resume, Wait};

impl Run<'_> {
    /// Does what a token does on arriving at its node.
    pub(super) fn enter(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        let node = process.node(id);
        match &node.kind {
            NodeKind::Start { .. } | NodeKind::Boundary { .. } => self.pass(key),
            NodeKind::End(trigger) => self.end_event(key, trigger),
            NodeKind::Throw(trigger) => self.throw_event(key, trigger),
            NodeKind::Catch(Trigger::Link(_) | Trigger::None) => self.pass(key),
            NodeKind::Catch(_) => {
                let waits = self.subscribe_own(key);
                self.await_event(key, waits);
            }
            NodeKind::Gateway(GatewayKind::EventBased) => {
                let waits = self.subscribe_targets(key);
                self.await_event(key, waits);
            }
            NodeKind::Gateway(GatewayKind::Exclusive) => self.pass(key),
            NodeKind::Gateway(kind) => self.arrive(key, *kind),
            NodeKind::Task(..) | NodeKind::SubProcess { .. } | NodeKind::Call(_) => self.begin_activity(key),
        }
    }

    /// Waits for what the token subscribed to, unless that failed.
    fn await_event(&mut self, key: Key, waits: bool) {
        if waits {
            self.entry(Happened::Entered, key, None);
            self.wait(key, Wait::Event);
        }
    }

    /// A node that holds nothing up.
    pub(super) fn pass(&mut self, key: Key) {
        self.entry(Happened::Completed, key, None);
        self.leave(key);
    }

    fn begin_activity(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        if !self.subscribe_boundaries(key) {
            return;
        }
        if process.node(id).repeat.is_some() && !process.node(id).for_compensation {
            self.begin_rounds(key);
        } else {
            self.activate(key);
        }
    }

    /// Begins an activity, or one round of a repeated one.
    pub(super) fn activate(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        let node = process.node(id);
        if let Err(what) = self.map_inputs(key, &node.inputs) {
            self.unsubscribe(key);
            self.incident(key, what, Resume::Enter);
            return;
        }
        match &node.kind {
            NodeKind::Task(TaskKind::Receive, _) => {
                let waits = self.subscribe_own(key);
                self.await_event(key, waits);
            }
            NodeKind::Task(..) => {
                self.entry(Happened::Entered, key, None);
                self.open_job(key);
            }
            NodeKind::SubProcess { .. } => {
                self.entry(Happened::Entered, key, None);
                if let Some(scope) = self.open_scope(key, Some(id)) {
                    self.begin(scope, None);
                }
            }
            NodeKind::Call(called) => self.call(key, called),
            _ => {}
        }
    }

    pub(super) fn open_job(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        let retries = match &process.node(id).kind {
            NodeKind::Task(_, work) => retries(work),
            _ => 1,
        };
        self.wait(key, Wait::Job { retries });
        self.effects.push(Effect::JobOpened(key));
    }

    /// Opens the scope inside an activity. Nesting is bounded, because a process can call itself.
    pub(super) fn open_scope(&mut self, token: Key, node: Option<NodeId>) -> Option<Key> {
        const DEPTH: usize = 64;
        let parent = self.scope_of(token);
        let mut around = Some(parent);
        let depth = std::iter::from_fn(|| {
            around = self.state.scopes.get(&around?)?.parent;
            Some(())
        });
        if depth.count() > DEPTH {
            self.incident(token, format!("processes are nested deeper than {DEPTH}"), Resume::Enter);
            return None;
        }
        let process = self.state.scopes.get(&parent).map_or(0, |scope| scope.process);
        let key = self.key();
        self.state.scopes.insert(key, Scope::new(Some(parent), Some(token), process, node));
        self.wait(token, Wait::Scope(key));
        Some(key)
    }

    /// Puts the first tokens into a scope: at `start`, at its plain start event, or at every node nothing
    /// leads to.
    pub(super) fn begin(&mut self, scope: Key, start: Option<NodeId>) {
        let process = self.process_of(scope);
        let body = process.body_of(self.state.scopes.get(&scope).and_then(|scope| scope.node));
        for event_sub in &body.event_subs {
            self.subscribe_event_sub(scope, *event_sub);
        }
        let plain =
            |id: &&NodeId| matches!(process.node(**id).kind, NodeKind::Start { trigger: Trigger::None, .. });
        if let Some(start) = start.or_else(|| body.nodes.iter().find(plain).copied()) {
            self.spawn(scope, start, None);
            return;
        }
        let first = |id: &&NodeId| {
            let node = process.node(**id);
            let entered = matches!(node.kind, NodeKind::Boundary { .. } | NodeKind::Catch(Trigger::Link(_)));
            node.incoming.is_empty() && !entered && !node.is_event_sub() && !node.for_compensation
        };
        let first: Vec<NodeId> = body.nodes.iter().filter(first).copied().collect();
        for node in &first {
            self.spawn(scope, *node, None);
        }
        // An empty sub-process ends from the queue, like any other move: ending it here would nest as deep as
        // a loop around it is long.
        let empty = first.is_empty().then(|| self.state.scopes.get(&scope)).flatten();
        match empty.map(|scope| scope.token) {
            Some(Some(token)) => self.queue.push_back(token),
            Some(None) => self.end_if_empty(scope),
            None => {}
        }
    }

    /// A job is done or a receive task got its message: what it gave becomes variables, and it completes.
    pub(super) fn finish(&mut self, key: Key, variables: Context) {
        let Some((process, id)) = self.place(key) else { return };
        let keep = !process.node(id).outputs.is_empty();
        let scope = self.scope_of(key);
        for (name, value) in variables {
            if keep {
                // With output mappings, only what they name leaves the activity.
                if let Some(token) = self.state.tokens.get_mut(&key) {
                    token.variables.insert(name, value.into_data());
                }
            } else {
                self.set(Some(key), scope, &name, value);
            }
        }
        self.complete(key);
    }

    /// Completes an activity: its outputs, its compensation, and the way on.
    pub(super) fn complete(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        let node = process.node(id);
        let inside = match self.state.tokens.get(&key).map(|token| &token.wait) {
            Some(Wait::Scope(inside)) => Some(*inside),
            _ => None,
        };
        if let Err(what) = self.map_outputs(key, inside, node) {
            self.incident_keeping(key, inside, what);
            return;
        }
        self.remember(key, id, inside);
        if let Some(inside) = inside {
            self.unsubscribe_scope(inside);
            self.state.scopes.remove(&inside);
        }
        self.entry(Happened::Completed, key, None);
        self.unsubscribe(key);
        let token = self.state.tokens.get(&key);
        let (scope, compensates) = token.map_or((0, None), |token| (token.scope, token.compensates));
        if let Some(thrower) = compensates {
            self.remove(key);
            self.compensate_next(thrower);
        } else if self.state.scopes.get(&scope).is_some_and(|scope| scope.repeats(id)) {
            self.round_done(key);
        } else if matches!(node.kind, NodeKind::SubProcess { kind: SubProcessKind::Event, .. }) {
            self.consume(key);
        } else {
            self.leave(key);
        }
    }

    /// An output that fails keeps what is inside, so that retrying sees the same variables.
    fn incident_keeping(&mut self, key: Key, inside: Option<Key>, what: String) {
        let locals = inside.and_then(|inside| self.state.scopes.remove(&inside)).map(|scope| scope.variables);
        if let (Some(locals), Some(token)) = (locals, self.state.tokens.get_mut(&key)) {
            token.variables.extend(locals);
        }
        self.incident(key, what, Resume::Complete);
    }

    /// Notes an activity that can be undone.
    fn remember(&mut self, key: Key, id: NodeId, inside: Option<Key>) {
        let Some(token) = self.state.tokens.get(&key) else { return };
        let process = self.process_of(token.scope);
        let node = process.node(id);
        if token.compensates.is_some() || node.for_compensation {
            return;
        }
        let mut variables = token.variables.clone();
        let mut nested = Vec::new();
        let mut undoable = node.handler.is_some();
        if let (Some(inside), NodeKind::SubProcess { body, .. }, false) = (inside, &node.kind, undoable) {
            if let Some(inside) = self.state.scopes.get_mut(&inside) {
                nested = std::mem::take(&mut inside.done);
                variables.extend(std::mem::take(&mut inside.variables));
            }
            undoable = !nested.is_empty() || super::compensate::event_sub(&process, body).is_some();
        }
        if !undoable {
            return;
        }
        let mut scope = Some(token.scope);
        while let Some(here) = scope.and_then(|scope| self.state.scopes.get_mut(&scope)) {
            if !matches!(here.kind, ScopeKind::Loop(_)) {
                here.done.push(Compensation { node: id, variables, nested });
                return;
            }
            scope = here.parent;
        }
    }
}

fn retries(work: &Work) -> u32 {
    work.retries.unwrap_or(3).max(1)
}
