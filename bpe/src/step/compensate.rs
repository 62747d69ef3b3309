//! Undoing what was done: one activity after another, the last one first, while the thrower waits.

use super::run::Run;
use super::subscribe::start_of;
use crate::feel::Context;
use crate::model::{Body, NodeId, NodeKind, Process, SubProcessKind, Trigger};
use crate::scope::{Compensation, Scope, ScopeKind};
use crate::state::{Key, Wait};

/// The event sub-process that compensates the sub-process it stands in.
pub(super) fn event_sub(process: &Process, body: &Body) -> Option<NodeId> {
    let compensates = |id: &&NodeId| {
        let start = start_of(process, **id).map(|start| process.node(start));
        matches!(start.and_then(|start| start.trigger()), Some(Trigger::Compensation(_)))
    };
    body.event_subs.iter().find(compensates).copied()
}

impl Run<'_> {
    /// Throws compensation: for one activity, or for all that were done in the scope of the thrower.
    pub(super) fn compensate(&mut self, key: Key, target: Option<NodeId>) {
        let scope = self.compensated_scope(key, target);
        let mut pending = Vec::new();
        if let Some(scope) = self.state.scopes.get_mut(&scope) {
            let done = std::mem::take(&mut scope.done);
            let matches = |one: &Compensation| target.is_none_or(|target| one.node == target);
            (pending, scope.done) = done.into_iter().partition(matches);
        }
        self.wait(key, Wait::Compensation { scope, pending });
        self.compensate_next(key);
    }

    /// The scope whose activities are undone. An event sub-process speaks for the scope around it.
    fn compensated_scope(&self, key: Key, target: Option<NodeId>) -> Key {
        let own = self.scope_of(key);
        let mut at = own;
        while let Some(scope) = self.state.scopes.get(&at) {
            let process = self.process_at(scope.process);
            let speaks = match target {
                Some(target) => process.node(target).parent == scope.node,
                None => !scope.node.is_some_and(|node| process.node(node).is_event_sub()),
            };
            if speaks && !matches!(scope.kind, ScopeKind::Loop(_)) {
                return at;
            }
            match scope.parent {
                Some(parent) if !scope.is_process() => at = parent,
                _ => break,
            }
        }
        own
    }

    /// Undoes the next activity, or lets the thrower go on.
    pub(super) fn compensate_next(&mut self, key: Key) {
        let Some(token) = self.state.tokens.get_mut(&key) else { return };
        let Wait::Compensation { scope, pending } = &mut token.wait else { return };
        let scope = *scope;
        match pending.pop() {
            Some(one) => self.undo(key, scope, one),
            None => self.compensation_done(key, scope),
        }
    }

    fn undo(&mut self, thrower: Key, scope: Key, one: Compensation) {
        let process = self.process_of(scope);
        let node = process.node(one.node);
        let place = node.handler.unwrap_or(one.node);
        let key = self.place_token(scope, place, None);
        if let Some(token) = self.state.tokens.get_mut(&key) {
            token.compensates = Some(thrower);
            if node.handler.is_some() {
                token.variables = one.variables;
                self.queue.push_back(key);
                return;
            }
        }
        let NodeKind::SubProcess { body, .. } = &node.kind else { return };
        let inside = self.key();
        let index = self.state.scopes.get(&scope).map_or(0, |scope| scope.process);
        let mut restored = Scope::new(Some(scope), Some(key), index, Some(one.node));
        restored.kind = ScopeKind::Restored;
        restored.variables = one.variables;
        if let Some(event_sub) = event_sub(&process, body) {
            restored.done = one.nested;
            self.state.scopes.insert(inside, restored);
            self.wait(key, Wait::Scope(inside));
            self.start_event_sub(inside, event_sub, &Context::new());
        } else {
            self.state.scopes.insert(inside, restored);
            self.wait(key, Wait::Compensation { scope: inside, pending: one.nested });
            self.compensate_next(key);
        }
    }

    fn compensation_done(&mut self, key: Key, scope: Key) {
        let Some((process, id)) = self.place(key) else { return };
        self.wait(key, Wait::Ready);
        match &process.node(id).kind {
            NodeKind::SubProcess { .. } => {
                self.state.scopes.remove(&scope);
                self.compensated(key);
            }
            NodeKind::End(Trigger::Cancel) => self.cancelled(key),
            NodeKind::End(_) => self.consume(key),
            _ => self.pass(key),
        }
    }

    /// A sub-process is compensated: whoever asked for it goes on.
    pub(super) fn compensated(&mut self, key: Key) {
        if let Some(thrower) = self.remove(key).and_then(|token| token.compensates) {
            self.compensate_next(thrower);
        }
    }

    /// A cancel end event: everything in the transaction stops, then what was done in it is undone.
    pub(super) fn cancel_transaction(&mut self, key: Key) {
        let Some(token) = self.state.tokens.get(&key) else { return };
        let (node, mut at) = (token.node, token.scope);
        while let Some(scope) = self.state.scopes.get(&at) {
            let process = self.process_at(scope.process);
            let kind = scope.node.map(|node| &process.node(node).kind);
            let transaction =
                matches!(kind, Some(NodeKind::SubProcess { kind: SubProcessKind::Transaction, .. }));
            if transaction && !matches!(scope.kind, ScopeKind::Loop(_)) {
                break;
            }
            match scope.parent {
                Some(parent) => at = parent,
                None => return self.consume(key),
            }
        }
        let inner = self.scope_of(key) == at;
        // A cancel event in a nested sub-process goes down with it; another token waits in its place.
        let waiting = if inner { key } else { self.place_token(at, node, None) };
        self.kill_others(at, Some(waiting));
        self.unsubscribe_scope(at);
        let pending =
            self.state.scopes.get_mut(&at).map(|scope| std::mem::take(&mut scope.done)).unwrap_or_default();
        self.wait(waiting, Wait::Compensation { scope: at, pending });
        self.compensate_next(waiting);
    }

    /// Everything in the transaction is undone: it is left by its cancel boundary event, if it has one.
    fn cancelled(&mut self, key: Key) {
        let mut host = self.state.scopes.get(&self.scope_of(key)).and_then(|scope| scope.token);
        while let Some(token) = host.and_then(|host| self.state.tokens.get(&host)) {
            match self.state.scopes.get(&token.scope) {
                Some(around) if around.repeats(token.node) => host = around.token,
                _ => break,
            }
        }
        let boundary = host.and_then(|host| {
            let (process, id) = self.place(host)?;
            let cancels = |id: &&NodeId| matches!(process.node(**id).trigger(), Some(Trigger::Cancel));
            let node = process.node(id).boundaries.iter().find(cancels).copied()?;
            Some(super::event::Catch::Boundary { token: host, node })
        });
        match boundary {
            Some(catch) => self.caught(catch, Context::new()),
            None => self.consume(key),
        }
    }
}
