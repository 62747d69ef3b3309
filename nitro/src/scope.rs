//! The render scope: what elements note while a page is being rendered.
//!
//! `html!` only writes into a string, and markup may be copied into other markup before it arrives.
//! Therefore an element with an id carries a mark, an attribute that nobody sees and no text can forge: it
//! needs a quotation mark, and holds a number drawn for each rendering. The rest is noted in a list beside it.

use std::{
    any::TypeId, cell::RefCell, collections::HashMap, future::Future, ops::Range, pin::pin, sync::Arc,
};

use crate::{event::Bind, hash::Hash};

/// The element has an event.
pub(crate) const BOUND: u8 = 1;
/// The element cannot be used.
pub(crate) const DISABLED: u8 = 2;
/// The input must not be empty.
pub(crate) const REQUIRED: u8 = 4;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What stands in a mark before the rendering's number. It ends with a character that is rare in text.
const OPEN: &[u8; 10] = b" data-n=\"`";
/// Characters of the rendering's number.
const NONCE: usize = 6;
/// Characters of the element's number, of six bits each.
const INDEX: usize = 5;
/// Bytes of a mark: what opens it, the numbers, what kind of element it is, and a quotation mark.
pub(crate) const MARK: usize = OPEN.len() + NONCE + INDEX + 2;
/// The element is used by the user, and the server has to know it for that.
const CONTROL: u8 = b'c';
/// The element is only shown.
const SHOWN: u8 = b's';
/// Most elements of one rendering: as many as a mark can number. Their notes alone would fill 70 gigabytes.
const MAX_MARKS: usize = 1 << (6 * INDEX);

/// What an element noted; places are bytes from the element's start.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) bind: Option<Arc<Bind>>,
    /// Of what stands before the mark and of what would be sealed; it goes on with what stands inside.
    pub(crate) hash: Hash,
    /// Of the value.
    pub(crate) value: u64,
    /// Where the mark stands.
    pub(crate) head: u32,
    /// Where the start tag ends.
    pub(crate) open: u32,
    /// Where the end tag begins.
    pub(crate) close: u32,
    /// Where the element ends.
    pub(crate) end: u32,
    /// Where the id stands.
    pub(crate) id: (u32, u32),
    /// Where the value stands, which is compared and sent apart from the rest.
    pub(crate) text: (u32, u32),
    /// Whether the value is a state, and which.
    pub(crate) checked: Option<bool>,
    /// Elements may stand inside.
    pub(crate) holds: bool,
    pub(crate) flags: u8,
}

/// A rendering in progress.
#[derive(Debug)]
pub(crate) struct Scope {
    nonce: [u8; NONCE],
    marks: Vec<Mark>,
    pub(crate) event: TypeId,
    /// The number of times that an id was made for an element that has none.
    automatic: HashMap<String, u32>,
}

impl Scope {
    fn new(random: [u8; 6], event: TypeId, expected: usize) -> Self {
        let nonce = random.map(|byte| DIGITS[usize::from(byte & 63)]);
        Scope { nonce, marks: Vec::with_capacity(expected), automatic: HashMap::new(), event }
    }

    /// Writes the mark of the element whose notes come next.
    pub(crate) fn mark(&self, control: bool, out: &mut String) {
        let mut mark = [b'"'; MARK];
        mark[..OPEN.len()].copy_from_slice(OPEN);
        mark[OPEN.len()..OPEN.len() + NONCE].copy_from_slice(&self.nonce);
        let index = self.marks.len();
        for (place, byte) in mark[OPEN.len() + NONCE..].iter_mut().take(INDEX).enumerate() {
            *byte = DIGITS[index >> (6 * (INDEX - 1 - place)) & 63];
        }
        mark[MARK - 2] = if control { CONTROL } else { SHOWN };
        out.extend(str::from_utf8(&mark));
    }

    pub(crate) fn note(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// An id for an element that has none: the same for the same element of the next rendering, and another
    /// one for the next that would get the same.
    pub(crate) fn automatic(&mut self, id: String) -> String {
        let before = self.automatic.entry(id.clone()).or_default();
        *before += 1;
        if *before > 1 { format!("{id}.{before}") } else { id }
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
    /// The number of the first of the marks.
    pub(crate) first: usize,
    pub(crate) nonce: [u8; NONCE],
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
            scope.as_ref().map_or(([0; NONCE], &[][..]), |scope| (scope.nonce, &scope.marks[..]));
        // Elements that were made together stand together in the list; those of other ops are left out.
        let mut here: Option<Range<usize>> = None;
        for index in marks(&raw).filter(|mark| mark.nonce == nonce).map(|mark| mark.index) {
            let known = here.unwrap_or(index..index);
            here = Some(known.start.min(index)..known.end.max(index + 1));
        }
        let here = here.unwrap_or_default();
        let marks = known.get(here.clone()).unwrap_or_default();
        Marked { raw, marks: marks.to_vec(), first: here.start, nonce }
    })
}

struct Restore(Option<Scope>);

impl Drop for Restore {
    fn drop(&mut self) {
        SCOPE.set(self.0.take());
    }
}

/// Writes an element into the rendering in progress, if there is one: outside nothing is noted, and events
/// are not bound. Nothing else is rendered meanwhile, since what stands inside the element has been before.
pub(crate) fn element(write: impl FnOnce(Option<&mut Scope>)) {
    SCOPE.with_borrow_mut(|scope| {
        let full = scope.as_ref().is_some_and(|scope| scope.marks.len() >= MAX_MARKS);
        if full {
            tracing::error!("an element beyond the {MAX_MARKS}th of a rendering is shown only");
        }
        write(scope.as_mut().filter(|_| !full));
    });
}

/// A mark as it stands in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) nonce: [u8; NONCE],
    pub(crate) index: usize,
    pub(crate) control: bool,
}

/// All marks in a string.
pub(crate) fn marks(raw: &str) -> impl Iterator<Item = Found> {
    let bytes = raw.as_bytes();
    memchr::memchr_iter(OPEN[OPEN.len() - 1], bytes).filter_map(|place| {
        let at = (place + 1).checked_sub(OPEN.len())?;
        let rest = bytes[at..].strip_prefix(OPEN)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (index, rest) = rest.split_first_chunk::<INDEX>()?;
        let [kind @ (CONTROL | SHOWN), b'"', ..] = rest else { return None };
        let index = index.iter().try_fold(0, |index, byte| Some(index << 6 | digit(*byte)?))?;
        Some(Found { at, nonce: *nonce, index, control: *kind == CONTROL })
    })
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
