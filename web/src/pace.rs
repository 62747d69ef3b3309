//! How long a client is waited for, and how much it may send: time and budget of one connection.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// The time that a client lets pass while something that it has begun is not whole.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    waited: Duration,
    since: Option<Instant>,
    timer: Timer,
}

/// Notes when a reader is told that something has come, which may be long before it reads it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    // A std lock: held for two fields, never across an await.
    state: Mutex<Rung>,
}

#[derive(Debug, Default)]
struct Rung {
    reader: Option<Waker>,
    at: Option<Instant>,
}

/// A timer that is made when it is first needed: most connections never wait.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

/// What a client may send on average, and twice as much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Frames a second.
    pub(crate) frames: u32,
    /// Most frames at once.
    pub(crate) burst: u32,
    /// Bytes a second.
    pub(crate) bytes: u32,
}

/// What is left of an allowance. The clock is looked at when nothing is, and not before.
#[derive(Debug)]
pub(crate) struct Budget {
    frames: i64,
    bytes: i64,
    since: Instant,
    timer: Timer,
}

impl Timer {
    /// Is ready at a time.
    pub(crate) fn poll(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx)
    }
}

impl Wait {
    /// Nothing has come; ready when the client has let more than `limit` pass in all.
    pub(crate) fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.timer.poll(since + limit.saturating_sub(self.waited), cx)
    }

    /// Something has come, now or at a time before.
    pub(crate) fn came(&mut self, at: Option<Instant>) {
        if let Some(since) = self.since.take() {
            self.waited += at.unwrap_or_else(Instant::now).saturating_duration_since(since);
        }
    }
}

impl Bell {
    /// Wakes a reader from now on; says when it rang since the last time.
    pub(crate) fn set(&self, reader: &Waker) -> Option<Instant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.reader = Some(reader.clone());
        state.at.take()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let reader = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.at.get_or_insert_with(Instant::now);
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Budget {
    pub(crate) fn new(allowance: Allowance) -> Self {
        let (frames, bytes) = allowance.most();
        Budget { frames, bytes, since: Instant::now(), timer: Timer::default() }
    }

    /// Takes what has been read from what is left.
    pub(crate) fn spend(&mut self, frames: u32, bytes: usize) {
        self.frames -= i64::from(frames);
        self.bytes -= i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    /// Is ready when more may be read.
    pub(crate) fn poll(&mut self, allowance: Allowance, cx: &mut Context<'_>) -> Poll<()> {
        if self.frames > 0 && self.bytes > 0 {
            return Poll::Ready(());
        }
        let now = Instant::now();
        let passed = i64::try_from((now - self.since).as_micros()).unwrap_or(i64::MAX);
        let more = |rate: u32| i64::from(rate).saturating_mul(passed) / 1_000_000;
        let (frames, bytes) = (more(allowance.frames), more(allowance.bytes));
        let (most_frames, most_bytes) = allowance.most();
        if self.frames + frames > 0 && self.bytes.saturating_add(bytes) > 0 {
            self.frames = (self.frames + frames).min(most_frames);
            self.bytes = self.bytes.saturating_add(bytes).min(most_bytes);
            self.since = now;
            return Poll::Ready(());
        }
        let until = |left: i64, rate: u32| {
            let micros = (1 - left).max(0).saturating_mul(1_000_000) / i64::from(rate.max(1)) + 1;
            Duration::from_micros(micros.unsigned_abs())
        };
        let wait = until(self.frames, allowance.frames).max(until(self.bytes, allowance.bytes));
        // Several frames are let through at once: a wake-up for each would cost more than they do.
        self.timer.poll(self.since + wait.max(Duration::from_millis(50)), cx)
    }
}

impl Allowance {
    fn most(self) -> (i64, i64) {
        (i64::from(self.burst), 2 * i64::from(self.bytes))
    }
}
