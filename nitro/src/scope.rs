//! The render scope: what elements note while a page is being rendered.
//!
//! `html!` only writes into a string, and markup may be copied into other markup before it arrives.
//! Therefore an element with an id writes a mark into the string, ten bytes that no text can forge
//! because they hold a number drawn for each rendering, and notes the rest in a list beside it.

use std::{any::TypeId, cell::RefCell, collections::HashMap, future::Future, pin::pin, sync::Arc};

use maud::Markup;

use crate::event::Bind;

/// Bytes of a mark: a control character, six that are drawn for each rendering, three of the index.
pub(crate) const MARK: usize = 10;
/// Most elements with an id in one page.
pub(crate) const MAX_MARKS: usize = 65_000;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What an element noted; places are bytes from the element's start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark {
    /// Where the id stands.
    pub(crate) id: (u32, u32),
    /// How much of the element was written at once: all of it, or its start tag.
    pub(crate) head: u32,
    /// Whether `head` is the whole element.
    pub(crate) whole: bool,
    /// Where the value stands, which is compared and sent apart from the rest.
    pub(crate) value: Option<(u32, u32)>,
    /// Whether the value is a state, and which.
    pub(crate) checked: Option<bool>,
    /// Where the blank for the seal stands.
    pub(crate) blank: Option<(u32, u32)>,
    pub(crate) bind: Option<Arc<Bind>>,
    pub(crate) flags: u8,
}

/// The element has an event.
pub(crate) const BOUND: u8 = 1;
/// The element cannot be used.
pub(crate) const DISABLED: u8 = 2;
/// The input must not be empty.
pub(crate) const REQUIRED: u8 = 4;

/// A rendering in progress.
#[derive(Debug)]
pub(crate) struct Scope {
    nonce: [u8; 6],
    /// The same as text, to be written; made for the first mark, because most handlers write none.
    text: String,
    marks: Vec<Mark>,
    event: TypeId,
    /// How often an id was made for an element that has none.
    automatic: HashMap<String, u32>,
}

