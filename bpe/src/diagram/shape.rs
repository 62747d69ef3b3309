//! Drawing each kind of shape and edge.

use super::event;
use super::icon;
use super::label;
use super::layout::{Drawn, Look, Rect, is_sub};
use super::svg::{Svg, number};

/// Draws a shape or an edge, with its words.
pub(super) fn draw(svg: &mut Svg, drawn: &Drawn, prefix: &str) {
    match drawn {
        Drawn::Shape { kind, bounds, label, horizontal, expanded, look, .. } => {
            shape(svg, kind, bounds, *expanded, look, *horizontal);
            words(svg, kind, bounds, label.as_ref(), *horizontal, *expanded, &look.name);
        }
        Drawn::Edge { kind, points, label, look, .. } => {
            edge(svg, kind, points, look, prefix);
            if !look.name.is_empty() {
                let (x, y) = label.map_or_else(|| middle(points), |label| label.center());
                let width = label.map_or(90.0, |label| label.width.max(60.0));
                label::centered(svg, x, y, width, &look.name);
            }
        }
    }
}

/// A line and fill that a page's style sheet can override.
pub(super) fn paint<'a>(svg: &'a mut Svg, fill: &str, width: &str) -> &'a mut Svg {
    svg.attr("fill", fill).attr("stroke", "#333").attr("stroke-width", width)
}

fn shape(svg: &mut Svg, kind: &str, at: &Rect, expanded: bool, look: &Look, horizontal: bool) {
    if kind.ends_with("Event") {
        return event::draw(svg, kind, at, look);
    }
    if kind.ends_with("Gateway") {
        let (x, y) = at.center();
        let points = [(x, at.y), (at.x + at.width, y), (x, at.y + at.height), (at.x, y)];
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        svg.open("polygon").attr("class", "bpmn-outline").attr("points", &points.join(" "));
        paint(svg, "#fff", "1.5").end();
        return icon::gateway(svg, kind, at);
    }
    match kind {
        "participant" | "lane" => {
            rect(svg, at, 0.0, "none", "1.5", false);
            if kind == "participant" {
                let end =
                    if horizontal { (at.x + 30.0, at.y + at.height) } else { (at.x + at.width, at.y + 30.0) };
                let begin = if horizontal { (at.x + 30.0, at.y) } else { (at.x, at.y + 30.0) };
                line(svg, begin, end);
            }
        }
        "textAnnotation" => {
            let path = format!("M{} {}h-10v{}h10", number(at.x + 10.0), number(at.y), number(at.height));
            svg.open("path").attr("class", "bpmn-outline").attr("d", &path);
            paint(svg, "none", "1").end();
        }
        "dataObject" | "dataObjectReference" | "dataInput" | "dataOutput" => icon::document(svg, at),
        "dataStore" | "dataStoreReference" => icon::store(svg, at),
        "group" => rect(svg, at, 8.0, "none", "1", true),
        _ => activity(svg, kind, at, expanded, look),
    }
}

fn activity(svg: &mut Svg, kind: &str, at: &Rect, expanded: bool, look: &Look) {
    let width = if kind == "callActivity" { "4" } else { "1.5" };
    rect(svg, at, 10.0, "#fff", width, look.dashed && is_sub(kind));
    if kind == "transaction" {
        let inner = Rect { x: at.x + 3.0, y: at.y + 3.0, width: at.width - 6.0, height: at.height - 6.0 };
        rect(svg, &inner, 7.0, "none", "1", false);
    }
    icon::task(svg, kind, at);
    let mut markers = look.markers.clone();
    if is_sub(kind) && !expanded {
        markers.push("collapsed");
    }
    icon::markers(svg, &markers, at);
}

fn rect(svg: &mut Svg, at: &Rect, round: f64, fill: &str, width: &str, dashed: bool) {
    svg.open("rect").attr("class", "bpmn-outline").num("x", at.x).num("y", at.y);
    svg.num("width", at.width.max(0.0)).num("height", at.height.max(0.0)).num("rx", round);
    if dashed {
        svg.attr("stroke-dasharray", "4 3");
    }
    paint(svg, fill, width).end();
}

