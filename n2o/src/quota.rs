//! The quota of saved pages: what each session makes the store keep, and which of its pages go beyond that.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{limit::Limits, pages::PageId};

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
    sessions: HashMap<Box<str>, VecDeque<Page>>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Page {
    id: PageId,
    bytes: usize,
}

impl Quota {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that a page was saved, and answers the pages of the same session that are now too many.
    pub(crate) fn saved(&self, session: &str, id: PageId, bytes: usize, limits: &Limits) -> Vec<PageId> {
        self.with(|state| {
            state.remove(session, id);
            let pages = state.sessions.entry(session.into()).or_default();
            pages.push_back(Page { id, bytes });
            state.bytes += bytes;
            let (mut sum, mut gone) = (pages.iter().map(|page| page.bytes).sum::<usize>(), Vec::new());
            while pages.len() > 1
                && (pages.len() > limits.session_pages
                    || sum > limits.session_bytes
                    || state.bytes > limits.pages_bytes)
            {
                let Some(oldest) = pages.pop_front() else { break };
                sum -= oldest.bytes;
                state.bytes -= oldest.bytes;
                gone.push(oldest.id);
            }
            gone
        })
    }

    /// Says whether a page may be saved that has changed nothing else in the store.
    pub(crate) fn has_room(&self, session: &str, id: PageId, bytes: usize, limits: &Limits) -> bool {
        self.with(|state| {
            let pages = state.sessions.get(session).into_iter().flatten();
            // The session's older pages would make room, and its own earlier record does.
            let own: usize = pages.filter(|page| page.id == id).map(|page| page.bytes).sum();
            state.bytes - own + bytes <= limits.pages_bytes
                || state.sessions.get(session).is_some_and(|pages| pages.iter().any(|page| page.id != id))
        })
    }

    /// Takes over what the store holds, in the order in which it was saved.
    pub(crate) fn renew(&self, found: Vec<(String, PageId, usize)>) {
        let mut state = State::default();
        for (session, id, bytes) in found {
            state.bytes += bytes;
            state.sessions.entry(session.into()).or_default().push_back(Page { id, bytes });
        }
        self.with(|old| *old = state);
    }
}

impl State {
    fn remove(&mut self, session: &str, id: PageId) {
        let Some(pages) = self.sessions.get_mut(session) else { return };
        if let Some(at) = pages.iter().position(|page| page.id == id)
            && let Some(page) = pages.remove(at)
        {
            self.bytes -= page.bytes;
        }
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
        quota.renew(vec![(String::from("ann"), id(1), 10), (String::from("ann"), id(2), 10)]);
        assert_eq!(quota.saved("ann", id(3), 10, &limits), [id(1)]);
    }
}
