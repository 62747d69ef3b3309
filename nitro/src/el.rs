//! The element: one struct for all of them, a plain value until it is rendered.

use std::{borrow::Cow, sync::Arc};

use maud::{Markup, Render};

use crate::{
    attr::{self, Attr},
    check::At,
    escape::escape,
    event::{Bind, Event, Postback},
    scope::{self, BOUND, DISABLED, Mark, REQUIRED},
    url::Url,
};

/// An element: a tag, an id, attributes, content, and the event that it is bound to.
///
/// Elements are made by the functions of [`tags`](crate::tags) and named there as in HTML and NITRO.
///
/// ```
/// use maud::Render;
/// use nitro::prelude::*;
///
/// let el = panel().id("greeting").class("big").text("1 < 2");
/// assert_eq!(el.render().0, r#"<div id="greeting" class="big">1 &lt; 2</div>"#);
/// ```
#[derive(Clone, Debug)]
#[must_use = "an element does nothing until it is rendered"]
pub struct El<'a> {
    pub(crate) tag: &'static str,
    pub(crate) kind: Kind,
    pub(crate) id: Cow<'a, str>,
    class: Cow<'a, str>,
    label: Option<Cow<'a, str>>,
    hint: Option<Cow<'a, str>>,
    attrs: Vec<(Attr, Cow<'a, str>)>,
    pub(crate) body: Body<'a>,
    bind: Option<Arc<Bind>>,
    on: Option<On>,
    confirm: Option<Cow<'a, str>>,
    flags: u8,
    at: At,
}

/// How the element is written, and where its value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Content between a start and an end tag.
    Plain,
    /// No content and no value.
    Void,
    /// An `input` with a value.
    Input(&'static str),
    /// An `input` with a state.
    Check(&'static str),
    /// The content is the value.
    Textarea,
}

/// What an element holds.
#[derive(Clone, Debug)]
pub(crate) enum Body<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Markup(Markup),
    Checked(bool),
}

/// The DOM event that fires an element's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum On {
    /// A click or tap, or Enter on a focused button.
    Click,
    /// A value was changed and left.
    Change,
    /// A value is being changed; sent when the typing pauses.
    Input,
    /// A form is submitted.
    Submit,
}

impl On {
    fn as_str(self) -> &'static str {
        match self {
            On::Click => "click",
            On::Change => "change",
            On::Input => "input",
            On::Submit => "submit",
        }
    }
}

/// The element's event may be sent again before the answer.
const REPEAT: u8 = 16;
/// The element keeps its end in view.
const END: u8 = 32;
/// The element is hidden.
const HIDDEN: u8 = 64;

/// What stands before an id.
const ID: &str = " id=\"";

impl<'a> El<'a> {
    #[track_caller]
    pub(crate) const fn new(tag: &'static str, kind: Kind) -> Self {
        El {
            tag,
            kind,
            id: Cow::Borrowed(""),
            class: Cow::Borrowed(""),
            label: None,
            hint: None,
            attrs: Vec::new(),
            body: Body::Nothing,
            bind: None,
            on: None,
            confirm: None,
            flags: 0,
            at: At::here(),
        }
    }

