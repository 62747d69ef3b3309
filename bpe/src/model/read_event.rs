//! Reading event definitions, and the messages, signals, errors and escalations they refer to.

use std::collections::HashMap;

use super::event::{Timer, TimerKind, Trigger};
use super::expression::Expression;
use super::extension;
use super::read::Reader;
use crate::Limits;
use crate::check::Severity;
use crate::xml::{Element, ns};

/// The declarations beside the processes.
pub(super) struct Declared<'a> {
    by_id: HashMap<&'a str, &'a Element>,
    limits: Limits,
}

impl<'a> Declared<'a> {
    pub(super) fn of(root: &'a Element, limits: &Limits) -> Self {
        let declarations = root.elements().filter(|element| element.namespace() == ns::BPMN);
        let by_id = declarations.filter_map(|element| Some((element.attribute("id")?, element))).collect();
        Self { by_id, limits: limits.clone() }
    }

    fn find(&self, kind: &str, reference: &str) -> Option<&'a Element> {
        let found = |id: &str| self.by_id.get(id).copied().filter(|element| element.local() == kind);
        found(reference).or_else(|| found(reference.rsplit(':').next()?))
    }
}

impl<'a> Reader<'a, '_> {
    /// What the event definitions inside an event say.
    pub(super) fn trigger(&mut self, event: &'a Element) -> Trigger {
        let mut definitions: Vec<&'a Element> = Vec::new();
        for child in event.elements().filter(|child| child.namespace() == ns::BPMN) {
            if child.local() == "eventDefinitionRef" {
                let reference = child.text();
                let reference = reference.rsplit(':').next().unwrap_or_default();
                match self.declared.by_id.get(reference) {
                    Some(definition) => definitions.push(definition),
                    None => {
                        self.find(Severity::Strict, event, format!("refers to the definition `{reference}`"))
                    }
                }
            } else if child.local().ends_with("EventDefinition") {
                definitions.push(child);
            }
        }
        if definitions.len() > 1 {
            let what = if event.attribute("parallelMultiple") == Some("true") {
                "parallel multiple event"
            } else {
                "multiple event"
            };
            self.unsupported(event, what);
        }
        definitions.first().map_or(Trigger::None, |definition| self.definition(event, definition))
    }

    fn definition(&mut self, event: &'a Element, definition: &'a Element) -> Trigger {
        match definition.local() {
            "messageEventDefinition" => {
                self.message(event, definition.attribute("messageRef").unwrap_or_default())
            }
            "signalEventDefinition" => {
                let reference = definition.attribute("signalRef").unwrap_or_default();
                let declared = self.declared("signal", event, reference);
                let name = declared.and_then(|signal| signal.attribute("name")).unwrap_or(reference);
                Trigger::Signal(Expression::either(name, self.limits))
            }
            "errorEventDefinition" => {
                let reference = definition.attribute("errorRef").unwrap_or_default();
                Trigger::Error(self.code("error", "errorCode", event, reference))
            }
            "escalationEventDefinition" => {
                let reference = definition.attribute("escalationRef").unwrap_or_default();
                Trigger::Escalation(self.code("escalation", "escalationCode", event, reference))
            }
            "timerEventDefinition" => Trigger::Timer(self.timer(definition)),
            "conditionalEventDefinition" => {
                let text = definition.child(ns::BPMN, "condition").map(Element::text);
                Trigger::Conditional(
                    text.filter(|text| !text.is_empty()).map(|text| Expression::feel(&text, self.limits)),
                )
            }
            "compensateEventDefinition" => Trigger::Compensation(None),
            "linkEventDefinition" => Trigger::Link(definition.attribute("name").unwrap_or_default().into()),
            "cancelEventDefinition" => Trigger::Cancel,
            "terminateEventDefinition" => Trigger::Terminate,
            other => {
                self.unsupported(event, other);
                Trigger::None
            }
        }
    }

    /// The message of that id; an undeclared one stands for a message of that name.
    pub(super) fn message(&mut self, element: &'a Element, reference: &str) -> Trigger {
        let declared = self.declared("message", element, reference);
        let name = declared.and_then(|message| message.attribute("name")).unwrap_or(reference);
        let subscription = declared.and_then(|message| extension::child(message, ns::ZEEBE, "subscription"));
        let key = subscription.and_then(|subscription| subscription.attribute("correlationKey"));
        let key = key.map(|key| Expression::either(key, &self.declared.limits));
        Trigger::Message { name: Expression::either(name, self.limits), key }
    }

    /// None catches or throws without a code; an undeclared reference is its own code.
    fn code(&mut self, kind: &str, attribute: &str, event: &'a Element, reference: &str) -> Option<Box<str>> {
        match self.declared(kind, event, reference) {
            Some(declared) => declared.attribute(attribute).filter(|code| !code.is_empty()).map(Box::from),
            None => (!reference.is_empty()).then(|| reference.into()),
        }
    }

    fn declared(&mut self, kind: &str, element: &'a Element, reference: &str) -> Option<&'a Element> {
        let found = self.declared.find(kind, reference);
        if found.is_none() && !reference.is_empty() {
            self.find(
                Severity::Strict,
                element,
                format!("refers to the {kind} `{reference}`, which is not declared"),
            );
        }
        found
    }

    fn timer(&mut self, definition: &Element) -> Timer {
        let kinds = [
            ("timeDate", TimerKind::Date),
            ("timeDuration", TimerKind::Duration),
            ("timeCycle", TimerKind::Cycle),
        ];
        for (name, kind) in kinds {
            let text = definition.child(ns::BPMN, name).map(Element::text).filter(|text| !text.is_empty());
            if let Some(text) = text {
                return Timer { kind, value: Some(Expression::either(&text, self.limits)) };
            }
        }
        Timer { kind: TimerKind::Duration, value: None }
    }
}
