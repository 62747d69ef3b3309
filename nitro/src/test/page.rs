//! A page in a visitor's browser.

use std::{collections::VecDeque, mem};

use ciborium::Value;
use n2o::{Error, Format};

use super::{
    apply::apply,
    client::{Bound, Client},
    dom::{self, Element, Node},
    html::parse,
    op::{Frame, Op, without_seals},
    visitor::{Got, Visitor},
};

/// A page as its visitor sees it.
#[derive(Debug)]
pub struct TestPage {
    visitor: Visitor,
    path: String,
    title: String,
    format: Format,
    pub(crate) dom: Element,
    pub(crate) client: Option<Client>,
    ops: Vec<Op>,
    pushes: VecDeque<Vec<Op>>,
    alerts: Vec<String>,
    error: Option<(u64, String)>,
    focus: String,
    go: Option<String>,
    stays: bool,
}

impl TestPage {
    pub(crate) fn new(visitor: Visitor) -> Self {
        TestPage {
            visitor,
            path: String::new(),
            title: String::new(),
            format: Format::Cbor,
            dom: Element::default(),
            client: None,
            ops: Vec::new(),
            pushes: VecDeque::new(),
            alerts: Vec::new(),
            error: None,
            focus: String::new(),
            go: None,
            stays: false,
        }
    }

    /// Goes to a path, as from the address bar.
    pub async fn go(&mut self, path: &str) {
        self.leave();
        (self.go, self.stays) = (Some(path.to_owned()), false);
        self.follow().await;
    }

    /// Fetches the document again, and goes on with the page that was left, as a tab does that is reloaded. Where
    /// that page is gone, the new one is shown.
    pub async fn reload(&mut self) {
        let (path, left) = (self.path.clone(), self.client.take());
        if let Err(error) = self.fetch(&path).await {
            return self.refused(path, &error);
        }
        let left = left.filter(|_| self.path == path && self.client.is_some());
        let new = left.and_then(|left| self.client.replace(left.resume()));
        self.connect().await;
        if new.is_some() && self.closed().is_some_and(|code| code >= 4400) {
            self.client = new;
            self.connect().await;
        }
        self.follow().await;
    }

    /// Leaves the page, as by closing its window.
    pub fn leave(&mut self) {
        if let Some(mut client) = self.client.take() {
            client.leave();
        }
    }

    /// Does not go where the server sends it from now on, as only a client does that means no good.
    pub fn stay(&mut self) {
        self.stays = true;
    }

    /// Fetches the page anew and talks in another format from then on.
    pub async fn speak(&mut self, format: Format) {
        self.format = format;
        let path = self.path.clone();
        self.go(&path).await;
    }

    pub(crate) async fn visit(&mut self, path: &str) -> Result<(), Error> {
        self.fetch(path).await?;
        self.connect().await;
        self.follow().await;
        Ok(())
    }

    /// Gets the document, and does not connect yet.
    pub(crate) async fn fetch(&mut self, path: &str) -> Result<(), Error> {
        self.leave();
        (self.dom, self.title) = (Element::default(), String::new());
        match self.visitor.get(path).await? {
            Got::Elsewhere(url) => self.path = url,
            Got::Document { path, html } => {
                self.path = path;
                let root = Element { children: parse(&html), ..Element::default() };
                let all = root.all();
                let title = all.iter().find(|element| element.tag == "title");
                self.title = title.map_or_else(String::new, |title| title.text());
                let meta = all.iter().find(|element| element.attr("name") == Some("n2o"));
                let token = meta.and_then(|meta| meta.attr("content"));
                let (Some(token), Some(page)) = (token, root.find("n2o-page")) else {
                    panic!("the document of {} holds no page: {html}", self.path)
                };
                self.dom = page.clone();
                self.client = Some(Client::new(token.to_owned(), self.format));
            }
        }
        Ok(())
    }

    /// Goes where the last frames sent the browser.
    async fn follow(&mut self) {
        while let Some(to) = self.go.take() {
            match self.fetch(&to).await {
                Ok(()) => self.connect().await,
                Err(error) => self.refused(to, &error),
            }
        }
    }

    /// Shows why a path was not opened.
    fn refused(&mut self, path: String, error: &Error) {
        self.path = path;
        self.dom.children = vec![Node::Text(error.to_string())];
        self.error = Some((0, error.to_string()));
    }

    /// Connects, and takes what the server has to say at first.
    async fn connect(&mut self) {
        let Some(client) = &mut self.client else { return };
        client.connect(&self.visitor).await;
        loop {
            match self.frame().await {
                Frame::Welcome { .. } => break,
                Frame::Closed(_) => return,
                _ => {}
            }
        }
        self.settle().await;
    }

