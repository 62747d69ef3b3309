//! A turn: one event or message, from the handler to its answer.

use std::{future::poll_fn, pin::pin, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Call, End, Process, RETRIES, heart, millis, queue::Cut, recv};
use crate::{
    channel::{Connection, Incoming},
    deadline::Run,
    error::{Error, Result},
    formatter::{self, Head, Out},
    frame::{self, EVENT, Event, Frame},
    message::Message,
    services::Services,
    shown::Shown,
    site::caught,
};

/// The code of an `ERROR` for what is not done, whoever asks.
const REFUSED: u8 = 2;

/// How long a timer waits whose turn came between others.
const AGAIN: Duration = Duration::from_secs(1);

impl Process {
    pub(super) async fn event(
        &mut self,
        event: &Event<'_>,
        wire: &mut Option<Connection>,
    ) -> Result<(), End> {
        let (seq, format) = (event.seq, self.delivery.format());
        if self.cx.session_handle().ended() {
            return Err(End::Close(4401, "session ended"));
        }
        if seq == 0 {
            return Err(End::Close(4400, "event out of order"));
        }
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
            let done = match self.drive(Call::Event(event), wire).await {
                Ok(()) => self.commit(event).await,
                Err(error) => Err(error),
            };
            match done {
                Err(error) if self.again(&error, &mut tries).await? => {}
                done => break done,
            }
        };
        self.delivery.last = seq;
        match done {
            Ok(frame) => {
                self.deliver(wire, Some(seq), frame).await?;
                self.push(wire).await
            }
            // In a box of its own: every event would have room for it.
            Err(error) => Box::pin(self.failed(event, &error, wire)).await,
        }
    }

    /// Makes the answer, and commits what the handler wrote together with it.
    pub(super) async fn commit(&mut self, event: &Event<'_>) -> Result<Bytes> {
        self.take()?;
        let seq = event.seq;
        let head = if event.kind == EVENT { Head::Answer(seq) } else { Head::Reply(event.kind, seq) };
        let frame = self.cx.out.take(head);
        let most = self.node().limits().answer;
        if frame.len() > most {
            return Err(Error::other(format!(
                "an answer of {} bytes is over the limit of {most}",
                frame.len()
            )));
        }
        if self.cx.wrote() || self.cx.soon_is_due(self.heard) {
            let mut answers = self.delivery.answers(seq, self.node().limits());
            answers.push((seq, frame.to_vec()));
            self.commit_saved(self.record(seq, answers)).await?;
        } else {
            self.cx.commit_with(None).await?;
            self.changed();
        }
        self.settled();
        self.cx.seen();
        Ok(frame)
    }

    pub(super) async fn commit_push(&mut self) -> Result {
        self.take()?;
        if self.cx.wrote() || self.cx.soon_is_due(self.heard) {
            self.commit_saved(self.present()).await?;
        } else {
            self.cx.commit_with(None).await?;
            self.changed();
        }
        self.settled();
        Ok(())
    }

    /// Calls the protocols for what no event asked for, and commits; again when another commit came between.
    pub(super) async fn attempt(
        &mut self,
        call: Call<'_>,
        wire: &mut Option<Connection>,
    ) -> Result<Result<()>, End> {
        let mut tries = 0;
        loop {
            let done = match self.drive(call, wire).await {
                Ok(()) => self.commit_push().await,
                Err(error) => Err(error),
            };
            match done {
                Err(error) if self.again(&error, &mut tries).await? => {}
                done => return Ok(done),
            }
        }
    }

    /// Takes the page back and says whether to run the handler again: when another commit came between, but
    /// not too often. The page is over when that commit was of the same page on another node, and when the
    /// server stops: its client sends the event again to the next one.
    async fn again(&mut self, error: &Error, tries: &mut u32) -> Result<bool, End> {
        if matches!(error, Error::Stopping) {
            self.undo();
            return Err(End::Close(1001, "server stops"));
        }
        if !error.is_conflict() {
            return Ok(false);
        }
        Box::pin(self.still_here()).await?;
        if *tries == RETRIES {
            return Ok(false);
        }
        *tries += 1;
        self.undo();
        Ok(true)
    }

    /// Tells the user that an event came to nothing.
    pub(super) async fn failed(
        &mut self,
        event: &Event<'_>,
        error: &Error,
        wire: &mut Option<Connection>,
    ) -> Result<(), End> {
        self.undo();
        let (code, text) = match self.protocols.name(event.kind).filter(|_| event.kind != EVENT) {
            Some(protocol) => self.explain("message to", protocol, error),
            None => self.explain("event", &event.target, error),
        };
        let frame = formatter::error(self.delivery.format(), event.seq, code, &text);
        self.deliver(wire, Some(event.seq), frame).await?;
        // A panic may have left the page's picture of the document anywhere.
        if matches!(error, Error::Panic(_) | Error::Seal(crate::SealError::Expired)) {
            Box::pin(self.refresh(wire)).await?;
        }
        Ok(())
    }

    /// Answers an event that was too long to be read. Events have their numbers in the order they come in, so
    /// this was the next one; a client that has its answer does not send it again when it comes back.
    pub(super) async fn refuse(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        self.too_long = false;
        self.delivery.last += 1;
        let seq = self.delivery.last;
        let text = crate::text::too_long(self.cx.lang());
        let frame = formatter::error(self.delivery.format(), seq, REFUSED, text);
        self.deliver(wire, Some(seq), frame).await?;
        if let Some(connection) = wire.take() {
            self.node().tasks().spawn("close", connection.close(1009, "too long"));
        }
        Ok(())
    }

    /// The code and text of an error, for the user's eyes.
    pub(super) fn explain(&self, what: &str, of: &str, error: &Error) -> (u8, String) {
        match error {
            Error::User(text) | Error::Later(text) => (1, text.to_string()),
            Error::Denied => (REFUSED, crate::text::denied(self.cx.lang()).to_owned()),
            Error::Seal(crate::SealError::Expired) => (3, crate::text::expired(self.cx.lang()).to_owned()),
            Error::Seal(_) | Error::Refused(_) | Error::NotFound => {
                self.refused(what, of, error);
                (REFUSED, crate::text::refused(self.cx.lang()).to_owned())
            }
            Error::TooLarge { .. } => {
                self.refused(what, of, error);
                (REFUSED, crate::text::too_long(self.cx.lang()).to_owned())
            }
            error if error.is_conflict() => (4, crate::text::conflict(self.cx.lang()).to_owned()),
            error => {
                let site = self.cx.site_of(error);
                let what =
                    if site.is_empty() { format!("{what} {of}") } else { format!("{what} {of} ({site})") };
                let incident = self.node().failure(self.cx.path(), &what, error);
                let text = if error.is_unknown() { crate::text::unknown } else { crate::text::incident };
                (1, crate::text::with_site(text(self.cx.lang(), &incident), &site))
            }
        }
    }

    /// Logs what a client can cause at will, once in a while.
    fn refused(&self, what: &str, of: &str, error: &Error) {
        if let Some(repeated) = self.node().refusals() {
            tracing::warn!(
                page.path = %Shown(self.cx.path()),
                page.id = %self.cx.page(),
                what,
                of = %Shown(of),
                error = %Shown(error),
                repeated,
                "event refused"
            );
        }
    }

    /// Sends the whole page; a turn of its own, which later failures are not taken back behind.
    pub(super) async fn refresh(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        self.attempt(Call::Refresh, wire).await?.map_err(|error| self.fatal(&error))?;
        self.push(wire).await
    }

    pub(super) async fn info(&mut self, message: &Message, wire: &mut Option<Connection>) -> Result<(), End> {
        if self.cx.session_handle().ended() {
            return Err(End::Close(4401, "session ended"));
        }
        match self.attempt(Call::Info(message), wire).await? {
            Ok(()) => self.push(wire).await,
            // Nothing is to come any more: what is on the screen is not for this visitor's eyes.
            Err(Error::Denied) => Err(End::Close(4403, "access denied")),
            Err(error) => Box::pin(self.came_to_nothing("message", message.topic(), &error, wire)).await,
        }
    }

    /// Tells the protocols of the first timer that is due, in a turn of its own.
    pub(super) async fn time(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        let now = self.cx.now();
        let Some(timer) = self.cx.timers.take_due(now) else { return Ok(()) };
        self.lives().await?;
        // Taken before the handler runs: one that fails does not fail for ever.
        self.state.timers.clone_from(&self.cx.timers);
        self.save_at.get_or_insert(Instant::now() + self.node().limits().save);
        let done = match self.attempt(Call::Time(&timer), wire).await {
            Ok(Ok(())) => return self.push(wire).await,
            Ok(Err(error)) => {
                let done = Box::pin(self.came_to_nothing("timer", "", &error, wire)).await;
                if !error.is_conflict() {
                    return done;
                }
                done
            }
            // The page goes on elsewhere, or later.
            Err(end) => Err(end),
        };
        let now = self.cx.now();
        self.cx.timers.put_back(&timer, AGAIN, now);
        self.state.timers.clone_from(&self.cx.timers);
        done
    }

    /// After a handler that nobody waits for has failed.
    async fn came_to_nothing(
        &mut self,
        what: &str,
        of: &str,
        error: &Error,
        wire: &mut Option<Connection>,
    ) -> Result<(), End> {
        let (_, text) = self.explain(what, of, error);
        tracing::debug!(text, what, of, "what came to the page came to nothing");
        self.undo();
        // A panic may have left the page's picture of the document anywhere.
        if matches!(error, Error::Panic(_)) { self.refresh(wire).await } else { Ok(()) }
    }

    /// Takes the page back to where it was before the handler.
    pub(super) fn undo(&mut self) {
        self.cx.undo();
        self.cx.timers.clone_from(&self.state.timers);
        if let Err(error) = self.protocols.restore(&self.state) {
            tracing::error!(page.path = self.cx.path(), %error, "page could not be taken back");
        }
    }

    /// Calls the protocols within the handler's time; frames that come meanwhile are queued, and heartbeats answered.
    /// A protocol that panics has failed; its process lives on.
    pub(super) async fn drive(&mut self, call: Call<'_>, wire: &mut Option<Connection>) -> Result {
        let meter = self.cx.meter();
        let limits = meter.node.limits();
        // The event that runs is one of those that are not answered.
        let most = limits.window - usize::from(matches!(call, Call::Event(_))).min(limits.window);
        let Process { cx, protocols, queue, delivery, rate, born, heard, left, too_long, .. } = self;
        let format = delivery.format();
        let work = caught(async { protocols.call(call, cx).await });
        let mut run = Run { work: pin!(work), meter: &meter, slow: None };
        loop {
            let got = tokio::select! {
                biased;
                done = poll_fn(|cx| run.poll(cx)) => {
                    return done?.flatten();
                }
                got = recv(wire), if !*too_long => got,
            };
            *heard = Instant::now();
            match got {
                Some(Incoming::Frame(bytes)) if rate.allow(millis(*heard - *born)) => {
                    match frame::read(format, &bytes, limits) {
                        Ok(Frame::Ping(count)) => {
                            if let Err(End::Close(code, reason)) =
                                heart::beat(delivery, count, wire, limits).await
                            {
                                cut(&meter.node, wire, (code, reason));
                            }
                        }
                        _ => {
                            if let Err(full) = queue.push(&meter.node, &bytes, most) {
                                cut(&meter.node, wire, full);
                            }
                        }
                    }
                }
                Some(Incoming::Frame(_)) => cut(&meter.node, wire, (1008, "too many frames")),
                Some(Incoming::Broken(code)) => cut(&meter.node, wire, (code, "broken message")),
                Some(Incoming::TooLong) => *too_long = true,
                Some(Incoming::Leaving) => {
                    *wire = None;
                    *left = true;
                }
                None => *wire = None,
            }
        }
    }
}

/// Closes a connection while a handler of its page runs; what came before is still executed, and an honest
/// client connects again.
pub(super) fn cut(node: &Services, wire: &mut Option<Connection>, (code, reason): Cut) {
    if let Some(connection) = wire.take() {
        node.tasks().spawn("close", connection.close(code, reason));
    }
}
