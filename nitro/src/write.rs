//! The writing of elements: HTML into the string, and notes into the rendering in progress.

use std::{borrow::Cow, cell::Cell, sync::Arc};

use maud::Render;

use crate::{
    Attr, attr,
    component::At,
    el::{Body, Choice, END, El, HIDDEN, Keep, Kind, REPEAT},
    escape::escape,
    event::Bind,
    hash::Hash,
    known::{Control, Shown},
    node::{self, FIELD_ID, GIVEN, KEPT, STREAM, VALUED},
    scope::{self, BOUND, DISABLED, Is, Mark, REQUIRED, Scope},
};

/// The text before an id.
const ID: &str = " id=\"";
/// The text before the id of a field.
pub(crate) const DIV: &str = "<div id=\"";

/// An element with all that it needs to be written.
struct Whole<'a> {
    /// The id on the page.
    id: &'a str,
    /// The place of its component.
    at: Option<&'a At>,
    bind: Option<&'a Bind>,
}

impl Render for El<'_> {
    fn render_to(&self, out: &mut String) {
        scope::with(|scope| {
            let at = scope.as_ref().and_then(|scope| scope.at());
            self.write(scope, at.as_deref(), out);
        });
    }
}

impl El<'_> {
    /// Writes the element as one of the component at a place, and notes it in the rendering when it has an id.
    pub(crate) fn write(&self, scope: Option<&mut Scope>, at: Option<&At>, out: &mut String) {
        let Some(scope) = scope else {
            let auto = self.bind.as_deref().filter(|_| self.id.is_empty()).map(|bind| auto_id(bind, at));
            let id = auto.as_deref().unwrap_or(&self.id);
            self.write_whole(&Whole { id, at, bind: None }, None, out);
            return;
        };
        let id = match &self.bind {
            _ if !self.id.is_empty() => scope.full_id(at, &self.id),
            Some(bind) => scope.automatic(auto_id(bind, at)),
            // The server has to know what is disabled with it.
            None if self.flags & DISABLED != 0 => scope.automatic(String::from("d")),
            None => {
                self.write_whole(&Whole { id: "", at, bind: None }, None, out);
                return;
            }
        };
        self.at.wrote(&id);
        self.write_noted(scope, at, &id, out);
        scope.give_back(id);
    }

    fn write_noted(&self, scope: &mut Scope, at: Option<&At>, id: &str, out: &mut String) {
        let bind = self.bind.as_ref().filter(|bind| self.is_of(scope, bind));
        let hash = self.hash(id, at, bind.map(|bind| &**bind));
        let shown = self.shown();
        let is_control = bind.is_some() || self.is_input();
        let flags = self.flags & (DISABLED | REQUIRED)
            | if bind.is_some() { BOUND } else { 0 }
            | if self.is_given() { GIVEN } else { 0 };
        let is_field = self.is_field(id);
        if is_control && self.keep == Keep::Nothing && !matches!(self.body, Body::Markup(_)) {
            let flags = flags | if matches!(shown, Shown::Nothing) { 0 } else { VALUED };
            let control = Control { id, hash: node::short(hash, is_field), flags };
            if scope.keep(&control, shown, out) {
                return;
            }
        }
        let moved;
        let bind = match (bind, at) {
            (Some(bind), Some(at)) => {
                moved = Arc::new(at.bind(bind));
                Some(&moved)
            }
            (bind, _) => bind,
        };
        let whole = Whole { id, at, bind: bind.map(|bind| &**bind) };
        let is = if is_control { Is::Control } else { Is::Shown };
        let Places { head, id, open, close, text, end } = self.write_whole(&whole, Some((scope, is)), out);
        let holds = matches!(self.body, Body::Markup(_)) && matches!(shown, Shown::Nothing);
        let (kept, value, row) = match (shown, self.keep) {
            (_, Keep::Row(state)) => (KEPT, 0, Some(state)),
            // An element with a value is as soon rendered as looked for.
            (Shown::Text(_) | Shown::Escaped(_) | Shown::State(_), _) => (VALUED, shown.hash(), None),
            (Shown::Nothing, Keep::Memo(state)) => (KEPT | VALUED, state, None),
            (Shown::Nothing, Keep::Stream) => (STREAM, 0, None),
            (Shown::Nothing, Keep::Nothing) => (0, 0, None),
        };
        let checked = if let Shown::State(checked) = shown { Some(checked) } else { None };
        scope.note(Mark {
            bind: bind.cloned(),
            hash,
            value,
            head,
            open,
            close,
            end,
            id,
            text,
            checked,
            holds,
            row,
            is_field,
            kept: None,
            flags: flags | kept,
            found: Cell::new(false),
        });
    }

    fn is_field(&self, id: &str) -> bool {
        self.label.is_some() && !id.is_empty()
    }

    /// The hash of all that is written before the value and what stands inside, and of what is sealed.
    fn hash(&self, id: &str, at: Option<&At>, bind: Option<&Bind>) -> Hash {
        let (kind, input) = match self.kind {
            Kind::Plain => (0, ""),
            Kind::Void => (1, ""),
            Kind::Input(input) => (2, input),
            Kind::Check(input) => (3, input),
            Kind::Textarea => (4, ""),
        };
        let texts = [self.label.as_deref(), self.hint.as_deref(), self.confirm.as_deref()];
        let there =
            texts.iter().fold(u64::from(bind.is_some()), |all, text| all << 1 | u64::from(text.is_some()));
        let on = self.on.map_or(0, |on| 1 + on as u64);
        let mut hash = Hash::keyed();
        hash.number(
            kind | there << 8 | on << 16 | u64::from(self.flags) << 24 | (self.attrs.len() as u64) << 32,
        );
        [self.tag, input, id, &self.class].iter().for_each(|part| hash.write(part.as_bytes()));
        texts.into_iter().flatten().for_each(|text| hash.write(text.as_bytes()));
        for (name, value) in &self.attrs {
            hash.write(name.as_str().as_bytes());
            hash.write(value.as_bytes());
            if let Some(at) = at.filter(|_| name.names_ids()) {
                hash.write(at.prefix.as_bytes());
            }
        }
        if let Some(bind) = bind {
            hash.number(bind.print ^ u64::from(bind.variant));
            hash.write(&bind.sealed);
            bind.names().for_each(|name| hash.write(name.as_bytes()));
            at.into_iter().flat_map(|at| &at.path).for_each(|(_, serial)| hash.number(*serial));
        }
        if let Body::Choice(choice) = &self.body {
            hash.write(choice.options.as_bytes());
        }
        hash
    }

    /// The value.
    fn shown(&self) -> Shown<'_> {
        match (&self.body, self.kind) {
            (_, Kind::Void) => Shown::Nothing,
            (body, Kind::Check(_)) => Shown::State(body.is_checked()),
            (Body::Text(text), _) => Shown::Text(text),
            (Body::Choice(choice), Kind::Plain | Kind::Textarea) => Shown::Escaped(choice.chosen()),
            (_, Kind::Plain) => Shown::Nothing,
            (_, Kind::Input(_) | Kind::Textarea) => Shown::Text(""),
        }
    }

    /// The user changes its value, or chooses one.
    fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Input(_) | Kind::Check(_) | Kind::Textarea) || self.tag == "select"
    }

    /// The user can change its value, and the page gives it one. What is marked as wrong is the user's to mend.
    fn is_given(&self) -> bool {
        let is_wrong = |(name, value): &(Attr, Cow<'_, str>)| *name == attr::ARIA_INVALID && value == "true";
        if self.attrs.iter().any(is_wrong) {
            return false;
        }
        match &self.body {
            Body::Text(_) | Body::Checked(_) => self.is_input(),
            Body::Choice(choice) => choice.chosen.is_some(),
            Body::Nothing | Body::Markup(_) => false,
        }
    }

    /// The event that the element is bound to is of the page that is rendered.
    fn is_of(&self, scope: &Scope, bind: &Bind) -> bool {
        if bind.event != scope.event {
            tracing::error!(element = %self.id, "the event of this element is not the page's: it is not bound");
            debug_assert_eq!(
                bind.event, scope.event,
                "the event of element {:?} is not the page's `Event` type",
                self.id
            );
        }
        bind.event == scope.event
    }

    /// Writes the element, within its field when it has a label, and where it is noted with its mark.
    fn write_whole(&self, whole: &Whole<'_>, mark: Option<(&mut Scope, Is)>, out: &mut String) -> Places {
        let (from, id) = (out.len(), whole.id);
        let is_inline = matches!(self.kind, Kind::Check(_));
        let label = self.label.as_deref().filter(|_| self.is_field(id));
        if let Some(label) = label {
            let class = if is_inline { "field check" } else { "field" };
            put(out, [DIV, id, FIELD_ID, "\" class=\"", class, "\">"]);
            if !is_inline {
                self.write_label(id, label, out);
            }
        }
        let mut places = self.write_element(from, whole, mark, out);
        if let Some(label) = label {
            if is_inline {
                self.write_label(id, label, out);
            }
            put(out, ["<small id=\"", id, ".e\" class=\"error\" role=\"alert\"></small></div>"]);
        }
        places.end = (out.len() - from) as u32;
        places
    }

    fn write_label(&self, id: &str, label: &str, out: &mut String) {
        put(out, ["<label for=\"", id, "\">"]);
        escape(label, out);
        out.push_str("</label>");
        if let Some(hint) = &self.hint {
            put(out, ["<small id=\"", id, ".h\">"]);
            escape(hint, out);
            out.push_str("</small>");
        }
    }

    /// Writes the element alone; places are seen from `from`.
    fn write_element(
        &self,
        from: usize,
        whole: &Whole<'_>,
        mark: Option<(&mut Scope, Is)>,
        out: &mut String,
    ) -> Places {
        let at = |out: &String| (out.len() - from) as u32;
        let mut places = Places::default();
        let id = whole.id;
        if let Kind::Input(kind) | Kind::Check(kind) = self.kind {
            put(out, ["<", self.tag, " type=\"", kind, "\""]);
        } else {
            put(out, ["<", self.tag]);
        }
        if !id.is_empty() {
            let start = at(out) + ID.len() as u32;
            places.id = (start, start + id.len() as u32);
            if self.is_input() {
                put(out, [ID, id, "\" name=\"", id, "\""]);
            } else {
                put(out, [ID, id, "\""]);
            }
        }
        self.write_attrs(whole, out);
        if let Some(bind) = whole.bind {
            self.write_bind(bind, out);
        }
        places.head = at(out);
        if let Some((scope, is)) = mark {
            scope.mark(is, out);
        }
        let value = match &self.body {
            Body::Text(text) => Some(&**text),
            _ => None,
        };
        match self.kind {
            Kind::Input(_) => {
                out.push_str(" value=\"");
                let start = at(out);
                escape(value.unwrap_or_default(), out);
                places.text = (start, at(out));
                out.push_str("\">");
            }
            Kind::Check(_) => out.push_str(if self.body.is_checked() { " checked>" } else { ">" }),
            Kind::Void => out.push('>'),
            Kind::Plain | Kind::Textarea => {
                out.push('>');
                places.open = at(out);
                // The parser drops a line break right after the tag, so that a text may begin with one.
                if self.kind == Kind::Textarea {
                    out.push('\n');
                }
                let start = at(out);
                match &self.body {
                    Body::Markup(markup) if self.kind == Kind::Plain => out.push_str(markup),
                    Body::Choice(Choice { options, chosen }) => {
                        out.push_str(options);
                        let (from, to) = chosen.unwrap_or_default();
                        places.text = (start + from, start + to);
                    }
                    _ => {
                        escape(value.unwrap_or_default(), out);
                        places.text = (start, at(out));
                    }
                }
                places.close = at(out);
                put(out, ["</", self.tag, ">"]);
                return places;
            }
        }
        (places.open, places.close) = (at(out), at(out));
        places
    }

    fn write_attrs(&self, Whole { id, at, .. }: &Whole<'_>, out: &mut String) {
        if !self.class.is_empty() {
            out.push_str(" class=\"");
            escape(&self.class, out);
            out.push('"');
        }
        for (name, value) in &self.attrs {
            put(out, [" ", name.as_str(), "=\""]);
            match at.filter(|_| name.names_ids()) {
                Some(at) => {
                    for (number, id) in value.split_ascii_whitespace().enumerate() {
                        out.push_str(if number > 0 { " " } else { "" });
                        escape(&at.id(id), out);
                    }
                }
                None => escape(value, out),
            }
            out.push('"');
        }
        for (flag, attr) in [
            (REQUIRED, " required"),
            (DISABLED, " disabled"),
            (REPEAT, " data-r"),
            (END, " data-end"),
            (HIDDEN, " hidden"),
        ] {
            if self.flags & flag != 0 {
                out.push_str(attr);
            }
        }
        if self.is_field(id) {
            let described = " aria-describedby=\"";
            if self.hint.is_some() {
                put(out, [described, id, ".h ", id, ".e\""]);
            } else {
                put(out, [described, id, ".e\""]);
            }
        }
    }

    /// Writes the attributes of a bound element. The seal is put in the place of the mark that follows.
    fn write_bind(&self, bind: &Bind, out: &mut String) {
        if let Some(question) = &self.confirm {
            out.push_str(" data-c=\"");
            escape(question, out);
            out.push('"');
        }
        if let Some(on) = self.on {
            put(out, [" data-on=\"", on.as_str(), "\""]);
        }
        if bind.names().next().is_some() {
            out.push_str(" data-s=\"");
            for (number, source) in bind.names().enumerate() {
                put(out, [if number > 0 { " " } else { "" }, source]);
            }
            out.push('"');
        }
        if self.tag == "form" {
            // Before the script runs, what is submitted goes to the server, and never into the address. It is checked there:
            // all that is wrong is said at once, in the language of the page.
            out.push_str(" method=\"post\" novalidate");
        }
    }
}

/// The places in an element, in bytes from its start.
#[derive(Default)]
struct Places {
    /// The mark.
    head: u32,
    id: (u32, u32),
    /// The value.
    text: (u32, u32),
    /// The end of the start tag.
    open: u32,
    /// The start of the end tag.
    close: u32,
    end: u32,
}

/// Writes the parts one after the other. Inlined, so that those whose text is known are written in place.
#[inline(always)]
fn put<const N: usize>(out: &mut String, parts: [&str; N]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.push_str(part);
    }
}

/// An id that stays the same as long as the event does, and the component at a place.
fn auto_id(bind: &Bind, at: Option<&At>) -> String {
    let mut hash = Hash::new(u64::from(bind.variant));
    hash.write(&bind.sealed);
    at.into_iter().flat_map(|at| &at.path).for_each(|(_, serial)| hash.number(*serial));
    format!("e{:x}", hash.end() >> 16)
}
