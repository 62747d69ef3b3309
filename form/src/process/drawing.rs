//! The drawing of a process in one language, and the form keys of its start events, from the deployed file.

use std::collections::BTreeMap;

use bpe::{
    Diagram, Document, Marks,
    xml::{Element, Node},
};

const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";
const CAMUNDA: &str = "http://camunda.org/schema/1.0/bpmn";
const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";

/// What the screens need of a file.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    diagram: Option<Diagram>,
    starts: BTreeMap<String, String>,
}

impl Drawing {
    pub(crate) fn new(
        mut document: Document,
        process: &str,
        label: impl Fn(&str) -> Option<&'static str>,
    ) -> Self {
        let mut starts = BTreeMap::new();
        document.root.walk(&mut |element| {
            if element.is(BPMN, "startEvent")
                && let (Some(id), Some(key)) = (element.attribute("id"), form_key(element))
            {
                starts.insert(id.to_owned(), key.to_owned());
            }
        });
        rename(&mut document.root, &label);
        Drawing { diagram: Diagram::of(&document, process), starts }
    }

    /// The form key of a start event.
    pub(crate) fn start_form(&self, event: &str) -> Option<&str> {
        self.starts.get(event).map(String::as_str)
    }

    /// The diagram as SVG, when the file has a layout.
    pub(crate) fn svg(&self, marks: &Marks) -> Option<String> {
        self.diagram.as_ref().map(|diagram| diagram.svg(marks))
    }

    /// The classes to be added and taken away so that a drawing with the marks `old` shows `new`.
    pub(crate) fn changes(&self, old: &Marks, new: &Marks) -> Vec<(String, &'static str, bool)> {
        let mut changes = Vec::new();
        let Some(diagram) = &self.diagram else { return changes };
        for element in diagram.elements() {
            let (was, is) = (old.of(element), new.of(element));
            if was == is {
                continue;
            }
            let id = diagram.id(element);
            changes.extend(was.map(|mark| (id.clone(), mark.class(), false)));
            changes.extend(is.map(|mark| (id, mark.class(), true)));
        }
        changes
    }

    /// Whether classes alone are not enough: the number of tokens at an element has changed.
    pub(crate) fn counts_differ(&self, old: &Marks, new: &Marks) -> bool {
        let mut elements = self.diagram.iter().flat_map(Diagram::elements);
        elements.any(|element| old.count(element) != new.count(element))
    }
}

fn form_key(element: &Element) -> Option<&str> {
    let extension = element.child(BPMN, "extensionElements");
    let zeebe = extension.and_then(|extension| extension.child(ZEEBE, "formDefinition"));
    zeebe.and_then(|form| form.attribute("formKey")).or_else(|| element.attribute_of(CAMUNDA, "formKey"))
}

fn rename(element: &mut Element, label: &impl Fn(&str) -> Option<&'static str>) {
    if let Some(name) = element.attribute("id").and_then(label) {
        element.set_attribute("name", name);
    }
    for child in &mut element.children {
        if let Node::Element(child) = child {
            rename(child, label);
        }
    }
}
