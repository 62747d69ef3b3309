//! Ending what runs: one activity with everything in it, or a whole scope.

use super::run::Run;
use crate::effect::{Effect, Happened};
use crate::state::{Key, Status, Wait};

impl Run<'_> {
    /// Ends a token and everything inside it.
    pub(super) fn kill(&mut self, key: Key) {
        let Some(token) = self.state.tokens.get(&key) else { return };
        let mut silent = false;
        let mut inside = None;
        match &token.wait {
            Wait::Ready | Wait::Join => silent = true,
            Wait::Job { .. } => self.effects.push(Effect::JobClosed(key)),
            Wait::Scope(scope) => inside = Some(*scope),
            Wait::Compensation { scope, .. } => {
                // A sub-process being compensated owns the scope it compensates in; an event does not.
                inside = Some(*scope)
                    .filter(|scope| self.state.scopes.get(scope).is_some_and(|s| s.token == Some(key)));
            }
            Wait::Event | Wait::Incident(_) => {}
        }
        if let Some(scope) = inside {
            self.kill_scope(scope);
        }
        if !silent {
            self.entry(Happened::Terminated, key, None);
        }
        self.remove(key);
    }

    /// Ends a scope and everything in it.
    fn kill_scope(&mut self, key: Key) {
        self.unsubscribe_scope(key);
        self.kill_tokens(key);
        if self.state.scopes.get(&key).is_some_and(|scope| scope.is_process()) {
            self.process_entry(Happened::Cancelled, key);
        }
        self.state.scopes.remove(&key);
    }

    /// Ends every token in a scope, and leaves the scope.
    pub(super) fn kill_tokens(&mut self, scope: Key) {
        self.kill_others(scope, None);
    }

    /// Ends every token in a scope but one.
    pub(super) fn kill_others(&mut self, scope: Key, but: Option<Key>) {
        let tokens =
            self.state.tokens.iter().filter(|(key, token)| token.scope == scope && Some(**key) != but);
        let tokens: Vec<Key> = tokens.map(|(key, _)| *key).collect();
        for token in tokens {
            self.kill(token);
        }
        self.state.inclusive.retain(|(held, _)| *held != scope);
        if let Some(scope) = self.state.scopes.get_mut(&scope) {
            scope.arrived.clear();
        }
    }

    /// Ends the instance from outside. Its variables stay readable.
    pub(super) fn cancel(&mut self) {
        let Some(root) = self.state.scopes.keys().next().copied() else { return };
        self.unsubscribe_scope(root);
        self.kill_tokens(root);
        self.process_entry(Happened::Cancelled, root);
        self.state.status = Status::Terminated;
        self.effects.push(Effect::Ended(Status::Terminated));
    }
}
