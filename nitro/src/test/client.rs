//! The client's side of the protocol: numbers, counters, and what has to be sent again.

use std::{collections::VecDeque, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;
use n2o::{Connection, Format};

use super::{
    Server,
    op::Frame,
    visitor::Visitor,
    wire::{Wire, wire},
};

/// How long a test waits for a frame; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client knows of a bound element: enough to send its event at any time, as an attacker would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The element's id.
    pub target: String,
    /// The content of `data-e`, as bytes.
    pub seal: Vec<u8>,
    /// The ids of the event's sources.
    pub sources: Vec<String>,
}

/// One page's client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) token: String,
    pub(crate) format: Format,
    wire: Option<Wire>,
    /// The counter of counted frames.
    count: u64,
    /// The last event whose answer has come.
    pub(crate) answered: u64,
    /// The number of the next event.
    pub(crate) next: u64,
    /// Events without an answer.
    queue: VecDeque<(u64, Vec<u8>)>,
    /// The document is not the one that the page was made with: it wants all of it.
    whole: bool,
    /// The code that the connection was closed with.
    pub(crate) closed: Option<u16>,
}

impl Client {
    pub(crate) fn new(token: String, format: Format) -> Self {
        let queue = VecDeque::new();
        Client {
            token,
            format,
            wire: None,
            count: 0,
            answered: 0,
            next: 1,
            queue,
            whole: false,
            closed: None,
        }
    }

    /// Connects, as the server's `/ws` does after its checks. Answers come with [`recv`](Client::recv).
    pub(crate) async fn connect(&mut self, visitor: &Visitor) {
        self.closed = None;
        let server: &Server = &visitor.server;
        let state = server.state().clone();
        let node = &state.node;
        let Some(place) = node.place() else { panic!("the node has no place for one more connection") };
        let (client, channel, plug) = wire(node.limits().frame);
        server.state().plugs.push(plug);
        let connection = Connection {
            attempt: 0,
            whole: self.whole,
            channel,
            format: self.format,
            count: self.count,
            answered: self.answered,
            place: Some(place),
            address: None,
        };
        let cookie = visitor.cookie();
        let visit = state.visit(&cookie);
        visit.connect(visit.known(&self.token).await, connection).await;
        self.wire = Some(client);
    }

    /// A client in a new document of the page, which has nothing but the page's token and the events without an answer.
    pub(crate) fn resume(self) -> Self {
        Client { wire: None, count: 0, whole: true, closed: None, ..self }
    }

    /// A client that knows what this one knows, without its connection.
    pub(crate) fn duplicate(&self) -> Self {
        let mut copy = Client::new(self.token.clone(), self.format);
        (copy.count, copy.answered, copy.next) = (self.count, self.answered, self.next);
        copy
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.wire.is_some()
    }

    pub(crate) fn waits(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(crate) fn raw(&self, frame: Vec<u8>) {
        if let Some(wire) = &self.wire {
            wire.send(frame);
        }
    }

    pub(crate) fn ping(&self, count: u64) {
        self.raw(self.encode(vec![0.into(), count.into()]));
    }

    pub(crate) fn stall(&self, stalled: bool) {
        if let Some(wire) = &self.wire {
            wire.stall(stalled);
        }
    }

    /// Numbers an event, keeps it, and sends it if there is a connection.
    pub(crate) fn send(&mut self, bound: &Bound, values: Vec<Value>) -> u64 {
        let frame = self.event(self.next, bound, values);
        self.keep(frame)
    }

    /// The same for a message to a protocol of the application.
    pub(crate) fn message(&mut self, kind: u8, values: Vec<Value>) -> u64 {
        let frame = self.encode(vec![kind.into(), self.next.into(), Value::Array(values)]);
        self.keep(frame)
    }

    fn keep(&mut self, frame: Vec<u8>) -> u64 {
        let seq = self.next;
        self.next += 1;
        self.queue.push_back((seq, frame.clone()));
        self.raw(frame);
        seq
    }

    /// The bytes of an event.
    pub(crate) fn event(&self, seq: u64, bound: &Bound, values: Vec<Value>) -> Vec<u8> {
        let seal = match self.format {
            Format::Cbor => Value::Bytes(bound.seal.clone()),
            Format::Json => Value::Text(URL_SAFE_NO_PAD.encode(&bound.seal)),
        };
        let mut items = vec![1.into(), seq.into(), Value::Text(bound.target.clone()), seal];
        if !values.is_empty() {
            items.push(Value::Array(values));
        }
        self.encode(items)
    }

    fn encode(&self, items: Vec<Value>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let items = Value::Array(items);
        let written = match self.format {
            Format::Cbor => ciborium::into_writer(&items, &mut bytes).map_err(|error| error.to_string()),
            Format::Json => serde_json::to_writer(&mut bytes, &items).map_err(|error| error.to_string()),
        };
        if let Err(error) = written {
            panic!("a frame could not be written: {error}");
        }
        bytes
    }

    /// The next frame of the server.
    pub(crate) async fn recv(&mut self) -> Frame {
        let Some(wire) = &self.wire else { return Frame::Closed(self.closed.unwrap_or(1006)) };
        let Ok(got) = tokio::time::timeout(PATIENCE, wire.recv()).await else {
            panic!("the server sent nothing for {} seconds", PATIENCE.as_secs())
        };
        let frame = match got {
            Ok(bytes) => Frame::read(self.format, &bytes),
            Err(code) => {
                self.wire = None;
                self.closed = Some(code);
                Frame::Closed(code)
            }
        };
        match &frame {
            Frame::Answer { seq, .. } | Frame::Error { seq, .. } | Frame::Reply { seq, .. } => {
                self.count += 1;
                self.answered = self.answered.max(*seq);
                self.queue.retain(|(waiting, _)| waiting != seq);
            }
            Frame::Push(_) => self.count += 1,
            Frame::Welcome { count, last } => {
                self.count = *count;
                if std::mem::take(&mut self.whole) {
                    self.answered = *last;
                    self.queue.retain(|(seq, _)| seq > last);
                }
                // Events that were executed are on their way; the others are sent again, as they were.
                let again: Vec<_> = self.queue.iter().filter(|(seq, _)| seq > last).cloned().collect();
                again.into_iter().for_each(|(_, frame)| self.raw(frame));
            }
            Frame::Pong | Frame::Closed(_) => {}
        }
        frame
    }

    /// Loses the connection without a word.
    pub(crate) fn drop_connection(&mut self) {
        self.wire = None;
    }

    /// Says good-bye.
    pub(crate) fn leave(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.leave();
        }
    }
}
