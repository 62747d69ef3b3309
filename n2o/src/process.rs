//! A page's process: one task that owns the page, its connection while it has one, and the order of everything.
//!
//! It reads frames, runs the protocol chain, commits, answers, takes messages from the inbox, saves the
//! page's state, waits a while for a lost client, and ends.

use std::{collections::VecDeque, panic::AssertUnwindSafe, pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use crate::{
    channel::{Connection, Incoming, Slow},
    cx::Cx,
    delivery::Delivery,
    error::{Error, Result},
    formatter::{self, Head, Out},
    frame::{self, Event, Frame},
    inbox::Item,
    message::Message,
    node::{Node, Place},
    pages::{self, Saved},
    protocol::{self, Answer, Msg, Protocol},
    rate::Rate,
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
    cx: Cx,
    chain: Vec<Box<dyn Protocol>>,
    delivery: Delivery,
    /// The page's state after the last event; what a failed handler is taken back to.
    state: Vec<u8>,
    /// Frames that came while a handler ran.
    queue: VecDeque<Bytes>,
    rate: Rate,
    born: Instant,
    heard: Instant,
    save_at: Option<Instant>,
    left: bool,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("page", &self.cx.page()).finish_non_exhaustive()
    }
}

impl Process {
    pub(crate) fn new(chain: Vec<Box<dyn Protocol>>, cx: Cx) -> Self {
        let now = Instant::now();
        let rate = Rate::new(cx.node().limits().rate, cx.node().limits().burst);
        let delivery = Delivery::default();
        let queue = VecDeque::new();
        Process {
            cx,
            chain,
            delivery,
            state: Vec::new(),
            queue,
            rate,
            born: now,
            heard: now,
            save_at: None,
            left: false,
        }
    }

    pub(crate) fn cx(&self) -> &Cx {
        &self.cx
    }

    fn node(&self) -> &Node {
        self.cx.node()
    }

    /// Lives until the client is gone for good, the session ends or the server stops.
    pub(crate) async fn run(mut self: Box<Self>, connection: Connection, start: Start, place: Place) {
        let (page, inbox, node) = (self.cx.page(), Arc::clone(self.cx.inbox()), self.node().clone());
        self.cx.session_handle().attach(&inbox);
        self.heard = Instant::now();
        let mut wire = Some(connection);
        let mut end = match self.begin(&mut wire, start).await {
            Ok(()) => self.live(&mut wire).await,
            Err(end) => end,
        };
        // A client that comes back at the last moment is taken up; the inbox is closed to later ones.
        while let Some(connection) = inbox.close() {
            end = if let End::Close(..) = end {
                wire = Some(*connection);
                break;
            } else {
                wire = Some(*connection);
                match self.welcome(&mut wire).await {
                    Ok(()) => self.live(&mut wire).await,
                    Err(end) => end,
                }
            };
        }
        self.save().await;
        drop(self);
        node.pages().forget(page, &inbox);
        if let (Some(connection), End::Close(code, reason)) = (wire, end) {
            connection.close(code, reason).await;
        }
        drop(place);
    }

    /// Brings the page to life: its saved state, the right to see it, `init`, and the welcome.
    async fn begin(&mut self, wire: &mut Option<Connection>, start: Start) -> Result<(), End> {
        let restored = start == Start::Restored;
        if let Some(connection) = wire {
            self.cx.out = Out::new(connection.format);
        }
        if restored && let Some(connection) = wire {
            let (answered, format) = (connection.answered, connection.format);
            match self.restore(answered, format).await {
                Ok(()) => {}
                Err(error) => return Err(self.fatal(&error)),
            }
        }
        match self.drive(Msg::Init { restored }, wire).await {
            Ok(_) => {}
            Err(error) => return Err(self.fatal(&error)),
        }
        self.snapshot().await.map_err(|error| self.fatal(&error))?;
        if let Err(error) = self.cx.commit().await {
            return Err(self.fatal(&error));
        }
        self.welcome(wire).await?;
        self.push(wire).await
    }

    async fn restore(&mut self, answered: u64, format: crate::Format) -> Result {
        let id = pages::record_id(self.cx.page());
        let saved = self.node().store().txn().get::<Saved>(&id).await?;
        self.delivery = match saved {
            Some(saved) => {
                protocol::push(&mut self.chain, Msg::Restore(&saved.state), &mut self.cx).await?;
                let kept = if saved.json { crate::Format::Json } else { crate::Format::Cbor };
                Delivery::restored(saved.last.max(answered), kept, saved.answers)
            }
            // Nothing was ever saved of this page, so none of its events wrote to the store: what the
            // client has seen answered is all there is.
            None => Delivery::restored(answered, format, Vec::new()),
        };
        Ok(())
    }

