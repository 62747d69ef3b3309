//! A connection's stream, whose reading is watched: requests while it is HTTP, then frames while it is a
//! page's WebSocket.
//!
//! What the readers above would let pass, or could not count, ends or is slowed down here.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use n2o::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    frames::{FRAGMENT, Frames},
    pace::{Allowance, Bell, Budget, Wait},
    request::Requests,
};

/// Bytes of a request's head.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;
/// A byte that is nowhere allowed in the framing of a request: the reader above answers it with 400.
const ODD: u8 = 0;
/// How an answer begins that makes the connection another protocol's.
const SWITCHING: &[u8] = b"HTTP/1.1 101";

/// The bounds of the connections of one server, and what they share.
#[derive(Debug)]
pub(crate) struct Bounds {
    head: Duration,
    pace: u32,
    frame: usize,
    allowance: Allowance,
    most_unfinished: usize,
    /// Bytes of unfinished messages.
    unfinished: AtomicUsize,
}

/// A stream whose reading is watched.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    inner: S,
    bounds: Arc<Bounds>,
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    Http(Box<Http>),
    Socket(Box<Socket>),
}

#[derive(Debug)]
struct Http {
    requests: Requests,
    /// An odd request was met: nothing behind it is read.
    odd: bool,
    /// Bytes behind a request for another protocol, until it is clear whether they are that protocol's.
    behind: Vec<u8>,
    /// Who waits for that.
    waker: Option<Waker>,
    /// Bytes of the body so far.
    body: usize,
    wait: Option<Wait>,
    /// Tells when a body goes on: what has come and is not read yet takes nothing of the client's time.
    bell: Option<Arc<Bell>>,
}

#[derive(Debug)]
struct Socket {
    frames: Frames,
    /// Bytes that came before the protocol was switched. In a box, because hardly any do.
    #[expect(clippy::box_collection, reason = "a third of the room, in every connection of a page")]
    behind: Option<Box<Vec<u8>>>,
    budget: Budget,
    wait: Option<Box<Wait>>,
    /// What this connection has of the unfinished bytes.
    held: usize,
}

/// Why a page's connection is cut; the error behind [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A message that has begun does not come.
    Slow,
    /// All unfinished messages together are too long.
    Full,
}

impl Cut {
    /// The code to close with.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Cut::Slow => 1008,
            Cut::Full => 1013,
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cut::Slow => "a message that has begun came too slowly",
            Cut::Full => "there is no room for longer messages now",
        })
    }
}

impl std::error::Error for Cut {}

impl Bounds {
    pub(crate) fn new(limits: &Limits) -> Self {
        // What a page counts itself is not to be slowed down before it is counted.
        let frames = limits.socket_frames.max(limits.rate.saturating_mul(2));
        let burst = limits.socket_frames.max(limits.burst).saturating_mul(2);
        Bounds {
            head: limits.head,
            pace: limits.pace,
            frame: limits.frame,
            allowance: Allowance { frames, burst, bytes: limits.socket_bytes },
            most_unfinished: limits.unfinished,
            unfinished: AtomicUsize::new(0),
        }
    }

    /// How long a client may let wait for what has begun, after so many bytes of it.
    fn patience(&self, bytes: usize) -> Duration {
        self.head + Duration::from_secs(bytes as u64) / self.pace.max(1)
    }
}

impl<S> Guarded<S> {
    pub(crate) fn new(inner: S, bounds: Arc<Bounds>) -> Self {
        let http = Http {
            requests: Requests::new(2 * HEAD_BYTES),
            odd: false,
            behind: Vec::new(),
            waker: None,
            body: 0,
            wait: None,
            bell: None,
        };
        Guarded { inner, bounds, mode: Mode::Http(Box::new(http)) }
    }

    /// Looks at what is about to be written.
    fn writes(&mut self, bytes: &[u8]) {
        let Mode::Http(http) = &mut self.mode else { return };
        if http.requests.is_upgrade() && bytes.starts_with(SWITCHING) {
            if let Some(waker) = http.waker.take() {
                waker.wake();
            }
            let socket = Socket {
                frames: Frames::new(self.bounds.frame),
                behind: Some(std::mem::take(&mut http.behind))
                    .filter(|behind| !behind.is_empty())
                    .map(Box::new),
                budget: Budget::new(self.bounds.allowance),
                wait: None,
                held: 0,
            };
            self.mode = Mode::Socket(Box::new(socket));
        }
    }
}

