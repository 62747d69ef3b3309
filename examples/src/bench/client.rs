//! A client: it opens a page, uses its elements one after the other, and looks whether each answer shows what
//! was asked for. An event that was refused or did something else is no event.

use std::{
    fmt::{Display, Write},
    io,
};

use memchr::memmem;
use n2o::Format;

use super::{
    frames::{self, Frame},
    load::{Link, Target},
    seals::Seals,
    socket::Socket,
};

/// What a client does again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Sends so many bytes to be echoed.
    Echo(usize),
    /// Uses the page as the function says for each turn, of which the first is 1.
    Use(fn(u64, &mut Step)),
    /// Only looks at the page.
    Look,
}

/// One turn: the element that is used, the value that is sent with it, and what the answer has to show.
#[derive(Debug, Default)]
pub(crate) struct Step {
    element: String,
    value: Option<String>,
    /// Separated by line breaks.
    shows: String,
}

impl Step {
    /// Begins with an element.
    pub(crate) fn on(&mut self, element: impl Display) -> &mut Self {
        self.element.clear();
        self.shows.clear();
        self.value = None;
        let _ = write!(self.element, "{element}");
        self
    }

    /// Sends a value.
    pub(crate) fn sends(&mut self, value: impl Display) -> &mut Self {
        self.value = Some(value.to_string());
        self
    }

    /// Wants a text in the answer.
    pub(crate) fn shows(&mut self, text: impl Display) -> &mut Self {
        let _ = writeln!(self.shows, "{text}");
        self
    }

    /// Takes out what a frame shows.
    fn see(&mut self, frame: &[u8]) {
        let mut from = 0;
        while let Some(len) = self.shows[from..].find('\n') {
            if memmem::find(frame, &self.shows.as_bytes()[from..from + len]).is_some() {
                self.shows.replace_range(from..=from + len, "");
            } else {
                from += len + 1;
            }
        }
    }
}

/// What a client opens, in which format it speaks, and what it does.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) path: String,
    pub(crate) format: Format,
    pub(crate) act: Act,
}

impl Role {
    /// A client of the echo.
    pub(crate) fn echo(bytes: usize) -> Self {
        Role { path: String::from("/"), format: Format::Cbor, act: Act::Echo(bytes) }
    }
}

/// A client with its connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: Socket,
    role: Role,
    seals: Seals,
    step: Step,
    seq: u64,
    frame: Vec<u8>,
    /// Bytes that came before the first turn.
    before: u64,
}

impl Client {
    /// Visits a page and connects, or connects to an echo.
    pub(crate) async fn open(link: &mut Link, server: &Target, role: &Role) -> io::Result<Self> {
        let (socket, seals) = if let Act::Echo(_) = role.act {
            let is_text = role.format.is_text();
            (Socket::open(server.address, &role.path, "", is_text).await?, Seals::new(role.format))
        } else {
            let page = link.to(server).await?.visit(&role.path).await?;
            (page.connect(role.format).await?, page.seals(role.format))
        };
        let (before, role) = (socket.down, role.clone());
        Ok(Client { socket, role, seals, step: Step::default(), seq: 0, frame: Vec::new(), before })
    }

    /// Bytes of one turn, down and up, with the heads of the frames.
    pub(crate) fn bytes(&self) -> (f64, f64) {
        let turns = self.seq.max(1) as f64;
        ((self.socket.down - self.before) as f64 / turns, self.socket.up as f64 / turns)
    }

    /// Does it once, and waits for the answer.
    pub(crate) async fn turn(&mut self) -> io::Result<()> {
        self.seq += 1;
        match self.role.act {
            Act::Echo(len) => {
                self.frame.resize(len, b'x');
                self.socket.send(&self.frame).await?;
                let back = self.socket.recv().await?;
                if back == self.frame { Ok(()) } else { Err(io::Error::other("the echo is another")) }
            }
            Act::Use(act) => {
                act(self.seq, &mut self.step);
                let Step { element, value, .. } = &self.step;
                let seal = self.seals.of(element)?;
                frames::event(self.role.format, &mut self.frame, self.seq, element, seal, value.as_deref());
                self.socket.send(&self.frame).await?;
                self.answered().await
            }
            Act::Look => Err(io::Error::other("a client that only looks has no turns")),
        }
    }

    /// Waits for the answer, which may come in parts, and looks at it.
    async fn answered(&mut self) -> io::Result<()> {
        let Client { socket, seals, step, role, seq, .. } = self;
        loop {
            let got = socket.recv().await?;
            let frame = frames::read(role.format, got);
            if let Frame::Answer(_, ops) | Frame::Push(ops) = frame {
                step.see(ops);
                if memmem::find(ops, b" data-e=").is_some() {
                    seals.read(ops);
                }
            }
            match frame {
                Frame::Answer(to, _) if to == *seq && step.shows.is_empty() => return Ok(()),
                Frame::Push(_) => {}
                _ => {
                    let (text, wanted) = (String::from_utf8_lossy(&got[..got.len().min(500)]), &step.shows);
                    let what = format!("event {seq} on {} was answered {text:?}", step.element);
                    let lacks =
                        if wanted.is_empty() { String::new() } else { format!(", without {wanted:?}") };
                    return Err(io::Error::other(what + &lacks));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_seen_in_any_part() {
        let mut step = Step::default();
        step.on("b").sends("x").shows("one").shows(2).shows("three");
        step.see(b"2 and three");
        assert_eq!(step.shows, "one\n");
        step.see(b"no");
        assert_eq!(step.shows, "one\n");
        step.see(b"one");
        assert_eq!(step.shows, "");
        step.on("c");
        assert_eq!((step.element.as_str(), step.value), ("c", None));
    }
}
