//! A page as just rendered: the string with its marks, read once into nodes and the places they stand at.

use std::borrow::Cow;

use crate::{
    event::Bind,
    hash::{self, Hash},
    scope::{self, MARK, Mark, Marked},
    tree::{HEADED, Node, TAILED, VALUED, key},
};

/// A rendering, read.
#[derive(Debug)]
pub(crate) struct Draft {
    raw: String,
    marks: Vec<Mark>,
    pub(crate) nodes: Vec<Node>,
    spans: Vec<Span>,
    /// Where marks stand, and the node that begins there.
    cuts: Vec<(usize, Option<usize>)>,
    /// Whether there is nothing but elements with ids, and what is in them.
    pub(crate) is_rows: bool,
}

/// Where a node stands in the string: after its mark, to before the mark of its end.
#[derive(Clone, Copy, Debug)]
struct Span {
    mark: usize,
    start: usize,
    end: usize,
}

/// An element whose end has not come yet.
struct Open {
    node: usize,
    hash: Hash,
    run: u8,
    in_run: bool,
}

impl Draft {
    /// Reads the marks: one pass over the string.
    pub(crate) fn new(marked: Marked) -> Self {
        let Marked { raw, marks, first, nonce } = marked;
        let bytes = raw.as_bytes();
        let count = marks.len() + 1;
        let mut nodes = Vec::with_capacity(count);
        let mut spans = Vec::with_capacity(count);
        let mut cuts = Vec::with_capacity(count * 2);
        let mut used = vec![false; marks.len()];
        nodes.push(Node::default());
        spans.push(Span { mark: usize::MAX, start: 0, end: bytes.len() });
        let mut stack = vec![Open { node: 0, hash: Hash::new(0), run: 0, in_run: false }];
        let (mut from, mut at) = (0, 0);
        let mut is_rows = true;
        while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(1, 2, rest)) {
            let place = at + found;
            at = place + 1;
            let Some((kind, index)) = scope::read(&bytes[place..], nonce) else { continue };
            let Some(index) = index.checked_sub(first) else { continue };
            is_rows &= stack.len() > 1 || place == from;
            let Some((mark, top)) = marks.get(index).zip(stack.last_mut()) else { continue };
            if place > from {
                top.hash.write(&bytes[from..place]);
                top.in_run = false;
                // The end tag of the element itself is no tail.
                if kind == 2 && top.run > 0 && !bytes[from..place].starts_with(b"</") {
                    nodes[top.node].flags |= TAILED;
                } else if kind == 1 && top.run == 0 {
                    nodes[top.node].flags |= HEADED;
                }
            }
            if kind == 2 {
                let Span { mark: open, .. } = spans[top.node];
                if open == index
                    && stack.len() > 1
                    && let Some(done) = stack.pop()
                {
                    close(&mut nodes, &mut spans, &done, place);
                }
                cuts.push((place, None));
                from = place + MARK;
                at = from;
                continue;
            }
            let start = place + MARK;
            let head = start + mark.head as usize;
            from = head.min(bytes.len());
            at = from;
            // Markup that was put in twice has the same ids twice; the second is text to us.
            if std::mem::replace(&mut used[index], true) {
                tracing::error!("the same element stands in a page twice");
                cuts.push((place, None));
                continue;
            }
            if !top.in_run {
                top.in_run = true;
                top.run = top.run.saturating_add(1);
                top.hash.write(&[1]);
            }
            let run = top.run;
            cuts.push((place, Some(nodes.len())));
            spans.push(Span { mark: index, start, end: from });
            let text =
                |(a, b): (u32, u32)| bytes.get(start + a as usize..start + b as usize).unwrap_or_default();
            let mut own = Hash::new(0);
            let value = match mark.value {
                Some((a, b)) => {
                    own.write(text((0, a)));
                    own.write(text((b, mark.head)));
                    mark.checked.map_or_else(|| hash::of(text((a, b))), of_state)
                }
                None => {
                    own.write(text((0, mark.head)));
                    0
                }
            };
            if let Some(bind) = &mark.bind {
                own.write(&[bind.variant]);
                own.write(&bind.sealed);
            }
            let id = raw.get(start + mark.id.0 as usize..start + mark.id.1 as usize).unwrap_or_default();
            let flags = mark.flags | if mark.value.is_some() { VALUED } else { 0 };
            nodes.push(Node { hash: own.end(), value, id: key(id), size: 1, flags, run });
            if !mark.whole {
                stack.push(Open { node: nodes.len() - 1, hash: own, run: 0, in_run: false });
            }
        }
        is_rows &= from == bytes.len();
        if let Some(top) = stack.last_mut() {
            top.hash.write(&bytes[from..]);
        }
        while let Some(done) = stack.pop() {
            close(&mut nodes, &mut spans, &done, bytes.len());
        }
        Draft { raw, marks, nodes, spans, cuts, is_rows }
    }

    fn mark(&self, node: usize) -> Option<&Mark> {
        self.marks.get(self.spans.get(node)?.mark)
    }

    /// The id of a node; empty for the page itself.
    pub(crate) fn id(&self, node: usize) -> &str {
        let place = self.mark(node).map(|mark| {
            (self.spans[node].start + mark.id.0 as usize, self.spans[node].start + mark.id.1 as usize)
        });
        place.and_then(|(from, to)| self.raw.get(from..to)).unwrap_or_default()
    }

    /// The event that a node is bound to.
    pub(crate) fn bind(&self, node: usize) -> Option<&Bind> {
        self.mark(node)?.bind.as_deref()
    }

    /// The value of a node.
    pub(crate) fn value(&self, node: usize) -> Option<Value<'_>> {
        let mark = self.mark(node)?;
        let start = self.spans[node].start;
        let (from, to) = mark.value?;
        match mark.checked {
            Some(checked) => Some(Value::State(checked)),
            None => self
                .raw
                .get(start + from as usize..start + to as usize)
                .map(|text| Value::Text(unescape(text))),
        }
    }

    /// The HTML of a node, without marks and with its seals.
    pub(crate) fn html(&self, node: usize, seal: &mut dyn FnMut(&str, &Bind) -> String) -> String {
        let Some(span) = self.spans.get(node) else { return String::new() };
        let (mut at, end) = (if node == 0 { 0 } else { span.start - MARK }, span.end);
        let mut html = String::with_capacity(end - at);
        let first = self.cuts.partition_point(|(place, _)| *place < at);
        for (place, begins) in self.cuts[first..].iter().take_while(|(place, _)| *place < end) {
            html.push_str(self.raw.get(at..*place).unwrap_or_default());
            at = place + MARK;
            let Some(node) = *begins else { continue };
            if let Some(Mark { blank: Some((from, to)), bind: Some(bind), .. }) = self.mark(node) {
                let blank = (at + *from as usize, at + *to as usize);
                html.push_str(self.raw.get(at..blank.0).unwrap_or_default());
                html.push_str(&seal(self.id(node), bind));
                at = blank.1;
            }
        }
        html.push_str(self.raw.get(at..end).unwrap_or_default());
        html
    }
}

fn close(nodes: &mut [Node], spans: &mut [Span], done: &Open, end: usize) {
    let size = u16::try_from(nodes.len() - done.node).unwrap_or(u16::MAX);
    nodes[done.node].size = size;
    nodes[done.node].hash = done.hash.end();
    spans[done.node].end = end;
}

/// The value of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    State(bool),
}

/// The hash of a state.
pub(crate) fn of_state(state: bool) -> u64 {
    hash::of(&[u8::from(state)])
}

/// Takes back what `escape` did.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\'')];
        let (len, char) = known
            .iter()
            .find(|(name, _)| rest.starts_with(name))
            .map_or((1, '&'), |(name, char)| (name.len(), *char));
        out.push(char);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}
