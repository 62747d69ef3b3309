//! Reading one node, without what depends on other nodes.

use std::sync::Arc;

use super::node::{GatewayKind, Loop, Node, NodeKind, TaskKind, Work};
use super::process::{Body, NodeId};
use super::read::{Reader, sub_process};
use super::{Expression, SubProcessKind, Trigger, extension};
use crate::check::Severity;
use crate::xml::{Element, ns};

impl<'a> Reader<'a, '_> {
    /// Reads an element as a node; none if it is something else.
    pub(super) fn node(&mut self, element: &'a Element, parent: Option<NodeId>) -> Option<NodeId> {
        let kind = self.kind(element)?;
        let id = NodeId(self.build.nodes.len() as u32);
        let text = |name| element.attribute(name).unwrap_or_default();
        let name: Arc<str> = match text("id") {
            "" => Arc::from(format!("{}@{}", element.local(), element.position.line)),
            id => Arc::from(id),
        };
        if self.build.ids.insert(name.clone(), id).is_some() {
            self.find(Severity::Fatal, element, "is an id used twice".to_owned());
        }
        let repeat = self.repeat(element);
        let (inputs, outputs) = extension::mappings(element, self.limits);
        self.build.nodes.push(Node {
            id: name,
            name: text("name").into(),
            kind,
            parent,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            default: None,
            boundaries: Vec::new(),
            repeat,
            inputs,
            outputs,
            for_compensation: text("isForCompensation") == "true",
            handler: None,
            position: element.position,
        });
        self.build.elements.push(element);
        if sub_process(element).is_some() {
            let body = self.body(element, Some(id));
            if let NodeKind::SubProcess { body: empty, .. } = &mut self.build.nodes[id.0 as usize].kind {
                *empty = body;
            }
        }
        Some(id)
    }

    fn kind(&mut self, element: &'a Element) -> Option<NodeKind> {
        let flag = |name, default| element.attribute(name).map_or(default, |value| value == "true");
        if let Some(kind) = TaskKind::of(element.local()) {
            return Some(NodeKind::Task(kind, Box::new(self.work(element, kind))));
        }
        if let Some(kind) = sub_process(element) {
            return Some(NodeKind::SubProcess { body: Body::default(), kind });
        }
        Some(match element.local() {
            "startEvent" => {
                NodeKind::Start { trigger: self.trigger(element), interrupting: flag("isInterrupting", true) }
            }
            "endEvent" => NodeKind::End(self.trigger(element)),
            "intermediateCatchEvent" => NodeKind::Catch(self.trigger(element)),
            "intermediateThrowEvent" => NodeKind::Throw(self.trigger(element)),
            "boundaryEvent" => {
                let trigger = self.trigger(element);
                // An error always stops its activity, whatever the file says.
                let interrupting =
                    flag("cancelActivity", true) || matches!(trigger, Trigger::Error(_) | Trigger::Cancel);
                NodeKind::Boundary { trigger, attached: NodeId(0), interrupting }
            }
            "callActivity" => NodeKind::Call(Box::new(extension::called(element, self.limits))),
            "exclusiveGateway" => NodeKind::Gateway(GatewayKind::Exclusive),
            "parallelGateway" => NodeKind::Gateway(GatewayKind::Parallel),
            "inclusiveGateway" => NodeKind::Gateway(GatewayKind::Inclusive),
            "eventBasedGateway" => {
                if flag("instantiate", false) {
                    self.unsupported(element, "instantiating eventBasedGateway");
                } else if element.attribute("eventGatewayType") == Some("Parallel") {
                    self.unsupported(element, "parallel eventBasedGateway");
                }
                NodeKind::Gateway(GatewayKind::EventBased)
            }
            "complexGateway" => {
                self.unsupported(element, "complexGateway");
                NodeKind::Gateway(GatewayKind::Inclusive)
            }
            "adHocSubProcess" => {
                self.unsupported(element, "adHocSubProcess");
                NodeKind::SubProcess { body: Body::default(), kind: SubProcessKind::Embedded }
            }
            _ => return None,
        })
    }

    pub(super) fn unsupported(&mut self, element: &Element, what: &str) {
        let id = element.attribute("id").unwrap_or_default();
        self.build.unsupported.push((element.position, id.into(), what.into()));
    }

    fn work(&mut self, element: &'a Element, kind: TaskKind) -> Work {
        let mut work = extension::work(element, self.limits);
        if kind == TaskKind::Receive {
            if let Some(reference) = element.attribute("messageRef") {
                work.message = Some(self.message(element, reference));
            }
            if element.attribute("instantiate") == Some("true") {
                self.unsupported(element, "instantiating receiveTask");
            }
        }
        work
    }

    fn repeat(&mut self, element: &'a Element) -> Option<Loop> {
        let text = |parent: &Element, name: &str| {
            parent.child(ns::BPMN, name).map(Element::text).filter(|text| !text.is_empty())
        };
        let feel = |text: String| Expression::feel(&text, self.limits);
        if let Some(standard) = element.child(ns::BPMN, "standardLoopCharacteristics") {
            return Some(Loop::Standard {
                before: standard.attribute("testBefore") == Some("true"),
                condition: text(standard, "loopCondition").map(feel),
                maximum: standard.attribute("loopMaximum").and_then(|maximum| maximum.parse().ok()),
            });
        }
        let multi = element.child(ns::BPMN, "multiInstanceLoopCharacteristics")?;
        let named = |name: &str| {
            let item = multi.child(ns::BPMN, name)?;
            item.attribute("name").or_else(|| item.attribute("id")).map(Box::from)
        };
        let zeebe = extension::child(multi, ns::ZEEBE, "loopCharacteristics");
        let extended = |name| zeebe.and_then(|zeebe| zeebe.attribute(name)).filter(|text| !text.is_empty());
        let camunda = |name| multi.attribute_of(ns::CAMUNDA, name);
        let collection = text(multi, "loopDataInputRef")
            .or_else(|| extended("inputCollection").map(str::to_owned))
            .or_else(|| camunda("collection").map(str::to_owned));
        let output =
            text(multi, "loopDataOutputRef").or_else(|| extended("outputCollection").map(str::to_owned));
        let output_element = extended("outputElement").map(|text| Expression::feel(text, self.limits));
        let output_item: Option<Box<str>> = named("outputDataItem");
        Some(Loop::Multi {
            sequential: multi.attribute("isSequential") == Some("true"),
            cardinality: text(multi, "loopCardinality").map(feel),
            collection: collection.map(feel),
            element: named("inputDataItem")
                .or_else(|| extended("inputElement").map(Box::from))
                .or_else(|| camunda("elementVariable").map(Box::from)),
            output: output.map(Into::into),
            output_element: output_element
                .or_else(|| output_item.map(|name| Expression::feel(&name, self.limits))),
            completion: text(multi, "completionCondition").map(feel),
        })
    }
}
