//! Leaving nodes by their flows, and joining tokens at gateways.

use std::collections::HashSet;
use std::sync::Arc;

use super::run::Run;
use crate::effect::{Effect, Entry, Happened};
use crate::model::{FlowId, GatewayKind, NodeId, NodeKind, Process, Trigger};
use crate::scope::Arrival;
use crate::state::{Key, Resume, Wait};

impl Run<'_> {
    /// Leaves a node by the flows that are open.
    pub(super) fn leave(&mut self, key: Key) {
        let Some((process, id)) = self.place(key) else { return };
        match self.choose(key, &process, id) {
            Ok(flows) => self.take(key, &process, &flows),
            Err(what) => self.incident(key, what, Resume::Leave),
        }
    }

    /// The flows to take: the first open one of an exclusive gateway, all of a parallel one, every open one
    /// of anything else; the default when none is open.
    fn choose(&self, key: Key, process: &Process, id: NodeId) -> Result<Vec<FlowId>, String> {
        let node = process.node(id);
        if matches!(node.kind, NodeKind::Gateway(GatewayKind::Parallel)) {
            return Ok(node.outgoing.clone());
        }
        let exclusive = matches!(node.kind, NodeKind::Gateway(GatewayKind::Exclusive));
        let scope = self.scope_of(key);
        let mut open = Vec::with_capacity(node.outgoing.len());
        for id in &node.outgoing {
            let flow = process.flow(*id);
            if node.default == Some(*id) {
                continue;
            }
            let holds = match &flow.condition {
                Some(condition) => self
                    .condition(condition, Some(key), scope)
                    .map_err(|what| format!("{what} (flow `{}`)", flow.id))?,
                None => true,
            };
            if holds {
                open.push(*id);
                if exclusive {
                    break;
                }
            }
        }
        if open.is_empty() {
            match node.default {
                Some(default) => open.push(default),
                None if node.outgoing.is_empty() => {}
                None => return Err("no outgoing flow is open, and there is no default".to_owned()),
            }
        }
        Ok(open)
    }

    /// Replaces a token by one on each flow; without flows it is consumed.
    pub(super) fn take(&mut self, key: Key, process: &Arc<Process>, flows: &[FlowId]) {
        let scope = self.scope_of(key);
        for id in flows {
            self.taken(key, process, *id);
            self.spawn(scope, process.flow(*id).target, Some(*id));
        }
        self.consume(key);
    }

    /// Writes history for a flow.
    pub(super) fn taken(&mut self, key: Key, process: &Process, flow: FlowId) {
        let (process, element) = (process.id.clone(), process.flow(flow).id.clone());
        let entry = Entry { at: self.now, what: Happened::Taken, process, element, key, detail: None };
        self.effects.push(Effect::Happened(entry));
    }

    /// Arrives at a parallel or inclusive gateway.
    pub(super) fn arrive(&mut self, key: Key, kind: GatewayKind) {
        let Some((process, id)) = self.place(key) else { return };
        if process.node(id).incoming.len() < 2 {
            self.pass(key);
            return;
        }
        self.wait(key, Wait::Join);
        let Some(token) = self.state.tokens.get(&key) else { return };
        let (via, at) = (token.via, token.scope);
        let Some(scope) = self.state.scopes.get_mut(&at) else { return };
        scope.arrived.push(Arrival { node: id, via, token: key });
        if kind == GatewayKind::Inclusive {
            self.state.inclusive.insert((at, id));
            return;
        }
        let first = |flow: &FlowId| {
            scope
                .arrived
                .iter()
                .find(|arrival| arrival.node == id && arrival.via == Some(*flow))
                .map(|found| found.token)
        };
        if let Some(tokens) = process.node(id).incoming.iter().map(first).collect::<Option<Vec<Key>>>() {
            self.join(at, &tokens);
        }
    }

    /// Makes one token of several and sends it on.
    fn join(&mut self, scope: Key, tokens: &[Key]) {
        let Some((last, others)) = tokens.split_last() else { return };
        if let Some(scope) = self.state.scopes.get_mut(&scope) {
            scope.arrived.retain(|arrival| !tokens.contains(&arrival.token));
        }
        for token in others {
            self.remove(*token);
        }
        self.wait(*last, Wait::Ready);
        self.pass(*last);
    }

    /// Opens the inclusive gateways that need not wait any longer; says whether there was one.
    pub(super) fn open_inclusive(&mut self) -> bool {
        let held: Vec<(Key, NodeId)> = self.state.inclusive.iter().copied().collect();
        for (scope, gateway) in held {
            let arrived = |run: &Self| -> Vec<Arrival> {
                let here = run.state.scopes.get(&scope).map_or(&[][..], |scope| &scope.arrived);
                here.iter().filter(|arrival| arrival.node == gateway).copied().collect()
            };
            let tokens = arrived(self);
            if tokens.is_empty() {
                self.state.inclusive.remove(&(scope, gateway));
                continue;
            }
            if self.must_wait(scope, gateway, &tokens) {
                continue;
            }
            // One token of each flow goes in; a second one on the same flow waits for the next time.
            let mut seen = HashSet::new();
            let first: Vec<Key> =
                tokens.iter().filter(|arrival| seen.insert(arrival.via)).map(|a| a.token).collect();
            self.join(scope, &first);
            if arrived(self).is_empty() {
                self.state.inclusive.remove(&(scope, gateway));
            }
            return true;
        }
        false
    }

    /// BPMN 2.0.2, 13.4.3: wait for a token that can reach an empty incoming flow without passing the
    /// gateway, unless it can also reach a filled one.
    fn must_wait(&self, scope: Key, gateway: NodeId, arrived: &[Arrival]) -> bool {
        let process = self.process_of(scope);
        let filled = |flow: &FlowId| arrived.iter().any(|arrival| arrival.via == Some(*flow));
        let incoming = &process.node(gateway).incoming;
        let (full, empty): (Vec<FlowId>, Vec<FlowId>) = incoming.iter().partition(|flow| filled(flow));
        if empty.is_empty() {
            return false;
        }
        let to_empty = reaches(&process, gateway, &empty);
        let to_full = reaches(&process, gateway, &full);
        self.state.tokens.values().any(|token| {
            token.scope == scope
                && token.node != gateway
                && to_empty.contains(&token.node)
                && !to_full.contains(&token.node)
        })
    }
}

/// The nodes from which one of the flows can be reached without passing the gateway, over flows and links.
fn reaches(process: &Process, gateway: NodeId, flows: &[FlowId]) -> HashSet<NodeId> {
    let mut found = HashSet::new();
    let mut pending: Vec<NodeId> = flows.iter().map(|flow| process.flow(*flow).source).collect();
    while let Some(id) = pending.pop() {
        if id == gateway || !found.insert(id) {
            continue;
        }
        let node = process.node(id);
        pending.extend(node.incoming.iter().map(|flow| process.flow(*flow).source));
        if let NodeKind::Catch(Trigger::Link(name)) = &node.kind {
            let throws = process.numbered().filter(|(_, other)| {
                other.parent == node.parent
                    && matches!(&other.kind, NodeKind::Throw(Trigger::Link(thrown)) if thrown == name)
            });
            pending.extend(throws.map(|(id, _)| id));
        }
    }
    found
}
