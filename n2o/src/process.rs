//! A page's process: one task that owns the page, its connection while it has one, and the order of everything.
//!
//! It reads frames, calls the protocols, commits, answers, takes messages from the inbox, saves the
//! page's state, waits a while for a lost client, and ends.

mod heart;
mod protocols;
mod queue;
mod saving;
mod turn;
mod wire;

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use self::{
    protocols::{Call, Protocols, State},
    queue::{FULL, Held, Queue},
};
use crate::{
    channel::{Connection, Incoming},
    cx::Dispatch,
    delivery::Delivery,
    error::{Error, Result},
    formatter::Out,
    frame::{self, Frame},
    inbox::Item,
    pages::Leave,
    protocol::Protocol,
    rate::Rate,
    services::Services,
    timers::Alarm,
};

/// How often a handler runs again when another commit came between.
const RETRIES: u32 = 3;

/// Where a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Rendered by this process, and waiting for its connection.
    Adopted,
    /// Made anew; its state may be saved.
    Restored,
}

/// Why a page's life is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Close with a code of `PROTOCOL.md`, section 9.
    Close(u16, &'static str),
    /// The client left, or did not come back.
    Gone,
}

/// A page and all that belongs to it.
pub(crate) struct Process {
    cx: Dispatch,
    protocols: Protocols,
    delivery: Delivery,
    /// The state after the last event; what a failed handler is taken back to.
    state: State,
    /// The state as a handler that has ended well has left it, until that is committed.
    fresh: State,
    /// The version of the page's record that this process last read or wrote, 0 for none.
    version: u64,
    /// Frames that came while a handler ran.
    queue: Queue,
    rate: Rate,
    born: Instant,
    heard: Instant,
    save_at: Option<Instant>,
    left: bool,
    /// The client has sent a message over the limit, behind what is in the queue.
    too_long: bool,
    /// The page was restored to before what its client has seen answered.
    lost: bool,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("page", &self.cx.page()).finish_non_exhaustive()
    }
}

impl Process {
    pub(crate) fn new(protocols: Vec<Box<dyn Protocol>>, cx: Dispatch) -> Self {
        let now = Instant::now();
        let rate = Rate::new(cx.node().limits().rate, cx.node().limits().burst);
        let delivery = Delivery::default();
        let queue = Queue::default();
        Process {
            cx,
            protocols: Protocols::new(protocols),
            delivery,
            state: State::default(),
            fresh: State::default(),
            version: 0,
            queue,
            rate,
            born: now,
            heard: now,
            save_at: None,
            left: false,
            too_long: false,
            lost: false,
        }
    }

    pub(crate) fn cx(&self) -> &Dispatch {
        &self.cx
    }

    fn node(&self) -> &Services {
        self.cx.node()
    }

    /// Lives until the client is gone for good, the session ends or the server stops. `leave` is dropped when the
    /// page is no more, and before its client is told.
    pub(crate) async fn run(mut self: Box<Self>, connection: Connection, start: Start, leave: Leave) {
        let inbox = Arc::clone(self.cx.inbox());
        self.cx.session_handle().attach(&inbox);
        self.heard = Instant::now();
        let mut wire = Some(connection);
        // What happens at the beginning and at the end is in boxes of its own: every idle page would keep room for it.
        let mut end = match Box::pin(self.begin(&mut wire, start)).await {
            Ok(()) => self.live(&mut wire, &leave).await,
            Err(end) => end,
        };
        end = Box::pin(self.save()).await.err().unwrap_or(end);
        // A client that comes back at the last moment is taken up; the inbox is closed to later ones.
        while let Some(connection) = inbox.close() {
            if let End::Close(code, reason) = end {
                Box::pin(connection.close(code, reason)).await;
                continue;
            }
            wire = Some(*connection);
            (self.left, self.heard) = (false, Instant::now());
            end = match Box::pin(self.welcome(&mut wire)).await {
                Ok(()) => self.live(&mut wire, &leave).await,
                Err(end) => end,
            };
            end = Box::pin(self.save()).await.err().unwrap_or(end);
        }
        drop(self);
        drop(leave);
        if let (Some(connection), End::Close(code, reason)) = (wire, end) {
            Box::pin(connection.close(code, reason)).await;
        }
    }

