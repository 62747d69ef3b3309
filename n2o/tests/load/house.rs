//! A node under test, a page that does what its events' targets say, clients without sockets, and the log.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use kvs::Store;
use n2o::{
    Channel, Clock, Connection, Dispatch, EVENT, Error, Event, Format, Gone, Incoming, Keys, Later, Limits,
    Message, Node, PageId, Protocol, Random, Session, Token,
};
use tokio::sync::mpsc as queue;

/// What came to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Frame(String),
    Closed(u16),
}

/// A client's end of a connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) page: PageId,
    up: Option<queue::UnboundedSender<Incoming>>,
    down: queue::UnboundedReceiver<Seen>,
    unread: Arc<AtomicUsize>,
    last: u64,
}

struct Wire {
    up: queue::UnboundedReceiver<Incoming>,
    down: queue::UnboundedSender<Seen>,
    unread: Arc<AtomicUsize>,
}

impl Channel for Wire {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let got = self.up.poll_recv(cx);
        if let Poll::Ready(Some(Incoming::Frame(_))) = &got {
            self.unread.fetch_sub(1, Ordering::SeqCst);
        }
        got
    }

    fn poll_send(&mut self, _: &mut Context<'_>, frame: &mut Option<Bytes>) -> Poll<Result<(), Gone>> {
        let text = String::from_utf8(frame.take().unwrap().to_vec()).unwrap();
        Poll::Ready(self.down.send(Seen::Frame(text)).map_err(|_| Gone))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, code: u16, _: &'static str) -> Poll<()> {
        // The client may have gone.
        let _ = self.down.send(Seen::Closed(code));
        self.up.close();
        Poll::Ready(())
    }
}

impl Client {
    /// Sends an event of the element `target`, with one text.
    pub(crate) fn send(&mut self, target: &str, text: &str) -> u64 {
        self.last += 1;
        let text = serde_json::to_string(text).unwrap();
        let frame = format!("[1,{},{target:?},\"\",[{text}]]", self.last);
        self.send_frame(Bytes::from(frame));
        self.last
    }

    /// Sends a frame as it is.
    pub(crate) fn send_frame(&self, frame: Bytes) {
        self.unread.fetch_add(1, Ordering::SeqCst);
        // The server may have closed.
        let _ = self.up.as_ref().unwrap().send(Incoming::Frame(frame));
    }

    pub(crate) async fn seen(&mut self) -> Seen {
        self.down.recv().await.expect("the connection is there")
    }

    /// Sends an event and waits for its answer.
    pub(crate) async fn ask(&mut self, target: &str, text: &str) -> String {
        let seq = self.send(target, text);
        loop {
            match self.seen().await {
                Seen::Frame(frame)
                    if frame.starts_with(&format!("[1,{seq},"))
                        || frame.starts_with(&format!("[3,{seq},")) =>
                {
                    return frame;
                }
                Seen::Frame(_) => {}
                Seen::Closed(code) => panic!("closed with {code}"),
            }
        }
    }

    /// The code that the connection is closed with; what comes before is let go.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Seen::Closed(code) = self.seen().await {
                return code;
            }
        }
    }

    /// What has come by now and was not looked at.
    pub(crate) fn frames(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.down.try_recv().ok()).collect()
    }

    /// Frames that the server has not read.
    pub(crate) fn waiting(&self) -> usize {
        self.unread.load(Ordering::SeqCst)
    }

    /// Says good-bye.
    pub(crate) fn leave(&mut self) {
        // The server may have closed.
        let _ = self.up.take().unwrap().send(Incoming::Leaving);
    }
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) text: String,
}

impl kvs::Record for Draft {
    const TABLE: &'static str = "draft";

    fn id(&self) -> std::borrow::Cow<'_, str> {
        (&self.id).into()
    }
}

/// A page that does what it is told. Its state is a text.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) text: String,
    /// Pieces of work that the page has done.
    pub(crate) turns: Arc<Mutex<u32>>,
    /// Lets go a handler that blocks its thread.
    pub(crate) gate: Option<Arc<Mutex<mpsc::Receiver<()>>>>,
    /// What to do in `init`.
    pub(crate) init: &'static str,
}

impl Page {
    async fn act(&mut self, what: &str, text: &str, cx: &mut Dispatch) -> n2o::Result {
        match what {
            "" | "ok" => {}
            "never" => {
                self.text = String::from("half done");
                cx.kvs().append("/never", &1)?;
                std::future::pending::<()>().await;
            }
            "block" => {
                // It ends when the test lets it.
                let _ = self.gate.as_ref().unwrap().lock().unwrap().recv();
            }
            "state" => self.text = text.to_owned(),
            "fill" => self.text = "x".repeat(text.parse().unwrap()),
            "write" => {
                cx.kvs().append("/log", &text)?;
            }
            "session" => cx.session().set("value", text)?,
            "draft" => {
                self.text = text.to_owned();
                cx.put_soon(Draft { id: String::from("d"), text: text.to_owned() });
            }
            "draft and fail" => {
                cx.put_soon(Draft { id: String::from("d"), text: text.to_owned() });
                return Err(Error::user("No."));
            }
            "drop draft" => cx.give_up_soon::<Draft>("d"),
            "topic" => cx.send("topic", text.to_owned()),
            "expects" => {
                let more = cx.expects("topic");
                cx.kvs().append("/expects", &more)?;
            }
            "refuse" => return Err(Error::Refused("as it was asked to")),
            "fail" => return Err(Error::other(text)),
            "read" => {
                for _ in 0..text.parse::<u32>().unwrap() {
                    *self.turns.lock().unwrap() += 1;
                    tokio::task::yield_now().await;
                }
            }
            "spin" => spin(),
            "work" => {
                tokio::task::yield_now().await;
                spin();
                *self.turns.lock().unwrap() += 1;
                tokio::task::yield_now().await;
            }
            other => panic!("asked for {other}"),
        }
        cx.out.op(8, 2).text("text").text(&self.text);
        Ok(())
    }
}