    /// What an error at the start of a page's life means for its connection.
    fn fatal(&self, error: &Error) -> End {
        match error {
            Error::Denied => End::Close(4403, "access denied"),
            Error::NotFound => End::Close(4404, "not found"),
            error => {
                let incident = self.node().incident();
                tracing::error!(%incident, page.path = self.cx.path(), %error, "page could not start");
                End::Close(1011, "server error")
            }
        }
    }

    /// Tells a client that connected what it has missed.
    async fn welcome(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        let Some(connection) = wire else { return Ok(()) };
        let (format, count, answered) = (connection.format, connection.count, connection.answered);
        let last = self.delivery.last;
        if let Some(missed) = self.delivery.after(count, format) {
            self.delivery.speak(format);
            if self.cx.out.format() != format {
                self.cx.out = Out::new(format);
            }
            self.write(wire, formatter::welcome(format, count, last)).await?;
            for frame in missed {
                self.write(wire, frame).await?;
            }
            return Ok(());
        }
        // No client misses more answers than the window allows it to wait for.
        let first = (answered + 1).max((last + 1).saturating_sub(self.node().limits().window as u64));
        let answers: Vec<_> = (first..=last)
            .map(|seq| {
                (
                    seq,
                    self.delivery
                        .answer(seq, format)
                        .unwrap_or_else(|| Out::new(format).take(Head::Answer(seq))),
                )
            })
            .collect();
        self.delivery.start_over(format);
        self.cx.out = Out::new(format);
        self.write(wire, formatter::welcome(format, 0, last)).await?;
        for (seq, frame) in answers {
            self.deliver(wire, Some(seq), frame).await?;
        }
        match self.drive(Msg::Refresh, wire).await {
            Ok(_) => self.push(wire).await,
            Err(error) => Err(self.fatal(&error)),
        }
    }