    /// Brings the page to life: its saved state, the right to see it, `init`, and the welcome.
    async fn begin(&mut self, wire: &mut Option<Connection>, start: Start) -> Result<(), End> {
        let restored = start == Start::Restored;
        if let Some(connection) = wire {
            self.cx.out = Out::new(connection.format);
            self.cx.inbox().comes_from(connection.address);
        }
        if restored && let Some(connection) = wire {
            let (answered, format) = (connection.answered, connection.format);
            match self.restore(answered, format).await {
                Ok(()) => {}
                Err(error) => return Err(self.fatal(&error)),
            }
        }
        self.snapshot().map_err(|error| self.fatal(&error))?;
        self.attempt(Call::Init { restored }, wire).await?.map_err(|error| self.fatal(&error))?;
        if self.version > 0 {
            // Saved soon in any case: from then on another node that still has the page can save nothing of it.
            self.save_at.get_or_insert(Instant::now() + self.node().limits().save);
        }
        self.welcome(wire).await?;
        self.push(wire).await
    }

    /// What an error at the start of a page's life means for its connection.
    fn fatal(&self, error: &Error) -> End {
        match error {
            Error::Denied => End::Close(4403, "access denied"),
            Error::NotFound => End::Close(4404, "not found"),
            error => {
                // Its client has no place to show the number.
                let _ = self.node().failure(self.cx.path(), "start of the page", error);
                End::Close(1011, "server error")
            }
        }
    }

    async fn live(&mut self, wire: &mut Option<Connection>, leave: &Leave) -> End {
        let inbox = Arc::clone(self.cx.inbox());
        let mut parked = Instant::now();
        let mut timer = pin!(sleep_until(self.deadline(wire, parked)));
        let mut alarm = Alarm::default();
        loop {
            let now = self.cx.now();
            alarm.set(self.cx.timers.next(now), self.node().clock());
            if self.left && self.queue.is_empty() {
                return End::Gone;
            }
            let had = wire.is_some();
            let next = if let Some(frame) = self.queue.pop() {
                Next::Queued(frame)
            } else if self.too_long {
                Next::TooLong
            } else {
                tokio::select! {
                    biased;
                    got = recv(wire) => Next::Got(got),
                    item = inbox.next() => Next::Item(item),
                    () = timer.as_mut() => Next::Tick,
                    () = alarm.rings() => Next::Timer,
                }
            };
            // In a box that is there while something happens: every idle page would keep room for it otherwise.
            if let Err(end) = Box::pin(self.step(next, wire, parked)).await {
                return end;
            }
            match (had, wire.is_some()) {
                (true, false) => {
                    parked = Instant::now();
                    if let Err(end) = Box::pin(self.save()).await {
                        return end;
                    }
                    leave.park(&self.cx);
                }
                (false, true) => leave.take_up(),
                _ => {}
            }
            let deadline = self.deadline(wire, parked);
            // A timer that is early costs one look at the clock; one that is late would be wrong.
            if timer.is_elapsed() || deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
        }
    }

    async fn step(&mut self, next: Next, wire: &mut Option<Connection>, parked: Instant) -> Result<(), End> {
        match next {
            Next::Queued(frame) => self.frame(&frame.bytes, wire).await,
            Next::TooLong => self.refuse(wire).await,
            Next::Got(got) => self.received(got, wire).await,
            Next::Item(item) => self.item(item, wire).await,
            Next::Tick => self.tick(wire, parked).await,
            Next::Timer => self.time(wire).await,
        }
    }

    fn deadline(&self, wire: &Option<Connection>, parked: Instant) -> Instant {
        let limits = self.node().limits();
        let end = if wire.is_some() { self.heard + limits.silence } else { parked + limits.park };
        self.save_at.map_or(end, |save| save.min(end))
    }