/// Works for 5 ms.
fn spin() {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(5) {
        std::hint::spin_loop();
    }
}

impl Protocol for Page {
    fn name(&self) -> &'static str {
        "page"
    }

    fn claims(&self) -> &'static [u8] {
        &[EVENT]
    }

    fn event<'a>(&'a mut self, event: &'a Event<'a>, cx: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async move {
            let n2o::Value::Text(text) = &event.values[0] else { return Err(Error::Refused("no text")) };
            self.act(&event.target, text, cx).await
        })
    }

    fn init<'a>(&'a mut self, _: bool, cx: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async move {
            cx.reg("topic");
            self.act(self.init, "", cx).await
        })
    }

    fn info<'a>(&'a mut self, message: &'a Message, cx: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async move { self.act(message.read::<String>().unwrap(), "", cx).await })
    }

    fn save(&self, state: &mut Vec<u8>) -> n2o::Result {
        state.extend_from_slice(self.text.as_bytes());
        Ok(())
    }

    fn restore(&mut self, state: &[u8]) -> n2o::Result {
        self.text = String::from_utf8(state.to_vec()).unwrap();
        Ok(())
    }
}

/// The longest that a test may run: many times what it takes on a slow machine under load. Without an end
/// one that waits for what does not come, as when the bound is gone that it is about, would hang.
const LONGEST: Duration = Duration::from_secs(120);

/// Runs a test whose clock moves when it is told to, and not while the store's thread works.
pub(crate) async fn awake<T>(test: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let never_idle = async {
        while began.elapsed() < LONGEST {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = test => done,
        () = never_idle => panic!("what the test waits for, such as an answer or a close, does not come"),
    }
}

/// Moves the clock, a little at a time, so that what is due is done when it is due.
pub(crate) async fn later(time: Duration) {
    for _ in 0..10 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        // The runtime's timers are exact to a millisecond.
        tokio::time::advance(time / 10 + Duration::from_millis(1)).await;
    }
}

pub(crate) async fn house(limits: Limits) -> Node {
    house_over(Store::open("memory:").await.unwrap(), limits)
}

pub(crate) fn house_over(store: Store, limits: Limits) -> Node {
    let random = Random::seeded(7);
    Node::new(store, Keys::random(&random), limits, Clock::fixed(1_000_000), random)
}

pub(crate) fn open(node: &Node, session: &Arc<Session>, page: Page) -> Client {
    let id = node.page_id();
    node.wait(Box::new(page), Dispatch::new(node, Arc::clone(session), id, "/page", Vec::new(), "en"));
    connect(node, session, id)
}

/// Opens a page for a client that comes from an address.
pub(crate) fn open_from(node: &Node, session: &Arc<Session>, page: Page, address: &str) -> Client {
    let (id, address) = (node.page_id(), Some(address.parse().unwrap()));
    let cx = Dispatch::new(node, Arc::clone(session), id, "/page", Vec::new(), "en").from_address(address);
    node.wait(Box::new(page), cx);
    connect_from(node, session, id, address)
}

/// Connects to a page, which is restored when it is not there any more.
pub(crate) fn connect(node: &Node, session: &Arc<Session>, page: PageId) -> Client {
    connect_from(node, session, page, None)
}

fn connect_from(node: &Node, session: &Arc<Session>, page: PageId, address: Option<IpAddr>) -> Client {
    let (up, ups) = queue::unbounded_channel();
    let (down, downs) = queue::unbounded_channel();
    let unread = Arc::new(AtomicUsize::new(0));
    let token = Token { page, path: String::from("/page") };
    let mut connection =
        Connection::new(Box::new(Wire { up: ups, down, unread: Arc::clone(&unread) }), Format::Json);
    connection.address = address;
    node.connect(&token, connection, || {
        let cx = Dispatch::new(node, Arc::clone(session), page, "/page", Vec::new(), "en");
        (Box::new(Page::default()), cx)
    });
    Client { page, up: Some(up), down: downs, unread, last: 0 }
}

/// The lines that are logged on this thread, or by the whole program.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    #[must_use]
    pub(crate) fn new() -> Self {
        // Threads of other tests have a subscriber as well: the first of them to reach a line would switch it off
        // for all, were there none.
        Log::of_all();
        Log(Arc::default())
    }

    /// The lines of all threads that have no log of their own.
    pub(crate) fn of_all() -> Self {
        static ALL: OnceLock<Log> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            let all = Log(Arc::default());
            tracing::subscriber::set_global_default(all.clone()).unwrap();
            all
        });
        all.clone()
    }

    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{}={value:?} ", field.name()));
            }
        }
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
