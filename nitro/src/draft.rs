//! A page as just rendered: the string with its marks, read once into nodes and the places they stand at.

use crate::{
    escape::escape,
    event::Bind,
    hash::Hash,
    id::Keying,
    known::{Kept, Shown},
    lang::Text,
    node::{self, FIELD_ID, HEADED, Node, TAILED, VALUED, has_value, is_stream, short},
    nodes::Nodes,
    scope::{DISABLED, Found, Is, MARK, Mark, Marked, marks},
    tree::Tree,
    write::DIV,
};

/// A rendering, read.
#[derive(Debug)]
pub(crate) struct Draft {
    raw: String,
    marks: Vec<Mark>,
    pub(crate) nodes: Nodes,
    pub(crate) keying: Keying,
    cuts: Vec<Cut>,
    /// The cut of each node but the page itself.
    places: Vec<u32>,
    /// There is nothing but elements with ids, and what is in them.
    pub(crate) is_rows: bool,
    /// Some nodes are those of the page as it was, of which nothing was rendered.
    pub(crate) has_stubs: bool,
    /// All elements were made, if only to find that they are those of the page as it was.
    pub(crate) is_made: bool,
    /// The words for what the user is told.
    words: &'static Text,
}

/// The place of a mark, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: usize,
    of: Of,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    /// An element of this rendering, by its number among the marks.
    Own(u32),
    /// An element that is shown as it is, and known to nobody.
    Shown,
    /// A control that would need to be known.
    Control,
}

/// An element whose end has not come yet.
struct Open {
    node: usize,
    /// The ends of its inside and of itself.
    close: usize,
    end: usize,
    hash: Hash,
    /// The number of rows so far, and of those before the last text.
    run: u32,
    told: u32,
    in_run: bool,
    /// Text has come.
    texted: bool,
    flags: u8,
    /// An element of which the end is not known has disabled what follows.
    shut: u8,
    /// The state that stands for the element's hash.
    row: Option<u64>,
    is_field: bool,
    /// Nothing inside is remembered.
    is_stream: bool,
}

impl Open {
    fn new(node: usize, hash: Hash, close: usize, end: usize, shut: u8) -> Self {
        Open {
            node,
            close,
            end,
            hash,
            run: 0,
            told: 0,
            in_run: false,
            texted: false,
            flags: 0,
            shut,
            row: None,
            is_field: false,
            is_stream: false,
        }
    }

    /// Takes what stands between elements with ids, and between which rows of them it stands.
    fn text(&mut self, text: &[u8]) {
        if text.is_empty() || self.is_stream {
            return;
        }
        if self.told != self.run {
            self.told = self.run;
            self.hash.write(&self.run.to_le_bytes());
        }
        self.hash.write(text);
        (self.in_run, self.texted) = (false, true);
    }

    /// The hash of the node.
    fn short(&self) -> u64 {
        of_node(self.hash, self.row, self.is_field)
    }

    /// Begins an element inside, and returns the number of its row.
    fn element(&mut self) -> u32 {
        if self.run == 0 && self.texted {
            self.flags |= HEADED;
        }
        if !self.in_run {
            self.in_run = true;
            self.run += 1;
        }
        self.run
    }
}

/// The hash of the node of an element, or of the state that stands for it.
fn of_node(hash: Hash, row: Option<u64>, is_field: bool) -> u64 {
    row.map_or_else(|| short(hash, is_field), |row| node::shorten(row, is_field))
}

