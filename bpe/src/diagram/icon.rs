//! The small signs of tasks, gateways, data and the markers of activities.

use super::event::path;
use super::layout::Rect;
use super::shape::paint;
use super::svg::{Svg, number};

/// The sign of a gateway, around its centre.
pub(super) fn gateway(svg: &mut Svg, kind: &str, at: &Rect) {
    let (x, y) = at.center();
    let scale = at.width.min(at.height) / 50.0;
    match kind {
        "exclusiveGateway" => {
            thick(svg, x, y, scale, &[('M', -8.0, -8.0), ('L', 8.0, 8.0), ('M', 8.0, -8.0), ('L', -8.0, 8.0)])
        }
        "parallelGateway" => thick(
            svg,
            x,
            y,
            scale,
            &[('M', 0.0, -12.0), ('L', 0.0, 12.0), ('M', -12.0, 0.0), ('L', 12.0, 0.0)],
        ),
        "inclusiveGateway" => ring(svg, x, y, 12.0 * scale, "3"),
        "eventBasedGateway" => {
            ring(svg, x, y, 13.0 * scale, "1");
            ring(svg, x, y, 10.5 * scale, "1");
            let five = [
                ('M', 0.0, -7.0),
                ('L', 7.0, -2.0),
                ('L', 4.0, 6.0),
                ('L', -4.0, 6.0),
                ('L', -7.0, -2.0),
                ('Z', 0.0, 0.0),
            ];
            path(svg, x, y, scale, &five, "none");
        }
        "complexGateway" => {
            gateway(svg, "parallelGateway", at);
            gateway(svg, "exclusiveGateway", at);
        }
        _ => {}
    }
}

fn thick(svg: &mut Svg, x: f64, y: f64, scale: f64, points: &[(char, f64, f64)]) {
    let mut data = String::new();
    for (command, dx, dy) in points {
        data.push_str(&format!("{command}{} {}", number(x + dx * scale), number(y + dy * scale)));
    }
    svg.open("path").attr("class", "bpmn-sign").attr("d", &data);
    paint(svg, "none", "3.5").end();
}

fn ring(svg: &mut Svg, x: f64, y: f64, radius: f64, width: &str) {
    svg.open("circle").attr("class", "bpmn-sign").num("cx", x).num("cy", y).num("r", radius);
    paint(svg, "none", width).end();
}

/// The sign of a task, in its upper left corner.
pub(super) fn task(svg: &mut Svg, kind: &str, at: &Rect) {
    let (x, y) = (at.x + 14.0, at.y + 14.0);
    let envelope = [
        ('M', -8.0, -5.0),
        ('L', 8.0, -5.0),
        ('L', 8.0, 6.0),
        ('L', -8.0, 6.0),
        ('Z', 0.0, 0.0),
        ('M', -8.0, -5.0),
        ('L', 0.0, 1.0),
        ('L', 8.0, -5.0),
    ];
    match kind {
        "userTask" => {
            ring(svg, x, y - 3.0, 4.0, "1.2");
            path(
                svg,
                x,
                y,
                1.0,
                &[('M', -8.0, 9.0), ('L', -7.0, 3.0), ('L', 7.0, 3.0), ('L', 8.0, 9.0), ('Z', 0.0, 0.0)],
                "none",
            );
        }
        "serviceTask" => {
            ring(svg, x, y, 3.0, "1.2");
            ring(svg, x, y, 6.0, "1.2");
            let spokes = [
                ('M', 0.0, -9.0),
                ('L', 0.0, -6.0),
                ('M', 0.0, 6.0),
                ('L', 0.0, 9.0),
                ('M', -9.0, 0.0),
                ('L', -6.0, 0.0),
                ('M', 6.0, 0.0),
                ('L', 9.0, 0.0),
            ];
            path(svg, x, y, 1.0, &spokes, "none");
        }
        "scriptTask" => {
            let page = [
                ('M', -4.0, -8.0),
                ('L', 8.0, -8.0),
                ('L', 4.0, 0.0),
                ('L', 8.0, 8.0),
                ('L', -6.0, 8.0),
                ('L', -8.0, 0.0),
                ('Z', 0.0, 0.0),
                ('M', -3.0, -3.0),
                ('L', 3.0, -3.0),
                ('M', -3.0, 2.0),
                ('L', 3.0, 2.0),
            ];
            path(svg, x, y, 1.0, &page, "none");
        }
        "sendTask" => path(svg, x, y, 1.0, &envelope, "#999"),
        "receiveTask" => path(svg, x, y, 1.0, &envelope, "none"),
        "manualTask" => {
            let hand = [
                ('M', -8.0, 0.0),
                ('L', -2.0, -6.0),
                ('L', 8.0, -6.0),
                ('L', 8.0, 6.0),
                ('L', -5.0, 6.0),
                ('Z', 0.0, 0.0),
            ];
            path(svg, x, y, 1.0, &hand, "none");
        }
        "businessRuleTask" => {
            let table = [
                ('M', -8.0, -6.0),
                ('L', 8.0, -6.0),
                ('L', 8.0, 6.0),
                ('L', -8.0, 6.0),
                ('Z', 0.0, 0.0),
                ('M', -8.0, -2.0),
                ('L', 8.0, -2.0),
                ('M', -3.0, -2.0),
                ('L', -3.0, 6.0),
            ];
            path(svg, x, y, 1.0, &table, "none");
        }
        _ => {}
    }
}