impl Http {
    fn poll<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        bounds: &Bounds,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.odd {
            return Poll::Ready(Ok(()));
        }
        if self.requests.is_upgrade() {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let mut rang = None;
        let read = if self.requests.in_body() {
            let bell = self.bell.get_or_insert_default();
            rang = bell.set(cx.waker());
            let waker = Waker::from(Arc::clone(bell));
            Pin::new(inner).poll_read(&mut Context::from_waker(&waker), buf)
        } else {
            Pin::new(inner).poll_read(cx, buf)
        };
        match read {
            Poll::Pending if self.requests.in_body() => {
                let wait = self.wait.get_or_insert_default();
                ready!(wait.poll(bounds.patience(self.body), cx));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, Cut::Slow)));
            }
            read => ready!(read)?,
        }
        if let Some(wait) = &mut self.wait {
            wait.came(rang);
        }
        let came = &buf.filled()[before..];
        let (seen, framed) = self.requests.follow(came);
        if self.requests.in_body() {
            self.body += came.len();
        } else {
            (self.body, self.wait) = (0, None);
        }
        if framed.is_err() {
            self.odd = true;
            buf.set_filled(before + seen);
            buf.put_slice(&[ODD]);
        } else if self.requests.is_upgrade() {
            self.behind.extend_from_slice(&came[seen..]);
            buf.set_filled(before + seen);
        }
        Poll::Ready(Ok(()))
    }
}

impl Socket {
    fn poll<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        bounds: &Bounds,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if self.frames.has_made() {
                let taken = self.frames.take(buf.initialize_unfilled());
                buf.advance(taken);
                return Poll::Ready(Ok(()));
            }
            ready!(self.budget.poll(bounds.allowance, cx));
            let room = self.frames.room().min(buf.remaining());
            let space = buf.initialize_unfilled_to(room);
            let came = match self.read(inner, cx, space) {
                Poll::Pending if self.frames.is_waiting() => {
                    let wait = self.wait.get_or_insert_default();
                    ready!(wait.poll(bounds.patience(self.frames.unfinished()), cx));
                    return Poll::Ready(Err(io::Error::other(Cut::Slow)));
                }
                read => ready!(read)?,
            };
            if came == 0 {
                return Poll::Ready(Ok(()));
            }
            let found = self.frames.follow(&mut space[..came]);
            buf.advance(found.bytes);
            self.budget.spend(found.frames, came);
            if !self.frames.is_waiting() {
                self.wait = None;
            } else if let Some(wait) = &mut self.wait {
                wait.came(None);
            }
            self.hold(bounds)?;
            if found.bytes > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Reads what came before the protocol was switched, and then the stream.
    fn read<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(behind) = &mut self.behind else {
            let mut space = ReadBuf::new(space);
            ready!(Pin::new(inner).poll_read(cx, &mut space))?;
            return Poll::Ready(Ok(space.filled().len()));
        };
        let len = behind.len().min(space.len());
        space[..len].copy_from_slice(&behind[..len]);
        behind.drain(..len);
        if behind.is_empty() {
            self.behind = None;
        }
        Poll::Ready(Ok(len))
    }

    /// Counts the message that is not whole among those of all connections.
    fn hold(&mut self, bounds: &Bounds) -> io::Result<()> {
        let now = self.frames.unfinished().saturating_sub(FRAGMENT);
        if now > self.held {
            let others = bounds.unfinished.fetch_add(now - self.held, Ordering::Relaxed);
            let more = now - self.held;
            self.held = now;
            if others + more > bounds.most_unfinished {
                return Err(io::Error::other(Cut::Full));
            }
        } else {
            self.release(bounds, now);
        }
        Ok(())
    }

    fn release(&mut self, bounds: &Bounds, to: usize) {
        if self.held > to {
            bounds.unfinished.fetch_sub(self.held - to, Ordering::Relaxed);
            self.held = to;
        }
    }
}

impl<S> Drop for Guarded<S> {
    fn drop(&mut self) {
        if let Mode::Socket(socket) = &mut self.mode {
            socket.release(&self.bounds, 0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Guarded { inner, bounds, mode } = &mut *self;
        match mode {
            Mode::Http(http) => http.poll(inner, bounds, cx, buf),
            Mode::Socket(socket) => socket.poll(inner, bounds, cx, buf),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes(buf);
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes(bufs.iter().find(|buf| !buf.is_empty()).map_or(&[], |buf| buf));
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