    /// Takes all that the server says before it answers a heartbeat. The heartbeat claims to have received
    /// nothing, so that the server forgets nothing.
    async fn settle(&mut self) {
        if let Some(client) = &self.client {
            client.ping(0);
        }
        while !matches!(self.frame().await, Frame::Pong | Frame::Closed(_)) {}
    }

    /// The next frame of the server, applied. Tests of the protocol itself use this; others need not.
    pub async fn frame(&mut self) -> Frame {
        let Some(client) = &mut self.client else { return Frame::Closed(1006) };
        let frame = client.recv().await;
        let (ops, limit) = match &frame {
            Frame::Answer { seq, ops } => {
                self.error = None;
                self.ops.clone_from(ops);
                (ops, *seq)
            }
            Frame::Push(ops) => (ops, client.answered),
            Frame::Error { code, text, .. } => {
                self.error = Some((*code, text.clone()));
                self.ops.clear();
                return frame;
            }
            _ => return frame,
        };
        for op in ops {
            apply(&mut self.dom, op, limit);
            match op.code {
                13 => op.text(0).clone_into(&mut self.focus),
                14 if !self.stays => self.go = Some(op.text(0).to_owned()),
                15 => self.alerts.push(op.text(0).to_owned()),
                16 => op.text(0).clone_into(&mut self.title),
                _ => {}
            }
        }
        frame
    }

    /// Another window on the same page, as a browser makes it by duplicating a window: the same document and
    /// the same token, and what this window knows.
    pub async fn duplicate(&self) -> TestPage {
        let mut copy = TestPage::new(self.visitor.clone());
        (copy.path, copy.title, copy.format) = (self.path.clone(), self.title.clone(), self.format);
        copy.dom = self.dom.clone();
        copy.client = self.client.as_ref().map(Client::duplicate);
        copy.connect().await;
        copy
    }

    /// Waits for the answer to an event that was sent, and answers its ops; they are empty when the event
    /// failed ([`error`](TestPage::error)) or the connection was closed ([`closed`](TestPage::closed)).
    pub async fn answer(&mut self) -> &[Op] {
        self.ops.clear();
        loop {
            match self.frame().await {
                Frame::Push(ops) => self.pushes.push_back(ops),
                Frame::Error { .. } => {
                    // What the server undoes comes right after.
                    self.settle().await;
                    break;
                }
                Frame::Answer { .. } | Frame::Reply { .. } | Frame::Closed(_) => break,
                Frame::Pong | Frame::Welcome { .. } => {}
            }
        }
        self.follow().await;
        &self.ops
    }

    /// Waits for what the server sends without an event of this page, and answers its ops.
    /// What has come while the page waited for something else is answered first.
    pub async fn push(&mut self) -> &[Op] {
        self.ops.clear();
        loop {
            let next = match self.pushes.pop_front() {
                Some(ops) => Frame::Push(ops),
                None => self.frame().await,
            };
            match next {
                Frame::Push(ops) => {
                    self.ops = ops;
                    break;
                }
                Frame::Closed(_) => break,
                _ => {}
            }
        }
        self.follow().await;
        &self.ops
    }

