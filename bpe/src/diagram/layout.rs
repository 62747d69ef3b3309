//! Reading the layout: which element is where. What has no place or no size is left out.

use std::collections::HashMap;

use crate::xml::{Document, Element, ns};

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn center(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// What is drawn, and the words and marks on it.
#[derive(Clone, Debug)]
pub(super) enum Drawn {
    Shape {
        element: String,
        kind: String,
        bounds: Rect,
        label: Option<Rect>,
        /// Whether a pool or lane lies, and whether a sub-process shows what is in it.
        horizontal: bool,
        expanded: bool,
        look: Look,
    },
    Edge {
        element: String,
        kind: String,
        points: Vec<(f64, f64)>,
        label: Option<Rect>,
        look: Look,
    },
}

/// What the model says about how an element looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) name: String,
    /// The event definition, such as `timerEventDefinition`; `multiple` for several.
    pub(super) trigger: String,
    /// Dashed borders: of events that do not interrupt, and of event sub-processes.
    pub(super) dashed: bool,
    /// Markers at the lower border of an activity.
    pub(super) markers: Vec<&'static str>,
    /// A default or a conditional flow.
    pub(super) flow: &'static str,
}

impl Drawn {
    pub(super) fn element(&self) -> &str {
        match self {
            Self::Shape { element, .. } | Self::Edge { element, .. } => element,
        }
    }

    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Shape { kind, .. } | Self::Edge { kind, .. } => kind,
        }
    }

    pub(super) fn is_edge(&self) -> bool {
        matches!(self, Self::Edge { .. })
    }
}

/// A diagram's shapes and edges.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    drawn: Vec<Drawn>,
}

