//! A line of pages that nobody is connected to: so many in all, of one client's network, and of one session.

use std::{collections::HashMap, net::IpAddr};

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

/// The line, the oldest at the front: a list of all pages, one of those of each session, and one of each client's.
#[derive(Debug, Default)]
pub(crate) struct Line {
    seats: ByPage<Seat>,
    all: Ends,
    by: HashMap<Of, Ends>,
}

/// A page in the line, with its neighbours in the lists that it is in.
#[derive(Debug)]
struct Seat {
    /// The time at which it came.
    since: u64,
    whose: Whose,
    links: [Link; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    before: Option<PageId>,
    after: Option<PageId>,
}

/// The two ends of a list, and how many there are from one to the other.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    first: Option<PageId>,
    last: Option<PageId>,
    len: usize,
}

/// The list of all; those of [`Whose`] come behind it.
const ALL: usize = 0;

impl Line {
    /// Takes a page in at its end, and answers those that go for it: the oldest of the same session or client, or
    /// else the oldest of all.
    pub(crate) fn push(&mut self, id: PageId, now: u64, whose: Whose, most: Most) -> Vec<PageId> {
        self.remove(id);
        self.seats.insert(id, Seat { since: now, whose, links: Default::default() });
        self.link(id, ALL, None);
        let mut gone = Vec::new();
        for (list, (of, most)) in (1..).zip(whose.0.into_iter().zip([most.session, most.client])) {
            let Some(of) = of else { continue };
            let own = self.link(id, list, Some(of));
            if own.len > most.max(1) {
                gone.extend(own.first);
            }
            for id in &gone {
                self.remove(*id);
            }
        }
        if self.seats.len() > most.all {
            gone.extend(self.pop(u64::MAX));
        }
        gone
    }

    fn ends(&mut self, of: Option<Of>) -> &mut Ends {
        match of {
            Some(of) => self.by.entry(of).or_default(),
            None => &mut self.all,
        }
    }

    fn link_of(&mut self, id: Option<PageId>, list: usize) -> Option<&mut Link> {
        self.seats.get_mut(&id?).map(|seat| &mut seat.links[list])
    }

    /// Puts a page at the end of a list, and answers the ends that this has now.
    fn link(&mut self, id: PageId, list: usize, of: Option<Of>) -> Ends {
        let ends = self.ends(of);
        let before = ends.last.replace(id);
        ends.first.get_or_insert(id);
        ends.len += 1;
        let ends = *ends;
        if let Some(link) = self.link_of(before, list) {
            link.after = Some(id);
        }
        if let Some(link) = self.link_of(Some(id), list) {
            link.before = before;
        }
        ends
    }

    /// Takes a page that had this link out of a list.
    fn unlink(&mut self, Link { before, after }: Link, list: usize, of: Option<Of>) {
        if let Some(link) = self.link_of(before, list) {
            link.after = after;
        }
        if let Some(link) = self.link_of(after, list) {
            link.before = before;
        }
        let ends = self.ends(of);
        ends.len -= 1;
        if before.is_none() {
            ends.first = after;
        }
        if after.is_none() {
            ends.last = before;
        }
        if let (0, Some(of)) = (ends.len, of) {
            self.by.remove(&of);
        }
    }

    pub(crate) fn remove(&mut self, id: PageId) {
        let Some(Seat { whose: Whose([session, client]), links, .. }) = self.seats.remove(&id) else {
            return;
        };
        self.unlink(links[ALL], ALL, None);
        for (list, of) in [(1, session), (2, client)] {
            if of.is_some() {
                self.unlink(links[list], list, of);
            }
        }
    }

    /// Takes out the oldest page, if it came until then.
    pub(crate) fn pop(&mut self, until: u64) -> Option<PageId> {
        let id = self.all.first?;
        let came = self.seats.get(&id).is_some_and(|seat| seat.since <= until);
        came.then(|| {
            self.remove(id);
            id
        })
    }

    /// Those that came before the clock was set back count as come now.
    pub(crate) fn set_back(&mut self, now: u64) {
        let mut next = self.all.first;
        while let Some(seat) = next.and_then(|id| self.seats.get_mut(&id)).filter(|seat| seat.since > now) {
            seat.since = now;
            next = seat.links[ALL].after;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

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
        assert!(line.by.is_empty() && line.all.len == 0);
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
        assert!(line.all.len == 1 && line.len() == 1 && line.by.len() == 2, "{line:?}");
        assert_eq!((line.pop(0), line.pop(u64::MAX)), (Some(id(0)), None));
    }

    #[test]
    fn a_page_that_comes_again_stands_at_the_end() {
        let most = Most { all: 2, client: 9, session: 9 };
        let mut line = Line::default();
        for (now, n) in [(0, 1), (1, 2), (2, 1)] {
            assert_eq!(line.push(id(n), now, whose(0, 0), most), []);
        }
        assert_eq!(line.pop(0), None, "the first has come again since");
        assert_eq!(line.push(id(3), 3, whose(0, 0), most), [id(2)]);
    }

    proptest! {
        #[test]
        fn the_lists_are_those_of_a_plain_line(
            acts in vec((0..3_u8, 0..12_u128, 0..3_usize, 0..2_u8), 0..200),
        ) {
            let most = Most { all: 8, client: 5, session: 3 };
            let (mut line, mut plain) = (Line::default(), Vec::<(u128, usize, u8)>::new());
            for (act, n, session, client) in acts {
                match act {
                    0 => {
                        line.remove(id(n));
                        plain.retain(|page| page.0 != n);
                    }
                    1 => {
                        let first = (!plain.is_empty()).then(|| plain.remove(0));
                        prop_assert_eq!(line.pop(u64::MAX), first.map(|page| id(page.0)));
                    }
                    _ => {
                        plain.retain(|page| page.0 != n);
                        plain.push((n, session, client));
                        let mut gone = Vec::new();
                        for (kind, most) in [(0, most.session), (1, most.client), (2, most.all)] {
                            let is_own = |page: &(u128, usize, u8)| match kind {
                                0 => page.1 == session,
                                1 => page.2 == client,
                                _ => true,
                            };
                            if plain.iter().filter(|page| is_own(page)).count() > most {
                                let oldest = plain.iter().position(is_own).expect("one of them");
                                gone.push(id(plain.remove(oldest).0));
                            }
                        }
                        prop_assert_eq!(line.push(id(n), 0, whose(session, client), most), gone);
                    }
                }
                prop_assert_eq!(line.len(), plain.len());
            }
            while let Some(next) = line.pop(u64::MAX) {
                prop_assert_eq!(next, id(plain.remove(0).0));
            }
            prop_assert!(plain.is_empty() && line.by.is_empty());
        }
    }
}
