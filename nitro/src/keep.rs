//! Parts of a page that are known to be as they were, and are not rendered for that: stubs stand for them.

use std::{
    borrow::Cow,
    fmt::{Display, Write},
    hash::Hash,
    ops::Range,
};

use maud::{Markup, PreEscaped, Render};

use crate::{
    el::{Body, El, Keep},
    id::{clean_id, state_of},
    known::Kept,
    node, scope,
};

/// An element that is rendered when what it is made from has changed, and stays as it is otherwise.
///
/// `make` makes the element from `state` and from nothing else; it gets the id. Where the page has the element
/// from the same state, `make` is not called. What a handler changes inside by a verb counts as a change.
/// The markup belongs into the page that is being rendered, and is not to be kept.
///
/// ```
/// use maud::html;
/// use nitro::prelude::*;
///
/// fn card(name: &str, visits: u32) -> Markup {
///     nitro::memo("card", (name, visits), || {
///         section().body(html! { h2 { (name) } (span().id("visits").text(visits.to_string())) })
///     })
/// }
/// # assert!(card("Ann", 3).into_string().starts_with("<section id=\"card\"><h2>Ann"));
/// ```
pub fn memo<'a>(id: impl Into<Cow<'a, str>>, state: impl Hash, make: impl FnOnce() -> El<'a>) -> Markup {
    let id = clean_id(id.into());
    let full = scope::page_id(&id);
    let state = state_of((&*full, state));
    let mut out = String::new();
    if !is_kept(&full, state, &mut out) {
        let mut el = scope::inside(&id, make).id(id);
        el.keep = Keep::Memo(state);
        el.render_to(&mut out);
    }
    PreEscaped(out)
}

/// The same for a component, whose element has this id on the page.
pub(crate) fn component<'a>(id: &'a str, state: u64, out: &mut String, make: impl FnOnce() -> El<'a>) {
    if !is_kept(id, state, out) {
        let mut el = scope::inside(id, make).id(id);
        el.keep = Keep::Memo(state);
        scope::with(|scope| el.write(scope, None, out));
    }
}

/// Writes a stub where the page has the element from the same state.
fn is_kept(id: &str, state: u64, out: &mut String) -> bool {
    let kept = scope::with(|scope| {
        let scope = scope?;
        let known = scope.known.as_mut()?;
        let range = known.memo(id, state)?;
        let first = node::root(id, known.is_field(range.start));
        scope.stub(Kept::new(range, first, None), out);
        Some(())
    });
    kept.is_some()
}

/// Rows of a list that stay as they were.
struct Run<K> {
    range: Range<usize>,
    first: String,
    last: K,
    /// The last is in a field.
    is_field: bool,
}

impl El<'_> {
    /// Fills the element, which has an id, with rows of which only those are rendered that have changed.
    ///
    /// `of` tells a row's key and all that it is made from; `make` makes it, and it gets the id of the list, a
    /// dot, and the key.
    ///
    /// ```
    /// use maud::{Render, html};
    /// use nitro::prelude::*;
    ///
    /// let clients = [(7, "Ann"), (9, "Bo")];
    /// let list = tbody().id("list").rows(
    ///     &clients,
    ///     |(id, name)| (*id, *name),
    ///     |(_, name)| tr().body(html! { td { (name) } }),
    /// );
    /// assert!(list.render().0.contains(r#"<tr id="list.9"><td>Bo</td></tr>"#));
    /// ```
    pub fn rows<T, K: Display + Hash, S: Hash>(
        self,
        items: impl IntoIterator<Item = T>,
        of: impl Fn(&T) -> (K, S),
        make: impl for<'t> Fn(&'t T) -> El<'t>,
    ) -> Self {
        debug_assert!(!self.id.is_empty(), "a list of rows needs an id");
        let mut out = String::new();
        let mut run: Option<Run<K>> = None;
        let at = scope::at();
        let full = |id: &str| at.as_ref().map_or_else(|| id.to_owned(), |at| at.id(id));
        let list = state_of(full(&self.id));
        let full_of = |key: &K, id_of: &dyn Fn(&K) -> String| full(&id_of(key));
        let id_of = |key: &K| {
            let mut id = String::with_capacity(self.id.len() + 12);
            // Writing to a string does not fail.
            _ = write!(id, "{}.{key}", self.id);
            clean_id(Cow::Owned(id)).into_owned()
        };
        for item in items {
            let (key, state) = of(&item);
            let state = state_of((list, &key, state));
            let kept = scope::with(|scope| {
                let known = scope?.known.as_mut()?;
                let range = known.row(state, || full_of(&key, &id_of))?;
                Some((known.is_field(range.start), range))
            });
            if let (Some((is_field, range)), Some(run)) = (&kept, &mut run)
                && run.range.end == range.start
            {
                (run.range.end, run.last, run.is_field) = (range.end, key, *is_field);
                continue;
            }
            end(run.take(), &|key| full_of(key, &id_of), &mut out);
            match kept {
                Some((is_field, range)) => {
                    let first = node::root(&full_of(&key, &id_of), is_field);
                    run = Some(Run { range, first, last: key, is_field });
                }
                None => {
                    let id = id_of(&key);
                    let mut row = scope::inside(&id, || scope::whole(|| make(&item))).id(id);
                    row.keep = Keep::Row(state);
                    row.render_to(&mut out);
                }
            }
        }
        end(run, &|key| full_of(key, &id_of), &mut out);
        self.body(PreEscaped(out))
    }

    /// Fills the element, which has an id, with rows that the server does not remember: a list of any length.
    ///
    /// `rows` is called when the element is shown for the first time, and when all of it has to be sent again;
    /// in between the list changes by verbs only. The ids of what is in it begin with the list's id and a dot.
    /// Their events are accepted as long as the list is on the page and not disabled: whether a row is still
    /// there is for the handler to find out.
    pub fn stream(mut self, rows: impl FnOnce() -> Markup) -> Self {
        debug_assert!(!self.id.is_empty(), "a stream needs an id");
        self.keep = Keep::Stream;
        let mut out = String::new();
        let id = scope::page_id(&self.id);
        let known = scope::with(|scope| {
            let scope =
                scope.filter(|scope| scope.known.as_ref().is_some_and(|known| known.is_stream(&id)))?;
            scope.stub(Kept::default(), &mut out);
            Some(())
        });
        self.body = Body::Markup(Cow::Owned(if known.is_some() { out } else { scope::whole(rows).0 }));
        self
    }
}

/// Writes the stub of rows that stay.
fn end<K>(run: Option<Run<K>>, id_of: &impl Fn(&K) -> String, out: &mut String) {
    let Some(Run { range, first, last, is_field }) = run else { return };
    let last = node::root(&id_of(&last), is_field);
    scope::with(|scope| {
        if let Some(scope) = scope {
            scope.stub(Kept::new(range, first, Some(last)), out);
        }
    });
}
