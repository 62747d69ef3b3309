//! Drawings: complete, escaped, and without anything a strict content policy forbids.

use std::path::Path;

use crate::common::{Instance, variables};
use crate::xml::{bpmn_files, own, shared};
use bpe::xml::Element;
use bpe::{Diagram, Document, Limits, Mark, Marks};

const FILE: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
  xmlns:di="http://www.omg.org/spec/DD/20100524/DI" id="d">
  <process id="p">
    <startEvent id="s"/>
    <userTask id="a&quot;&gt;" name="&lt;script&gt;alert(1)&lt;/script&gt;"/>
    <endEvent id="e"/>
    <sequenceFlow id="f1" sourceRef="s" targetRef="a&quot;&gt;"/>
    <sequenceFlow id="f2" name="on" sourceRef="a&quot;&gt;" targetRef="e"/>
  </process>
  <bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement="p">
    <bpmndi:BPMNShape bpmnElement="s"><dc:Bounds x="10" y="32" width="36" height="36"/></bpmndi:BPMNShape>
    <bpmndi:BPMNShape bpmnElement="a&quot;&gt;"><dc:Bounds x="100" y="10" width="100" height="80"/></bpmndi:BPMNShape>
    <bpmndi:BPMNShape bpmnElement="e"><dc:Bounds x="250" y="32" width="NaN" height="36"/></bpmndi:BPMNShape>
    <bpmndi:BPMNShape bpmnElement="gone"><dc:Bounds x="1" y="1" width="1" height="1"/></bpmndi:BPMNShape>
    <bpmndi:BPMNEdge bpmnElement="f1"><di:waypoint x="46" y="50"/><di:waypoint x="100" y="50"/></bpmndi:BPMNEdge>
    <bpmndi:BPMNEdge bpmnElement="f2"><di:waypoint x="200" y="50"/></bpmndi:BPMNEdge>
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</definitions>"#;

fn tree(svg: &str) -> Element {
    Document::read(svg.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{error}: {svg}")).root
}

/// Nothing that could run, load or style.
fn is_inert(root: &Element) {
    root.walk(&mut |element| {
        let known =
            ["svg", "g", "defs", "marker", "path", "rect", "circle", "polygon", "line", "text", "tspan"];
        assert!(known.contains(&element.local()), "{}", element.local());
        for attribute in &element.attributes {
            let name = attribute.local();
            assert!(!name.starts_with("on") && name != "style" && name != "href", "{name}");
            assert!(
                !attribute.value.contains("url(") || attribute.value.starts_with("url(#bpmn-"),
                "{}",
                attribute.value
            );
        }
    });
}

#[test]
fn names_and_ids_are_text_whatever_they_say() {
    let document = Document::read(FILE.as_bytes(), &Limits::default()).unwrap();
    let diagram = Diagram::of(&document, "p").unwrap();
    let svg = diagram.svg(&Marks::default());
    let root = tree(&svg);
    is_inert(&root);
    assert!(svg.contains("&lt;script&gt;"));
    assert_eq!(diagram.id("a\">"), "bpmn-a_22__3e_");
    assert!(svg.contains("id=\"bpmn-a_22__3e_\""));
    assert_eq!(diagram.elements().collect::<Vec<_>>(), ["f1", "s", "a\">"], "what has no place is left out");
    assert!(Diagram::of(&document, "another").is_none());
}

#[test]
fn tokens_are_marked_by_class() {
    let one = Instance::of(FILE, "{}");
    let document = Document::read(FILE.as_bytes(), &Limits::default()).unwrap();
    let diagram = Diagram::of(&document, "p").unwrap();
    let marks = Marks::of_state(&one.state, &one.library, "p").passed(&one.history);
    assert_eq!(
        (marks.of("s"), marks.of("a\">"), marks.of("e")),
        (Some(Mark::Passed), Some(Mark::Active), None)
    );
    assert_eq!(diagram.class("a\">", &marks).unwrap(), "bpmn-shape bpmn-userTask is-active");
    assert_eq!(diagram.class("f1", &marks).unwrap(), "bpmn-edge bpmn-sequenceFlow is-passed");
    assert!(diagram.svg(&marks).contains("class=\"bpmn-shape bpmn-userTask is-active\""));
    drop(variables("{}"));
}

/// A file with a place for everything in it: nodes in a row, and flows and associations between them.
fn laid_out(text: &str) -> String {
    let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
    let (mut places, mut at) = (String::new(), 0);
    document.root.walk(&mut |element| {
        let Some(id) = element.attribute("id") else { return };
        at += 120;
        let place = match element.local() {
            "sequenceFlow" | "association" | "messageFlow" | "dataInputAssociation" => format!(
                "<bpmndi:BPMNEdge bpmnElement=\"{id}\"><di:waypoint x=\"{at}\" y=\"50\"/>\
                 <di:waypoint x=\"{}\" y=\"90\"/></bpmndi:BPMNEdge>",
                at + 60
            ),
            _ => format!(
                "<bpmndi:BPMNShape bpmnElement=\"{id}\" isExpanded=\"true\">\
                 <dc:Bounds x=\"{at}\" y=\"10\" width=\"100\" height=\"80\"/></bpmndi:BPMNShape>"
            ),
        };
        places.push_str(&place);
    });
    let plane = format!(
        "<bpmndi:BPMNDiagram xmlns:bpmndi=\"http://www.omg.org/spec/BPMN/20100524/DI\" \
         xmlns:dc=\"http://www.omg.org/spec/DD/20100524/DC\" xmlns:di=\"http://www.omg.org/spec/DD/20100524/DI\">\
         <bpmndi:BPMNPlane>{places}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>"
    );
    text.replace("</definitions>", &plane)
}

/// Draws every process of a file that has a layout; the number of drawings.
fn drawn(path: &Path, text: &[u8], all: bool) -> usize {
    let document = Document::read(text, &Limits::default()).unwrap();
    let mut drawn = 0;
    for process in bpe::Model::of(document.clone(), &Limits::default()).unwrap().processes {
        let Some(diagram) = Diagram::of(&document, &process.id) else { continue };
        let svg = diagram.svg(&Marks::default());
        is_inert(&tree(&svg));
        assert!(!svg.contains("\"NaN\"") && !svg.contains("\"inf\""), "{}", path.display());
        let missing: Vec<&str> = process
            .nodes
            .iter()
            .map(|node| &*node.id)
            .chain(process.flows.iter().map(|flow| &*flow.id))
            .filter(|id| !svg.contains(&format!("id=\"{}\"", diagram.id(id))))
            .collect();
        assert!(!all || missing.is_empty(), "{}: {missing:?} are not drawn", path.display());
        drawn += 1;
    }
    drawn
}

#[test]
fn every_element_that_runs_and_every_interchange_file_with_a_layout_is_drawn() {
    let own = own().into_iter().filter(|path| !path.to_string_lossy().contains("bad-"));
    let own: usize = own
        .map(|path| drawn(&path, laid_out(&std::fs::read_to_string(&path).unwrap()).as_bytes(), true))
        .sum();
    assert!(own > 40, "only {own} drawings of our own");
    if let Some(folder) = shared("bpmn/miwg") {
        let mut files = Vec::new();
        bpmn_files(&folder, &mut files);
        let shared: usize = files.iter().map(|path| drawn(path, &std::fs::read(path).unwrap(), false)).sum();
        assert!(shared > 250, "only {shared} drawings");
    }
}
