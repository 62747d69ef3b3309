//! Ops: what a handler may do to the document. `PROTOCOL.md`, section 7, defines them.

use std::any::TypeId;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use maud::Render;
use n2o::{Cx, Error, Out};

use crate::{
    attr::Attr,
    check::{self, Seen},
    draft::{Draft, of_state},
    event::Bind,
    hash, scope,
    tree::{Place, Tree},
    url::Url,
};

pub(crate) const UPDATE: u8 = 0;
pub(crate) const INSERT_BEFORE: u8 = 3;
pub(crate) const INSERT_AFTER: u8 = 4;

pub(crate) fn html(out: &mut Out, code: u8, id: &str, html: &str) {
    out.op(code, 2).text(id).text(html);
}

pub(crate) fn set(out: &mut Out, id: &str, value: &str) {
    out.op(8, 2).text(id).text(value);
}

pub(crate) fn state(out: &mut Out, id: &str, state: bool) {
    out.op(8, 2).text(id).bool(state);
}

pub(crate) fn remove_beside(out: &mut Out, id: &str, before: bool) {
    out.op(17, 2).text(id).bool(before);
}

/// What nitro keeps in the context of a page.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) tree: Tree,
    /// What was before the handler changed it, should the handler fail.
    pub(crate) before: Option<Before>,
    /// The type of the page's events.
    pub(crate) event: TypeId,
    pub(crate) redirect: Option<Url>,
    pub(crate) refresh: bool,
    /// The inputs that show an error.
    pub(crate) errors: Vec<&'static str>,
    pub(crate) title: u64,
    /// Where the visitor was sent when the page connected: there is no page for them any more.
    pub(crate) away: Option<String>,
    pub(crate) seen: Seen,
}

impl Default for Part {
    fn default() -> Self {
        Part {
            tree: Tree::default(),
            before: None,
            event: TypeId::of::<crate::event::Never>(),
            redirect: None,
            refresh: false,
            errors: Vec::new(),
            title: 0,
            away: None,
            seen: Seen::default(),
        }
    }
}

impl Part {
    /// The part, to be changed by a handler that may fail.
    pub(crate) fn change(&mut self) -> &mut Self {
        let Part { errors, title, .. } = self;
        self.before.get_or_insert_with(|| Before { tree: None, errors: errors.clone(), title: *title });
        self
    }

    /// Puts another tree in the place of the one that was taken out.
    pub(crate) fn put(&mut self, old: Tree, new: Tree) {
        self.change().tree = new;
        if let Some(Before { tree, .. }) = &mut self.before {
            tree.get_or_insert(old);
        }
    }

    /// What the handler changed is final.
    pub(crate) fn settle(&mut self) {
        self.before = None;
        self.tree.settle();
    }

    /// Takes back what the handler changed.
    pub(crate) fn restore(&mut self) {
        (self.redirect, self.refresh) = (None, false);
        self.seen.forget();
        if let Some(Before { tree, errors, title }) = self.before.take() {
            (self.errors, self.title) = (errors, title);
            self.tree = tree.unwrap_or_else(|| std::mem::take(&mut self.tree));
            self.tree.undo();
        }
    }

    fn insert(&mut self, id: &str, place: Place, draft: &Draft) {
        let tree = &mut self.change().tree;
        if !draft.is_rows || tree.is_bordered(id, place) {
            tree.blur(id, place);
        }
        tree.insert(id, place, &draft.nodes[1..]);
    }
}

/// What a failed handler is taken back to.
#[derive(Debug)]
pub(crate) struct Before {
    /// The tree that another one has taken the place of; the tree itself knows what was done to it.
    tree: Option<Tree>,
    errors: Vec<&'static str>,
    title: u64,
}

/// Seals an event for an element. Without a seal the element is shown, and its event refused.
pub(crate) fn seal(cx: &Cx, id: &str, bind: &Bind) -> String {
    cx.pickle(id, bind.variant, bind.print, &bind.sealed).map_or_else(
        |error| {
            tracing::error!(page.path = cx.path(), element = id, %error, "an event was not sealed");
            String::new()
        },
        |seal| URL_SAFE_NO_PAD.encode(seal),
    )
}

/// Renders something for this page.
pub(crate) fn draft(cx: &mut Cx, render: impl FnOnce(&mut String)) -> Draft {
    let event = cx.part::<Part>().event;
    let random = cx.node().random().bytes();
    Draft::new(scope::part(random, event, render))
}

