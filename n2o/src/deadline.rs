//! The deadline of a handler: what bounds it in time, what makes it wait for its turn when its session has
//! worked much, and what shows it to the watchdog while it has the thread.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep};

use crate::{
    error::{Error, Result},
    meter::Meter,
    saved::PageId,
    services::Services,
    site::caught,
};

/// The deadline of a handler that runs before its page has a task of its own, which is the opening of a page.
#[derive(Debug)]
pub struct Deadline {
    page: PageId,
    meter: Meter,
}

impl Deadline {
    pub(crate) fn new(page: PageId, meter: Meter) -> Self {
        Deadline { page, meter }
    }

    /// Runs a handler. One that panics has failed with [`Error::Panic`], and one that does not end within
    /// [`Limits::handler`](crate::Limits::handler) is dropped and has failed with [`Error::Timeout`].
    pub async fn hold<T>(self, handler: impl Future<Output = Result<T>>) -> Result<T> {
        let Deadline { page, meter } = self;
        let opens = meter.node.opening().note(page, &meter.inbox);
        let work = pin!(caught(handler));
        let mut run = Run { work, meter: &meter, slow: None };
        let done = poll_fn(|cx| run.poll(cx)).await;
        drop(opens);
        done.and_then(Result::flatten)
    }
}

/// A handler that runs.
pub(crate) struct Run<'a, F> {
    pub(crate) work: Pin<&'a mut F>,
    pub(crate) meter: &'a Meter,
    /// In a box, and made for a handler that waits only: most end at the first try, and need no timer.
    pub(crate) slow: Option<Box<Slow>>,
}

/// What a handler needs that has not ended at the first try.
pub(crate) struct Slow {
    late: Pin<Box<dyn Future<Output = Error> + Send>>,
    /// The session has used more than its share: this long.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Run<'_, F> {
    /// Goes on with the handler; `Err` when it has not ended in time.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<F::Output>> {
        let Run { work, meter, slow } = self;
        let inbox = &meter.inbox;
        let slow = match slow {
            Some(slow) => slow,
            None => {
                let spent = meter.has_spent();
                let wait = || if spent { meter.wait() } else { Duration::ZERO };
                let mut pause = wait();
                let first = pause.is_zero();
                if first {
                    // Most sessions have never worked much: they are spared the clock.
                    let began = spent.then(Instant::now);
                    let done = inbox.run(|| work.as_mut().poll(cx));
                    if let Some(began) = began {
                        meter.spend(began.elapsed());
                    }
                    if let Poll::Ready(done) = done {
                        return Poll::Ready(Ok(done));
                    }
                    pause = wait();
                }
                let timer = (!pause.is_zero()).then(|| Box::pin(sleep(pause)));
                let late = Box::pin(late(meter.node.clone()));
                let slow = slow.insert(Box::new(Slow { late, pause: timer }));
                if first && slow.pause.is_none() {
                    return slow.late.as_mut().poll(cx).map(Err);
                }
                slow
            }
        };
        if let Poll::Ready(late) = slow.late.as_mut().poll(cx) {
            return Poll::Ready(Err(late));
        }
        loop {
            if let Some(pause) = &mut slow.pause {
                if pause.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                slow.pause = None;
            }
            let began = Instant::now();
            let done = inbox.run(|| work.as_mut().poll(cx));
            meter.spend(began.elapsed());
            if let Poll::Ready(done) = done {
                return Poll::Ready(Ok(done));
            }
            let wait = meter.wait();
            if wait.is_zero() {
                return Poll::Pending;
            }
            slow.pause = Some(Box::pin(sleep(wait)));
        }
    }
}

/// Ends when a handler has taken too long.
async fn late(node: Services) -> Error {
    let limits = node.limits();
    tokio::select! {
        () = sleep(limits.handler) => Error::Timeout(limits.handler),
        // The other half is for saving the pages.
        () = async { node.tasks().stopping().await; sleep(limits.drain / 2).await } => Error::Stopping,
    }
}
