//! A client of the protocol, written from `PROTOCOL.md`: it keeps what is not answered, connects again and
//! sends it again. Of the document it knows the messages of a room, in their order.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{Jar, PATIENCE, Reply, request};

/// A bound element of a page.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) id: String,
    pub(crate) seal: String,
}

/// A frame of the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Pong,
    Answer(u64, Vec<Value>),
    Push(Vec<Value>),
    Error(u64, u64, String),
    Welcome(u64, u64),
}

/// Why there is no connection: its close code; 1006 when there was no close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost(pub(crate) u16);

/// A visitor with one page.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) jar: Jar,
    pub(crate) path: String,
    pub(crate) html: String,
    pub(crate) token: String,
    socket: Option<WebSocketStream<TcpStream>>,
    count: u64,
    answered: u64,
    next: u64,
    /// Events without an answer.
    queue: VecDeque<(u64, Value)>,
    /// Where the last op of the kind `redirect` led to.
    pub(crate) redirect: Option<String>,
    /// The messages that the page shows: position and text.
    pub(crate) lines: Vec<(u64, String)>,
    /// Errors of events: number, code, text.
    pub(crate) errors: Vec<(u64, u64, String)>,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Client { address: address.to_owned(), ..Client::default() }
    }

    /// Asks for a path with the cookies of this client.
    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        let cookie = self.jar.header();
        let reply = request(&self.address, "GET", path, &[("Cookie", &cookie)], "").await.unwrap();
        self.jar.take(&reply);
        reply
    }

    /// Opens a page and connects.
    pub(crate) async fn open(&mut self, path: &str) {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "GET {path}: {}", reply.body);
        self.path = path.to_owned();
        self.token = between(&reply.body, "<meta name=\"n2o\" content=\"", "\"").unwrap().to_owned();
        self.lines = lines(&reply.body);
        self.html = reply.body;
        (self.count, self.answered, self.next) = (0, 0, 0);
        self.queue.clear();
        self.connect().await.unwrap();
    }

    /// Logs in as a guest, and opens the room.
    pub(crate) async fn enter(&mut self, name: &str, room: &str) {
        self.open("/login").await;
        let login = self.bound("user room");
        self.fire(&login, json!([name, room])).await.unwrap();
        while self.redirect.is_none() {
            self.step().await.unwrap();
            assert_eq!(self.errors, [], "login as {name:?} into {room:?}");
        }
        let mut to = self.redirect.take().unwrap();
        self.leave().await;
        loop {
            let reply = self.get(&to).await;
            match reply.header("location") {
                Some(next) => to = next.to_owned(),
                None => break,
            }
        }
        self.open(&to).await;
    }

    /// The element whose event reads these sources.
    pub(crate) fn bound(&self, sources: &str) -> Bound {
        let at = self.html.find(&format!(" data-s=\"{sources}\"")).unwrap();
        self.bound_at(at)
    }

    /// The element with this id.
    pub(crate) fn bound_id(&self, id: &str) -> Bound {
        let at = self.html.find(&format!(" id=\"{id}\"")).unwrap();
        self.bound_at(at)
    }

    fn bound_at(&self, at: usize) -> Bound {
        let start = self.html[..at].rfind('<').unwrap();
        let tag = &self.html[start..];
        let tag = &tag[..tag.find('>').unwrap()];
        let of = |name: &str| between(tag, &format!(" {name}=\""), "\"").unwrap().to_owned();
        Bound { id: of("id"), seal: of("data-e") }
    }

    /// Connects as section 3 says, and waits for the welcome.
    pub(crate) async fn connect(&mut self) -> Result<(), Lost> {
        let origin = format!("http://{}", self.address);
        let socket = self.handshake(&origin, "n2o.json.1").await.map_err(|_| Lost(1006))?;
        self.socket = Some(socket);
        match self.step().await? {
            Frame::Welcome(..) => Ok(()),
            other => panic!("expected the welcome, got {other:?}"),
        }
    }

    /// The bare handshake; the status when it is refused, 0 when nobody is there.
    pub(crate) async fn handshake(
        &self,
        origin: &str,
        protocol: &str,
    ) -> Result<WebSocketStream<TcpStream>, u16> {
        use tokio_tungstenite::tungstenite::Error;
        let Client { address, token, count, answered, .. } = self;
        let url = format!("ws://{address}/ws?t={token}&n={count}&a={answered}");
        let mut request = url.into_client_request().unwrap();
        let mut set = |name, value: &str| {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        };
        set("cookie", &self.jar.header());
        set("sec-websocket-protocol", protocol);
        // More than one, separated by a space, is what no browser sends.
        for origin in origin.split(' ') {
            request.headers_mut().append("origin", HeaderValue::from_str(origin).unwrap());
        }
        let stream = TcpStream::connect(address).await.map_err(|_| 0_u16)?;
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(reply)) => Err(reply.status().as_u16()),
            Err(_) => Err(0),
        }
    }

    /// Connects until somebody is there, with the waits of section 8.
    pub(crate) async fn reconnect(&mut self) -> Result<(), Lost> {
        let (start, mut wait) = (std::time::Instant::now(), 20);
        loop {
            match self.connect().await {
                Err(Lost(1001 | 1006 | 1013)) if start.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    wait = (wait * 2).min(500);
                }
                done => return done,
            }
        }
    }

    /// Sends an event, and keeps it until it is answered.
    pub(crate) async fn fire(&mut self, bound: &Bound, values: Value) -> Result<u64, Lost> {
        self.next += 1;
        let frame = json!([1, self.next, bound.id, bound.seal, values]);
        self.queue.push_back((self.next, frame.clone()));
        self.send(&frame).await?;
        Ok(self.next)
    }

    /// Sends any frame.
    pub(crate) async fn send(&mut self, frame: &Value) -> Result<(), Lost> {
        self.send_message(Message::text(frame.to_string())).await
    }

    pub(crate) async fn send_message(&mut self, message: Message) -> Result<(), Lost> {
        let Some(socket) = &mut self.socket else { return Err(Lost(1006)) };
        socket.send(message).await.map_err(|_| self.lose(1006))
    }

    /// The number of the last event that was answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    fn lose(&mut self, code: u16) -> Lost {
        self.socket = None;
        Lost(code)
    }

    /// Leaves the page.
    pub(crate) async fn leave(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            let _ = socket.close(None).await;
        }
    }

    /// Takes one frame and does what it says.
    pub(crate) async fn step(&mut self) -> Result<Frame, Lost> {
        let Some(socket) = &mut self.socket else { return Err(Lost(1006)) };
        let got = tokio::time::timeout(PATIENCE, socket.next()).await.expect("the server is silent");
        let text = match got {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => {
                return Err(self.lose(frame.map_or(1005, |frame| frame.code.into())));
            }
            Some(Ok(other)) => panic!("expected a text message, got {other:?}"),
            Some(Err(_)) | None => return Err(self.lose(1006)),
        };
        let frame = read(&text);
        self.take(&frame).await?;
        Ok(frame)
    }

    async fn take(&mut self, frame: &Frame) -> Result<(), Lost> {
        match frame {
            Frame::Pong => {}
            Frame::Welcome(count, last) => {
                self.count = *count;
                let again: Vec<_> =
                    self.queue.iter().filter(|(seq, _)| seq > last).map(|(_, frame)| frame.clone()).collect();
                for frame in again {
                    self.send(&frame).await?;
                }
            }
            Frame::Answer(seq, ops) => {
                self.done(*seq);
                self.apply(ops);
            }
            Frame::Push(ops) => {
                self.count += 1;
                self.apply(ops);
            }
            Frame::Error(seq, code, text) => {
                self.done(*seq);
                self.errors.push((*seq, *code, text.clone()));
            }
        }
        Ok(())
    }

    fn done(&mut self, seq: u64) {
        self.count += 1;
        let (expected, _) = self.queue.pop_front().expect("an answer to an event that was not sent");
        assert_eq!(seq, expected, "answers come in order, once each");
        self.answered = seq;
    }

    /// Follows the ops as far as they concern the messages of a room.
    fn apply(&mut self, ops: &[Value]) {
        for op in ops {
            let text = |at: usize| op.get(at).and_then(Value::as_str).unwrap_or_default();
            let (id, html) = (text(1), text(2));
            let place = |lines: &[(u64, String)]| {
                let position: u64 = id.strip_prefix('m').and_then(|id| id.parse().ok())?;
                lines.iter().position(|(known, _)| *known == position)
            };
            match op.get(0).and_then(Value::as_u64).unwrap() {
                0 if id.is_empty() => {
                    self.html = html.to_owned();
                    self.lines = lines(html);
                }
                0 if id == "messages" => self.lines = lines(html),
                1 if id == "messages" => drop(self.lines.splice(0..0, lines(html))),
                2 if id == "messages" => self.lines.extend(lines(html)),
                code @ (3 | 4) => {
                    if let Some(at) = place(&self.lines) {
                        let at = at + usize::from(code == 4);
                        self.lines.splice(at..at, lines(html));
                    }
                }
                6 => {
                    if let Some(at) = place(&self.lines) {
                        self.lines.remove(at);
                    }
                }
                14 => self.redirect = Some(id.to_owned()),
                17 => {
                    if let Some(at) = place(&self.lines) {
                        let before = op.get(2).and_then(Value::as_bool).unwrap();
                        self.lines.remove(if before { at - 1 } else { at + 1 });
                    }
                }
                _ => {}
            }
            let ordered = self.lines.windows(2).all(|pair| pair[0].0 < pair[1].0);
            assert!(ordered, "a message twice or out of order after {op}");
        }
    }
}

