//! Ops: what a handler may do to the document. `PROTOCOL.md`, section 7, defines them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use maud::Render;
use n2o::{Error, Out};

use crate::{
    attr::Attr,
    check,
    cx::Cx,
    doc::Doc,
    draft::Draft,
    event::Bind,
    hash,
    lang::text,
    node::{self},
    nodes::Nodes,
    scope,
    tree::Place,
    url::Url,
};

pub(crate) const UPDATE: u8 = 0;
pub(crate) const INSERT_BOTTOM: u8 = 2;
pub(crate) const INSERT_BEFORE: u8 = 3;
pub(crate) const INSERT_AFTER: u8 = 4;
pub(crate) const REPLACE: u8 = 5;
pub(crate) const CLEAR: u8 = 7;

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

/// Seals an event for an element. Without a seal the element is shown, and its event refused.
pub(crate) fn seal(cx: &n2o::Cx, id: &str, bind: &Bind) -> String {
    cx.pickle(id, bind.variant, bind.print, &bind.sealed).map_or_else(
        |error| {
            tracing::error!(page.path = cx.path(), element = id, %error, "an event was not sealed");
            String::new()
        },
        |seal| URL_SAFE_NO_PAD.encode(seal),
    )
}

/// Renders something for this page.
pub(crate) fn draft<C>(cx: &mut Cx<'_, C>, render: impl FnOnce(&mut String)) -> Draft {
    let Doc { event, tree, .. } = &*cx.doc;
    let at = cx.doc.at().cloned();
    let (event, keying) = (at.as_ref().map_or(*event, |at| at.event), tree.keying());
    let random = cx.node().random().bytes();
    let draft = Draft::new(scope::part(random, event, at, render), &Nodes::none(), keying, text(cx.lang()));
    check_controls(cx, &draft);
    draft
}

/// Finds, where it costs no user anything, a control that cannot work.
pub(crate) fn check_controls<C>(cx: &mut Cx<'_, C>, draft: &Draft) {
    if !check::ON {
        return;
    }
    let foreign = draft.foreign().next().map(|element| {
        format!(
            "the control {element:?} was rendered for another page, or has been changed: render it where it is shown"
        )
    });
    check::tell(cx, foreign);
}

fn write<C>(cx: &mut Cx<'_, C>, code: u8, id: &str, render: impl FnOnce(&mut String)) -> Draft {
    let draft = draft(cx, render);
    let text = draft.html(0, &mut |id, bind| seal(cx, id, bind));
    html(&mut cx.dispatch.out, code, id, &text);
    added(cx, &text);
    draft
}

/// The id of an element's root, whole.
fn root<C>(cx: &Cx<'_, C>, id: &str) -> String {
    cx.doc.tree.root(id).unwrap_or_else(|| id.to_owned())
}

/// The ops about elements that a refresh may make: those asked for after it go out after its own.
fn late<'a, C>(cx: &'a mut Cx<'_, C>) -> &'a mut Out {
    let format = cx.dispatch.out.format();
    if cx.doc.refresh {
        cx.doc.after.get_or_insert_with(|| Box::new(Out::new(format)))
    } else {
        &mut cx.dispatch.out
    }
}

/// Takes back the error at an input, whose whole id this is.
pub(crate) fn unmark<C>(cx: &mut Cx<'_, C>, id: &str) {
    set(&mut cx.dispatch.out, &format!("{id}.e"), "");
    late(cx).op(9, 3).text(id).text(crate::attr::ARIA_INVALID.as_str()).null();
}

fn added<C>(cx: &mut Cx<'_, C>, html: &str) {
    let wrong = cx.doc.seen.added(html);
    check::tell(cx, wrong);
}

/// The verbs of NITRO: what a handler does to the document. They come into scope with the prelude.
///
/// The document changes in the order of the calls, when the handler has ended well; when it fails, nothing
/// has happened. What a page holds goes before what a verb has said of it: the changes of a
/// [`refresh`](Dom::refresh) go out at the handler's end. Focus, errors, classes, attributes, and what is shown or
/// hidden, when asked for after it, go out behind them. A verb that names an element which is not there does nothing;
/// in a debug build the handler fails where `set`, `check`, `show`, `hide`, `focus` or `error` name one that no op of it
/// makes.
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

