//! A connection in memory: the server's half is an `n2o::Channel`, the client's half belongs to a test page.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use n2o::{Channel, Gone, Incoming};

type Bytes = Vec<u8>;

#[derive(Debug, Default)]
struct Pipe {
    up: VecDeque<Incoming>,
    down: VecDeque<Bytes>,
    /// The client's half is gone.
    lost: bool,
    /// The code that the server closed with; 1006 when it went without a word.
    closed: Option<u16>,
    /// The server was killed: whoever of it asks is not there any more.
    killed: bool,
    /// The server's half is gone.
    dead: bool,
    /// The client does not read.
    stalled: bool,
    /// The longest message that the server reads.
    limit: usize,
    /// A longer one came: nothing behind it can be read.
    deaf: bool,
    server: Option<Waker>,
    client: Option<Waker>,
}

/// Both halves see the same pipe.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Pipe>>);

impl Shared {
    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The client's half.
#[derive(Debug)]
pub(crate) struct Wire(Shared);

/// A way to kill the server's side of a wire.
#[derive(Clone, Debug)]
pub(crate) struct Plug(Weak<Mutex<Pipe>>);

struct Server(Shared);

/// A new connection whose server reads messages of at most `limit` bytes: the client's half, the server's
/// half, and the plug.
pub(crate) fn wire(limit: usize) -> (Wire, Box<dyn Channel>, Plug) {
    let shared = Shared::default();
    shared.pipe().limit = limit;
    let plug = Plug(Arc::downgrade(&shared.0));
    (Wire(shared.clone()), Box::new(Server(shared)), plug)
}

impl Plug {
    /// Ends whoever holds the server's half as `kill -9` would: between two steps, with nothing saved.
    pub(crate) fn pull(&self) {
        let Some(pipe) = self.0.upgrade() else { return };
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.killed = true;
        pipe.closed.get_or_insert(1006);
        wake(&mut pipe.server);
        wake(&mut pipe.client);
    }

    /// Whether nobody holds the server's half any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.upgrade().is_none_or(|pipe| pipe.lock().unwrap_or_else(PoisonError::into_inner).dead)
    }
}

impl Wire {
    pub(crate) fn send(&self, frame: Bytes) {
        let mut pipe = self.0.pipe();
        let frame = if frame.len() > pipe.limit { Incoming::TooLong } else { Incoming::Frame(frame.into()) };
        if !pipe.deaf {
            pipe.deaf = frame == Incoming::TooLong;
            pipe.up.push_back(frame);
        }
        wake(&mut pipe.server);
    }

    /// Says good-bye, as a browser does that leaves the page.
    pub(crate) fn leave(&self) {
        let mut pipe = self.0.pipe();
        pipe.up.push_back(Incoming::Leaving);
        wake(&mut pipe.server);
    }

    /// Stops or begins to take what the server writes.
    pub(crate) fn stall(&self, stalled: bool) {
        let mut pipe = self.0.pipe();
        pipe.stalled = stalled;
        wake(&mut pipe.server);
    }

    /// The next frame, or the code that the server closed with.
    pub(crate) async fn recv(&self) -> Result<Bytes, u16> {
        poll_fn(|cx| {
            let mut pipe = self.0.pipe();
            match (pipe.down.pop_front(), pipe.closed) {
                (Some(frame), _) => Poll::Ready(Ok(frame)),
                (None, Some(code)) => Poll::Ready(Err(code)),
                (None, None) => {
                    pipe.client = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut pipe = self.0.pipe();
        pipe.lost = true;
        wake(&mut pipe.server);
    }
}

impl Server {
    /// The pipe, unless the server was killed: then its task unwinds here, without running anything of its own
    /// and without a message, because there is no panic to look into.
    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        let pipe = self.0.pipe();
        if pipe.killed {
            drop(pipe);
            std::panic::resume_unwind(Box::new("the server was killed"));
        }
        pipe
    }
}

impl Channel for Server {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let mut pipe = self.pipe();
        if let Some(incoming) = pipe.up.pop_front() {
            return Poll::Ready(Some(incoming));
        }
        if pipe.lost || pipe.closed.is_some() || pipe.deaf {
            return Poll::Ready(None);
        }
        pipe.server = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_send<'a>(
        &mut self,
        cx: &mut Context<'_>,
        frame: &mut Option<bytes::Bytes>,
    ) -> Poll<Result<(), Gone>> {
        let mut pipe = self.pipe();
        if pipe.lost {
            return Poll::Ready(Err(Gone));
        }
        if pipe.stalled {
            pipe.server = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(frame) = frame.take() {
            pipe.down.push_back(frame.to_vec());
            wake(&mut pipe.client);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, code: u16, _: &'static str) -> Poll<()> {
        let mut pipe = self.pipe();
        pipe.closed.get_or_insert(code);
        wake(&mut pipe.client);
        Poll::Ready(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut pipe = self.0.pipe();
        pipe.dead = true;
        pipe.closed.get_or_insert(1006);
        wake(&mut pipe.client);
    }
}