fn write(cx: &mut Cx, code: u8, id: &str, render: impl FnOnce(&mut String)) -> Draft {
    let draft = draft(cx, render);
    let text = draft.html(0, &mut |id, bind| seal(cx, id, bind));
    html(&mut cx.out, code, id, &text);
    added(cx, &text);
    draft
}

fn added(cx: &mut Cx, html: &str) {
    let wrong = cx.part::<Part>().seen.added(html);
    check::tell(cx, wrong);
}

/// The verbs of NITRO: what a handler does to the document. They come into scope with the prelude.
///
/// The document changes in the order of the calls, when the handler has ended well; when it fails, nothing
/// has happened. A verb that names an element which is not there does nothing; in a debug build the handler fails
/// where `set`, `check`, `show`, `hide` or `focus` name one that no op of it makes.
pub trait Dom {
    /// Makes an element like `el`, which has the same id. What is equal stays in place: focus, caret, selection, typing.
    fn update(&mut self, id: impl AsRef<str>, el: impl Render);
    /// Inserts before the first child of an element.
    fn insert_top(&mut self, id: impl AsRef<str>, el: impl Render);
    /// Inserts after the last child of an element.
    fn insert_bottom(&mut self, id: impl AsRef<str>, el: impl Render);
    /// Inserts before an element.
    fn insert_before(&mut self, id: impl AsRef<str>, el: impl Render);
    /// Inserts after an element.
    fn insert_after(&mut self, id: impl AsRef<str>, el: impl Render);
    /// Puts `el` in the place of an element, keeping nothing of it.
    fn replace(&mut self, id: impl AsRef<str>, el: impl Render);
    /// Removes an element.
    fn remove(&mut self, id: impl AsRef<str>);
    /// Empties an element, or the value of an input.
    fn clear(&mut self, id: impl AsRef<str>);
    /// Sets the value of an input, or the text of any other element.
    fn set(&mut self, id: impl AsRef<str>, value: impl AsRef<str>);
    /// Sets the state of a checkbox.
    fn check(&mut self, id: impl AsRef<str>, checked: bool);
    /// Sets or removes an attribute.
    fn attr(&mut self, id: impl AsRef<str>, name: Attr, value: Option<&str>);
    /// Adds or removes a class.
    fn class(&mut self, id: impl AsRef<str>, class: &str, on: bool);
    /// Shows a hidden element.
    fn show(&mut self, id: impl AsRef<str>);
    /// Hides an element.
    fn hide(&mut self, id: impl AsRef<str>);
    /// Moves the focus.
    fn focus(&mut self, id: impl AsRef<str>);
    /// Goes to another page when the handler has ended well; before a page is rendered, instead of rendering it.
    fn redirect(&mut self, to: Url) -> Result<(), Error>;
    /// Shows a message to the user.
    fn alert(&mut self, text: impl AsRef<str>);
    /// Sets the document's title.
    fn title(&mut self, text: impl AsRef<str>);
    /// Renders the page again when the handler has ended well, and sends what has changed since the last time.
    fn refresh(&mut self);
    /// Shows an error at an input, as for a value that does not fit.
    fn error(&mut self, input: &'static str, message: impl AsRef<str>);
}

impl Dom for Cx {
    fn update(&mut self, id: impl AsRef<str>, el: impl Render) {
        // A labelled input is rendered with its label around it; then that is what is replaced.
        let draft = draft(self, |out| el.render_to(out));
        let text = draft.html(0, &mut |id, bind| seal(self, id, bind));
        let field = text.strip_prefix("<div id=\"").and_then(|rest| rest.split_once('"'));
        let target = field.map(|(root, _)| root).filter(|root| root.strip_suffix(".f") == Some(id.as_ref()));
        html(&mut self.out, UPDATE, target.unwrap_or(id.as_ref()), &text);
        added(self, &text);
        self.part::<Part>().change().tree.replace(id.as_ref(), &draft.nodes[1..]);
    }

    fn insert_top(&mut self, id: impl AsRef<str>, el: impl Render) {
        let draft = write(self, 1, id.as_ref(), |out| el.render_to(out));
        self.part::<Part>().insert(id.as_ref(), Place::Top, &draft);
    }