impl Draft {
    /// Reads the marks: one pass over the string.
    ///
    /// A key of `known`, the page as it was, is taken over when the same stands at the same place.
    pub(crate) fn new(marked: Marked, known: &Nodes, keying: Keying, words: &'static Text) -> Self {
        let Marked { raw, marks: notes, first, nonce } = marked;
        let bytes = raw.as_bytes();
        let mut nodes = Nodes::like(known, notes.len() + 1);
        let mut cuts = Vec::with_capacity(notes.len());
        let mut places = Vec::with_capacity(notes.len());
        let (mut has_stubs, mut is_made) = (false, true);
        nodes.push(&Node { size: 1, run: 1, ..Node::default() });
        let mut stack = Vec::with_capacity(DEPTH);
        stack.push(Open::new(0, Hash::keyed(), bytes.len(), bytes.len(), 0));
        let mut from = 0;
        for Found { at, nonce: whose, index, is } in marks(&raw) {
            close(&mut nodes, &mut stack, bytes, &mut from, at);
            let Some(top) = stack.last_mut() else { break };
            let index = index.wrapping_sub(first);
            let own = notes.get(index).filter(|_| whose == nonce);
            let start = own.and_then(|mark| place(bytes, mark, at, from, top.close));
            let (mark, start) = match (own, start) {
                (Some(mark), Some(start)) if !mark.found.replace(true) => (mark, start),
                (own, start) => {
                    // Of an element that stands here twice the second works as the first does.
                    let of = match (start, is) {
                        (Some(_), _) => Of::Own(index as u32),
                        (None, Is::Control | Is::Stub) => Of::Control,
                        (None, Is::Shown) => Of::Shown,
                    };
                    if start.is_some() {
                        tracing::error!("the same element stands in a page twice");
                    } else {
                        let fence = own.filter(|mark| mark.holds);
                        top.shut |= fence.map_or(0, |mark| mark.flags & DISABLED);
                    }
                    top.text(&bytes[from..at]);
                    cuts.push(Cut { at, of });
                    from = at + MARK;
                    continue;
                }
            };
            let cut = cuts.len() as u32;
            cuts.push(Cut { at, of: Of::Own(index as u32) });
            if let Some(kept) = &mark.kept {
                (has_stubs, is_made) = (true, is_made && kept.is_made);
            }
            if top.is_stream {
                continue;
            }
            top.text(&bytes[from..start]);
            let (run, shut) = (top.element(), top.shut);
            if let Some(kept) = &mark.kept {
                let first = nodes.len();
                nodes.extend(known, kept.range.clone(), run);
                let values =
                    kept.values.iter().map(|changed| (first + changed.at - kept.range.start, changed.value));
                nodes.set_values(values);
                if shut != 0 {
                    (first..nodes.len()).for_each(|at| nodes.add_flags(at, shut));
                }
                places.resize(nodes.len() - 1, cut);
                from = start + mark.end as usize;
                continue;
            }
            let id = raw.get(start + mark.id.0 as usize..start + mark.id.1 as usize).unwrap_or_default();
            let node = nodes.len();
            let hash = of_node(mark.hash, mark.row, mark.is_field);
            let same = !mark.holds && known.has_at(node, hash);
            nodes.push(&Node {
                key: if same { known.key(node) } else { keying.key(id) },
                hash,
                value: mark.value,
                size: 1,
                run,
                flags: mark.flags | shut,
            });
            places.push(cut);
            if mark.holds {
                let (close, end) = (start + mark.close as usize, start + mark.end as usize);
                let mut open = Open::new(node, mark.hash, close, end, shut);
                (open.row, open.is_field, open.is_stream) = (mark.row, mark.is_field, is_stream(mark.flags));
                stack.push(open);
                from = start + mark.open as usize;
            } else {
                from = start + mark.end as usize;
            }
        }
        close(&mut nodes, &mut stack, bytes, &mut from, usize::MAX);
        let is_rows = nodes.get(0).is_some_and(|page| page.hash == short(Hash::keyed(), false));
        Draft { raw, marks: notes, nodes, keying, cuts, places, is_rows, has_stubs, is_made, words }
    }

    fn place(&self, node: usize) -> Option<(usize, Cut)> {
        let cut = *self.places.get(node.checked_sub(1)?)? as usize;
        Some((cut, *self.cuts.get(cut)?))
    }

    fn mark(&self, cut: Cut) -> Option<&Mark> {
        match cut.of {
            Of::Own(mark) => self.marks.get(mark as usize),
            Of::Shown | Of::Control => None,
        }
    }

    /// Of a node: where it stands in the string, and what it noted.
    fn element(&self, node: usize) -> Option<(usize, &Mark)> {
        let (_, cut) = self.place(node)?;
        let mark = self.mark(cut).filter(|mark| mark.kept.is_none())?;
        Some((cut.at - mark.head as usize, mark))
    }

