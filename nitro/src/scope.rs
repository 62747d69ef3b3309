//! The render scope: what elements note while a page is being rendered.
//!
//! `html!` only writes into a string, and markup may be copied into other markup before it arrives.
//! Therefore an element with an id carries a mark, an attribute that nobody sees and no text can forge: it
//! needs a quotation mark, and holds a number drawn for each rendering. The rest is noted in a list beside it.

use std::{
    any::TypeId,
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::HashMap,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::Arc,
};

use crate::{
    component::At,
    event::Bind,
    hash::Hash,
    id::state_of,
    known::{Control, Kept, Known, Shown},
    node,
};

/// The element has an event.
pub(crate) const BOUND: u8 = 1;
/// The element cannot be used.
pub(crate) const DISABLED: u8 = 2;
/// The input must not be empty.
pub(crate) const REQUIRED: u8 = 4;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The start of a mark, before the rendering's number. It ends with a character that is rare in text.
const OPEN: &str = " data-n=\"`";
/// Characters of the rendering's number.
const NONCE: usize = 6;
/// Characters of the element's number, of six bits each.
const INDEX: usize = 5;
/// Bytes of a mark: what opens it, the numbers, what kind of element it is, and a quotation mark.
pub(crate) const MARK: usize = OPEN.len() + NONCE + INDEX + 2;

/// The text around the mark of a stub.
pub(crate) const STUB: [&str; 2] = ["<i", "></i>"];

/// The thing that a mark stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Is {
    /// An element that is used by the user, and that the server has to know for that.
    Control = b'c',
    /// An element that is only shown.
    Shown = b's',
    /// A stub.
    Stub = b'k',
}

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
    /// The place of the mark.
    pub(crate) head: u32,
    /// The end of the start tag.
    pub(crate) open: u32,
    /// The start of the end tag.
    pub(crate) close: u32,
    /// The end of the element.
    pub(crate) end: u32,
    /// Where the id stands.
    pub(crate) id: (u32, u32),
    /// Where the value stands, which is compared and sent apart from the rest.
    pub(crate) text: (u32, u32),
    /// Whether the value is a state, and which.
    pub(crate) checked: Option<bool>,
    /// Elements may stand inside.
    pub(crate) holds: bool,
    /// The state that the element is made from, which stands for its hash.
    pub(crate) row: Option<u64>,
    /// The element begins and ends with the field of an input.
    pub(crate) is_field: bool,
    /// There is no element but a stub, which stands for nodes of the page as it was.
    pub(crate) kept: Option<Box<Kept>>,
    pub(crate) flags: u8,
    /// The mark was found: of an element that stands twice, the second is another's.
    pub(crate) found: Cell<bool>,
}

/// A rendering in progress.
#[derive(Debug)]
pub(crate) struct Scope {
    nonce: [u8; NONCE],
    /// The last mark that was written.
    mark: String,
    marks: Vec<Mark>,
    pub(crate) event: TypeId,
    /// The number of times that an id was made for an element that has none.
    automatic: HashMap<String, u32>,
    /// Of the part that is being rendered, which has such ids of its own: another one may not be rendered.
    part: u64,
    pub(crate) known: Option<Known>,
    /// The depth of what is written with all that is in it.
    whole: u32,
    /// Room for an id.
    id: String,
    /// The component that is being rendered; `None` is the page.
    at: Option<Arc<At>>,
    /// The round in which the components of the page were met, where the whole of it is rendered.
    round: Option<u64>,
    /// See [`Scope::viewer`].
    viewer: Option<u64>,
}

impl Scope {
    fn new(random: [u8; 6], event: TypeId, known: Option<Known>) -> Self {
        let nonce = random.map(|byte| DIGITS[usize::from(byte & 63)]);
        let marks = Vec::with_capacity(known.as_ref().map_or(0, Known::len));
        Scope {
            nonce,
            mark: String::new(),
            marks,
            event,
            automatic: HashMap::new(),
            part: 0,
            known,
            whole: 0,
            id: String::new(),
            at: None,
            round: None,
            viewer: None,
        }
    }

    /// Writes the mark of the element whose notes come next.
    pub(crate) fn mark(&mut self, kind: Is, out: &mut String) {
        if self.mark.is_empty() {
            self.mark.reserve_exact(MARK);
            self.mark.push_str(OPEN);
            self.mark.extend(self.nonce.map(char::from));
        }
        self.mark.truncate(OPEN.len() + NONCE);
        let index = self.marks.len();
        for place in 0..INDEX {
            self.mark.push(char::from(DIGITS[index >> (6 * (INDEX - 1 - place)) & 63]));
        }
        self.mark.push(char::from(kind as u8));
        self.mark.push('"');
        out.push_str(&self.mark);
    }

