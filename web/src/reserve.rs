//! Connections beyond those that there are places for. Each is short: whoever says nothing leaves it to the next.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// How long a connection may be silent when another waits for its place. A request mostly comes along with its
/// connection, and then within the time of its way.
const SILENT: Duration = Duration::from_millis(50);

/// The reserved places, and who has them.
#[derive(Debug)]
pub(crate) struct Reserve {
    places: Arc<Semaphore>,
    most: usize,
    /// The oldest first.
    held: VecDeque<Arc<Guest>>,
}

/// A connection in a reserved place.
#[derive(Debug)]
pub(crate) struct Guest {
    since: Instant,
    asked: AtomicBool,
    leave: Notify,
}

impl Reserve {
    pub(crate) fn new(most: usize) -> Self {
        Reserve { places: Arc::new(Semaphore::new(most)), most, held: VecDeque::new() }
    }

    /// A place, when one is free or can be had of a silent guest; `None` when there are none at all.
    pub(crate) async fn place(&mut self) -> Option<(OwnedSemaphorePermit, Arc<Guest>)> {
        if self.most == 0 {
            return None;
        }
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let free = Arc::clone(&self.places).acquire_owned();
                let silent = self.held.iter().find(|guest| guest.is_silent());
                tokio::select! {
                    permit = free => permit.ok()?,
                    () = turn_out(silent) => return None,
                }
            }
        };
        if self.held.len() >= self.most {
            self.held.retain(|guest| Arc::strong_count(guest) > 1);
        }
        let guest =
            Arc::new(Guest { since: Instant::now(), asked: AtomicBool::new(false), leave: Notify::new() });
        self.held.push_back(Arc::clone(&guest));
        Some((permit, guest))
    }
}

/// Turns a silent guest out when its time is over; never ends, because its place is what is waited for.
async fn turn_out(guest: Option<&Arc<Guest>>) {
    if let Some(guest) = guest {
        sleep_until(guest.since + SILENT).await;
        if guest.is_silent() {
            guest.leave.notify_one();
        }
    }
    std::future::pending().await
}

impl Guest {
    /// It has sent the head of a request.
    pub(crate) fn asks(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    fn is_silent(self: &Arc<Self>) -> bool {
        // One that is gone is silent, too, but nobody else knows it any more.
        !self.asked.load(Ordering::Relaxed) && Arc::strong_count(self) > 1
    }

    /// Ends when its place is needed.
    pub(crate) async fn turned_out(&self) {
        self.leave.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_silent_guest_makes_room_and_one_that_has_asked_does_not() {
        let mut reserve = Reserve::new(2);
        let (first, asking) = reserve.place().await.expect("a place");
        let (second, silent) = reserve.place().await.expect("another");
        asking.asks();
        let leaving = async {
            silent.turned_out().await;
            let silent_for = silent.since.elapsed();
            drop(second);
            silent_for
        };
        let (third, silent_for) = tokio::join!(reserve.place(), leaving);
        assert!(third.is_some() && silent_for >= SILENT);
        drop((asking, silent));
        let asked = third.expect("a place");
        asked.1.asks();
        let none = tokio::time::timeout(Duration::from_secs(60), reserve.place()).await;
        assert!(none.is_err(), "both have asked: they are waited for");
        drop(first);
        assert!(reserve.place().await.is_some());
        assert!(reserve.held.len() <= 2, "nothing is kept of those that are gone");
    }
}