    /// The stub that stands for a node, and the number of nodes that it stands for before.
    fn stub(&self, node: usize) -> Option<(&Kept, usize)> {
        let (cut, place) = self.place(node)?;
        let kept = self.mark(place)?.kept.as_deref()?;
        let first = self.places.partition_point(|before| (*before as usize) < cut);
        Some((kept, node - 1 - first))
    }

    /// Nothing in a node is left out.
    pub(crate) fn is_whole(&self, node: usize) -> bool {
        let is_stub = |cut: &Cut| self.mark(*cut).is_some_and(|mark| mark.kept.is_some());
        !self.has_stubs || !self.cuts(node).2.iter().any(is_stub)
    }

    /// The place of a node in the string, and the marks in it.
    fn cuts(&self, node: usize) -> (usize, usize, &[Cut]) {
        let (first, at, end) = match self.element(node) {
            None if node == 0 => (0, 0, self.raw.len()),
            None => return (0, 0, &[]),
            Some((start, mark)) => (self.places[node - 1] as usize, start, start + mark.end as usize),
        };
        let cuts = &self.cuts[first..];
        (at, end, &cuts[..cuts.partition_point(|cut| cut.at < end)])
    }

    fn text(&self, start: usize, (from, to): (u32, u32)) -> &str {
        self.raw.get(start + from as usize..start + to as usize).unwrap_or_default()
    }

    /// The id of a node; empty for the page itself, and for nodes that a stub stands for.
    pub(crate) fn id(&self, node: usize) -> &str {
        self.element(node).map_or("", |(start, mark)| self.text(start, mark.id))
    }

    /// The id of the root of a node, which for a labelled input is its field; empty for the page itself. Of nodes
    /// that a stub stands for, only the first and the last of the outermost have one.
    pub(crate) fn root(&self, node: usize) -> &str {
        if let Some((start, mark)) = self.element(node) {
            let (from, to) = mark.id;
            let field = || {
                let id = DIV.len() as u32;
                (id, id + to - from + FIELD_ID.len() as u32)
            };
            return self.text(start, if mark.is_field { field() } else { mark.id });
        }
        match self.stub(node) {
            Some((kept, 0)) => &kept.first,
            Some((kept, _)) => kept.last.as_ref().unwrap_or(&kept.first),
            None => "",
        }
    }

    /// The node was rendered, so that its id and all else is known.
    pub(crate) fn is_rendered(&self, node: usize) -> bool {
        self.element(node).is_some()
    }

    /// An id begins with that of a stream.
    pub(crate) fn streams(&self, id: &str) -> bool {
        let around = |(dot, _)| self.nodes.find(self.keying.key(&id[..dot]));
        id.match_indices('.').flat_map(around).any(|at| is_stream(self.nodes.flags(at)))
    }

    /// The event that a node is bound to.
    pub(crate) fn bind(&self, node: usize) -> Option<&Bind> {
        self.element(node)?.1.bind.as_deref()
    }

    /// The id and the value of a node.
    pub(crate) fn value(&self, node: usize) -> Option<(&str, Shown<'_>)> {
        let Some((start, mark)) = self.element(node) else {
            let (kept, before) = self.stub(node)?;
            return kept.changed(kept.range.start + before);
        };
        let value = match mark.checked {
            Some(checked) => Shown::State(checked),
            None if !has_value(mark.flags) => return None,
            None => Shown::Escaped(self.text(start, mark.text)),
        };
        Some((self.text(start, mark.id), value))
    }

    /// The part that is remembered of the page.
    pub(crate) fn into_tree(self) -> Tree {
        let mut nodes = self.nodes;
        nodes.fit();
        Tree::new(nodes, self.keying)
    }

    /// The nodes without the one of the page.
    pub(crate) fn inside(&self) -> Vec<Node> {
        self.nodes.iter().skip(1).collect()
    }

    /// Nothing stands in a node but elements with ids.
    pub(crate) fn is_bare(&self, node: usize) -> bool {
        let bare = |mark: &Mark| {
            mark.flags & VALUED == 0 && short(mark.hash, mark.is_field) == self.nodes.hash(node)
        };
        self.element(node).is_some_and(|(_, mark)| bare(mark))
    }

