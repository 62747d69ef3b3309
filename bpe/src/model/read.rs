//! From the XML tree to processes. Whatever is doubtful becomes a finding; the caller decides what to refuse.

use std::collections::HashMap;
use std::sync::Arc;

use super::expression::Expression;
use super::extension;
use super::node::{Node, NodeKind};
use super::process::{Body, Flow, FlowId, Lane, NodeId, Process};
use super::read_event::Declared;
use super::{SubProcessKind, Trigger};
use crate::check::{self, Finding, Severity};
use crate::xml::{Document, Element, ns};
use crate::{Error, Limits, Result};

/// A file, read: its tree, its processes, and what is wrong with them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Model {
    /// The whole file.
    pub document: Document,
    /// Its processes, in the order of the file.
    pub processes: Vec<Process>,
    /// What is wrong, in the order it was found.
    pub findings: Vec<Finding>,
}

impl Model {
    /// Reads a file and refuses it if anything in it is wrong.
    pub fn strict(bytes: &[u8], limits: &Limits) -> Result<Self> {
        Self::of(Document::read(bytes, limits)?, limits)?.refuse(Severity::Strict)
    }

    /// Reads a file and refuses it only if it cannot run at all: missing references and payloads are left
    /// open.
    pub fn lenient(bytes: &[u8], limits: &Limits) -> Result<Self> {
        Self::of(Document::read(bytes, limits)?, limits)?.refuse(Severity::Fatal)
    }

    /// Reads a tree and refuses nothing but what is not BPMN; the findings say the rest.
    pub fn of(document: Document, limits: &Limits) -> Result<Self> {
        let root = &document.root;
        if !root.is(ns::BPMN, "definitions") {
            return Err(Error::NotBpmn { at: root.position, name: root.name().to_owned() });
        }
        let declared = Declared::of(root, limits);
        let (mut processes, mut findings) = (Vec::new(), Vec::new());
        for element in root.elements().filter(|element| element.is(ns::BPMN, "process")) {
            let reader =
                Reader { limits, declared: &declared, findings: &mut findings, build: Build::default() };
            let process = reader.process(element);
            check::check(&process, &mut findings);
            processes.push(process);
        }
        if processes.is_empty() {
            findings.push(Finding {
                severity: Severity::Fatal,
                at: root.position,
                element: root.attribute("id").unwrap_or("definitions").into(),
                what: "has no process".to_owned(),
            });
        }
        Ok(Self { document, processes, findings })
    }

    /// The elements in it that the engine does not run.
    pub fn unsupported(&self) -> impl Iterator<Item = &str> {
        self.processes.iter().flat_map(|process| process.unsupported.iter().map(|(_, _, element)| &**element))
    }

    /// Refuses the model if a finding is at least that bad.
    pub fn refuse(self, severity: Severity) -> Result<Self> {
        let bad: Vec<Finding> =
            self.findings.iter().filter(|found| found.severity >= severity).cloned().collect();
        if bad.is_empty() { Ok(self) } else { Err(Error::Invalid(bad)) }
    }
}

/// What grows while a process is read.
#[derive(Default)]
pub(super) struct Build<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) ids: HashMap<Arc<str>, NodeId>,
    /// The elements of the nodes, for the references that are resolved when all nodes are known.
    pub(super) elements: Vec<&'a Element>,
    pub(super) unsupported: Vec<(crate::Position, Box<str>, Box<str>)>,
    flows: Vec<&'a Element>,
    associations: Vec<&'a Element>,
    lanes: Vec<&'a Element>,
}

pub(super) struct Reader<'a, 'f> {
    pub(super) limits: &'f Limits,
    pub(super) declared: &'f Declared<'a>,
    pub(super) findings: &'f mut Vec<Finding>,
    pub(super) build: Build<'a>,
}