fn line(svg: &mut Svg, from: (f64, f64), to: (f64, f64)) {
    svg.open("line")
        .attr("class", "bpmn-outline")
        .num("x1", from.0)
        .num("y1", from.1)
        .num("x2", to.0)
        .num("y2", to.1);
    paint(svg, "none", "1.5").end();
}

fn words(
    svg: &mut Svg,
    kind: &str,
    at: &Rect,
    place: Option<&Rect>,
    horizontal: bool,
    expanded: bool,
    name: &str,
) {
    if name.is_empty() {
        return;
    }
    let (x, y) = at.center();
    match kind {
        "participant" | "lane" if horizontal => label::upright(svg, at.x + 15.0, y, at.height, name),
        "participant" | "lane" => label::centered(svg, x, at.y + 15.0, at.width, name),
        "textAnnotation" => label::left(svg, at.x + 5.0, at.y + 12.0, at.width - 8.0, name),
        "group" => label::centered(svg, x, at.y - 6.0, at.width, name),
        _ if expanded => label::centered(svg, x, at.y + 14.0, at.width - 10.0, name),
        _ if kind.ends_with("Event") || kind.ends_with("Gateway") || kind.starts_with("data") => {
            match place {
                Some(place) => {
                    let (x, y) = place.center();
                    label::centered(svg, x, y, place.width.max(50.0), name);
                }
                None => label::centered(svg, x, at.y + at.height + 12.0, 90.0, name),
            }
        }
        _ => label::centered(svg, x, y, at.width - 10.0, name),
    }
}

fn edge(svg: &mut Svg, kind: &str, points: &[(f64, f64)], look: &Look, prefix: &str) {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        path.push(if at == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", number(*x), number(*y)));
    }
    svg.open("path").attr("class", "bpmn-line").attr("d", &path);
    let (dash, head) = match kind {
        "sequenceFlow" => (None, Some("arrow")),
        "messageFlow" => (Some("6 4"), Some("open")),
        "dataInputAssociation" | "dataOutputAssociation" => (Some("1 3"), Some("open")),
        _ => (Some("1 3"), None),
    };
    if let Some(dash) = dash {
        svg.attr("stroke-dasharray", dash);
    }
    if let Some(head) = head {
        svg.attr("marker-end", &format!("url(#{prefix}{head})"));
    }
    paint(svg, "none", "1.5").end();
    if let ([(x, y), next, ..], false) = (points, look.flow.is_empty()) {
        let (dx, dy) = (next.0 - x, next.1 - y);
        let length = dx.hypot(dy).max(1.0);
        let (ux, uy) = (dx / length, dy / length);
        // Both marks stand at the beginning of the line: a stroke across it, or a diamond on it.
        let path = if look.flow == "default" {
            let (cx, cy) = (x + ux * 9.0, y + uy * 9.0);
            let (px, py) = ((ux - uy) * 5.0, (uy + ux) * 5.0);
            format!("M{} {}L{} {}", number(cx - px), number(cy - py), number(cx + px), number(cy + py))
        } else {
            let at = |along: f64, across: f64| {
                format!("{} {}", number(x + ux * along - uy * across), number(y + uy * along + ux * across))
            };
            format!("M{}L{}L{}L{}z", at(0.0, 0.0), at(8.0, 5.0), at(16.0, 0.0), at(8.0, -5.0))
        };
        svg.open("path").attr("class", "bpmn-line").attr("d", &path);
        paint(svg, "#fff", "1.5").end();
    }
}

/// The point halfway along a line, a little above it.
fn middle(points: &[(f64, f64)]) -> (f64, f64) {
    let length = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
    let half = points.windows(2).map(length).sum::<f64>() / 2.0;
    let mut gone = 0.0;
    for pair in points.windows(2) {
        let step = length(pair);
        if gone + step >= half && step > 0.0 {
            let part = (half - gone) / step;
            return (
                pair[0].0 + (pair[1].0 - pair[0].0) * part,
                pair[0].1 + (pair[1].1 - pair[0].1) * part - 8.0,
            );
        }
        gone += step;
    }
    points.first().copied().unwrap_or_default()
}
