//! The quota of saved pages: what each session makes the store keep, and which of its pages go beyond that.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{limit::Limits, saved::PageId};

/// The saved pages of a node, as far as it knows of them: those that it saved itself, and those that it
/// found when it last looked through the store.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    // A std lock: held for one map access, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The pages of each session, the one that was saved longest ago first.
    sessions: HashMap<Box<str>, Own>,
    bytes: usize,
    /// Pages saved so far.
    saves: u64,
}

/// The pages of one session.
#[derive(Debug, Default)]
struct Own {
    pages: VecDeque<Page>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Page {
    id: PageId,
    bytes: usize,
    /// The number of its save among all.
    save: u64,
}

/// A moment, to tell what was saved since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u64);

impl Quota {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that a page was saved, and answers the pages of the same session that are now too many.
    pub(crate) fn saved(&self, session: &str, id: PageId, bytes: usize, limits: &Limits) -> Vec<PageId> {
        self.with(|state| {
            state.saves += 1;
            let page = Page { id, bytes, save: state.saves };
            state.put(session, page);
            let (mut gone, all) = (Vec::new(), &mut state.bytes);
            let Some(own) = state.sessions.get_mut(session) else { return gone };
            while own.pages.len() > 1
                && (own.pages.len() > limits.session_pages
                    || own.bytes > limits.session_bytes
                    || *all > limits.pages_bytes)
            {
                let Some(oldest) = own.pages.pop_front() else { break };
                own.bytes -= oldest.bytes;
                *all -= oldest.bytes;
                gone.push(oldest.id);
            }
            gone
        })
    }

    /// Says whether a page may be saved that has changed nothing else in the store.
    pub(crate) fn has_room(&self, session: &str, id: PageId, bytes: usize, limits: &Limits) -> bool {
        self.with(|state| {
            let pages = || state.sessions.get(session).into_iter().flat_map(|own| &own.pages);
            // The session's older pages would make room, and its own earlier record does.
            let own: usize = pages().filter(|page| page.id == id).map(|page| page.bytes).sum();
            state.bytes - own + bytes <= limits.pages_bytes || pages().any(|page| page.id != id)
        })
    }

    /// The moment before the store is looked through.
    pub(crate) fn moment(&self) -> Moment {
        self.with(|state| Moment(state.saves))
    }

    /// Takes over what the store holds, in the order in which it was saved, as it was found from a moment on. What
    /// was saved here since then counts as it was saved.
    pub(crate) fn renew(&self, found: Vec<(String, PageId, usize)>, since: Moment) {
        let mut state = State::default();
        for (session, id, bytes) in found {
            state.put(&session, Page { id, bytes, save: 0 });
        }
        self.with(|old| {
            state.saves = old.saves;
            for (session, own) in &old.sessions {
                for page in own.pages.iter().filter(|page| page.save > since.0) {
                    state.put(session, *page);
                }
            }
            *old = state;
        });
    }
}

impl State {
    /// Puts a page behind those of its session, in the place of what was known of it.
    fn put(&mut self, session: &str, page: Page) {
        let own = match self.sessions.get_mut(session) {
            Some(own) => own,
            None => self.sessions.entry(session.into()).or_default(),
        };
        if let Some(at) = own.pages.iter().position(|known| known.id == page.id)
            && let Some(known) = own.pages.remove(at)
        {
            own.bytes -= known.bytes;
            self.bytes -= known.bytes;
        }
        own.pages.push_back(page);
        own.bytes += page.bytes;
        self.bytes += page.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> PageId {
        PageId([number; 16])
    }

    #[test]
    fn the_oldest_page_of_the_same_session_goes() {
        let limits = Limits { session_pages: 3, session_bytes: 1_000, ..Limits::default() };
        let quota = Quota::default();
        assert!(quota.saved("ann", id(0), 900, &limits).is_empty());
        for page in 1..=3 {
            assert!(quota.saved("bob", id(page), 10, &limits).is_empty());
        }
        assert!(quota.saved("bob", id(1), 20, &limits).is_empty(), "saved again it is the newest");
        assert_eq!(quota.saved("bob", id(4), 10, &limits), [id(2)], "too many");
        assert_eq!(quota.saved("bob", id(5), 995, &limits), [id(3), id(1), id(4)], "too large together");
        assert!(quota.saved("ann", id(0), 990, &limits).is_empty(), "and nobody else's");
    }

    #[test]
    fn beyond_the_bound_in_all_a_session_replaces_what_is_its_own() {
        let limits = Limits { pages_bytes: 1_000, ..Limits::default() };
        let quota = Quota::default();
        assert!(quota.saved("ann", id(1), 600, &limits).is_empty());
        assert!(quota.saved("bob", id(2), 300, &limits).is_empty());
        assert_eq!(quota.saved("bob", id(3), 300, &limits), [id(2)]);
        assert!(!quota.has_room("eve", id(9), 200, &limits), "a stranger finds no room");
        assert!(quota.has_room("eve", id(9), 100, &limits));
        assert!(quota.has_room("ann", id(1), 650, &limits), "a page may be saved again");
        assert!(quota.has_room("ann", id(4), 600, &limits), "and an older one makes room");
    }

    #[test]
    fn what_the_store_holds_counts() {
        let limits = Limits { session_pages: 2, ..Limits::default() };
        let quota = Quota::default();
        let found = vec![(String::from("ann"), id(1), 10), (String::from("ann"), id(2), 10)];
        quota.renew(found, quota.moment());
        assert_eq!(quota.saved("ann", id(3), 10, &limits), [id(1)]);
    }

    #[test]
    fn what_is_saved_while_the_store_is_looked_through_counts() {
        let limits = Limits { session_pages: 3, ..Limits::default() };
        let quota = Quota::default();
        assert!(
            quota.saved("eve", id(9), 10, &limits).is_empty(),
            "it is gone from the store when it is found"
        );
        assert!(quota.saved("ann", id(1), 10, &limits).is_empty());
        let since = quota.moment();
        assert!(quota.saved("ann", id(3), 10, &limits).is_empty());
        assert!(quota.saved("ann", id(1), 30, &limits).is_empty());
        quota.renew(vec![(String::from("ann"), id(1), 10), (String::from("ann"), id(2), 10)], since);
        assert_eq!(quota.with(|state| (state.bytes, state.sessions.len())), (50, 1));
        assert_eq!(quota.saved("ann", id(4), 10, &limits), [id(2)]);
        assert_eq!(quota.saved("ann", id(5), 10, &limits), [id(3)]);
    }
}