impl<'a> Reader<'a, '_> {
    fn process(mut self, element: &'a Element) -> Process {
        let body = self.body(element, None);
        let flows = self.flows();
        self.references();
        self.associations();
        let lanes = self.lanes();
        let plain = |id: &&NodeId| {
            let node = &self.build.nodes[id.0 as usize];
            matches!(node.kind, NodeKind::Start { trigger: Trigger::None, .. })
        };
        let start = body.nodes.iter().find(plain).copied();
        let form =
            start.and_then(|start| extension::work(self.build.elements[start.0 as usize], self.limits).form);
        let mut starters = extension::starters(element);
        let own = lanes.iter().rev().find(|lane| start.is_some_and(|start| lane.nodes.contains(&start)));
        starters.extend(own.map(|lane| lane.name.clone()));
        let Build { nodes, ids, unsupported, .. } = self.build;
        let text = |name| element.attribute(name).unwrap_or_default().into();
        let position = element.position;
        let id = element.attribute("id").unwrap_or_default().into();
        Process {
            id,
            name: text("name"),
            version: 0,
            nodes,
            flows,
            body,
            lanes,
            form,
            starters,
            position,
            ids,
            unsupported,
        }
    }

    pub(super) fn body(&mut self, element: &'a Element, parent: Option<NodeId>) -> Body {
        let mut body = Body::default();
        for child in element.elements().filter(|child| child.namespace() == ns::BPMN) {
            match child.local() {
                "sequenceFlow" => self.build.flows.push(child),
                "association" => self.build.associations.push(child),
                "laneSet" => self.build.lanes.push(child),
                _ => {
                    if let Some(id) = self.node(child, parent) {
                        body.nodes.push(id);
                    }
                }
            }
        }
        let event_sub = |id: &&NodeId| self.build.nodes[id.0 as usize].is_event_sub();
        body.event_subs = body.nodes.iter().filter(event_sub).copied().collect();
        body
    }

    pub(super) fn find(&mut self, severity: Severity, element: &Element, what: String) {
        let id =
            element.attribute("id").or_else(|| element.attribute("bpmnElement")).unwrap_or(element.local());
        self.findings.push(Finding { severity, at: element.position, element: id.into(), what });
    }

    /// The node a reference names, with or without a prefix.
    fn resolve(&self, reference: &str) -> Option<NodeId> {
        let ids = &self.build.ids;
        ids.get(reference).or_else(|| ids.get(reference.rsplit(':').next()?)).copied()
    }

    fn resolve_or_find(&mut self, element: &Element, attribute: &str, severity: Severity) -> Option<NodeId> {
        let reference = element.attribute(attribute).unwrap_or_default().trim();
        let found = self.resolve(reference);
        if found.is_none() {
            self.find(
                severity,
                element,
                format!("has the {attribute} `{reference}`, which is not in the process"),
            );
        }
        found
    }

    fn flows(&mut self) -> Vec<Flow> {
        let mut flows = Vec::new();
        for element in std::mem::take(&mut self.build.flows) {
            let source = self.resolve_or_find(element, "sourceRef", Severity::Fatal);
            let target = self.resolve_or_find(element, "targetRef", Severity::Fatal);
            let (Some(source), Some(target)) = (source, target) else { continue };
            let id = FlowId(flows.len() as u32);
            let condition = element.child(ns::BPMN, "conditionExpression").map(Element::text);
            let condition = condition.filter(|text| !text.is_empty());
            let names = [source, target].map(|node| self.build.nodes[node.0 as usize].id.clone());
            flows.push(Flow {
                id: element.attribute("id").map_or_else(|| names.join("->").into(), Arc::from),
                anonymous: element.attribute("id").is_none(),
                name: element.attribute("name").unwrap_or_default().into(),
                source,
                target,
                condition: condition.map(|text| Expression::feel(&text, self.limits)),
                position: element.position,
            });
            self.build.nodes[source.0 as usize].outgoing.push(id);
            self.build.nodes[target.0 as usize].incoming.push(id);
        }
        for at in 0..self.build.nodes.len() {
            let element = self.build.elements[at];
            let Some(default) = element.attribute("default") else { continue };
            let found =
                self.build.nodes[at].outgoing.iter().find(|flow| *flows[flow.0 as usize].id == *default);
            match found.copied() {
                Some(flow) => self.build.nodes[at].default = Some(flow),
                None => self.find(
                    Severity::Strict,
                    element,
                    format!("has the default `{default}`, which does not leave it"),
                ),
            }
        }
        flows
    }

    /// What nodes say about each other.
    fn references(&mut self) {
        for at in 0..self.build.nodes.len() {
            let element = self.build.elements[at];
            if let NodeKind::Boundary { .. } = self.build.nodes[at].kind {
                let host = self.resolve_or_find(element, "attachedToRef", Severity::Fatal);
                let Some(host) = host else { continue };
                if !self.build.nodes[host.0 as usize].is_activity() {
                    self.find(
                        Severity::Fatal,
                        element,
                        "is attached to something that is no activity".to_owned(),
                    );
                }
                if let NodeKind::Boundary { attached, .. } = &mut self.build.nodes[at].kind {
                    *attached = host;
                }
                self.build.nodes[host.0 as usize].boundaries.push(NodeId(at as u32));
            }
            let definition = element.child(ns::BPMN, "compensateEventDefinition");
            let Some(reference) = definition.and_then(|definition| definition.attribute("activityRef"))
            else {
                continue;
            };
            let found = self.resolve(reference.trim());
            if found.is_none() {
                let what = format!("compensates `{reference}`, which is not in the process");
                self.find(Severity::Strict, element, what);
            }
            match &mut self.build.nodes[at].kind {
                NodeKind::Throw(trigger) | NodeKind::End(trigger) => *trigger = Trigger::Compensation(found),
                _ => {}
            }
        }
    }

    /// An association from a compensation boundary event names the activity that compensates.
    fn associations(&mut self) {
        for element in std::mem::take(&mut self.build.associations) {
            let ends = ["sourceRef", "targetRef"]
                .map(|end| self.resolve(element.attribute(end).unwrap_or_default()));
            let [Some(boundary), Some(handler)] = ends else { continue };
            if let NodeKind::Boundary { trigger: Trigger::Compensation(_), attached, .. } =
                self.build.nodes[boundary.0 as usize].kind
            {
                if self.build.nodes[handler.0 as usize].is_activity() {
                    self.build.nodes[attached.0 as usize].handler = Some(handler);
                } else {
                    self.find(
                        Severity::Strict,
                        element,
                        "leads to something that cannot compensate".to_owned(),
                    );
                }
            }
        }
    }

    fn lanes(&mut self) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for set in std::mem::take(&mut self.build.lanes) {
            set.walk(&mut |element| {
                if !element.is(ns::BPMN, "lane") {
                    return;
                }
                let name = element.attribute("name").unwrap_or_default();
                let references = element.elements().filter(|child| child.is(ns::BPMN, "flowNodeRef"));
                let nodes: Vec<NodeId> = references.filter_map(|child| self.resolve(&child.text())).collect();
                for node in &nodes {
                    if let NodeKind::Task(_, work) = &mut self.build.nodes[node.0 as usize].kind {
                        work.lane = Some(name.into());
                    }
                }
                let id = element.attribute("id").unwrap_or_default().into();
                lanes.push(Lane { id, name: name.into(), nodes });
            });
        }
        lanes
    }
}

/// What an element with that name is, if it is a kind of sub-process.
pub(super) fn sub_process(element: &Element) -> Option<SubProcessKind> {
    match element.local() {
        "subProcess" if element.attribute("triggeredByEvent") == Some("true") => Some(SubProcessKind::Event),
        "subProcess" => Some(SubProcessKind::Embedded),
        "transaction" => Some(SubProcessKind::Transaction),
        _ => None,
    }
}
