//! What is wrong with a model, each finding with its element and place. Finding is not refusing: how strict
//! to be is the caller's choice.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::Position;
use crate::model::{
    Expression, GatewayKind, Loop, NodeKind, Process, SubProcessKind, TaskKind, Timer, Trigger,
};
use crate::timer;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// It runs, but perhaps not as meant.
    Warning,
    /// It runs when read leniently; strict reading refuses it.
    Strict,
    /// It cannot run.
    Fatal,
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub at: Position,
    /// The id of the element.
    pub element: Arc<str>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` {}", self.at, self.element, self.what)
    }
}

/// Finds what reading alone does not.
pub(crate) fn check(process: &Process, findings: &mut Vec<Finding>) {
    for (at, id, element) in &process.unsupported {
        findings.push(Finding {
            severity: Severity::Fatal,
            at: *at,
            element: (**id).into(),
            what: format!("is a {element}, which the engine does not run"),
        });
    }
    let mut check = Check { process, findings };
    if process.nodes.is_empty() {
        check.findings.push(Finding {
            severity: Severity::Fatal,
            at: process.position,
            element: process.id.clone(),
            what: "has no nodes".to_owned(),
        });
    }
    check.nodes();
    check.flows();
    check.links();
}

struct Check<'a> {
    process: &'a Process,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn nodes(&mut self) {
        for node in &self.process.nodes {
            let mut say = |severity, what: &str| {
                let (at, element) = (node.position, node.id.clone());
                self.findings.push(Finding { severity, at, element, what: what.to_owned() });
            };
            match &node.kind {
                NodeKind::Boundary { trigger, .. } => {
                    if matches!(trigger, Trigger::None | Trigger::Link(_) | Trigger::Terminate) {
                        say(Severity::Fatal, "is a boundary event without anything to wait for");
                    }
                    payload(trigger, &mut say);
                }
                NodeKind::Catch(trigger) => {
                    if matches!(trigger, Trigger::None) {
                        say(Severity::Strict, "is a catching event without anything to wait for");
                    }
                    payload(trigger, &mut say);
                }
                NodeKind::Start { trigger, .. } => payload(trigger, &mut say),
                NodeKind::Task(TaskKind::Receive, work) if work.message.is_none() => {
                    say(Severity::Warning, "waits for no message");
                }
                NodeKind::SubProcess { body, kind } => {
                    let starts = body.nodes.iter().map(|id| &self.process.node(*id).kind);
                    let typed = starts.filter(|kind| {
                        matches!(kind, NodeKind::Start { trigger, .. } if !matches!(trigger, Trigger::None))
                    });
                    let typed = typed.count();
                    if *kind == SubProcessKind::Event && typed != 1 {
                        say(
                            Severity::Strict,
                            "is an event sub-process and needs one start event with a trigger",
                        );
                    }
                    if *kind != SubProcessKind::Event && typed > 0 {
                        say(Severity::Strict, "is a sub-process whose start event waits for something");
                    }
                }
                NodeKind::Gateway(GatewayKind::EventBased) => {
                    for flow in &node.outgoing {
                        let target = self.process.node(self.process.flow(*flow).target);
                        let waits =
                            matches!(&target.kind, NodeKind::Catch(_) | NodeKind::Task(TaskKind::Receive, _));
                        if !waits {
                            say(
                                Severity::Fatal,
                                "is an event-based gateway with a target that does not wait",
                            );
                        }
                    }
                }
                _ => {}
            }
            for expression in expressions(node.repeat.as_ref()) {
                expression_fault(expression, &mut say);
            }
            for mapping in node.inputs.iter().chain(&node.outputs) {
                expression_fault(&mapping.source, &mut say);
            }
            if node.outgoing.is_empty() && matches!(node.kind, NodeKind::Start { .. }) {
                say(Severity::Warning, "leads nowhere");
            }
        }
    }

    fn flows(&mut self) {
        for flow in &self.process.flows {
            let (source, target) = (self.process.node(flow.source), self.process.node(flow.target));
            let mut say = |severity, what: &str| {
                let (at, element) = (flow.position, flow.id.clone());
                self.findings.push(Finding { severity, at, element, what: what.to_owned() });
            };
            if source.parent != target.parent {
                say(Severity::Fatal, "crosses the border of a sub-process");
            }
            if matches!(target.kind, NodeKind::Start { .. } | NodeKind::Boundary { .. }) {
                say(Severity::Fatal, "leads to an event that is not entered by a flow");
            }
            if matches!(source.kind, NodeKind::End(_)) {
                say(Severity::Fatal, "begins at an end event");
            }
            if let Some(condition) = &flow.condition {
                expression_fault(condition, &mut say);
            }
        }
    }

    fn links(&mut self) {
        let mut targets = HashMap::new();
        let mut sources = Vec::new();
        for node in &self.process.nodes {
            match &node.kind {
                NodeKind::Catch(Trigger::Link(name)) => {
                    let second = targets.insert((node.parent, name), node).is_some();
                    if second {
                        self.findings.push(Finding {
                            severity: Severity::Strict,
                            at: node.position,
                            element: node.id.clone(),
                            what: format!("is a second target of the link `{name}`"),
                        });
                    }
                }
                NodeKind::Throw(Trigger::Link(name)) => sources.push((node, name)),
                _ => {}
            }
        }
        let known: HashSet<_> = targets.keys().copied().collect();
        for (node, name) in sources {
            if !known.contains(&(node.parent, name)) {
                self.findings.push(Finding {
                    severity: Severity::Strict,
                    at: node.position,
                    element: node.id.clone(),
                    what: format!("throws the link `{name}`, which has no target"),
                });
            }
        }
    }
}

fn payload(trigger: &Trigger, say: &mut impl FnMut(Severity, &str)) {
    match trigger {
        Trigger::Message { name, key } => {
            if name.source().is_empty() {
                say(Severity::Strict, "names no message");
            }
            expression_fault(name, say);
            key.iter().for_each(|key| expression_fault(key, say));
        }
        Trigger::Signal(name) => {
            if name.source().is_empty() {
                say(Severity::Strict, "names no signal");
            }
            expression_fault(name, say);
        }
        Trigger::Conditional(None) => say(Severity::Strict, "has no condition"),
        Trigger::Conditional(Some(condition)) => expression_fault(condition, say),
        Trigger::Timer(Timer { value: None, .. }) => say(Severity::Strict, "has no time"),
        Trigger::Timer(Timer { value: Some(value), kind }) => {
            expression_fault(value, say);
            if let Some(text) = value.fixed()
                && let Err(what) = timer::schedule(*kind, &text.into(), jiff::Timestamp::UNIX_EPOCH)
            {
                let severity = if text.contains("${") { Severity::Warning } else { Severity::Strict };
                say(severity, &format!("has a time that cannot be read: {what}"));
            }
        }
        _ => {}
    }
}

/// Another language than FEEL is only warned of: the file may carry it for another engine, and the expression
/// becomes an incident when it is reached.
fn expression_fault(expression: &Expression, say: &mut impl FnMut(Severity, &str)) {
    if let Some(fault) = expression.fault() {
        let severity = if expression.claims_feel() { Severity::Strict } else { Severity::Warning };
        say(severity, &format!("has the expression `{}`, which is not FEEL: {fault}", expression.source()));
    }
}

fn expressions(repeat: Option<&Loop>) -> impl Iterator<Item = &Expression> {
    let found: [Option<&Expression>; 4] = match repeat {
        Some(Loop::Standard { condition, .. }) => [condition.as_ref(), None, None, None],
        Some(Loop::Multi { cardinality, collection, output_element, completion, .. }) => {
            [cardinality.as_ref(), collection.as_ref(), output_element.as_ref(), completion.as_ref()]
        }
        None => [None; 4],
    };
    found.into_iter().flatten()
}
