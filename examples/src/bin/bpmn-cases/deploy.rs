//! Reading the files of a case, with its overrides put into the XML tree first.

use std::path::Path;

use bpe::model::Process;
use bpe::xml::{Element, Node};
use bpe::{Document, Error, Finding, Limits, Model, Severity};

use crate::case::{Case, Override};

/// What became of a deployment.
pub(crate) enum Deployed {
    /// The processes, in the order of the files.
    Processes(Vec<Process>),
    /// It was refused.
    Refused(Vec<Finding>),
    /// It needs elements the engine does not run.
    Unsupported(Vec<String>),
}

/// Deploys the files of a case.
pub(crate) fn deploy(folder: &Path, case: &Case, limits: &Limits) -> Result<Deployed, String> {
    let mut processes = Vec::new();
    let mut left: Vec<&Override> = case.overrides.iter().collect();
    for file in &case.files {
        let bytes = std::fs::read(folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let mut document = Document::read(&bytes, limits).map_err(|error| format!("{file}: {error}"))?;
        left.retain(|one| !apply(&mut document.root, one));
        let model = Model::of(document, limits).map_err(|error| format!("{file}: {error}"))?;
        let unsupported: Vec<String> = model.unsupported().map(str::to_owned).collect();
        if !unsupported.is_empty() {
            return Ok(Deployed::Unsupported(unsupported));
        }
        match model.refuse(if case.lenient { Severity::Fatal } else { Severity::Strict }) {
            Ok(model) => processes.extend(model.processes),
            Err(Error::Invalid(findings)) => return Ok(Deployed::Refused(findings)),
            Err(error) => return Err(format!("{file}: {error}")),
        }
    }
    match left.first() {
        None => Ok(Deployed::Processes(processes)),
        Some(one) => Err(format!("there is no {} of `{}` to replace", one.property, one.element)),
    }
}

/// Replaces a property; says whether the element is in this tree.
fn apply(element: &mut Element, one: &Override) -> bool {
    let named = element.attribute("id") == Some(&one.element)
        || element.attribute("id").is_none()
            && matches!((element.attribute("sourceRef"), element.attribute("targetRef")),
                (Some(from), Some(to)) if format!("{from}->{to}") == one.element);
    if named && set(element, &one.property, &one.value) {
        return true;
    }
    element.children.iter_mut().any(|node| match node {
        Node::Element(child) => apply(child, one),
        _ => false,
    })
}

fn set(element: &mut Element, property: &str, value: &str) -> bool {
    let (parent, name) = match property {
        "condition" if element.local() == "sequenceFlow" => (None, "conditionExpression"),
        "condition" => (Some("conditionalEventDefinition"), "condition"),
        "loopCardinality" | "completionCondition" => (Some("multiInstanceLoopCharacteristics"), property),
        "inputCollection" => (Some("multiInstanceLoopCharacteristics"), "loopDataInputRef"),
        "inputElement" => (Some("multiInstanceLoopCharacteristics"), "inputDataItem"),
        "loopCondition" => (Some("standardLoopCharacteristics"), "loopCondition"),
        _ => return false,
    };
    let parent = match parent {
        None => element,
        Some(parent) => element.child_or_new(parent),
    };
    let child = parent.child_or_new(name);
    if property == "inputElement" {
        child.set_attribute("name", value);
    } else {
        child.set_text(value);
    }
    true
}