/// The markers at the lower border of an activity, side by side.
pub(super) fn markers(svg: &mut Svg, markers: &[&'static str], at: &Rect) {
    let (middle, bottom) = (at.x + at.width / 2.0, at.y + at.height - 10.0);
    for (place, marker) in markers.iter().enumerate() {
        let x = middle + (place as f64 - (markers.len() as f64 - 1.0) / 2.0) * 18.0;
        let sign: &[(char, f64, f64)] = match *marker {
            "parallel" => &[
                ('M', -4.0, -5.0),
                ('L', -4.0, 5.0),
                ('M', 0.0, -5.0),
                ('L', 0.0, 5.0),
                ('M', 4.0, -5.0),
                ('L', 4.0, 5.0),
            ],
            "sequential" => &[
                ('M', -5.0, -4.0),
                ('L', 5.0, -4.0),
                ('M', -5.0, 0.0),
                ('L', 5.0, 0.0),
                ('M', -5.0, 4.0),
                ('L', 5.0, 4.0),
            ],
            "loop" => &[
                ('M', 4.0, -4.0),
                ('L', -4.0, -4.0),
                ('L', -4.0, 4.0),
                ('L', 4.0, 4.0),
                ('L', 4.0, 0.0),
                ('M', 1.0, 2.0),
                ('L', 4.0, -1.0),
                ('L', 7.0, 2.0),
            ],
            "compensation" => &[
                ('M', 0.0, -5.0),
                ('L', 0.0, 5.0),
                ('L', -6.0, 0.0),
                ('Z', 0.0, 0.0),
                ('M', 6.0, -5.0),
                ('L', 6.0, 5.0),
                ('L', 0.0, 0.0),
                ('Z', 0.0, 0.0),
            ],
            _ => &[
                ('M', -6.0, -6.0),
                ('L', 6.0, -6.0),
                ('L', 6.0, 6.0),
                ('L', -6.0, 6.0),
                ('Z', 0.0, 0.0),
                ('M', 0.0, -4.0),
                ('L', 0.0, 4.0),
                ('M', -4.0, 0.0),
                ('L', 4.0, 0.0),
            ],
        };
        path(svg, x, bottom, 1.0, sign, "none");
    }
}

/// A sheet with a folded corner.
pub(super) fn document(svg: &mut Svg, at: &Rect) {
    let fold = (at.width / 3.0).min(12.0);
    let data = format!(
        "M{x} {y}h{wide}l{fold} {fold}v{high}h-{width}zM{cx} {y}v{fold}h{fold}",
        x = number(at.x),
        y = number(at.y),
        wide = number(at.width - fold),
        fold = number(fold),
        high = number(at.height - fold),
        width = number(at.width),
        cx = number(at.x + at.width - fold)
    );
    svg.open("path").attr("class", "bpmn-outline").attr("d", &data);
    paint(svg, "#fff", "1.2").end();
}

/// A drum.
pub(super) fn store(svg: &mut Svg, at: &Rect) {
    let (rx, ry) = (at.width / 2.0, at.height / 8.0);
    let data = format!(
        "M{x} {y}v{high}a{rx} {ry} 0 0 0 {width} 0v-{high}a{rx} {ry} 0 0 0 -{width} 0a{rx} {ry} 0 0 0 {width} 0",
        x = number(at.x),
        y = number(at.y + ry),
        high = number(at.height - 2.0 * ry),
        width = number(at.width),
        rx = number(rx),
        ry = number(ry)
    );
    svg.open("path").attr("class", "bpmn-outline").attr("d", &data);
    paint(svg, "#fff", "1.2").end();
}