    async fn live(&mut self, wire: &mut Option<Connection>) -> End {
        let inbox = Arc::clone(self.cx.inbox());
        let mut parked = Instant::now();
        let mut timer = pin!(sleep_until(self.deadline(wire, parked)));
        loop {
            if self.left {
                return End::Gone;
            }
            let had = wire.is_some();
            let done = if let Some(frame) = self.queue.pop_front() {
                self.frame(&frame, wire).await
            } else {
                tokio::select! {
                    biased;
                    got = recv(wire) => self.received(got, wire).await,
                    item = inbox.next() => self.item(item, wire).await,
                    () = timer.as_mut() => self.tick(wire, parked).await,
                }
            };
            if let Err(end) = done {
                return end;
            }
            if had && wire.is_none() {
                parked = Instant::now();
                self.save().await;
            }
            let deadline = self.deadline(wire, parked);
            // A timer that is early costs one look at the clock; one that is late would be wrong.
            if timer.is_elapsed() || deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
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
            self.save().await;
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
                self.frame(&bytes, wire).await
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
                self.heard = Instant::now();
                self.queue.clear();
                self.welcome(wire).await
            }
            Item::End => Err(End::Close(4401, "session ended")),
            Item::Stop => Err(End::Close(1001, "server stops")),
            // A client that does not read, or a handler that does not return, is not buffered for.
            Item::Lagged => Err(End::Close(1013, "too slow")),
        }
    }

    async fn frame(&mut self, bytes: &Bytes, wire: &mut Option<Connection>) -> Result<(), End> {
        let format = self.delivery.format();
        let read = frame::read(format, bytes, self.cx.node().limits());
        match read {
            Ok(Frame::Ping(count)) => {
                self.delivery.received(count);
                match self.drive(Msg::Ping(count), wire).await {
                    Ok(Answer::Pong) => self.write(wire, formatter::pong(format)).await,
                    _ => Ok(()),
                }
            }
            Ok(Frame::Event(event)) => self.event(&event, wire).await,
            Err(malformed) => {
                tracing::debug!(page.path = self.cx.path(), %malformed, "connection closed");
                Err(End::Close(4400, "malformed frame"))
            }
        }
    }

    async fn event(&mut self, event: &Event<'_>, wire: &mut Option<Connection>) -> Result<(), End> {
        let (seq, format) = (event.seq, self.delivery.format());
        if seq <= self.delivery.last {
            let again = self.delivery.answer(seq, format);
            let again = again.unwrap_or_else(|| Out::new(format).take(Head::Answer(seq)));
            return self.deliver(wire, Some(seq), again).await;
        }
        if seq != self.delivery.last + 1 {
            return Err(End::Close(4400, "event out of order"));
        }
        let mut tries = 0;
        let done = loop {
            let done = match self.drive(Msg::Event(event), wire).await {
                Ok(Answer::Done) => self.commit(seq).await,
                Ok(_) => Err(Error::Refused("no protocol knows it")),
                Err(error) => Err(error),
            };
            match done {
                Err(error) if error.is_conflict() && tries < RETRIES => {
                    tries += 1;
                    self.undo().await;
                }
                done => break done,
            }
        };
        self.delivery.last = seq;
        match done {
            Ok(frame) => self.deliver(wire, Some(seq), frame).await,
            Err(error) => self.failed(seq, &error, wire).await,
        }
    }

    /// Makes the answer, and commits what the handler wrote together with it.
    async fn commit(&mut self, seq: u64) -> Result<Bytes> {
        protocol::push(&mut self.chain, Msg::Save, &mut self.cx).await?;
        let frame = self.cx.out.take(Head::Answer(seq));
        let most = self.node().limits().answer;
        if frame.len() > most {
            return Err(Error::other(format!(
                "an answer of {} bytes is over the limit of {most}",
                frame.len()
            )));
        }
        if self.cx.wrote() {
            let mut answers = self.delivery.answers(seq, self.node().limits());
            answers.push((seq, frame.to_vec()));
            let saved = self.record(seq, answers);
            self.cx.commit_with(Some(&saved)).await?;
            self.save_at = None;
        } else {
            self.cx.commit().await?;
            self.changed();
        }
        self.keep_state();
        Ok(frame)
    }

    fn record(&self, last: u64, answers: Vec<(u64, Vec<u8>)>) -> Saved {
        Saved {
            id: pages::record_id(self.cx.page()),
            at: self.node().clock().secs(),
            state: self.cx.state.clone(),
            last,
            json: self.delivery.format().is_text(),
            answers,
        }
    }

    /// Notes that the state differs from what is saved, when it does.
    fn changed(&mut self) {
        if self.save_at.is_none() && self.cx.state != self.state {
            self.save_at = Some(Instant::now() + self.node().limits().save);
        }
    }

    fn keep_state(&mut self) {
        std::mem::swap(&mut self.state, &mut self.cx.state);
    }

    /// Takes the state of a page that has just begun as what later failures are taken back to.
    async fn snapshot(&mut self) -> Result {
        protocol::push(&mut self.chain, Msg::Save, &mut self.cx).await?;
        self.keep_state();
        Ok(())
    }

    /// Takes the page back to where it was before the handler.
    async fn undo(&mut self) {
        self.cx.rollback();
        let state = std::mem::take(&mut self.state);
        if let Err(error) = protocol::push(&mut self.chain, Msg::Restore(&state), &mut self.cx).await {
            tracing::error!(page.path = self.cx.path(), %error, "page could not be taken back");
        }
        self.state = state;
    }

    /// Tells the user that an event came to nothing.
    async fn failed(&mut self, seq: u64, error: &Error, wire: &mut Option<Connection>) -> Result<(), End> {
        let touched = !self.cx.out.is_empty()
            || matches!(error, Error::Panic(_))
            || protocol::push(&mut self.chain, Msg::Save, &mut self.cx).await.is_err()
            || self.cx.state != self.state;
        self.undo().await;
        let (code, text) = self.explain(error);
        let frame = formatter::error(self.delivery.format(), seq, code, &text);
        self.deliver(wire, Some(seq), frame).await?;
        if touched || matches!(error, Error::Seal(crate::SealError::Expired)) {
            self.refresh(wire).await?;
        }
        Ok(())
    }

    /// The code and text of an error, for the user's eyes.
    fn explain(&self, error: &Error) -> (u8, String) {
        match error {
            Error::User(text) => (1, text.to_string()),
            Error::Denied => (2, crate::text::denied(self.cx.lang()).to_owned()),
            Error::Seal(crate::SealError::Expired) => (3, crate::text::expired(self.cx.lang()).to_owned()),
            Error::Seal(_) | Error::Refused(_) | Error::NotFound => {
                tracing::warn!(page.path = self.cx.path(), page.id = %self.cx.page(), %error, "event refused");
                (2, crate::text::refused(self.cx.lang()).to_owned())
            }
            error if error.is_conflict() => (4, crate::text::conflict(self.cx.lang()).to_owned()),
            error => {
                let incident = self.node().incident();
                tracing::error!(%incident, page.path = self.cx.path(), %error, "handler failed");
                (1, crate::text::incident(self.cx.lang(), &incident))
            }
        }
    }

    async fn refresh(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        match self.drive(Msg::Refresh, wire).await {
            Ok(_) => self.push(wire).await,
            Err(error) => Err(self.fatal(&error)),
        }
    }

    async fn info(&mut self, message: &Message, wire: &mut Option<Connection>) -> Result<(), End> {
        let done = match self.drive(Msg::Info(message), wire).await {
            Ok(_) => self.commit_push().await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => self.push(wire).await,
            Err(error) => {
                let (_, text) = self.explain(&error);
                tracing::debug!(text, "message came to nothing");
                self.undo().await;
                self.refresh(wire).await
            }
        }
    }

    async fn commit_push(&mut self) -> Result {
        protocol::push(&mut self.chain, Msg::Save, &mut self.cx).await?;
        if self.cx.wrote() {
            let saved = self
                .record(self.delivery.last, self.delivery.answers(self.delivery.last, self.node().limits()));
            self.cx.commit_with(Some(&saved)).await?;
            self.save_at = None;
        } else {
            self.cx.commit().await?;
            self.changed();
        }
        self.keep_state();
        Ok(())
    }

    /// Saves the state when it has changed since it was last saved.
    async fn save(&mut self) {
        if self.save_at.take().is_none() {
            return;
        }
        self.cx.state.clone_from(&self.state);
        let saved =
            self.record(self.delivery.last, self.delivery.answers(self.delivery.last, self.node().limits()));
        if let Err(error) = self.cx.commit_with(Some(&saved)).await {
            tracing::warn!(page.path = self.cx.path(), %error, "page could not be saved; will try again");
            self.cx.rollback();
            self.save_at = Some(Instant::now() + self.node().limits().save);
        }
    }

    /// Sends the ops that no event asked for, if there are any.
    async fn push(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        if self.cx.out.is_empty() {
            return Ok(());
        }
        let frame = self.cx.out.take(Head::Push);
        self.deliver(wire, None, frame).await
    }

    /// Counts, keeps and writes a frame.
    async fn deliver(
        &mut self,
        wire: &mut Option<Connection>,
        answers: Option<u64>,
        frame: Bytes,
    ) -> Result<(), End> {
        self.delivery.keep(answers, &frame, self.cx.node().limits());
        self.write(wire, frame).await
    }

    async fn write(&mut self, wire: &mut Option<Connection>, frame: Bytes) -> Result<(), End> {
        let Some(connection) = wire else { return Ok(()) };
        match connection.send(frame, self.cx.node().limits().write).await {
            Ok(()) => Ok(()),
            Err(Slow::Gone) => {
                *wire = None;
                Ok(())
            }
            Err(Slow::Stalled) => Err(End::Close(1013, "too slow")),
        }
    }

    /// Runs the chain; frames that come meanwhile are queued, and heartbeats answered.
    async fn drive(&mut self, msg: Msg<'_>, wire: &mut Option<Connection>) -> Result<Answer> {
        let Process { cx, chain, queue, delivery, rate, born, heard, left, .. } = self;
        let (limits, format) = (cx.node().clone(), delivery.format());
        let limits = limits.limits();
        let mut work = pin!(AssertUnwindSafe(protocol::push(chain, msg, cx)).catch_unwind());
        loop {
            let got = tokio::select! {
                biased;
                done = work.as_mut() => return done.unwrap_or_else(|panic| Err(Error::Panic(reason(&*panic)))),
                got = recv(wire), if queue.len() <= limits.window => got,
            };
            *heard = Instant::now();
            match got {
                Some(Incoming::Frame(bytes)) if rate.allow(millis(*heard - *born)) => {
                    match frame::read(format, &bytes, limits) {
                        Ok(Frame::Ping(_)) => {
                            if let Some(connection) = wire
                                && connection.send(formatter::pong(format), limits.write).await.is_err()
                            {
                                *wire = None;
                            }
                        }
                        _ => queue.push_back(bytes),
                    }
                }
                Some(Incoming::Leaving) => {
                    *wire = None;
                    *left = true;
                }
                // What is broken or too fast is cut off; an honest client connects again.
                Some(Incoming::Frame(_) | Incoming::Broken(_)) | None => *wire = None,
            }
        }
    }
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

fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason".to_owned())
}
