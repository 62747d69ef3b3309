//! The working state of one step: the queue of tokens to move, what was done so far, and the bound on it all.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::effect::{Effect, Entry, Happened};
use crate::library::Library;
use crate::model::{FlowId, Node, NodeId, Process};
use crate::scope::ScopeKind;
use crate::state::{Incident, Key, Resume, State, Status, Token, Wait};
use crate::{Error, Limits, Result};

pub(super) struct Run<'a> {
    pub(super) library: &'a Library,
    pub(super) limits: &'a Limits,
    pub(super) state: &'a mut State,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    pub(super) queue: VecDeque<Key>,
    /// Set when a variable changed, so that conditions are asked again.
    pub(super) changed: bool,
    /// The processes of `state.processes`, looked up once.
    processes: Vec<Arc<Process>>,
    moves: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        library: &'a Library,
        limits: &'a Limits,
        state: &'a mut State,
        now: Timestamp,
    ) -> Result<Self> {
        let find = |pin: &crate::state::Pin| {
            let missing = || Error::NoProcess { id: format!("{} version {}", pin.id, pin.version) };
            library.version(&pin.id, pin.version).cloned().ok_or_else(missing)
        };
        let processes: Result<Vec<_>> = state.processes.iter().map(find).collect();
        let (processes, effects, queue) = (processes?, Vec::new(), VecDeque::new());
        Ok(Self { library, limits, state, now, effects, queue, changed: false, processes, moves: 0 })
    }

    /// Moves tokens until every one of them waits.
    pub(super) fn settle(mut self) -> Vec<Effect> {
        loop {
            while let Some(key) = self.queue.pop_front() {
                self.moves += 1;
                if self.moves > self.limits.moves {
                    self.queue.push_front(key);
                    self.stop();
                    return self.effects;
                }
                match self.state.tokens.get(&key).map(|token| &token.wait) {
                    Some(Wait::Ready) => self.enter(key),
                    Some(Wait::Scope(inside)) => self.end_if_empty(*inside),
                    _ => {}
                }
            }
            if !self.open_inclusive() && !self.ask_conditions() {
                return self.effects;
            }
        }
    }

    /// Stops a step that does not come to rest: every token still moving becomes an incident.
    fn stop(&mut self) {
        let what = format!("more than {} moves without waiting: the process loops", self.limits.moves);
        let ready = self.state.tokens.iter().filter(|(_, token)| matches!(token.wait, Wait::Ready));
        let ready: Vec<Key> = ready.map(|(key, _)| *key).collect();
        for key in ready {
            self.incident(key, what.clone(), Resume::Enter);
        }
        // What is left in the queue are activities with nothing in them.
        for key in std::mem::take(&mut self.queue) {
            if let Some(Wait::Scope(inside)) = self.state.tokens.get(&key).map(|token| &token.wait)
                && self.state.scopes.get(inside).is_some_and(|scope| scope.tokens == 0)
            {
                let inside = *inside;
                self.unsubscribe_scope(inside);
                self.unsubscribe(key);
                self.state.scopes.remove(&inside);
                self.incident(key, what.clone(), Resume::Enter);
            }
        }
    }

    pub(super) fn key(&mut self) -> Key {
        self.state.last += 1;
        self.state.last
    }

    pub(super) fn add_process(&mut self, process: Arc<Process>) {
        self.processes.push(process);
    }

    pub(super) fn process_at(&self, index: u16) -> Arc<Process> {
        self.processes[usize::from(index)].clone()
    }

    /// The process a scope runs.
    pub(super) fn process_of(&self, scope: Key) -> Arc<Process> {
        self.process_at(self.state.scopes.get(&scope).map_or(0, |scope| scope.process))
    }

    /// The process and node of a token that exists.
    pub(super) fn place(&self, token: Key) -> Option<(Arc<Process>, NodeId)> {
        let token = self.state.tokens.get(&token)?;
        Some((self.process_of(token.scope), token.node))
    }

    pub(super) fn scope_of(&self, token: Key) -> Key {
        self.state.tokens.get(&token).map_or(0, |token| token.scope)
    }

    /// Puts a new token at a node, to be moved next.
    pub(super) fn spawn(&mut self, scope: Key, node: NodeId, via: Option<FlowId>) -> Key {
        let key = self.place_token(scope, node, via);
        self.queue.push_back(key);
        key
    }

    /// Puts a new token at a node without queueing it.
    pub(super) fn place_token(&mut self, scope: Key, node: NodeId, via: Option<FlowId>) -> Key {
        let key = self.key();
        let variables = Default::default();
        let token =
            Token { scope, node, via, wait: Wait::Ready, variables, compensates: None, subscribed: false };
        self.state.tokens.insert(key, token);
        if let Some(scope) = self.state.scopes.get_mut(&scope) {
            scope.tokens += 1;
        }
        key
    }

    /// Takes a token away, with its subscriptions, and leaves its scope as it is.
    pub(super) fn remove(&mut self, key: Key) -> Option<Token> {
        self.unsubscribe(key);
        let token = self.state.tokens.remove(&key)?;
        if let Some(scope) = self.state.scopes.get_mut(&token.scope) {
            scope.tokens -= 1;
        }
        Some(token)
    }

    /// Takes a token away; its scope ends with its last token.
    pub(super) fn consume(&mut self, key: Key) {
        if let Some(token) = self.remove(key) {
            self.end_if_empty(token.scope);
        }
    }

    pub(super) fn end_if_empty(&mut self, scope: Key) {
        if self.state.scopes.get(&scope).is_some_and(|scope| scope.tokens == 0) {
            self.end_scope(scope);
        }
    }

    fn end_scope(&mut self, key: Key) {
        let Some(scope) = self.state.scopes.get(&key) else { return };
        let (token, restored) = (scope.token, matches!(scope.kind, ScopeKind::Restored));
        if scope.is_process() {
            self.process_entry(Happened::Ended, key);
        }
        self.unsubscribe_scope(key);
        match token {
            None => {
                self.state.status = Status::Completed;
                self.effects.push(Effect::Ended(Status::Completed));
            }
            Some(token) if restored => {
                self.state.scopes.remove(&key);
                self.compensated(token);
            }
            Some(token) => self.complete(token),
        }
    }

    pub(super) fn wait(&mut self, key: Key, wait: Wait) {
        if let Some(token) = self.state.tokens.get_mut(&key) {
            token.wait = wait;
        }
    }

    /// Stops a token until someone mends what is wrong.
    pub(super) fn incident(&mut self, key: Key, what: String, resume: Resume) {
        self.entry(Happened::Raised, key, Some(what.clone()));
        self.wait(key, Wait::Incident(Incident { what, resume }));
    }

    /// Writes history for a token.
    pub(super) fn entry(&mut self, what: Happened, key: Key, detail: Option<String>) {
        if let Some((process, node)) = self.place(key) {
            self.entry_at(what, &process, process.node(node), key, detail);
        }
    }

    pub(super) fn entry_at(
        &mut self,
        what: Happened,
        process: &Process,
        node: &Node,
        key: Key,
        detail: Option<String>,
    ) {
        let (process, element) = (process.id.clone(), node.id.clone());
        self.effects.push(Effect::Happened(Entry { at: self.now, what, process, element, key, detail }));
    }

    pub(super) fn process_entry(&mut self, what: Happened, scope: Key) {
        let id = self.process_of(scope).id.clone();
        let entry = Entry { at: self.now, what, process: id.clone(), element: id, key: scope, detail: None };
        self.effects.push(Effect::Happened(entry));
    }
}