    /// Clicks an element: a bound one, a link, or the submit button of a bound form. Waits for the answer and
    /// answers its ops. The server says what is wrong with an input, not the browser.
    #[track_caller]
    pub fn click<'a>(&'a mut self, id: &str) -> impl Future<Output = &'a [Op]> + Send + use<'a> {
        let link = self.link(id);
        if link.is_none() {
            self.send(id);
        }
        async move {
            match link {
                Some(to) => {
                    self.go(&to).await;
                    self.ops.clear();
                    &self.ops
                }
                None => self.answer().await,
            }
        }
    }

    /// Clicks what shows this text: a bound element, a submit button or a link.
    #[track_caller]
    pub fn press<'a>(&'a mut self, text: &str) -> impl Future<Output = &'a [Op]> + Send + use<'a> {
        let id = self.labelled(text);
        self.click(&id)
    }

    /// Sends the event of a bound element and does not wait; see [`answer`](TestPage::answer).
    #[track_caller]
    pub fn send(&mut self, id: &str) {
        let bound = self.usable(id);
        let values = bound.sources.iter().map(|source| self.source(source)).collect();
        self.send_event(&bound, values);
    }

    /// Sends an event whatever the page shows, as an attacker would, and waits for the answer.
    #[track_caller]
    pub fn force<'a>(
        &'a mut self,
        bound: &Bound,
        values: &[n2o::Value<'_>],
    ) -> impl Future<Output = &'a [Op]> + Send + use<'a> {
        self.send_event(bound, values.iter().map(value).collect());
        self.answer()
    }

    #[track_caller]
    fn send_event(&mut self, bound: &Bound, values: Vec<Value>) {
        let Some(client) = &mut self.client else { panic!("{} has no connection", self.path) };
        if let Some(code) = client.closed {
            panic!("the connection was closed with code {code}");
        }
        client.send(bound, values);
    }

    /// The bytes of an event frame with any number, for [`raw`](TestPage::raw).
    #[must_use]
    pub fn event(&self, seq: u64, bound: &Bound, values: &[n2o::Value<'_>]) -> Vec<u8> {
        let values = values.iter().map(value).collect();
        self.client.as_ref().map_or_else(Vec::new, |client| client.event(seq, bound, values))
    }

    /// Sends a message to a protocol of the application, and waits for its reply: a [`Frame::Reply`], or a
    /// [`Frame::Error`] when it was refused or failed. Pages speak CBOR unless they are told to
    /// [`speak`](TestPage::speak) otherwise; the protocol does not see which.
    ///
    /// # Panics
    ///
    /// When the page has no connection.
    pub async fn message(&mut self, kind: u8, values: &[n2o::Value<'_>]) -> Frame {
        let Some(client) = &mut self.client else { panic!("{} has no connection", self.path) };
        let sent = client.message(kind, values.iter().map(value).collect());
        loop {
            match self.frame().await {
                Frame::Push(ops) => self.pushes.push_back(ops),
                frame @ (Frame::Reply { seq, .. } | Frame::Error { seq, .. }) if seq == sent => return frame,
                frame @ Frame::Closed(_) => return frame,
                _ => {}
            }
        }
    }

    /// Sends bytes as one frame; what comes back is to be had by [`frame`](TestPage::frame).
    pub fn raw(&self, frame: impl Into<Vec<u8>>) {
        if let Some(client) = &self.client {
            client.raw(frame.into());
        }
    }

    /// Sends a heartbeat that says that `count` frames have arrived.
    pub fn ping(&self, count: u64) {
        if let Some(client) = &self.client {
            client.ping(count);
        }
    }

    /// Stops to read what the server sends, or begins again.
    pub fn stall(&self, stalled: bool) {
        if let Some(client) = &self.client {
            client.stall(stalled);
        }
    }

    /// Loses the connection, as when a cable is pulled. Events can still be sent: they wait.
    pub fn drop_connection(&mut self) {
        if let Some(client) = &mut self.client {
            client.drop_connection();
        }
    }

    /// Connects again, sends again what was not answered, and waits for its answers.
    pub async fn reconnect(&mut self) {
        self.connect().await;
        while self.client.as_ref().is_some_and(|client| client.is_connected() && client.waits()) {
            self.answer().await;
        }
        self.follow().await;
    }

    /// The ops of the last answer or push; shown one a line by [`changes`](TestPage::changes).
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The ops of the last answer or push as text, one a line: `set n "1"`.
    #[must_use]
    pub fn changes(&self) -> String {
        self.ops.iter().map(Op::to_string).collect::<Vec<_>>().join("\n")
    }

    /// The page's content as HTML, with `...` for each seal.
    #[must_use]
    pub fn html(&self) -> String {
        without_seals(&dom::html(&self.dom.children))
    }

    /// The document's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where the browser is: a path, or the URL of another site.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The visitor whose page this is.
    #[must_use]
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// All messages that were shown to the user.
    #[must_use]
    pub fn alerts(&self) -> &[String] {
        &self.alerts
    }

    /// What the user was told when the last event failed; `None` when it did not.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_ref().map(|(_, text)| text.as_str())
    }

    /// The code of the last event's failure: `PROTOCOL.md`, section 5.
    #[must_use]
    pub fn error_code(&self) -> Option<u64> {
        self.error.as_ref().map(|(code, _)| *code)
    }

    /// The code that the server closed the connection with, if it did.
    #[must_use]
    pub fn closed(&self) -> Option<u16> {
        self.client.as_ref().and_then(|client| client.closed)
    }

    /// The id of the element that the focus was moved to.
    #[must_use]
    pub fn focused(&self) -> &str {
        &self.focus
    }
}

fn value(value: &n2o::Value<'_>) -> Value {
    match value {
        n2o::Value::Null => Value::Null,
        n2o::Value::Bool(value) => Value::Bool(*value),
        n2o::Value::Text(text) => Value::Text(text.to_string()),
        n2o::Value::List(list) => {
            Value::Array(list.iter().map(|text| Value::Text(text.to_string())).collect())
        }
        n2o::Value::TooLong => Value::Text("x".repeat(n2o::Limits::default().text + 1)),
    }
}

impl Drop for TestPage {
    fn drop(&mut self) {
        // A window that is closed says good-bye; it does not vanish like a lost connection.
        mem::take(&mut self.client).into_iter().for_each(|mut client| client.leave());
    }
}
