//! Drawing a file's own layout as SVG: every shape and edge with an id and classes, so that a page can be
//! styled by CSS and tokens can be marked and moved later. There is no inline style and no script in it.

mod event;
mod icon;
mod label;
mod layout;
mod mark;
mod shape;
mod svg;

pub use mark::{Mark, Marks};

use layout::Layout;
use svg::Svg;

use crate::xml::Document;

/// A drawing of one diagram of a file.
///
/// ```
/// # use bpe::{Diagram, Document, Limits, Marks};
/// # let file = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
/// #   xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">
/// #   <process id="p"><userTask id="approve" name="Approve &lt;it&gt;"/></process><di:BPMNDiagram><di:BPMNPlane bpmnElement="p">
/// #   <di:BPMNShape bpmnElement="approve"><dc:Bounds x="10" y="10" width="100" height="80"/></di:BPMNShape>
/// #   </di:BPMNPlane></di:BPMNDiagram></definitions>"#;
/// let document = Document::read(file.as_bytes(), &Limits::default())?;
/// let diagram = Diagram::of(&document, "p").expect("the file has a layout");
/// let svg = diagram.svg(&Marks::default());
/// assert!(svg.contains("id=\"bpmn-approve\" class=\"bpmn-shape bpmn-userTask\""));
/// assert!(svg.contains("&lt;it&gt;"));
/// # Ok::<(), bpe::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Diagram {
    layout: Layout,
    prefix: String,
}

impl Diagram {
    /// The diagram that shows a process: its own, or the collaboration it is in. None if the file has no
    /// layout of it.
    pub fn of(document: &Document, process: &str) -> Option<Self> {
        Some(Self { layout: Layout::of(document, process)?, prefix: "bpmn-".to_owned() })
    }

    /// Another beginning for the ids in the drawing than `bpmn-`, for pages that show more than one.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: safe(prefix), ..self }
    }

    /// The id of the group that an element is drawn in.
    pub fn id(&self, element: &str) -> String {
        format!("{}{}", self.prefix, safe(element))
    }

    /// The classes of an element that has a mark or not: what a page sets to move a token.
    pub fn class(&self, element: &str, marks: &Marks) -> Option<String> {
        let drawn = self.layout.drawn(element)?;
        Some(classes(if drawn.is_edge() { "bpmn-edge" } else { "bpmn-shape" }, drawn.kind(), element, marks))
    }

    /// The elements that are drawn, in drawing order.
    pub fn elements(&self) -> impl Iterator<Item = &str> {
        self.layout.elements()
    }

    /// The drawing.
    pub fn svg(&self, marks: &Marks) -> String {
        let mut svg = Svg::new();
        let [x, y, width, height] = self.layout.view();
        svg.open("svg")
            .attr("xmlns", "http://www.w3.org/2000/svg")
            .attr("class", "bpmn")
            .attr("role", "img")
            .attr(
                "viewBox",
                &format!(
                    "{} {} {} {}",
                    svg::number(x),
                    svg::number(y),
                    svg::number(width),
                    svg::number(height)
                ),
            )
            .attr("width", &svg::number(width))
            .attr("height", &svg::number(height))
            .attr("font-family", "sans-serif")
            .attr("font-size", "11");
        self.heads(&mut svg);
        for drawn in self.layout.all() {
            let element = drawn.element();
            let base = if drawn.is_edge() { "bpmn-edge" } else { "bpmn-shape" };
            svg.open("g")
                .attr("id", &self.id(element))
                .attr("class", &classes(base, drawn.kind(), element, marks));
            shape::draw(&mut svg, drawn, &self.prefix);
            if let Some(count) = marks.count(element) {
                mark::badge(&mut svg, drawn, count);
            }
            svg.close("g");
        }
        svg.close("svg");
        svg.into_string()
    }

    /// The ends of edges.
    fn heads(&self, svg: &mut Svg) {
        svg.open("defs");
        for (name, filled) in [("arrow", true), ("open", false)] {
            svg.open("marker")
                .attr("id", &format!("{}{name}", self.prefix))
                .attr("viewBox", "0 0 10 10")
                .attr("refX", "10")
                .attr("refY", "5")
                .attr("markerWidth", "8")
                .attr("markerHeight", "8")
                .attr("orient", "auto");
            let path = svg.open("path").attr("d", if filled { "M0 0L10 5L0 10z" } else { "M0 0L10 5L0 10" });
            path.attr("class", "bpmn-head")
                .attr("stroke", "#333")
                .attr("fill", if filled { "#333" } else { "none" });
            svg.end();
            svg.close("marker");
        }
        svg.close("defs");
    }
}

fn classes(base: &str, kind: &str, element: &str, marks: &Marks) -> String {
    let mut classes = format!("{base} bpmn-{}", safe(kind));
    if let Some(mark) = marks.of(element) {
        classes.push(' ');
        classes.push_str(mark.class());
    }
    classes
}

/// An id as HTML, CSS and URLs take it without quoting: other characters become their number.
fn safe(id: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(id.len());
    for c in id.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            out.push(c);
        } else {
            let _ = write!(out, "_{:x}_", u32::from(c));
        }
    }
    out
}
