//! A line of pages that nobody is connected to: so many in all, of one client's network, and of one session.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
};

use crate::{
    cx::Cx,
    network::network,
    saved::{ByPage, PageId},
};

/// Most pages of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) all: usize,
    pub(crate) client: usize,
    pub(crate) session: usize,
}

/// Those whose pages are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Of {
    /// The session at this place in memory, which a page in the line holds.
    Session(usize),
    Client(IpAddr),
}

/// The session and the client that a page is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose([Option<Of>; 2]);

impl Whose {
    pub(crate) fn of(cx: &Cx) -> Self {
        let session = std::ptr::from_ref(&**cx.session_handle()).addr();
        Whose([Some(Of::Session(session)), cx.address().map(|address| Of::Client(network(address)))])
    }
}

/// The line, the oldest at the front.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// With the time at which they came; some have gone by now.
    order: VecDeque<(u64, PageId)>,
    whose: ByPage<Whose>,
    /// The pages of each, the oldest at the front.
    by: HashMap<Of, VecDeque<PageId>>,
}

impl Line {
    /// Takes a page in at its end, and answers those that go for it: the oldest of the same session or client, or
    /// else the oldest of all.
    pub(crate) fn push(&mut self, id: PageId, now: u64, whose: Whose, most: Most) -> Vec<PageId> {
        self.remove(id);
        self.order.push_back((now, id));
        self.whose.insert(id, whose);
        let mut gone = Vec::new();
        for (of, most) in whose.0.into_iter().zip([most.session, most.client]) {
            let Some(of) = of else { continue };
            let own = self.by.entry(of).or_default();
            own.push_back(id);
            if own.len() > most.max(1) {
                gone.extend(own.front().copied());
            }
            for id in &gone {
                self.remove(*id);
            }
        }
        if self.whose.len() > most.all {
            gone.extend(self.pop(u64::MAX));
        }
        if self.order.len() > 2 * self.whose.len() + 64 {
            self.order.retain(|(_, id)| self.whose.contains_key(id));
        }
        gone
    }

    pub(crate) fn remove(&mut self, id: PageId) {
        let Some(Whose(all)) = self.whose.remove(&id) else { return };
        for of in all.into_iter().flatten() {
            if let Some(own) = self.by.get_mut(&of) {
                own.retain(|known| *known != id);
                if own.is_empty() {
                    self.by.remove(&of);
                }
            }
        }
    }

    /// Takes out the oldest page, if it came until then.
    pub(crate) fn pop(&mut self, until: u64) -> Option<PageId> {
        while let Some((since, id)) = self.order.front().copied() {
            let is_there = self.whose.contains_key(&id);
            if is_there && since > until {
                return None;
            }
            self.order.pop_front();
            if is_there {
                self.remove(id);
                return Some(id);
            }
        }
        None
    }

    /// Those that came before the clock was set back count as come now.
    pub(crate) fn set_back(&mut self, now: u64) {
        for (since, _) in self.order.iter_mut().take_while(|(since, _)| *since > now) {
            *since = now;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.whose.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(session: usize, client: u8) -> Whose {
        Whose([Some(Of::Session(session)), Some(Of::Client([10, 0, 0, client].into()))])
    }

    fn id(n: u128) -> PageId {
        PageId(n.to_ne_bytes())
    }

    #[test]
    fn whoever_comes_beyond_their_share_loses_their_own_oldest() {
        let most = Most { all: 9, client: 4, session: 2 };
        let mut line = Line::default();
        let mut push = |n, session, client| line.push(id(n), 0, whose(session, client), most);
        assert_eq!(push(0, 0, 0), [], "an honest one, and the oldest");
        assert_eq!((push(1, 1, 1), push(2, 1, 1)), (vec![], vec![]));
        assert_eq!(push(3, 1, 1), [id(1)], "of the session");
        assert_eq!((push(4, 2, 1), push(5, 3, 1)), (vec![], vec![]));
        assert_eq!(push(6, 4, 1), [id(2)], "of the client");
        for (n, client) in [(7, 2), (8, 3), (9, 4), (10, 5)] {
            assert_eq!(push(n, n as usize, client), []);
        }
        assert_eq!(push(11, 11, 6), [id(0)], "of all");
        assert_eq!((line.len(), line.by.len()), (9, 9 + 6), "nine sessions of six clients");
        while line.pop(u64::MAX).is_some() {}
        assert!(line.by.is_empty() && line.order.is_empty());
    }

    #[test]
    fn a_page_that_comes_and_goes_leaves_nothing_behind() {
        let most = Most { all: 9, client: 4, session: 2 };
        let mut line = Line::default();
        line.push(id(0), 0, whose(0, 0), most);
        for n in 1..1_000 {
            line.push(id(n), n as u64, whose(1, 1), most);
            line.remove(id(n));
        }
        assert!(line.order.len() < 100 && line.len() == 1 && line.by.len() == 2, "{line:?}");
        assert_eq!((line.pop(0), line.pop(u64::MAX)), (Some(id(0)), None));
    }
}
