//! What ops do to a document: `PROTOCOL.md`, section 7, with its rule that typing wins.

use ciborium::Value;

use super::{
    dom::{Element, Held, Node},
    html::parse,
    op::Op,
};

/// Applies one op; inputs whose mark is greater than `limit` keep their values.
/// Ops that are not about the document do nothing here.
pub(crate) fn apply(page: &mut Element, op: &Op, limit: u64) {
    let (id, html) = (op.text(0), op.text(1));
    match op.code {
        0 if id.is_empty() => {
            let new = Element { children: parse(html), ..page.clone() };
            morph(page, new, limit);
        }
        0 => {
            if let Some((nodes, at)) = page.around(id) {
                let new = one(html);
                match (nodes.get_mut(at), new) {
                    (Some(Node::Element(old)), Node::Element(new)) if old.tag == new.tag => {
                        morph(old, new, limit);
                    }
                    (Some(old), new) => *old = new,
                    (None, _) => {}
                }
            }
        }
        1 => {
            if let Some(element) = at(page, id) {
                element.children.splice(0..0, parse(html));
            }
        }
        2 => {
            if let Some(element) = at(page, id) {
                element.children.extend(parse(html));
            }
        }
        3..=6 => {
            if let Some((nodes, at)) = page.around(id) {
                let (from, to) =
                    [(at, at), (at + 1, at + 1), (at, at + 1), (at, at + 1)][op.code as usize - 3];
                nodes.splice(from..to, parse(html));
            }
        }
        7 | 8 => {
            if let Some(element) = at(page, id) {
                set(element, op.args.get(1).unwrap_or(&Value::Null), limit);
            }
        }
        17 => {
            if let Some((nodes, at)) = page.around(id) {
                let before = op.args.get(1) == Some(&Value::Bool(true));
                let beside = if before { at.checked_sub(1) } else { Some(at + 1) };
                beside.filter(|place| *place < nodes.len()).map(|place| nodes.remove(place));
            }
        }
        9..=12 => {
            if let Some(element) = at(page, id) {
                attributes(element, op);
            }
        }
        _ => {}
    }
}

fn at<'a>(page: &'a mut Element, id: &str) -> Option<&'a mut Element> {
    if id.is_empty() { Some(page) } else { page.find_mut(id) }
}

fn one(html: &str) -> Node {
    let mut nodes = parse(html);
    assert!(nodes.len() == 1, "an update holds {} nodes instead of one element: {html}", nodes.len());
    nodes.remove(0)
}

fn attributes(element: &mut Element, op: &Op) {
    let name = op.text(1).to_owned();
    match op.code {
        9 => element.set_attr(&name, op.args.get(2).and_then(Value::as_text)),
        10 => {
            let classes = element.attr("class").unwrap_or_default().to_owned();
            let mut classes: Vec<&str> = classes.split_whitespace().filter(|class| *class != name).collect();
            if op.args.get(2) == Some(&Value::Bool(true)) {
                classes.push(&name);
            }
            element.set_attr("class", Some(&classes.join(" ")));
        }
        code => element.set_attr("hidden", (code == 12).then_some("")),
    }
}

fn set(element: &mut Element, value: &Value, limit: u64) {
    let text = value.as_text().unwrap_or_default();
    if element.given().is_some() {
        let value = match (element.given(), value) {
            (Some(Held::State(_)), value) => Held::State(value == &Value::Bool(true)),
            _ => Held::Text(text.to_owned()),
        };
        if element.mark <= limit {
            element.give(&value);
            element.held = None;
        }
        return;
    }
    let mut choices = element.choices_mut();
    if choices.is_empty() || value.is_null() {
        element.children = if text.is_empty() { Vec::new() } else { vec![Node::Text(text.to_owned())] };
    } else if choices.iter().all(|choice| choice.mark <= limit) {
        for choice in &mut choices {
            let on = choice.choice() == text;
            choice.give(&Held::State(on));
            choice.held = None;
        }
    }
}

/// Makes an element equal to another of the same tag, and keeps what is alive in it.
fn morph(old: &mut Element, mut new: Element, limit: u64) {
    if let (Some(was), Some(is)) = (old.given(), new.given())
        && was != is
    {
        if old.mark <= limit {
            old.held = None;
        } else {
            // A value that must not change yet keeps its default too, so that a later update sees it.
            old.held.get_or_insert_with(|| was.clone());
            new.give(&was);
        }
    }
    old.attrs = new.attrs;
    let mut known: Vec<Option<Node>> = std::mem::take(&mut old.children).into_iter().map(Some).collect();
    let mut matches: Vec<Option<Node>> = Vec::new();
    for key in [by_name, by_tag] {
        for (at, node) in new.children.iter().enumerate() {
            if matches.len() <= at {
                matches.push(None);
            }
            if matches[at].is_none()
                && let Some(wanted) = key(node)
                && let Some(found) =
                    known.iter().position(|old| old.as_ref().and_then(key) == Some(wanted.clone()))
            {
                matches[at] = known[found].take();
            }
        }
    }
    for (node, found) in new.children.into_iter().zip(matches) {
        old.children.push(match (found, node) {
            (Some(Node::Element(mut old)), Node::Element(new)) if old.tag == new.tag => {
                morph(&mut old, new, limit);
                Node::Element(old)
            }
            (_, new) => new,
        });
    }
}

fn by_name(node: &Node) -> Option<String> {
    let element = node.element()?;
    let id = element.all().into_iter().map(Element::id).find(|id| !id.is_empty());
    id.or_else(|| element.attr("value")).map(str::to_owned)
}

fn by_tag(node: &Node) -> Option<String> {
    match node {
        Node::Text(_) => Some(String::from("#text")),
        Node::Element(element) => element.id().is_empty().then(|| element.tag.clone()),
    }
}