fn read(text: &str) -> Frame {
    let value: Value = serde_json::from_str(text).unwrap();
    let number = |at: usize| value[at].as_u64().unwrap();
    let ops = |at: usize| value[at].as_array().unwrap().clone();
    match number(0) {
        0 => Frame::Pong,
        1 => Frame::Answer(number(1), ops(2)),
        2 => Frame::Push(ops(1)),
        3 => Frame::Error(number(1), number(2), value[3].as_str().unwrap().to_owned()),
        4 => Frame::Welcome(number(1), number(2)),
        other => panic!("unknown frame {other}: {text}"),
    }
}

/// The messages in a piece of a room's document.
fn lines(html: &str) -> Vec<(u64, String)> {
    let items = html.split("<li id=\"m").skip(1);
    items
        .map(|item| {
            let position = item.split('"').next().unwrap().parse().unwrap();
            let text = between(item, "<p class=\"text\" dir=\"auto\">", "</p>").unwrap();
            (position, unescaped(text))
        })
        .collect()
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}

const ENTITIES: [(&str, &str); 5] =
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];

/// A text as it stands in a document.
pub(crate) fn escaped(text: &str) -> String {
    ENTITIES.iter().fold(text.to_owned(), |text, (plain, entity)| text.replace(plain, entity))
}

/// A text out of a document.
fn unescaped(text: &str) -> String {
    ENTITIES.iter().rev().fold(text.to_owned(), |text, (plain, entity)| text.replace(entity, plain))
}