    /// Sets the id: 1 to 64 of `A-Z a-z 0-9 _ - . :`, once in a page. Other characters become `_`.
    pub fn id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.id = clean_id(id.into());
        self
    }

    /// Sets the classes, separated by blanks.
    pub fn class(mut self, class: impl Into<Cow<'a, str>>) -> Self {
        self.class = class.into();
        self
    }

    /// Sets the content to text, which is compared and sent apart from the rest of the element.
    /// For inputs this is [`value`](El::value).
    pub fn text(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.body = Body::Text(text.into());
        self
    }

    /// Sets the content to markup.
    pub fn body(mut self, body: Markup) -> Self {
        self.body = Body::Markup(body);
        self
    }

    /// Sets the value of an input.
    pub fn value(self, value: impl Into<Cow<'a, str>>) -> Self {
        self.text(value)
    }

    /// Sets the state of a checkbox or radio button.
    pub fn checked(mut self, checked: bool) -> Self {
        self.body = Body::Checked(checked);
        self
    }

    /// Gives an input its label, and with it the place where its errors are shown.
    pub fn label(mut self, label: impl Into<Cow<'a, str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Explains an input, below its label.
    pub fn hint(mut self, hint: impl Into<Cow<'a, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The input must not be empty; the browser says so before anything is sent, and the server does not rely on it.
    pub fn required(mut self) -> Self {
        self.flags |= REQUIRED;
        self
    }

    /// The element cannot be used: its event is refused and its value is not read, whatever the client sends.
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.flags = if disabled { self.flags | DISABLED } else { self.flags & !DISABLED };
        self
    }

    /// The element is not shown.
    pub fn hidden(mut self, hidden: bool) -> Self {
        self.flags = if hidden { self.flags | HIDDEN } else { self.flags & !HIDDEN };
        self
    }

    /// Binds an event. An element without an id gets one that depends on the event.
    pub fn postback<E: Event>(mut self, postback: Postback<E>) -> Self {
        self.bind = Some(Arc::new(postback.bind));
        self.flags |= BOUND;
        self
    }

    /// Chooses the DOM event that fires the event.
    pub fn on(mut self, on: On) -> Self {
        self.on = Some(on);
        self
    }

    /// Asks the user before the event is sent.
    pub fn confirm(mut self, question: impl Into<Cow<'a, str>>) -> Self {
        self.confirm = Some(question.into());
        self
    }

    /// Lets the user fire the event again before the answer; a counter wants that, an order does not.
    pub fn repeat(mut self) -> Self {
        self.flags |= REPEAT;
        self
    }

    /// Keeps the end of a scrolling element in view when it was in view before an update, as chats do.
    pub fn keep_end(mut self) -> Self {
        self.flags |= END;
        self
    }

    /// Sets an attribute that takes text; the last value counts. Those that take a URL, a style or code are not among them.
    pub fn attr(mut self, name: Attr, value: impl Into<Cow<'a, str>>) -> Self {
        self.attrs.retain(|(known, _)| *known != name);
        self.attrs.push((name, value.into()));
        self
    }

    /// Sets the address that a link leads to.
    pub fn href(self, url: Url) -> Self {
        self.attr(attr::HREF, String::from(url))
    }

    /// Sets the address of an image or another embedded resource.
    pub fn src(self, url: Url) -> Self {
        self.attr(attr::SRC, String::from(url))
    }

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
        let auto;
        let id = match &self.bind {
            Some(bind) if self.id.is_empty() => {
                auto = scope::automatic(auto_id(bind));
                auto.as_str()
            }
            // The server has to know what is disabled with it.
            None if self.id.is_empty() && self.flags & DISABLED != 0 => {
                auto = scope::automatic(String::from("d"));
                auto.as_str()
            }
            _ => &self.id,
        };
        if id.is_empty() {
            self.write_marked(id, None, out);
            return;
        }
        self.at.wrote(id);
        let whole = !matches!(self.body, Body::Markup(_));
        let index = scope::element(out, |out, event| {
            let mut mark = self.write_marked(id, event, out);
            mark.whole = whole;
            mark
        });
        if let Body::Markup(markup) = &self.body {
            out.push_str(&markup.0);
            put(out, ["</", self.tag, ">"]);
            scope::end(out, index);
        }
    }

    /// Writes the element, or its start tag when it holds markup and has an id.
    fn write_marked(&self, id: &str, event: Option<std::any::TypeId>, out: &mut String) -> Mark {
        let from = out.len();
        let at = |out: &String| u32::try_from(out.len() - from).unwrap_or(u32::MAX);
        let mut mark = Mark { flags: self.flags & (BOUND | DISABLED | REQUIRED), ..Mark::default() };
        if let Kind::Input(kind) | Kind::Check(kind) = self.kind {
            put(out, ["<", self.tag, " type=\"", kind, "\""]);
        } else {
            put(out, ["<", self.tag]);
        }
        if !id.is_empty() {
            let start = at(out) + ID.len() as u32;
            mark.id = (start, start + id.len() as u32);
            if matches!(self.kind, Kind::Input(_) | Kind::Check(_) | Kind::Textarea) || self.tag == "select" {
                put(out, [ID, id, "\" name=\"", id, "\""]);
            } else {
                put(out, [ID, id, "\""]);
            }
        }
        self.write_attrs(id, out);
        if let (Some(bind), Some(event)) = (&self.bind, event) {
            mark.blank = self.write_bind(bind, event, at, out);
            mark.bind = mark.blank.is_some().then(|| Arc::clone(bind));
        }
        match (&self.kind, &self.body) {
            (Kind::Input(_), body) => {
                out.push_str(" value=\"");
                let start = at(out);
                if let Body::Text(text) = body {
                    escape(text, out);
                }
                mark.value = Some((start, at(out)));
                out.push_str("\">");
            }
            (Kind::Check(_), body) => {
                let start = at(out);
                let checked = matches!(body, Body::Checked(true));
                if checked {
                    out.push_str(" checked");
                }
                mark.value = Some((start, at(out)));
                mark.checked = Some(checked);
                out.push('>');
            }
            (Kind::Void, _) => out.push('>'),
            (Kind::Plain | Kind::Textarea, Body::Markup(markup)) => {
                out.push('>');
                if id.is_empty() {
                    out.push_str(&markup.0);
                    put(out, ["</", self.tag, ">"]);
                }
            }
            (Kind::Plain | Kind::Textarea, body) => {
                out.push('>');
                // The parser drops a line break right after the tag, so that a text may begin with one.
                if self.kind == Kind::Textarea {
                    out.push('\n');
                }
                let start = at(out);
                if let Body::Text(text) = body {
                    escape(text, out);
                    mark.value = Some((start, at(out)));
                } else if self.kind == Kind::Textarea {
                    mark.value = Some((start, start));
                }
                put(out, ["</", self.tag, ">"]);
            }
        }
        mark.head = at(out);
        mark
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

    /// Writes the attributes of a bound element, with a blank where the seal will be.
    fn write_bind(
        &self,
        bind: &Bind,
        event: std::any::TypeId,
        at: impl Fn(&String) -> u32,
        out: &mut String,
    ) -> Option<(u32, u32)> {
        if bind.event != event {
            tracing::error!(element = %self.id, "the event of this element is not the page's: it is not bound");
            debug_assert_eq!(
                bind.event, event,
                "the event of element {:?} is not the page's `Event` type",
                self.id
            );
            return None;
        }
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
        out.push_str(" data-e=\"");
        let start = at(out);
        let len = ((n2o::SEAL_OVERHEAD + bind.sealed.len()) * 4).div_ceil(3);
        out.extend(std::iter::repeat_n('-', len));
        let blank = (start, at(out));
        out.push('"');
        Some(blank)
    }
}

impl Render for El<'_> {
    fn render_to(&self, out: &mut String) {
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
    let mut hash = crate::hash::Hash::new(u64::from(bind.variant));
    hash.write(&bind.sealed);
    format!("e{:x}", hash.end() >> 16)
}

/// An id within the alphabet and length of `PROTOCOL.md`, section 2.
pub(crate) fn clean_id(id: Cow<'_, str>) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    // Two characters are left for the ids of a field's parts.
    if id.len() <= n2o::MAX_ID - 2 && id.bytes().all(fits) {
        return id;
    }
    debug_assert!(false, "the id {id:?} is not 1 to {} of A-Z a-z 0-9 _ - . :", n2o::MAX_ID - 2);
    id.bytes().take(n2o::MAX_ID - 2).map(|byte| if fits(byte) { char::from(byte) } else { '_' }).collect()
}
