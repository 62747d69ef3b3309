//! Connections beyond those that there are places for. Each is short: whoever says nothing leaves it to the next.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

/// Most guests that were turned out and are not gone yet: they end as soon as their tasks have a turn.
const LEAVING: usize = 16;

/// The reserved places, and who has them.
#[derive(Debug)]
pub(crate) struct Reserve {
    most: usize,
    /// The oldest first.
    held: VecDeque<Arc<Guest>>,
    leaving: Vec<Arc<Guest>>,
}

/// A connection in a reserved place, which it has as long as it keeps this.
#[derive(Debug, Default)]
pub(crate) struct Guest {
    asked: AtomicBool,
    leave: Notify,
}

impl Reserve {
    pub(crate) fn new(most: usize) -> Self {
        Reserve { most, held: VecDeque::new(), leaving: Vec::new() }
    }

    /// A place that is free, or that of the guest who has been silent for longest; nobody is waited for.
    pub(crate) fn place(&mut self) -> Option<Arc<Guest>> {
        if self.held.len() >= self.most {
            self.held.retain(|guest| Arc::strong_count(guest) > 1);
            self.leaving.retain(|guest| Arc::strong_count(guest) > 1);
        }
        if self.held.len() >= self.most {
            let silent = self.held.iter().position(|guest| !guest.has_asked())?;
            if self.leaving.len() >= LEAVING {
                return None;
            }
            let guest = self.held.remove(silent)?;
            guest.leave.notify_one();
            self.leaving.push(guest);
        }
        let guest = Arc::new(Guest::default());
        self.held.push_back(Arc::clone(&guest));
        Some(guest)
    }
}

impl Guest {
    /// It has sent the head of a request.
    pub(crate) fn asks(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Ends when its place is needed. One that has asked by then is answered.
    pub(crate) async fn turned_out(&self) {
        self.leave.notified().await;
        if self.has_asked() {
            pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_oldest_silent_guest_makes_room_and_one_that_has_asked_does_not() {
        let mut reserve = Reserve::new(2);
        let asking = reserve.place().expect("a place");
        let silent = reserve.place().expect("another");
        asking.asks();
        let third = reserve.place().expect("the place of the silent one");
        assert!(silent.turned_out().now_or_never().is_some());
        assert!(asking.turned_out().now_or_never().is_none());
        third.asks();
        assert!(reserve.place().is_none(), "both have asked");
        drop(asking);
        assert!(reserve.place().is_some());
        assert!(reserve.held.len() <= 2, "nothing is kept of those that are gone");
    }

    #[test]
    fn those_who_are_told_to_leave_are_few() {
        let mut reserve = Reserve::new(1);
        let mut guests: Vec<_> = (0..=LEAVING).filter_map(|_| reserve.place()).collect();
        assert!(guests.len() == LEAVING + 1 && reserve.place().is_none());
        drop(guests.remove(0));
        assert!(reserve.place().is_some());
        assert!(Reserve::new(0).place().is_none());
    }

    #[test]
    fn a_guest_that_asks_while_it_is_told_to_leave_is_answered() {
        let mut reserve = Reserve::new(1);
        let first = reserve.place().expect("a place");
        let _second = reserve.place().expect("its place");
        first.asks();
        assert!(first.turned_out().now_or_never().is_none());
    }
}