    async fn tick(&mut self, wire: &mut Option<Connection>, parked: Instant) -> Result<(), End> {
        let now = Instant::now();
        if self.save_at.is_some_and(|at| at <= now) {
            self.save().await?;
        }
        if wire.is_some() && self.heard + self.node().limits().silence <= now {
            *wire = None;
        } else if wire.is_none() && parked + self.node().limits().park <= now {
            return Err(End::Gone);
        }
        Ok(())
    }

    async fn received(&mut self, got: Option<Incoming>, wire: &mut Option<Connection>) -> Result<(), End> {
        self.heard = Instant::now();
        match got {
            Some(Incoming::Frame(bytes)) => {
                if !self.rate.allow(millis(self.heard - self.born)) {
                    return Err(End::Close(1008, "too many frames"));
                }
                let Some(held) = Held::new(self.node(), bytes, 0) else {
                    turn::cut(self.node(), wire, FULL);
                    return Ok(());
                };
                self.frame(&held.bytes, wire).await
            }
            Some(Incoming::TooLong) => {
                self.too_long = true;
                Ok(())
            }
            Some(Incoming::Broken(code)) => Err(End::Close(code, "broken message")),
            Some(Incoming::Leaving) => {
                *wire = None;
                Err(End::Gone)
            }
            None => {
                *wire = None;
                Ok(())
            }
        }
    }

    async fn item(&mut self, item: Item, wire: &mut Option<Connection>) -> Result<(), End> {
        match item {
            Item::Message(message) => self.info(&message, wire).await,
            Item::Connection(connection) => {
                if let Some(old) = wire.replace(*connection) {
                    self.node().tasks().spawn("close", old.close(4409, "taken up by another connection"));
                }
                (self.left, self.heard) = (false, Instant::now());
                self.queue.clear();
                Box::pin(self.welcome(wire)).await
            }
            Item::End => Err(End::Close(4401, "session ended")),
            Item::Stop => Err(End::Close(1001, "server stops")),
            Item::Leave if wire.is_none() => Err(End::Gone),
            Item::Leave => Ok(()),
            // A client that does not read, or a handler that does not return, is not buffered for.
            Item::Lagged => Err(End::Close(1013, "too slow")),
        }
    }

    /// Ends the page when its session has ended.
    async fn lives(&mut self) -> Result<(), End> {
        if self.cx.session_handle().ended() {
            return Err(End::Close(4401, "session ended"));
        }
        if self.node().sessions().is_expired(self.cx.session_handle()) {
            if let Err(error) = self.node().sessions().end(self.cx.session_handle()).await {
                tracing::warn!(%error, "an expired session could not be deleted");
            }
            return Err(End::Close(4401, "session expired"));
        }
        Ok(())
    }

    async fn frame(&mut self, bytes: &Bytes, wire: &mut Option<Connection>) -> Result<(), End> {
        let format = self.delivery.format();
        self.lives().await?;
        match frame::read(format, bytes, self.node().limits()) {
            Ok(Frame::Ping(count)) => {
                heart::beat(&mut self.delivery, count, wire, self.cx.node().limits()).await
            }
            Ok(Frame::Event(event)) if self.protocols.name(event.kind).is_none() => {
                Err(End::Close(4400, "no protocol answers such messages"))
            }
            Ok(Frame::Event(event)) => self.event(&event, wire).await,
            Err(malformed) => {
                tracing::debug!(page.path = self.cx.path(), %malformed, "connection closed");
                Err(End::Close(4400, "malformed frame"))
            }
        }
    }
}

/// The thing that a page does next.
enum Next {
    /// A frame that came while a handler ran.
    Queued(Held),
    /// The message that was too long comes now.
    TooLong,
    Got(Option<Incoming>),
    Item(Item),
    /// It is time to save, or to give up a client.
    Tick,
    /// A timer of the page is due.
    Timer,
}

async fn recv(wire: &mut Option<Connection>) -> Option<Incoming> {
    match wire {
        Some(connection) => connection.recv().await,
        None => std::future::pending().await,
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
