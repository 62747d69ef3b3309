//! The extension elements of other engines' modelling tools that are understood: Zeebe's and Camunda's words
//! for mappings, workers, forms and roles, so that their files and their editors can be used.

use super::expression::Expression;
use super::node::{Called, Mapping, Work};
use crate::Limits;
use crate::xml::{Element, ns};

/// The extension element of that name.
pub(super) fn child<'a>(element: &'a Element, namespace: &str, local: &str) -> Option<&'a Element> {
    element.child(ns::BPMN, "extensionElements")?.child(namespace, local)
}

fn children<'a>(
    element: &'a Element,
    namespace: &'static str,
    local: &'static str,
) -> impl Iterator<Item = &'a Element> {
    let extensions = element.child(ns::BPMN, "extensionElements");
    let elements = extensions.into_iter().flat_map(Element::elements);
    elements.filter(move |element| element.is(namespace, local))
}

/// The input and output mappings of an activity or event.
pub(super) fn mappings(element: &Element, limits: &Limits) -> (Vec<Mapping>, Vec<Mapping>) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    if let Some(mapping) = child(element, ns::ZEEBE, "ioMapping") {
        for part in mapping.elements() {
            let (Some(source), Some(target)) = (part.attribute("source"), part.attribute("target")) else {
                continue;
            };
            let mapping = Mapping { source: Expression::either(source, limits), target: target.into() };
            if part.local() == "input" { inputs.push(mapping) } else { outputs.push(mapping) }
        }
    }
    if let Some(mapping) = child(element, ns::CAMUNDA, "inputOutput") {
        for part in mapping.elements() {
            let Some(target) = part.attribute("name") else { continue };
            let mapping = Mapping { source: Expression::either(&part.text(), limits), target: target.into() };
            if part.local() == "inputParameter" { inputs.push(mapping) } else { outputs.push(mapping) }
        }
    }
    for (local, into) in [("in", &mut inputs), ("out", &mut outputs)] {
        for part in children(element, ns::CAMUNDA, local) {
            let source = part.attribute("source").or_else(|| part.attribute("sourceExpression"));
            let (Some(source), Some(target)) = (source, part.attribute("target")) else { continue };
            into.push(Mapping { source: Expression::feel(source, limits), target: target.into() });
        }
    }
    (inputs, outputs)
}

/// Who does a task.
pub(super) fn work(element: &Element, limits: &Limits) -> Work {
    let id = element.attribute("id").unwrap_or_default();
    let definition = child(element, ns::ZEEBE, "taskDefinition");
    let defined = |name| definition.and_then(|definition| definition.attribute(name));
    let form = child(element, ns::ZEEBE, "formDefinition");
    let assignment = child(element, ns::ZEEBE, "assignmentDefinition");
    let assigned = |name| assignment.and_then(|assignment| assignment.attribute(name));
    let camunda = |name| element.attribute_of(ns::CAMUNDA, name);
    Work {
        kind: defined("type").or_else(|| camunda("topic")).unwrap_or(id).into(),
        retries: defined("retries").and_then(|retries| retries.parse().ok()),
        form: form
            .and_then(|form| {
                ["formKey", "formId", "externalReference"].iter().find_map(|name| form.attribute(name))
            })
            .or_else(|| camunda("formKey"))
            .map(Box::from),
        assignee: assigned("assignee")
            .or_else(|| camunda("assignee"))
            .map(|text| Expression::either(text, limits)),
        groups: list(assigned("candidateGroups").or_else(|| camunda("candidateGroups"))),
        users: list(assigned("candidateUsers").or_else(|| camunda("candidateUsers"))),
        lane: None,
        message: None,
    }
}

/// The roles that may start a process.
pub(super) fn starters(process: &Element) -> Vec<Box<str>> {
    list(process.attribute_of(ns::CAMUNDA, "candidateStarterGroups"))
}

fn list(text: Option<&str>) -> Vec<Box<str>> {
    let parts = text.unwrap_or_default().split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(Box::from).collect()
}

/// What a call activity calls. Without a word about variables, all go in and all come back.
pub(super) fn called(element: &Element, limits: &Limits) -> Called {
    let zeebe = child(element, ns::ZEEBE, "calledElement");
    let flag = |name| zeebe.and_then(|zeebe| zeebe.attribute(name)).map(|value| value == "true");
    let process =
        zeebe.and_then(|zeebe| zeebe.attribute("processId")).or_else(|| element.attribute("calledElement"));
    let all = |local| {
        let mut parts = children(element, ns::CAMUNDA, local).peekable();
        parts.peek()?;
        Some(parts.any(|part| part.attribute("variables") == Some("all")))
    };
    Called {
        process: Expression::either(process.unwrap_or_default(), limits),
        all_in: flag("propagateAllParentVariables").or_else(|| all("in")).unwrap_or(true),
        all_out: flag("propagateAllChildVariables").or_else(|| all("out")).unwrap_or(true),
    }
}
