//! Drawing events: circles by their place in the flow, and a sign for what they wait for or do.

use super::layout::{Look, Rect};
use super::shape::paint;
use super::svg::{Svg, number};

pub(super) fn draw(svg: &mut Svg, kind: &str, at: &Rect, look: &Look) {
    let (x, y) = at.center();
    let radius = at.width.min(at.height) / 2.0;
    let throws = matches!(kind, "endEvent" | "intermediateThrowEvent");
    circle(svg, x, y, radius, if kind == "endEvent" { "3.5" } else { "1.5" }, "#fff", look.dashed);
    if matches!(kind, "intermediateCatchEvent" | "intermediateThrowEvent" | "boundaryEvent") {
        circle(svg, x, y, radius - 3.0, "1.5", "none", look.dashed);
    }
    // Signs are drawn in a field of 20 by 20 around the centre.
    let scale = radius / 18.0;
    let fill = if throws { "#333" } else { "none" };
    let sign = match look.trigger.as_str() {
        "" => return,
        "timerEventDefinition" => {
            circle(svg, x, y, 10.0 * scale, "1.2", "none", false);
            return path(svg, x, y, scale, &[('M', 0.0, -6.0), ('L', 0.0, 0.0), ('L', 5.0, 3.0)], "none");
        }
        "terminateEventDefinition" => return circle(svg, x, y, 10.0 * scale, "1", "#333", false),
        "messageEventDefinition" => {
            let sides =
                [('M', -9.0, -6.0), ('L', 9.0, -6.0), ('L', 9.0, 6.0), ('L', -9.0, 6.0), ('Z', 0.0, 0.0)];
            path(svg, x, y, scale, &sides, fill);
            let flap = [('M', -9.0, -6.0), ('L', 0.0, 1.0), ('L', 9.0, -6.0)];
            return stroke(svg, x, y, scale, &flap, if throws { "#fff" } else { "#333" });
        }
        "errorEventDefinition" => &[
            ('M', -8.0, 8.0),
            ('L', -3.0, -6.0),
            ('L', 2.0, 2.0),
            ('L', 8.0, -8.0),
            ('L', 3.0, 7.0),
            ('L', -2.0, -1.0),
            ('Z', 0.0, 0.0),
        ][..],
        "escalationEventDefinition" => {
            &[('M', 0.0, -9.0), ('L', 7.0, 8.0), ('L', 0.0, 1.0), ('L', -7.0, 8.0), ('Z', 0.0, 0.0)]
        }
        "signalEventDefinition" => &[('M', 0.0, -8.0), ('L', 8.0, 6.0), ('L', -8.0, 6.0), ('Z', 0.0, 0.0)],
        "compensateEventDefinition" => &[
            ('M', 0.0, -6.0),
            ('L', 0.0, 6.0),
            ('L', -8.0, 0.0),
            ('Z', 0.0, 0.0),
            ('M', 8.0, -6.0),
            ('L', 8.0, 6.0),
            ('L', 0.0, 0.0),
            ('Z', 0.0, 0.0),
        ],
        "conditionalEventDefinition" => &[
            ('M', -6.0, -8.0),
            ('L', 6.0, -8.0),
            ('L', 6.0, 8.0),
            ('L', -6.0, 8.0),
            ('Z', 0.0, 0.0),
            ('M', -4.0, -4.0),
            ('L', 4.0, -4.0),
            ('M', -4.0, 0.0),
            ('L', 4.0, 0.0),
            ('M', -4.0, 4.0),
            ('L', 4.0, 4.0),
        ],
        "linkEventDefinition" => &[
            ('M', -8.0, -3.0),
            ('L', 1.0, -3.0),
            ('L', 1.0, -7.0),
            ('L', 9.0, 0.0),
            ('L', 1.0, 7.0),
            ('L', 1.0, 3.0),
            ('L', -8.0, 3.0),
            ('Z', 0.0, 0.0),
        ],
        "cancelEventDefinition" => {
            let cross = [('M', -6.0, -6.0), ('L', 6.0, 6.0), ('M', 6.0, -6.0), ('L', -6.0, 6.0)];
            return path(svg, x, y, scale * 1.1, &cross, "none");
        }
        _ => &[
            ('M', 0.0, -8.0),
            ('L', 8.0, -2.0),
            ('L', 5.0, 7.0),
            ('L', -5.0, 7.0),
            ('L', -8.0, -2.0),
            ('Z', 0.0, 0.0),
        ],
    };
    path(svg, x, y, scale, sign, fill);
}

fn circle(svg: &mut Svg, x: f64, y: f64, radius: f64, width: &str, fill: &str, dashed: bool) {
    svg.open("circle").attr("class", "bpmn-outline").num("cx", x).num("cy", y).num("r", radius.max(0.0));
    if dashed {
        svg.attr("stroke-dasharray", "4 3");
    }
    paint(svg, fill, width).end();
}

/// A path around a centre.
pub(super) fn path(svg: &mut Svg, x: f64, y: f64, scale: f64, points: &[(char, f64, f64)], fill: &str) {
    svg.open("path").attr("class", "bpmn-sign").attr("d", &data(x, y, scale, points));
    paint(svg, fill, "1.2").end();
}

fn stroke(svg: &mut Svg, x: f64, y: f64, scale: f64, points: &[(char, f64, f64)], color: &str) {
    svg.open("path").attr("class", "bpmn-sign").attr("d", &data(x, y, scale, points));
    svg.attr("fill", "none").attr("stroke", color).attr("stroke-width", "1.2").end();
}

fn data(x: f64, y: f64, scale: f64, points: &[(char, f64, f64)]) -> String {
    let mut data = String::new();
    for (command, dx, dy) in points {
        data.push(*command);
        if *command != 'Z' {
            data.push_str(&format!("{} {}", number(x + dx * scale), number(y + dy * scale)));
        }
    }
    data
}
