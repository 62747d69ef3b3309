//! The writing of elements: HTML into the string, and notes into the rendering in progress.

use std::{borrow::Cow, cell::Cell, sync::Arc};

use maud::Render;

use crate::{
    Attr, attr,
    component::At,
    el::{Body, Choice, END, El, HIDDEN, Keep, Kind, REPEAT},
    escape::{escape, unescape},
    event::Bind,
    hash::{self, Hash},
    nodes::{GIVEN, KEPT, STREAM, VALUED},
    scope::{self, BOUND, DISABLED, Is, Mark, REQUIRED, Scope},
};

/// The text before an id.
const ID: &str = " id=\"";

impl El<'_> {
    fn is_field(&self) -> bool {
        self.label.is_some() && !self.id.is_empty()
    }

    fn write_field(&self, label: &str, out: &mut String) {
        let id: &str = &self.id;
        let inline = matches!(self.kind, Kind::Check(_));
        put(out, ["<div id=\"", id, ".f\" class=\"", if inline { "field check" } else { "field" }, "\">"]);
        let write_label = |out: &mut String| {
            put(out, ["<label for=\"", id, "\">"]);
            escape(label, out);
            out.push_str("</label>");
        };
        if inline {
            self.write(out);
            write_label(out);
        } else {
            write_label(out);
        }
        if let Some(hint) = &self.hint {
            put(out, ["<small id=\"", id, ".h\">"]);
            escape(hint, out);
            out.push_str("</small>");
        }
        if !inline {
            self.write(out);
        }
        put(out, ["<small id=\"", id, ".e\" class=\"error\" role=\"alert\"></small></div>"]);
    }

    fn write(&self, out: &mut String) {
        scope::with(|scope| self.write_in(scope, out));
    }

    /// Writes the element, and notes it in the rendering when it has an id.
    fn write_in(&self, mut scope: Option<&mut Scope>, out: &mut String) {
        let from = out.len();
        let at = |out: &String| (out.len() - from) as u32;
        let mut automatic = |id: String| match &mut scope {
            Some(scope) => scope.automatic(id),
            None => id,
        };
        let auto;
        let id = match &self.bind {
            Some(bind) if self.id.is_empty() => {
                auto = automatic(auto_id(bind));
                auto.as_str()
            }
            // The server has to know what is disabled with it.
            None if self.id.is_empty() && self.flags & DISABLED != 0 => {
                auto = automatic(String::from("d"));
                auto.as_str()
            }
            _ => &self.id,
        };
        if let Kind::Input(kind) | Kind::Check(kind) = self.kind {
            put(out, ["<", self.tag, " type=\"", kind, "\""]);
        } else {
            put(out, ["<", self.tag]);
        }
        let mut id_at = (0, 0);
        if !id.is_empty() {
            let start = at(out) + ID.len() as u32;
            id_at = (start, start + id.len() as u32);
            if self.is_input() {
                put(out, [ID, id, "\" name=\"", id, "\""]);
            } else {
                put(out, [ID, id, "\""]);
            }
        }
        self.write_attrs(id, out);
        let Some(scope) = scope.filter(|_| !id.is_empty()) else {
            self.write_rest(from, out);
            return;
        };
        self.at.wrote(id);
        let bind = self.bind.as_ref().filter(|bind| self.is_of(scope, bind));
        if let Some(bind) = bind {
            self.write_bind(bind, out);
        }
        let head = at(out);
        let mut hash = Hash::keyed();
        hash.write(&out.as_bytes()[from..]);
        if let Some(bind) = bind {
            hash.write(&[bind.variant]);
            hash.write(&bind.sealed);
        }
        scope.mark(if bind.is_some() || self.is_input() { Is::Control } else { Is::Shown }, out);
        let Rest { open, value, text, checked, close } = self.write_rest(from, out);
        if let Body::Choice(choice) = &self.body {
            hash.write(choice.options.as_bytes());
        }
        let holds = matches!(self.body, Body::Markup(_)) && value.is_none();
        let (kept, value, row) = match (value, self.keep) {
            (_, Keep::Row(state)) => (KEPT, 0, Some(state)),
            // An element with a value is as soon rendered as looked for.
            (Some(value), _) => (VALUED, value, None),
            (None, Keep::Memo(state)) => (KEPT | VALUED, state, None),
            (None, Keep::Stream) => (STREAM, 0, None),
            (None, Keep::Nothing) => (0, 0, None),
        };
        let bound = if bind.is_some() { BOUND } else { 0 };
        scope.note(Mark {
            bind: bind.cloned(),
            hash,
            value,
            head,
            open,
            close,
            end: at(out),
            id: id_at,
            text,
            checked,
            holds,
            row,
            kept: None,
            flags: self.flags & (DISABLED | REQUIRED)
                | bound
                | kept
                | if self.is_given() { GIVEN } else { 0 },
            found: Cell::new(false),
        });
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

    /// Writes what follows the attributes: the value, what stands inside, and the end tag.
    fn write_rest(&self, from: usize, out: &mut String) -> Rest {
        let at = |out: &String| (out.len() - from) as u32;
        let mut rest = Rest::default();
        let value = match &self.body {
            Body::Text(text) => Some(&**text),
            _ => None,
        };
        match self.kind {
            Kind::Input(_) => {
                out.push_str(" value=\"");
                let start = at(out);
                rest.value = Some(hash::of(value.unwrap_or_default().as_bytes()));
                escape(value.unwrap_or_default(), out);
                rest.text = (start, at(out));
                out.push_str("\">");
            }
            Kind::Check(_) => {
                let checked = matches!(self.body, Body::Checked(true));
                out.push_str(if checked { " checked>" } else { ">" });
                rest.value = Some(hash::of_state(checked));
                rest.checked = Some(checked);
            }
            Kind::Void => out.push('>'),
            Kind::Plain | Kind::Textarea => {
                out.push('>');
                rest.open = at(out);
                // The parser drops a line break right after the tag, so that a text may begin with one.
                if self.kind == Kind::Textarea {
                    out.push('\n');
                }
                let start = at(out);
                match (&self.body, value) {
                    (Body::Markup(markup), _) if self.kind == Kind::Plain => out.push_str(markup),
                    (Body::Choice(Choice { options, chosen }), _) => {
                        out.push_str(options);
                        let (from, to) = chosen.unwrap_or_default();
                        let value = options.get(from as usize..to as usize).unwrap_or_default();
                        rest.value = Some(hash::of(unescape(value).as_bytes()));
                        rest.text = (start + from, start + to);
                    }
                    (_, None) if self.kind == Kind::Plain => {}
                    (_, value) => {
                        rest.value = Some(hash::of(value.unwrap_or_default().as_bytes()));
                        escape(value.unwrap_or_default(), out);
                        rest.text = (start, at(out));
                    }
                }
                rest.close = at(out);
                put(out, ["</", self.tag, ">"]);
                return rest;
            }
        }
        (rest.open, rest.close) = (at(out), at(out));
        rest
    }

    fn write_attrs(&self, id: &str, out: &mut String) {
        if !self.class.is_empty() {
            out.push_str(" class=\"");
            escape(&self.class, out);
            out.push('"');
        }
        for (name, value) in &self.attrs {
            put(out, [" ", name.as_str(), "=\""]);
            escape(value, out);
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
        if self.is_field() {
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
            // Before the script runs, what is submitted goes to the server, and never into the address.
            out.push_str(" method=\"post\"");
        }
    }
}

/// The part behind the attributes of an element; places are bytes from its start.
#[derive(Default)]
struct Rest {
    /// The hash of the value.
    value: Option<u64>,
    /// The place of the value.
    text: (u32, u32),
    /// The state, if the value is one.
    checked: Option<bool>,
    /// The end of the start tag.
    open: u32,
    /// The start of the end tag.
    close: u32,
}

impl Render for El<'_> {
    fn render_to(&self, out: &mut String) {
        match scope::at() {
            Some(at) => self.at(&at).write_whole(out),
            None => self.write_whole(out),
        }
    }
}

