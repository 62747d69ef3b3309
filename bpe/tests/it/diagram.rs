//! Drawings: complete, escaped, and without anything a strict content policy forbids.

use crate::common::{Instance, variables};
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

#[test]
fn every_interchange_file_with_a_layout_is_drawn() {
    let Some(shared) = std::env::var_os("N2O_SHARED") else { return };
    let folder = std::path::PathBuf::from(shared).join("bpmn/miwg");
    let mut drawn = 0;
    for tool in std::fs::read_dir(folder).unwrap() {
        for entry in std::fs::read_dir(tool.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "bpmn") {
                continue;
            }
            let document = Document::read(&std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
            for process in bpe::Model::of(document.clone(), &Limits::default()).unwrap().processes {
                let Some(diagram) = Diagram::of(&document, &process.id) else { continue };
                let svg = diagram.svg(&Marks::default());
                is_inert(&tree(&svg));
                assert!(!svg.contains("\"NaN\"") && !svg.contains("\"inf\""), "{}", path.display());
                drawn += 1;
            }
        }
    }
    assert!(drawn > 250, "only {drawn} drawings");
}
