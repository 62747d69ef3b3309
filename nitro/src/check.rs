//! Checks of debug builds and tests: what cannot work on a page is told where it costs no user anything, with the
//! place in the source. In release builds there are none.

use std::{
    any::type_name,
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    panic::{AssertUnwindSafe, Location},
    sync::{Mutex, PoisonError},
};

mod html;

use self::html::{Complaint, Ids};
use crate::cx::Cx;

/// The checks are made.
pub(crate) const ON: bool = cfg!(debug_assertions);

/// Most elements whose lines one thread keeps for a page that takes them; those of markup that is not for a page
/// are taken by none.
#[cfg(debug_assertions)]
const MOST: usize = 100_000;

type Line = &'static Location<'static>;

thread_local! {
    /// The elements that were written since a page last took them, and the lines that they were made at.
    static MADE: RefCell<HashMap<String, Vec<Line>>> = RefCell::default();
}

/// The line of the source that an element was made at; in a release build there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(#[cfg(debug_assertions)] Line);

impl At {
    #[track_caller]
    pub(crate) const fn here() -> Self {
        At(
            #[cfg(debug_assertions)]
            Location::caller(),
        )
    }

    /// Notes that an element which was made here has been written.
    #[cfg(debug_assertions)]
    pub(crate) fn wrote(self, id: &str) {
        MADE.with_borrow_mut(|made| {
            if made.len() > MOST {
                made.clear();
            }
            made.entry(id.to_owned()).or_default().push(self.0);
        });
    }

    #[cfg(not(debug_assertions))]
    pub(crate) fn wrote(self, _: &str) {}
}

/// What is known of the document of one page. In a box, so that a release build has no room for it.
#[derive(Debug, Default)]
pub(crate) struct Seen(Option<Box<Known>>);

#[derive(Debug, Default)]
struct Known {
    ids: Ids,
    made: HashMap<String, Vec<Line>>,
    /// The elements that the handler has named.
    named: Vec<Named>,
    /// The browser was sent elsewhere.
    left: bool,
}

/// An element that a handler has named.
#[derive(Debug)]
struct Named {
    verb: &'static str,
    id: String,
    line: Line,
}

impl Seen {
    /// The page was rendered, to this HTML, where controls may be left out that are as they were: it is looked at, and
    /// so is what the handler has named. Where it is not `whole`, parts that were not made are left out, too.
    pub(crate) fn rendered(&mut self, html: &str, whole: bool) -> Option<String> {
        let known = self.0.get_or_insert_default();
        known.left = false;
        let mut new = Ids::default();
        if whole {
            known.made = MADE.take();
        } else {
            known.made.extend(MADE.take());
            new.expect(&known.ids);
        }
        let complaint = new.read(html);
        known.ids.add(&new);
        let nowhere = known.nowhere();
        if whole {
            known.ids.retain(|id| new.ids.contains(id) || known.made.contains_key(id));
        }
        complaint.map(|complaint| known.placed(&complaint)).or(nowhere)
    }

    /// A part of the page was rendered, to this HTML.
    pub(crate) fn added(&mut self, html: &str) -> Option<String> {
        let known = self.0.as_mut()?;
        known.made.extend(MADE.take());
        known.ids.read_part(html).map(|complaint| known.placed(&complaint))
    }

    /// The handler has named an element, which a later op may make.
    #[track_caller]
    pub(crate) fn named(&mut self, verb: &'static str, id: &str) {
        if let Some(known) = &mut self.0 {
            known.named.push(Named { verb, id: id.to_owned(), line: Location::caller() });
        }
    }

    /// The handler has ended: what it has named must be somewhere.
    pub(crate) fn settle(&mut self) -> Option<String> {
        self.0.as_mut()?.nowhere()
    }

    /// The browser was sent elsewhere: what the page looks like is nobody's business any more.
    pub(crate) fn leave(&mut self) {
        if let Some(known) = &mut self.0 {
            known.left = true;
        }
    }

    pub(crate) fn has_left(&self) -> bool {
        self.0.as_ref().is_some_and(|known| known.left)
    }

    /// The handler has failed.
    pub(crate) fn forget(&mut self) {
        if let Some(known) = &mut self.0 {
            known.named.clear();
        }
    }

    /// The line that the element with this id was made at, in words.
    pub(crate) fn line(&self, id: &str) -> Option<String> {
        let line = self.0.as_ref()?.made.get(id)?.last()?;
        Some(format!(" made at {}:{}", line.file(), line.line()))
    }
}

impl Known {
    fn nowhere(&mut self) -> Option<String> {
        let named = std::mem::take(&mut self.named);
        let Named { verb, id, line } = named.into_iter().find(|named| !self.ids.ids.contains(&named.id))?;
        let (file, line) = (line.file(), line.line());
        Some(format!("`{verb}` at {file}:{line} names the element {id:?}, which is nowhere on the page"))
    }

    fn placed(&self, Complaint { id, what }: &Complaint) -> String {
        let lines = self.made.get(id).into_iter().flatten();
        let lines: Vec<String> = lines.map(|line| format!("{}:{}", line.file(), line.line())).collect();
        if lines.is_empty() { what.clone() } else { format!("{what} (made at {})", lines.join(", ")) }
    }
}

/// Tells once for each event that it has changed what its page looks like, and that nothing was sent: most likely
/// somebody has forgotten to. A page that cannot be rendered says so when it is.
pub(crate) fn hint<C>(cx: &mut Cx<'_, C>, looks_other: impl FnOnce(&mut Cx<'_, C>) -> bool) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let site = cx.site();
    // Without the element, of which there may be one in each row.
    let event = format!("{} {}", type_name::<C>(), site.rsplit(", ").next().unwrap_or_default());
    if site.is_empty() || TOLD.lock().unwrap_or_else(PoisonError::into_inner).contains(&event) {
        return;
    }
    if std::panic::catch_unwind(AssertUnwindSafe(|| looks_other(cx))).unwrap_or_default() {
        tracing::warn!(
            page.path = cx.path(),
            "after {site} the page looks otherwise, and its client was sent nothing; is `cx.refresh()` missing?"
        );
        TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(event);
    }
}

/// Tells what is wrong, if anything is: a test fails at it, and a developer sees it in the browser.
pub(crate) fn tell<C>(cx: &mut Cx<'_, C>, wrong: Option<String>) {
    let Some(wrong) = wrong else { return };
    tracing::error!(page.path = cx.path(), "{wrong}");
    cx.set_site(|site| format!("{site}: {wrong}"));
    debug_assert!(false, "{wrong}");
}
