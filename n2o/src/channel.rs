//! Channels: where frames come in and go out, whatever carries them. No HTTP here.

use std::{
    fmt,
    future::poll_fn,
    net::IpAddr,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use crate::{formatter::Format, place::Place};

/// How long a closing handshake may take.
const CLOSING: Duration = Duration::from_secs(2);

/// A two-way carrier of whole frames, such as a WebSocket.
pub trait Channel: Send {
    /// The next frame; `None` when the carrier is gone.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>>;

    /// Takes the frame out of `frame` when there is room, and is ready when it is written.
    /// `Err` when the carrier is gone.
    fn poll_send(&mut self, cx: &mut Context<'_>, frame: &mut Option<Bytes>) -> Poll<Result<(), Gone>>;

    /// Says `code` to the other side, and is ready when that is written.
    fn poll_close(&mut self, cx: &mut Context<'_>, code: u16, reason: &'static str) -> Poll<()>;
}

/// What a channel received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// One frame.
    Frame(Bytes),
    /// A message over the limit, which was not read; nothing after it can be.
    TooLong,
    /// The client says good-bye: it has left the page.
    Leaving,
    /// Something that is no frame; the code to close with.
    Broken(u16),
}

/// The carrier is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// A channel, and what its client said when it connected.
pub struct Connection {
    /// The carrier.
    pub channel: Box<dyn Channel>,
    /// The format of its frames.
    pub format: Format,
    /// Counted frames that the client has received for this page.
    pub count: u64,
    /// The last event whose answer the client has received.
    pub answered: u64,
    /// The number of the client's attempt to connect: one that is older than that of the page's connection does
    /// not take the page from it, however late it arrives. 0 where a client has no numbers.
    pub attempt: u64,
    /// The client has no document of the page: it is sent the page as a whole, and no answers that it has missed.
    pub whole: bool,
    /// Its place among the limited number of connections, given back when it is gone.
    pub place: Option<Place>,
    /// The address that the client comes from; `None` where nobody knows, as in a test.
    pub address: Option<IpAddr>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("format", &self.format)
            .field("count", &self.count)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection of a client that has seen nothing yet.
    #[must_use]
    pub fn new(channel: Box<dyn Channel>, format: Format) -> Self {
        let (place, address) = (None, None);
        Connection { channel, format, count: 0, answered: 0, attempt: 0, whole: false, place, address }
    }

    pub(crate) async fn recv(&mut self) -> Option<Incoming> {
        poll_fn(|cx| self.channel.poll_recv(cx)).await
    }

    /// Writes a frame; a client that does not read within `limit` is as good as gone.
    pub(crate) async fn send(&mut self, frame: Bytes, limit: Duration) -> Result<(), Slow> {
        let mut frame = Some(frame);
        // The first try needs no timer, and nearly always suffices.
        let first = poll_fn(|cx| Poll::Ready(self.channel.poll_send(cx, &mut frame))).await;
        match first {
            Poll::Ready(written) => written.map_err(|Gone| Slow::Gone),
            Poll::Pending => {
                let rest = poll_fn(|cx| self.channel.poll_send(cx, &mut frame));
                // In a box of its own: every idle page would keep room for it, and few clients read slowly.
                match Box::pin(tokio::time::timeout(limit, rest)).await {
                    Ok(written) => written.map_err(|Gone| Slow::Gone),
                    Err(_) => Err(Slow::Stalled),
                }
            }
        }
    }

    /// Closes, and waits for the other side to agree, but not for long.
    pub async fn close(mut self, code: u16, reason: &'static str) {
        let closing = async {
            poll_fn(|cx| self.channel.poll_close(cx, code, reason)).await;
            while self.recv().await.is_some() {}
        };
        if tokio::time::timeout(CLOSING, closing).await.is_err() {
            tracing::debug!(close.code = code, "client did not answer the close");
        }
    }
}

/// Why a frame was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slow {
    Gone,
    Stalled,
}