impl Layout {
    pub(super) fn of(document: &Document, process: &str) -> Option<Self> {
        let mut ids = HashMap::new();
        let mut defaults = HashMap::new();
        document.root.walk(&mut |element| {
            if let Some(id) = element.attribute("id").filter(|_| element.namespace() == ns::BPMN) {
                ids.insert(id, element);
            }
            if let (Some(id), Some(default)) = (element.attribute("id"), element.attribute("default")) {
                defaults.insert(default, id);
            }
        });
        let plane = plane(document, process, &ids)?;
        let drawn: Vec<Drawn> =
            plane.elements().filter_map(|element| drawn(element, &ids, &defaults)).collect();
        if drawn.is_empty() {
            return None;
        }
        // Edges are drawn over the pools and sub-processes they lie in, and under the events they touch.
        let rank = |drawn: &Drawn| match drawn {
            Drawn::Shape { kind, .. } if matches!(kind.as_str(), "participant" | "lane" | "group") => 0,
            Drawn::Shape { expanded: true, .. } => 1,
            Drawn::Edge { .. } => 2,
            Drawn::Shape { kind, .. } if kind == "boundaryEvent" => 4,
            Drawn::Shape { .. } => 3,
        };
        let mut drawn = drawn;
        drawn.sort_by_key(rank);
        Some(Self { drawn })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Drawn> {
        self.drawn.iter()
    }

    pub(super) fn drawn(&self, element: &str) -> Option<&Drawn> {
        self.drawn.iter().find(|drawn| drawn.element() == element)
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &str> {
        self.drawn.iter().map(Drawn::element)
    }

    /// The part of the plane that has something in it, with a margin.
    pub(super) fn view(&self) -> [f64; 4] {
        const MARGIN: f64 = 10.0;
        let mut low = (f64::MAX, f64::MAX);
        let mut high = (f64::MIN, f64::MIN);
        let mut see = |x: f64, y: f64| {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        };
        for drawn in &self.drawn {
            let (rects, points) = match drawn {
                // A label without place is written under its event.
                Drawn::Shape { bounds, label, .. } => {
                    let under = Rect { height: bounds.height + 20.0, ..*bounds };
                    (vec![under, label.unwrap_or(*bounds)], &[][..])
                }
                Drawn::Edge { points, label, .. } => (label.iter().copied().collect(), points.as_slice()),
            };
            for rect in rects {
                see(rect.x, rect.y);
                see(rect.x + rect.width, rect.y + rect.height);
            }
            points.iter().for_each(|(x, y)| see(*x, *y));
        }
        [low.0 - MARGIN, low.1 - MARGIN, high.0 - low.0 + 2.0 * MARGIN, high.1 - low.1 + 2.0 * MARGIN]
    }
}

/// The plane of the process, or of the collaboration with a pool for it, or one that shows one of its
/// elements.
fn plane<'a>(document: &'a Document, process: &str, ids: &HashMap<&str, &'a Element>) -> Option<&'a Element> {
    let diagrams = document.root.elements().filter(|element| element.is(ns::BPMNDI, "BPMNDiagram"));
    let planes: Vec<&Element> =
        diagrams.filter_map(|diagram| diagram.child(ns::BPMNDI, "BPMNPlane")).collect();
    let reference = |element: &Element, name: &str| {
        element.attribute(name).map(|value| value.rsplit(':').next().unwrap_or(value).to_owned())
    };
    let of = |plane: &&&Element, id: &str| reference(plane, "bpmnElement").as_deref() == Some(id);
    if let Some(plane) = planes.iter().find(|plane| of(plane, process)) {
        return Some(plane);
    }
    let pool = |plane: &&&Element| {
        let element = reference(plane, "bpmnElement").and_then(|id| ids.get(id.as_str()).copied());
        let pools =
            element.into_iter().flat_map(Element::elements).filter(|child| child.is(ns::BPMN, "participant"));
        pools.into_iter().any(|pool| reference(pool, "processRef").as_deref() == Some(process))
    };
    let mut inside = std::collections::HashSet::new();
    if let Some(process) = ids.get(process) {
        process.walk(&mut |element| inside.extend(element.attribute("id")));
    }
    let shows = |plane: &&&Element| {
        plane
            .elements()
            .any(|shape| reference(shape, "bpmnElement").is_some_and(|id| inside.contains(id.as_str())))
    };
    planes.iter().find(pool).or_else(|| planes.iter().find(shows)).copied()
}

fn drawn(element: &Element, ids: &HashMap<&str, &Element>, defaults: &HashMap<&str, &str>) -> Option<Drawn> {
    let reference = element.attribute("bpmnElement")?;
    let reference = reference.rsplit(':').next().unwrap_or(reference);
    let model = ids.get(reference)?;
    let label = element.child(ns::BPMNDI, "BPMNLabel").and_then(bounds);
    let (id, kind, look) = (reference.to_owned(), model.local().to_owned(), look(model, ids, defaults));
    let flag = |name, default| element.attribute(name).map_or(default, |value| value == "true");
    match element.local() {
        "BPMNShape" if element.namespace() == ns::BPMNDI => Some(Drawn::Shape {
            element: id,
            bounds: bounds(element)?,
            label,
            horizontal: flag("isHorizontal", true),
            expanded: is_sub(&kind) && flag("isExpanded", true),
            kind,
            look,
        }),
        "BPMNEdge" if element.namespace() == ns::BPMNDI => {
            let points = element.elements().filter(|child| child.is(ns::DI, "waypoint"));
            let points: Vec<(f64, f64)> =
                points.filter_map(|point| Some((coordinate(point, "x")?, coordinate(point, "y")?))).collect();
            (points.len() > 1).then_some(Drawn::Edge { element: id, kind, points, label, look })
        }
        _ => None,
    }
}

pub(super) fn is_sub(kind: &str) -> bool {
    matches!(kind, "subProcess" | "transaction" | "adHocSubProcess")
}

fn look(model: &Element, ids: &HashMap<&str, &Element>, defaults: &HashMap<&str, &str>) -> Look {
    let flag = |name, default| model.attribute(name).map_or(default, |value| value == "true");
    let mut triggers = model.elements().map(Element::local).filter(|name| name.ends_with("EventDefinition"));
    let first = triggers.next().unwrap_or_default();
    let trigger = if triggers.next().is_some() { "multiple" } else { first };
    let mut markers = Vec::new();
    for child in model.elements().filter(|child| child.namespace() == ns::BPMN) {
        match child.local() {
            "standardLoopCharacteristics" => markers.push("loop"),
            "multiInstanceLoopCharacteristics" if child.attribute("isSequential") == Some("true") => {
                markers.push("sequential");
            }
            "multiInstanceLoopCharacteristics" => markers.push("parallel"),
            _ => {}
        }
    }
    if flag("isForCompensation", false) {
        markers.push("compensation");
    }
    let id = model.attribute("id").unwrap_or_default();
    let conditional = model.child(ns::BPMN, "conditionExpression").is_some();
    let source = model.attribute("sourceRef").and_then(|id| ids.get(id));
    let gateway = source.is_some_and(|source| source.local().ends_with("Gateway"));
    let name = match model.local() {
        "textAnnotation" => model.child(ns::BPMN, "text").map(Element::text).unwrap_or_default(),
        _ => model.attribute("name").unwrap_or_default().to_owned(),
    };
    Look {
        name,
        trigger: trigger.to_owned(),
        dashed: !flag("cancelActivity", true)
            || !flag("isInterrupting", true)
            || flag("triggeredByEvent", false),
        markers,
        flow: match () {
            () if defaults.contains_key(id) => "default",
            () if conditional && !gateway => "conditional",
            () => "",
        },
    }
}

fn bounds(element: &Element) -> Option<Rect> {
    let bounds = element.child(ns::DC, "Bounds")?;
    let side = |name| coordinate(bounds, name);
    let rect = Rect { x: side("x")?, y: side("y")?, width: side("width")?, height: side("height")? };
    (rect.width >= 0.0 && rect.height >= 0.0).then_some(rect)
}

/// Coordinates beyond any paper are errors of the file, and would make the drawing unusable.
fn coordinate(element: &Element, name: &str) -> Option<f64> {
    let value: f64 = element.attribute(name)?.trim().parse().ok()?;
    (value.abs() <= 1e6).then_some(value)
}