    fn insert_bottom(&mut self, id: impl AsRef<str>, el: impl Render) {
        let draft = write(self, 2, id.as_ref(), |out| el.render_to(out));
        self.part::<Part>().insert(id.as_ref(), Place::Bottom, &draft);
    }

    fn insert_before(&mut self, id: impl AsRef<str>, el: impl Render) {
        let draft = write(self, INSERT_BEFORE, id.as_ref(), |out| el.render_to(out));
        self.part::<Part>().insert(id.as_ref(), Place::Before, &draft);
    }

    fn insert_after(&mut self, id: impl AsRef<str>, el: impl Render) {
        let draft = write(self, INSERT_AFTER, id.as_ref(), |out| el.render_to(out));
        self.part::<Part>().insert(id.as_ref(), Place::After, &draft);
    }

    fn replace(&mut self, id: impl AsRef<str>, el: impl Render) {
        let draft = write(self, 5, id.as_ref(), |out| el.render_to(out));
        let tree = &mut self.part::<Part>().change().tree;
        if !draft.is_rows {
            tree.blur(id.as_ref(), Place::After);
        }
        tree.replace(id.as_ref(), &draft.nodes[1..]);
    }

    fn remove(&mut self, id: impl AsRef<str>) {
        self.out.op(6, 1).text(id.as_ref());
        self.part::<Part>().change().tree.remove(id.as_ref());
    }

    fn clear(&mut self, id: impl AsRef<str>) {
        self.out.op(7, 1).text(id.as_ref());
        self.part::<Part>().change().tree.clear(id.as_ref());
    }

    #[track_caller]
    fn set(&mut self, id: impl AsRef<str>, value: impl AsRef<str>) {
        self.part::<Part>().seen.named("set", id.as_ref());
        set(&mut self.out, id.as_ref(), value.as_ref());
        let escaped = crate::escape::escaped(value.as_ref());
        self.part::<Part>().change().tree.set(id.as_ref(), hash::of(escaped.as_bytes()));
    }

    #[track_caller]
    fn check(&mut self, id: impl AsRef<str>, checked: bool) {
        self.part::<Part>().seen.named("check", id.as_ref());
        state(&mut self.out, id.as_ref(), checked);
        self.part::<Part>().change().tree.set(id.as_ref(), of_state(checked));
    }

    fn attr(&mut self, id: impl AsRef<str>, name: Attr, value: Option<&str>) {
        let op = self.out.op(9, 3).text(id.as_ref()).text(name.as_str());
        match value {
            Some(value) => op.text(value),
            None => op.null(),
        };
    }

    fn class(&mut self, id: impl AsRef<str>, class: &str, on: bool) {
        self.out.op(10, 3).text(id.as_ref()).text(class).bool(on);
    }

    #[track_caller]
    fn show(&mut self, id: impl AsRef<str>) {
        self.part::<Part>().seen.named("show", id.as_ref());
        self.out.op(11, 1).text(id.as_ref());
    }

    #[track_caller]
    fn hide(&mut self, id: impl AsRef<str>) {
        self.part::<Part>().seen.named("hide", id.as_ref());
        self.out.op(12, 1).text(id.as_ref());
    }

    #[track_caller]
    fn focus(&mut self, id: impl AsRef<str>) {
        self.part::<Part>().seen.named("focus", id.as_ref());
        self.out.op(13, 1).text(id.as_ref());
    }

    fn redirect(&mut self, to: Url) -> Result<(), Error> {
        self.part::<Part>().redirect = Some(to);
        Ok(())
    }

    fn alert(&mut self, text: impl AsRef<str>) {
        self.out.op(15, 1).text(text.as_ref());
    }

    fn title(&mut self, text: impl AsRef<str>) {
        self.out.op(16, 1).text(text.as_ref());
        self.part::<Part>().change().title = hash::of(text.as_ref().as_bytes());
    }

    fn refresh(&mut self) {
        self.part::<Part>().refresh = true;
    }

    fn error(&mut self, input: &'static str, message: impl AsRef<str>) {
        set(&mut self.out, &format!("{input}.e"), message.as_ref());
        self.attr(input, crate::attr::ARIA_INVALID, Some("true"));
        let part = self.part::<Part>();
        if !part.errors.contains(&input) {
            part.change().errors.push(input);
        }
    }
}