    /// The ids of controls that cannot work, because they were made for another page or rendering, or because
    /// what was made has been changed.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = &str> {
        let controls = self.cuts.iter().filter(|cut| matches!(cut.of, Of::Control));
        controls.map(|cut| id_before(&self.raw[..cut.at]))
    }

    /// Two different ids have one key. Pairs among nodes that stand where `known` has them, too, have been looked
    /// at before.
    pub(crate) fn has_twins(&self, known: &Nodes) -> bool {
        let is_rendered = |one, other| self.is_rendered(one) && self.is_rendered(other);
        self.nodes.clash(known, |one, other| !is_rendered(one, other) || self.id(one) != self.id(other))
    }

    /// Gives the nodes, all of which were rendered, other keys, until no two different ids have one.
    pub(crate) fn part_twins(&mut self) {
        while self.has_twins(&NONE) {
            self.keying = self.keying.next();
            for node in 1..self.nodes.len() {
                let key = self.keying.key(self.id(node));
                self.nodes.set_key(node, key);
            }
        }
    }

    /// The HTML of a node, without marks and with its seals.
    pub(crate) fn html(&self, node: usize, seal: &mut dyn FnMut(&str, &Bind) -> String) -> String {
        let (mut at, end, cuts) = self.cuts(node);
        let mut html = String::with_capacity(end - at);
        for cut in cuts {
            html.push_str(self.raw.get(at..cut.at).unwrap_or_default());
            at = cut.at + MARK;
            if let Some((mark, bind)) = self.mark(*cut).and_then(|mark| Some((mark, mark.bind.as_deref()?))) {
                html.push_str(" data-e=\"");
                html.push_str(&seal(self.text(cut.at - mark.head as usize, mark.id), bind));
                html.push('"');
            } else if matches!(cut.of, Of::Control) {
                let id = id_before(&self.raw[..cut.at]);
                tracing::error!(
                    element = id,
                    "this control was rendered for another page, or has been changed: render it where it is shown"
                );
                html.push_str(" disabled aria-disabled=\"true\" title=\"");
                escape(self.words.foreign, &mut html);
                html.push('"');
            }
        }
        html.push_str(self.raw.get(at..end).unwrap_or_default());
        html
    }
}

/// Elements with ids inside each other for which there is room at once.
const DEPTH: usize = 8;

/// A page of which no node is known.
static NONE: Nodes = Nodes::none();

/// The place where an element begins whose mark stands at `at`, when all of it is there, between `from` and `to`: an
/// application may have cut the string.
fn place(bytes: &[u8], mark: &Mark, at: usize, from: usize, to: usize) -> Option<usize> {
    let start = at.checked_sub(mark.head as usize).filter(|start| *start >= from)?;
    let place = |place: u32| start + place as usize;
    let is_at = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    if mark.kept.is_some() {
        return (place(mark.end) <= to && is_at(start, b"<")).then_some(start);
    }
    let ends = bytes.get(place(mark.close)..place(mark.end))?;
    let whole = place(mark.end) <= to
        && is_at(start, b"<")
        && is_at(place(mark.id.0) - 1, b"\"")
        && is_at(place(mark.id.1), b"\"")
        && is_at(place(mark.open) - 1, b">")
        && (ends.is_empty() || ends.starts_with(b"<") && ends.ends_with(b">"));
    whole.then_some(start)
}

/// Ends the elements whose inside ends before `at`.
fn close(nodes: &mut Nodes, stack: &mut Vec<Open>, bytes: &[u8], from: &mut usize, at: usize) {
    while let Some(mut top) = stack.pop_if(|top| top.close <= at) {
        top.text(&bytes[*from..top.close]);
        if top.run > 0 && !top.in_run {
            top.flags |= TAILED;
        }
        nodes.close(top.node, top.short(), top.flags);
        *from = top.end;
    }
}

/// The id in the start tag that a string ends with.
fn id_before(raw: &str) -> &str {
    let tag = raw.rfind('<').map_or("", |start| &raw[start..]);
    let id = tag.split_once(" id=\"").and_then(|(_, id)| id.split_once('"'));
    id.map_or("", |(id, _)| id)
}

#[cfg(test)]
mod tests;