impl El<'_> {
    /// The element as an element of a component at a place.
    fn at(&self, at: &At) -> El<'_> {
        let id = if self.id.is_empty() { Cow::Borrowed("") } else { Cow::Owned(at.id(&self.id)) };
        let attrs = self.attrs.iter().map(|(name, value)| {
            if !name.names_ids() {
                return (*name, Cow::Borrowed(&**value));
            }
            let ids: Vec<String> = value.split_ascii_whitespace().map(|id| at.id(id)).collect();
            (*name, Cow::Owned(ids.join(" ")))
        });
        let body = match &self.body {
            Body::Nothing => Body::Nothing,
            Body::Text(text) => Body::Text(Cow::Borrowed(text)),
            Body::Markup(markup) => Body::Markup(Cow::Borrowed(markup)),
            Body::Checked(checked) => Body::Checked(*checked),
            Body::Choice(Choice { options, chosen }) => {
                Body::Choice(Choice { options: Cow::Borrowed(options), chosen: *chosen })
            }
        };
        let bind = self
            .bind
            .as_ref()
            .map(|bind| if bind.event == at.event { Arc::new(at.bind(bind)) } else { Arc::clone(bind) });
        El {
            tag: self.tag,
            kind: self.kind,
            id,
            class: Cow::Borrowed(&self.class),
            label: self.label.as_deref().map(Cow::Borrowed),
            hint: self.hint.as_deref().map(Cow::Borrowed),
            attrs: attrs.collect(),
            body,
            bind,
            on: self.on,
            confirm: self.confirm.as_deref().map(Cow::Borrowed),
            flags: self.flags,
            keep: self.keep,
            at: self.at,
        }
    }

    pub(crate) fn write_whole(&self, out: &mut String) {
        match &self.label {
            Some(label) if self.is_field() => self.write_field(label, out),
            _ => self.write(out),
        }
    }
}

/// Writes the parts one after the other. Inlined, so that those whose text is known are written in place.
#[inline(always)]
fn put<const N: usize>(out: &mut String, parts: [&str; N]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.push_str(part);
    }
}

/// An id that stays the same as long as the event does.
fn auto_id(bind: &Bind) -> String {
    let mut hash = Hash::new(u64::from(bind.variant));
    hash.write(&bind.sealed);
    format!("e{:x}", hash.end() >> 16)
}
