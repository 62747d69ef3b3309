//! What goes out: the welcome, answers and pushes, counted and kept until they have arrived.

use bytes::Bytes;

use super::{End, Process};
use crate::{
    channel::{Connection, Slow},
    error::Error,
    formatter::{self, Head, Out},
    limit::Limits,
};

impl Process {
    /// Tells a client that connected what it has missed.
    pub(super) async fn welcome(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        let Some(connection) = wire else { return Ok(()) };
        let (format, count, answered) = (connection.format, connection.count, connection.answered);
        let whole = connection.whole;
        self.cx.inbox().comes_from(connection.address);
        let last = self.delivery.last;
        if !whole && let Some(missed) = self.delivery.after(count, format) {
            self.delivery.speak(format);
            self.cx.out.speak(format);
            self.write(wire, formatter::welcome(format, count, last, false)).await?;
            for frame in missed {
                self.write(wire, frame).await?;
            }
            return Ok(());
        }
        // No client misses more answers than the window allows it to wait for. A new document of the page misses
        // none: what they have changed is in it, and where they led to has been gone to.
        let first = (answered + 1).max((last + 1).saturating_sub(self.node().limits().window as u64));
        let first = if whole { last + 1 } else { first };
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
        if whole {
            // What was loaded may be old by now, and what was inserted without being part of the state is gone with
            // the document: the page is made from its state, as it is after a restart.
            self.undo();
        }
        self.delivery.start_over(format);
        self.cx.out.speak(format);
        let lost = std::mem::take(&mut self.lost);
        self.write(wire, formatter::welcome(format, 0, last, lost)).await?;
        for (seq, frame) in answers {
            self.deliver(wire, Some(seq), frame).await?;
        }
        self.refresh(wire).await
    }

    /// Sends the ops that no event asked for, and those for which an answer had no room, if there are any.
    pub(super) async fn push(&mut self, wire: &mut Option<Connection>) -> Result<(), End> {
        while !self.cx.out.is_empty() {
            let frame = self.cx.out.take(Head::Push);
            let most = self.node().limits().answer;
            if frame.len() > most {
                let error = Error::TooLarge { what: "a push", size: frame.len(), limit: most };
                let _ = self.node().failure(self.cx.path(), "push", &error);
                // The document is fetched by HTTP instead, which has no such limit.
                return Err(End::Close(4404, "too large to be sent"));
            }
            self.deliver(wire, None, frame).await?;
        }
        Ok(())
    }

    /// Counts, keeps and writes a frame.
    pub(super) async fn deliver(
        &mut self,
        wire: &mut Option<Connection>,
        answers: Option<u64>,
        frame: Bytes,
    ) -> Result<(), End> {
        self.delivery.keep(answers, &frame, self.cx.node().limits());
        self.write(wire, frame).await
    }

    pub(super) async fn write(&mut self, wire: &mut Option<Connection>, frame: Bytes) -> Result<(), End> {
        send(wire, frame, self.cx.node().limits()).await
    }
}

/// Writes a frame, if there is a connection.
pub(super) async fn send(wire: &mut Option<Connection>, frame: Bytes, limits: &Limits) -> Result<(), End> {
    let Some(connection) = wire else { return Ok(()) };
    match connection.send(frame, limits.write).await {
        Ok(()) => Ok(()),
        Err(Slow::Gone) => {
            *wire = None;
            Ok(())
        }
        Err(Slow::Stalled) => Err(End::Close(1013, "too slow")),
    }
}
