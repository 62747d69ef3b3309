//! Words, broken into lines by an estimate of their width: SVG does not break lines itself.

use super::svg::Svg;

const LINE: f64 = 13.0;
/// The average width of a character at the drawing's font size.
const CHARACTER: f64 = 6.0;
/// More lines than this hide what is around them.
const LINES: usize = 6;

/// Lines around a point.
pub(super) fn centered(svg: &mut Svg, x: f64, y: f64, width: f64, text: &str) {
    lines(svg, x, y, width, text, "middle", true);
}

/// Lines downwards from a corner.
pub(super) fn left(svg: &mut Svg, x: f64, y: f64, width: f64, text: &str) {
    lines(svg, x, y, width, text, "start", false);
}

/// One line, turned to be read from below.
pub(super) fn upright(svg: &mut Svg, x: f64, y: f64, height: f64, text: &str) {
    let line = wrap(text, height).into_iter().next().unwrap_or_default();
    svg.open("text").attr("class", "bpmn-label").num("x", x).num("y", y + 4.0).attr("text-anchor", "middle");
    svg.attr("transform", &format!("rotate(-90 {} {})", super::svg::number(x), super::svg::number(y)));
    svg.attr("fill", "#222").text(&line).close("text");
}

fn lines(svg: &mut Svg, x: f64, y: f64, width: f64, text: &str, anchor: &str, around: bool) {
    let lines = wrap(text, width);
    let top = if around { y - (lines.len() as f64 - 1.0) * LINE / 2.0 + 4.0 } else { y };
    svg.open("text").attr("class", "bpmn-label").attr("text-anchor", anchor).attr("fill", "#222");
    for (at, line) in lines.iter().enumerate() {
        svg.open("tspan").num("x", x).num("y", top + at as f64 * LINE).text(line).close("tspan");
    }
    svg.close("text");
}

fn wrap(text: &str, width: f64) -> Vec<String> {
    let fit = ((width / CHARACTER) as usize).clamp(4, 200);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= fit => {
                line.push(' ');
                line.push_str(word);
            }
            _ if length <= fit => lines.push(word.to_owned()),
            _ => {
                let characters: Vec<char> = word.chars().collect();
                lines.extend(characters.chunks(fit).map(|part| part.iter().collect::<String>()));
            }
        }
        if lines.len() > LINES {
            lines.truncate(LINES);
            if let Some(last) = lines.last_mut() {
                last.push_str("...");
            }
            return lines;
        }
    }
    lines
}
