//! A stream that notes when its client does not read, and the end of the patience with it.
//!
//! Whoever reads slowly but reads is served; it is standing still that ends a connection.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, sleep},
};

/// How far a client has read: 0 when nothing waits for it, else the bytes it has taken so far, and one more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stall(Arc<AtomicUsize>);

/// A stream whose writes are looked at.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    inner: S,
    written: usize,
    stall: Stall,
}

impl Stall {
    /// Runs what writes to the stream; `None` when its client has taken nothing for `limit` of what waits.
    pub(crate) async fn guard<F: Future>(&self, limit: Duration, work: F) -> Option<F::Output> {
        let (mut work, mut timer, mut known) = (pin!(work), pin!(sleep(limit)), 0);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            let now = self.0.load(Ordering::Relaxed);
            if now != known {
                known = now;
                timer.as_mut().reset(Instant::now() + limit);
            }
            if known == 0 { Poll::Pending } else { timer.as_mut().poll(cx).map(|()| None) }
        })
        .await
    }
}

impl<S> Watched<S> {
    pub(crate) fn new(inner: S) -> (Self, Stall) {
        let stall = Stall::default();
        (Watched { inner, written: 0, stall: stall.clone() }, stall)
    }

    fn note(&mut self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &wrote {
            self.written += bytes;
        }
        let waits = if wrote.is_pending() { self.written + 1 } else { 0 };
        self.stall.0.store(waits, Ordering::Relaxed);
        wrote
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.note(wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.note(wrote)
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
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Writes 64 bytes to a client that takes 16 of them after each pause; the clock of the test is the
    /// runtime's, which goes on when nothing else can.
    async fn served(pauses: &[u64]) -> bool {
        let (near, mut far) = duplex(16);
        let (mut stream, stall) = Watched::new(near);
        let writing = stall.guard(LIMIT, async move { stream.write_all(&[7; 64]).await.is_ok() });
        let reading = async {
            for pause in pauses {
                sleep(Duration::from_secs(*pause)).await;
                let _ = far.read_exact(&mut [0; 16]).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            wrote = writing => wrote == Some(true),
            () = reading => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_is_served_and_who_stops_is_not() {
        assert!(served(&[9, 9, 9, 9]).await, "36 seconds, but never 10 without a byte");
        assert!(!served(&[9, 9]).await, "nothing is read any more");
        assert!(!served(&[11, 0, 0, 0]).await, "too late");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_read_everything_may_be_silent() {
        let (near, _far) = duplex(64);
        let (mut stream, stall) = Watched::new(near);
        let work = async move {
            stream.write_all(&[7; 64]).await.expect("room for all");
            sleep(6 * LIMIT).await;
        };
        assert_eq!(stall.guard(LIMIT, work).await, Some(()));
    }
}
