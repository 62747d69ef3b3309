//! The element: one struct for all of them, a plain value until it is rendered.

use std::{borrow::Cow, sync::Arc};

use maud::Markup;

use crate::{
    attr::{self, Attr},
    check::At,
    escape::escape,
    event::{Bind, Binding},
    id::clean_id,
    scope::{BOUND, DISABLED, REQUIRED},
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
    pub(crate) class: Cow<'a, str>,
    pub(crate) label: Option<Cow<'a, str>>,
    pub(crate) hint: Option<Cow<'a, str>>,
    pub(crate) attrs: Vec<(Attr, Cow<'a, str>)>,
    pub(crate) body: Body<'a>,
    pub(crate) bind: Option<Arc<Bind>>,
    pub(crate) on: Option<On>,
    pub(crate) confirm: Option<Cow<'a, str>>,
    pub(crate) flags: u8,
    pub(crate) keep: Keep,
    pub(crate) at: At,
}

/// The state that an element is made from, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    /// The hash of the state; what is inside is compared when that has changed.
    Memo(u64),
    /// The hash of the state, which stands for the element.
    Row(u64),
    /// Nothing inside is remembered.
    Stream,
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
    Markup(Cow<'a, str>),
    Checked(bool),
    Choice(Choice<'a>),
}

/// Options, and the one that is chosen.
#[derive(Clone, Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) options: Cow<'a, str>,
    /// Where the value of the chosen one stands, if one is.
    pub(crate) chosen: Option<(u32, u32)>,
}

impl Body<'_> {
    pub(crate) fn is_checked(&self) -> bool {
        matches!(self, Body::Checked(true))
    }
}

impl Choice<'_> {
    /// The value of the chosen option, escaped.
    pub(crate) fn chosen(&self) -> &str {
        let (from, to) = self.chosen.unwrap_or_default();
        self.options.get(from as usize..to as usize).unwrap_or_default()
    }

    pub(crate) fn new(markup: &'static str) -> Self {
        Choice { options: Cow::Owned(markup.to_owned()), chosen: None }
    }

    pub(crate) fn push(&mut self, markup: &str) {
        self.options.to_mut().push_str(markup);
    }

    pub(crate) fn text(&mut self, text: &str) {
        escape(text, self.options.to_mut());
    }

    /// Appends the value of an option, and says whether it is the chosen one.
    pub(crate) fn option(&mut self, value: &str, chosen: &str) -> bool {
        let options = self.options.to_mut();
        let start = options.len() as u32;
        escape(value, options);
        let is_chosen = value == chosen;
        if is_chosen {
            self.chosen.get_or_insert((start, options.len() as u32));
        }
        is_chosen
    }
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
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            On::Click => "click",
            On::Change => "change",
            On::Input => "input",
            On::Submit => "submit",
        }
    }
}

/// The element's event may be sent again before the answer.
pub(crate) const REPEAT: u8 = 16;
/// The element keeps its end in view.
pub(crate) const END: u8 = 32;
/// The element is hidden.
pub(crate) const HIDDEN: u8 = 64;

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
            keep: Keep::Nothing,
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
        self.body = Body::Markup(Cow::Owned(body.0));
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

    /// The input must not be empty: an event that reads it says so at the input, and does not run.
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

    /// Binds an event, which [`ui.on`](crate::Ui::on) has bound to the component. An element without an id gets one
    /// that depends on the event.
    pub fn postback(mut self, event: impl Binding) -> Self {
        self.bind = Some(Arc::new(event.__bound().0));
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
}