impl Scope {
    fn new(random: [u8; 6], event: TypeId, expected: usize) -> Self {
        let nonce = random.map(|byte| DIGITS[usize::from(byte & 63)]);
        Scope {
            nonce,
            text: String::new(),
            marks: Vec::with_capacity(expected),
            automatic: HashMap::new(),
            event,
        }
    }
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// What a rendering left: the string with marks in it, and what the elements noted.
#[derive(Debug)]
pub(crate) struct Marked {
    pub(crate) raw: String,
    pub(crate) marks: Vec<Mark>,
    /// The index of the first of the marks.
    pub(crate) first: usize,
    pub(crate) nonce: [u8; 6],
}

/// Runs `render` in a scope for a page with events of type `event`; rendering never awaits, so the
/// scope cannot be seen by another page. Room is made for as many elements as are expected.
pub(crate) fn marked(
    random: [u8; 6],
    event: TypeId,
    expected: usize,
    render: impl FnOnce() -> String,
) -> Marked {
    let scope = Scope::new(random, event, expected);
    let nonce = scope.nonce;
    let outer = SCOPE.replace(Some(scope));
    // The scope is put back also when a page panics while it renders.
    let restore = Restore(outer);
    let raw = render();
    let marks = SCOPE.take().map_or_else(Vec::new, |scope| scope.marks);
    drop(restore);
    Marked { raw, marks, first: 0, nonce }
}

/// Runs a handler in a scope for the elements that it makes: `html!` writes at once what stands in its
/// braces, so that the elements in the content of an element are written before an op takes it.
pub(crate) async fn within<T>(random: [u8; 6], event: TypeId, work: impl Future<Output = T>) -> T {
    let mut scope = Some(Scope::new(random, event, 0));
    let mut work = pin!(work);
    // The scope is there only while the handler is polled: other pages are polled by the same thread.
    std::future::poll_fn(|cx| {
        let restore = Restore(SCOPE.replace(scope.take()));
        let polled = work.as_mut().poll(cx);
        scope = SCOPE.take();
        drop(restore);
        polled
    })
    .await
}

/// Renders a part of a page, in the scope of the handler if there is one.
pub(crate) fn part(random: [u8; 6], event: TypeId, render: impl FnOnce(&mut String)) -> Marked {
    let render = || {
        let mut raw = String::with_capacity(256);
        render(&mut raw);
        raw
    };
    if SCOPE.with_borrow(Option::is_none) {
        return marked(random, event, 0, render);
    }
    let raw = render();
    SCOPE.with_borrow(|scope| {
        let (nonce, known) =
            scope.as_ref().map_or(([0; 6], &[][..]), |scope| (scope.nonce, &scope.marks[..]));
        let bytes = raw.as_bytes();
        let places = memchr::memchr_iter(1, bytes);
        let here: Vec<usize> = places.filter_map(|at| Some(read(&bytes[at..], nonce)?.1)).collect();
        // Elements that were made together stand together in the list; those of other ops are left out.
        let first = here.iter().copied().min().unwrap_or(0);
        let end = here.iter().copied().max().map_or(0, |last| last + 1);
        let marks = known.get(first..end).unwrap_or_default();
        Marked { raw, marks: marks.to_vec(), first, nonce }
    })
}

/// Renders something for another place than the page's document, such as an e-mail, while a page renders or
/// handles an event.
///
/// Elements note in the page's rendering where they stand and which events they are bound to, and leave marks
/// in the markup until it is sent. What `render` makes has no such marks, and its elements are not bound to
/// events. It does not belong into the page: put there, its elements are text without ids to the server.
///
/// ```
/// use maud::html;
/// use nitro::prelude::*;
///
/// let mail = nitro::detached(|| html! { (panel().id("total").text("12.50")) });
/// assert_eq!(mail.into_string(), r#"<div id="total">12.50</div>"#);
/// ```
pub fn detached(render: impl FnOnce() -> Markup) -> Markup {
    // Put back also when `render` panics.
    let _restore = Restore(SCOPE.take());
    render()
}

struct Restore(Option<Scope>);

impl Drop for Restore {
    fn drop(&mut self) {
        SCOPE.set(self.0.take());
    }
}

/// Writes an element that begins with a mark, and notes what `write` says of it. Outside a rendering
/// nothing is noted, and events are not bound.
pub(crate) fn element(
    out: &mut String,
    write: impl FnOnce(&mut String, Option<TypeId>) -> Mark,
) -> Option<u32> {
    SCOPE.with_borrow_mut(|scope| {
        let Some(scope) = scope.as_mut().filter(|scope| scope.marks.len() < MAX_MARKS) else {
            write(out, None);
            return None;
        };
        if scope.text.is_empty() {
            scope.text = scope.nonce.map(char::from).iter().collect();
        }
        let index = scope.marks.len() as u32;
        push(out, 1, &scope.text, index);
        // Nothing is rendered meanwhile: what stands inside the element has been written before.
        let mark = write(out, Some(scope.event));
        scope.marks.push(mark);
        Some(index)
    })
}

/// An id for an element that has none: the same for the same element of the next rendering, and another one
/// for the next that would get the same.
pub(crate) fn automatic(id: String) -> String {
    SCOPE.with_borrow_mut(|scope| {
        let Some(scope) = scope else { return id };
        let before = scope.automatic.entry(id.clone()).or_default();
        *before += 1;
        if *before > 1 { format!("{id}.{before}") } else { id }
    })
}

/// Writes the mark of an element's end.
pub(crate) fn end(out: &mut String, index: Option<u32>) {
    let Some(index) = index else { return };
    SCOPE.with_borrow(|scope| {
        if let Some(scope) = scope {
            push(out, 2, &scope.text, index);
        }
    });
}

fn push(out: &mut String, kind: u8, nonce: &str, index: u32) {
    let digit = |shift: u32| DIGITS[(index >> shift) as usize & 63];
    out.reserve(MARK);
    out.push(char::from(kind));
    out.push_str(nonce);
    [digit(12), digit(6), digit(0)].into_iter().for_each(|byte| out.push(char::from(byte)));
}

/// Reads the mark at the start of `raw`: 1 for a beginning, 2 for an end, and the index.
pub(crate) fn read(raw: &[u8], nonce: [u8; 6]) -> Option<(u8, usize)> {
    let mark: &[u8; MARK] = raw.first_chunk()?;
    if mark[1..7] != nonce {
        return None;
    }
    let index = mark[7..].iter().try_fold(0, |index, byte| Some(index << 6 | digit(*byte)?))?;
    Some((mark[0], index))
}

/// The place of a byte in [`DIGITS`].
fn digit(byte: u8) -> Option<usize> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(usize::from(digit))
}