impl<C> Dom for Cx<'_, C> {
    fn update(&mut self, id: impl AsRef<str>, el: impl Render) {
        let id = self.doc.id(id.as_ref()).into_owned();
        // A labelled input is rendered with its label around it; then that is what is replaced.
        let draft = draft(self, |out| el.render_to(out));
        let text = draft.html(0, &mut |id, bind| seal(self, id, bind));
        let is_to_be = node::root(&id, draft.nodes.is_field(1));
        // Nothing in a stream is remembered: there it is most likely what it is to be.
        let is = self.doc.tree.root(&id).unwrap_or_else(|| is_to_be.clone());
        let code = if is == is_to_be { UPDATE } else { REPLACE };
        html(&mut self.dispatch.out, code, &is, &text);
        added(self, &text);
        self.doc.change().tree.replace(&id, draft.inside());
    }

    fn insert_top(&mut self, id: impl AsRef<str>, el: impl Render) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let draft = write(self, 1, &id, |out| el.render_to(out));
        self.doc.insert(&id, Place::Top, &draft);
    }

    fn insert_bottom(&mut self, id: impl AsRef<str>, el: impl Render) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let draft = write(self, 2, &id, |out| el.render_to(out));
        self.doc.insert(&id, Place::Bottom, &draft);
    }

    fn insert_before(&mut self, id: impl AsRef<str>, el: impl Render) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let root = root(self, &id);
        let draft = write(self, INSERT_BEFORE, &root, |out| el.render_to(out));
        self.doc.insert(&id, Place::Before, &draft);
    }

    fn insert_after(&mut self, id: impl AsRef<str>, el: impl Render) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let root = root(self, &id);
        let draft = write(self, INSERT_AFTER, &root, |out| el.render_to(out));
        self.doc.insert(&id, Place::After, &draft);
    }

    fn replace(&mut self, id: impl AsRef<str>, el: impl Render) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let root = root(self, &id);
        let draft = write(self, REPLACE, &root, |out| el.render_to(out));
        let tree = &mut self.doc.change().tree;
        if !draft.is_rows {
            tree.blur(&id, Place::After);
        }
        tree.replace(&id, draft.inside());
    }

    fn remove(&mut self, id: impl AsRef<str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let root = root(self, &id);
        self.dispatch.out.op(6, 1).text(&root);
        self.doc.change().tree.remove(&id);
    }

    fn clear(&mut self, id: impl AsRef<str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        self.dispatch.out.op(7, 1).text(&id);
        self.doc.change().tree.clear(&id);
    }

    #[track_caller]
    fn set(&mut self, id: impl AsRef<str>, value: impl AsRef<str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        self.doc.seen.named("set", &id);
        set(&mut self.dispatch.out, &id, value.as_ref());
        self.doc.change().tree.set(&id, hash::of(value.as_ref().as_bytes()));
    }

    #[track_caller]
    fn check(&mut self, id: impl AsRef<str>, checked: bool) {
        let id = self.doc.id(id.as_ref()).into_owned();
        self.doc.seen.named("check", &id);
        state(&mut self.dispatch.out, &id, checked);
        self.doc.change().tree.set(&id, hash::of_state(checked));
    }

    fn attr(&mut self, id: impl AsRef<str>, name: Attr, value: Option<&str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        let op = late(self).op(9, 3).text(&id).text(name.as_str());
        match value {
            Some(value) => op.text(value),
            None => op.null(),
        };
    }

    fn class(&mut self, id: impl AsRef<str>, class: &str, on: bool) {
        let id = self.doc.id(id.as_ref()).into_owned();
        late(self).op(10, 3).text(&id).text(class).bool(on);
    }

    #[track_caller]
    fn show(&mut self, id: impl AsRef<str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        self.doc.seen.named("show", &id);
        late(self).op(11, 1).text(&id);
    }

    #[track_caller]
    fn hide(&mut self, id: impl AsRef<str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        self.doc.seen.named("hide", &id);
        late(self).op(12, 1).text(&id);
    }

    #[track_caller]
    fn focus(&mut self, id: impl AsRef<str>) {
        let id = self.doc.id(id.as_ref()).into_owned();
        self.doc.seen.named("focus", &id);
        late(self).op(13, 1).text(&id);
    }

    fn redirect(&mut self, to: Url) -> Result<(), Error> {
        self.doc.redirect = Some(to);
        Ok(())
    }

    fn alert(&mut self, text: impl AsRef<str>) {
        self.dispatch.out.op(15, 1).text(text.as_ref());
    }

    fn title(&mut self, text: impl AsRef<str>) {
        self.dispatch.out.op(16, 1).text(text.as_ref());
        self.doc.change().title = hash::of(text.as_ref().as_bytes());
    }

    fn refresh(&mut self) {
        self.doc.refresh = true;
    }

    #[track_caller]
    fn error(&mut self, input: &'static str, message: impl AsRef<str>) {
        let id = self.doc.id(input).into_owned();
        self.doc.seen.named("error", &id);
        set(late(self), &format!("{id}.e"), message.as_ref());
        self.attr(input, crate::attr::ARIA_INVALID, Some("true"));
        let part = &mut *self.doc;
        if !part.errors.contains(&id) {
            part.change().errors.push(id);
        }
    }
}