    pub(crate) fn note(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// The component that is being rendered.
    pub(crate) fn at(&self) -> Option<Arc<At>> {
        self.at.clone()
    }

    /// The id that an element of the component at a place has on the page, to be given back.
    pub(crate) fn full_id(&mut self, at: Option<&At>, id: &str) -> String {
        let mut full = std::mem::take(&mut self.id);
        full.clear();
        match at {
            Some(at) => at.write_id(id, &mut full),
            None => full.push_str(id),
        }
        full
    }

    /// Takes back what [`full_id`](Scope::full_id) gave.
    pub(crate) fn give_back(&mut self, id: String) {
        self.id = id;
    }

    /// Writes a stub for a control that the page has, from the same but for its value; `false` when it has none.
    pub(crate) fn keep(&mut self, control: &Control<'_>, shown: Shown<'_>, out: &mut String) -> bool {
        if self.whole > 0 {
            return false;
        }
        let value = shown.hash();
        let Some(known) = &mut self.known else { return false };
        let Some((at, is_same)) = known.control(control, value) else { return false };
        let is_field = known.is_field(at);
        match self.last_stub(at, out) {
            Some(kept) => kept.push(at, control.id, is_field),
            None => self.stub(Kept::control(at, node::root(control.id, is_field)), out),
        }
        let kept = self.marks.last_mut().and_then(|mark| mark.kept.as_mut());
        if let Some(kept) = kept.filter(|_| !is_same) {
            kept.set(control.id, value, shown);
        }
        true
    }

    /// The stub that a string ends with, when it stands for the nodes before one.
    fn last_stub(&mut self, at: usize, out: &str) -> Option<&mut Kept> {
        let kept = self.marks.last_mut()?.kept.as_deref_mut()?;
        let mark = || out.strip_suffix(STUB[1])?.strip_suffix(&self.mark);
        (kept.range.end == at && mark().is_some()).then_some(kept)
    }

    /// Writes a stub, unless the one before can stand for these nodes, too.
    pub(crate) fn stub(&mut self, kept: Kept, out: &mut String) {
        // That of a stream stands for none.
        if !kept.range.is_empty()
            && let Some(before) = self.last_stub(kept.range.start, out)
        {
            before.append(kept);
            return;
        }
        let [open, close] = STUB;
        out.push_str(open);
        self.mark(Is::Stub, out);
        out.push_str(close);
        self.marks.push(Mark {
            bind: None,
            hash: Hash::keyed(),
            value: 0,
            head: open.len() as u32,
            open: 0,
            close: 0,
            end: (open.len() + MARK + close.len()) as u32,
            id: (0, 0),
            text: (0, 0),
            checked: None,
            holds: false,
            row: None,
            is_field: false,
            kept: Some(Box::new(kept)),
            flags: 0,
            found: Cell::new(false),
        });
    }

    /// The hash of what all components are made from beside their state: who the visitor is, and the language.
    fn viewer(&mut self, cx: &n2o::Cx) -> u64 {
        let of = || state_of((cx.user(), cx.roles(), cx.lang()));
        // While a handler runs, its visitor may become another one.
        if self.round.is_none() { of() } else { *self.viewer.get_or_insert_with(of) }
    }

    /// An id for an element that has none: the same for the same element of the next rendering, and another
    /// one for the next that would get the same.
    pub(crate) fn automatic(&mut self, mut id: String) -> String {
        if self.part != 0 {
            id = format!("{id}.{:x}", self.part >> 32);
        }
        let before = self.automatic.entry(id.clone()).or_default();
        *before += 1;
        if *before > 1 { format!("{id}.{before}") } else { id }
    }
}

thread_local! {
    static SCOPE: RefCell<Option<Box<Scope>>> = const { RefCell::new(None) };
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
/// scope cannot be seen by another page. The page as it was may be known.
pub(crate) fn marked(
    random: [u8; 6],
    event: TypeId,
    known: Option<Known>,
    round: Option<u64>,
    render: impl FnOnce() -> String,
) -> Marked {
    let scope = Box::new(Scope { round, ..Scope::new(random, event, known) });
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
pub(crate) async fn within<T>(random: [u8; 6], event: TypeId, work: Pin<&mut impl Future<Output = T>>) -> T {
    within_at(random, event, None, work).await
}

/// The same for the component at a place.
pub(crate) async fn within_at<T>(
    random: [u8; 6],
    event: TypeId,
    at: Option<Arc<At>>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> T {
    let mut scope = Some(Box::new(Scope { at, ..Scope::new(random, event, None) }));
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
pub(crate) fn part(
    random: [u8; 6],
    event: TypeId,
    at: Option<Arc<At>>,
    render: impl FnOnce(&mut String),
) -> Marked {
    let render = || {
        let mut raw = String::with_capacity(256);
        render(&mut raw);
        raw
    };
    if SCOPE.with_borrow(Option::is_none) {
        return marked(random, event, None, None, || match at {
            Some(at) => under(at, render),
            None => render(),
        });
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

/// The round in which the components of the page that is being rendered were met.
pub(crate) fn round() -> Option<u64> {
    SCOPE.with_borrow(|scope| scope.as_ref()?.round)
}

/// The hash of what all components of a rendering are made from beside their state.
pub(crate) fn viewer(cx: &n2o::Cx) -> u64 {
    with(|scope| scope.map(|scope| scope.viewer(cx))).unwrap_or_default()
}

/// The component that is being rendered.
pub(crate) fn at() -> Option<Arc<At>> {
    SCOPE.with_borrow(|scope| scope.as_ref()?.at.clone())
}

/// The id that an element of the component which is being rendered has on the page: for markup that refers to it,
/// as `label for=(page_id("name"))` does. Elements and their attributes know it by themselves.
pub fn page_id(id: &str) -> Cow<'_, str> {
    at().map_or(Cow::Borrowed(id), |at| Cow::Owned(at.id(id)))
}

/// Renders the component at a place. One that panics ends the whole rendering, and its scope with it.
pub(crate) fn under<T>(at: Arc<At>, render: impl FnOnce() -> T) -> T {
    let swap = |at: Option<Arc<At>>, event: TypeId| {
        SCOPE.with_borrow_mut(|scope| {
            let scope = scope.as_mut()?;
            Some((std::mem::replace(&mut scope.at, at), std::mem::replace(&mut scope.event, event)))
        })
    };
    let event = at.event;
    let outer = swap(Some(at), event);
    let rendered = render();
    if let Some((at, event)) = outer {
        swap(at, event);
    }
    rendered
}

struct Restore(Option<Box<Scope>>);

impl Drop for Restore {
    fn drop(&mut self) {
        SCOPE.set(self.0.take());
    }
}

/// Does something with the rendering in progress, if there is one: outside nothing is noted, and events are
/// not bound. Nothing else is rendered meanwhile, since what stands inside an element has been before.
pub(crate) fn with<T>(work: impl FnOnce(Option<&mut Scope>) -> T) -> T {
    SCOPE.with_borrow_mut(|scope| {
        let full = scope.as_ref().is_some_and(|scope| scope.marks.len() >= MAX_MARKS);
        if full {
            tracing::error!("an element beyond the {MAX_MARKS}th of a rendering is shown only");
        }
        work(scope.as_deref_mut().filter(|_| !full))
    })
}

/// Makes a part that is not always rendered, with ids of its own for elements that have none.
pub(crate) fn inside<T>(id: &str, make: impl FnOnce() -> T) -> T {
    let enter = |part: u64| {
        let mut hash = Hash::new(part);
        hash.write(id.as_bytes());
        hash.end()
    };
    let swap = |part: &mut u64| std::mem::replace(part, enter(*part));
    let outer = with(|scope| scope.map(|scope| swap(&mut scope.part)));
    let made = make();
    with(|scope| {
        if let Some((scope, outer)) = scope.zip(outer) {
            scope.part = outer;
        }
    });
    made
}

/// Makes a part of which the whole is sent.
pub(crate) fn whole<T>(make: impl FnOnce() -> T) -> T {
    let change = |by: i32| {
        with(|scope| {
            if let Some(scope) = scope {
                scope.whole = scope.whole.saturating_add_signed(by);
            }
        });
    };
    change(1);
    let made = make();
    change(-1);
    made
}

/// A mark as it stands in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) nonce: [u8; NONCE],
    pub(crate) index: usize,
    pub(crate) is: Is,
}

/// All marks in a string.
pub(crate) fn marks(raw: &str) -> impl Iterator<Item = Found> {
    let bytes = raw.as_bytes();
    memchr::memchr_iter(OPEN.as_bytes()[OPEN.len() - 1], bytes).filter_map(|place| {
        let at = (place + 1).checked_sub(OPEN.len())?;
        let rest = bytes[at..].strip_prefix(OPEN.as_bytes())?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (index, rest) = rest.split_first_chunk::<INDEX>()?;
        let [kind, b'"', ..] = rest else { return None };
        let is = [Is::Control, Is::Shown, Is::Stub].into_iter().find(|is| *is as u8 == *kind)?;
        let index = index.iter().try_fold(0, |index, byte| Some(index << 6 | digit(*byte)?))?;
        Some(Found { at, nonce: *nonce, index, is })
    })
}

/// The place of each byte in [`DIGITS`]; as many as there are for one that is not there.
const PLACES: [u8; 256] = {
    let mut places = [DIGITS.len() as u8; 256];
    let mut place = 0;
    while place < DIGITS.len() {
        places[DIGITS[place] as usize] = place as u8;
        place += 1;
    }
    places
};

/// The place of a byte in [`DIGITS`].
fn digit(byte: u8) -> Option<usize> {
    let place = usize::from(PLACES[usize::from(byte)]);
    (place < DIGITS.len()).then_some(place)
}
