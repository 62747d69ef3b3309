//! Every bound on what a client may cost, in one struct.

use std::time::Duration;

use crate::rate::Tries;

/// Most characters of an element's id; fixed, because seals are bound to ids.
pub const MAX_ID: usize = 64;

/// Bounds on sizes, counts and times; the defaults are those that `PROTOCOL.md` states.
///
/// ```
/// let limits = n2o::Limits { connections: 1_000, ..n2o::Limits::default() };
/// assert_eq!(limits.frame, 524_288);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one message from a client.
    pub frame: usize,
    /// Bytes of one message to a client.
    pub answer: usize,
    /// Values of one event, and elements of one value.
    pub values: usize,
    /// Bytes of one text value; a longer one is told to the user at its input.
    pub text: usize,
    /// Events that a client may have sent without an answer.
    pub window: usize,
    /// Frames a second from one client, on average.
    pub rate: u32,
    /// Frames at once from one client.
    pub burst: u32,
    /// Connections of one server.
    pub connections: usize,
    /// Connections of pages from one client address; an IPv6 address counts as its /64.
    pub connections_by_client: usize,
    /// Connections of pages of one session.
    pub connections_by_session: usize,
    /// Connections of one server that are not a page's, such as those that fetch documents. Once half of the
    /// places are taken, a new one is closed behind its first answer and not kept for another.
    pub requests: usize,
    /// Connections from one client address that are not a page's. Beside them it may have a quarter as many, at most
    /// 16, each for a single request without a body and at most two seconds; one beyond these is closed at once.
    /// Those of trusted proxies are not counted.
    pub requests_by_client: usize,
    /// Connections that are accepted beyond `requests`, each for one request and at most two seconds: `/live` and
    /// `/ready` are served there, and all else is told to come back. Where there is no room for a new one, the one
    /// that has been silent for longest is closed.
    pub reserved: usize,
    /// Pages and REST requests a second of one session or user, on average.
    pub visit_rate: u32,
    /// Pages and REST requests at once of one session or user.
    pub visit_burst: u32,
    /// Pages and REST requests a second from one client address, on average; many people may share one.
    pub client_rate: u32,
    /// Pages and REST requests at once from one client address.
    pub client_burst: u32,
    /// Logins of one session, which are refused beyond that whether or not a password was asked for.
    pub session_logins: Tries,
    /// Logins of guests from one client address, and as many of users who are proven: neither use up what the others
    /// need. Many people may share an address. One of IPv6 counts as its /64.
    pub client_logins: Tries,
    /// Records that guests of one client address may begin to keep, such as drafts of what they type: guests are free
    /// to make, and what is kept for each adds up.
    pub guest_records: Tries,
    /// WebSocket frames a second from one connection on average, control frames and fragments too, and twice as
    /// many at once; at least twice `rate` and `burst`. A client that sends more is read more slowly.
    pub socket_frames: u32,
    /// Bytes a second from one page's connection on average, and twice as many at once. A client that sends
    /// more is read more slowly.
    pub socket_bytes: u32,
    /// Bytes of all unfinished messages of all connections together, but for the first 4,096 of each. A client
    /// whose message grows beyond them is closed with 1013.
    pub unfinished: usize,
    /// Bytes of all events of all pages together that are handled or wait for it, but for those within the first
    /// 16 KiB of each page. A client that sends beyond them is closed with 1013. At least `frame`.
    pub queued: usize,
    /// Bytes of the events of one page that wait for its handler; a client that sends more is closed with 1008.
    pub queued_by_page: usize,
    /// Shortest time between two messages about who is present in a topic.
    pub presence: Duration,
    /// Messages that wait for one page; a page that lags further is closed.
    pub inbox: usize,
    /// Frames kept of one page for a reconnect.
    pub ring_frames: usize,
    /// Bytes kept of one page for a reconnect.
    pub ring_bytes: usize,
    /// Pages that were rendered and wait for their connection; beyond them the oldest goes, and is made anew when
    /// its client connects.
    pub waiting: usize,
    /// Of them, those of one client address, whose own oldest goes beyond them.
    pub waiting_by_client: usize,
    /// Of them, those of one session.
    pub waiting_by_session: usize,
    /// Pages that stay in memory without their connection; beyond them the oldest goes, and is restored when its client
    /// is back.
    pub parked: usize,
    /// Of them, those of one client address, whose own oldest goes beyond them.
    pub parked_by_client: usize,
    /// Of them, those of one session.
    pub parked_by_session: usize,
    /// How long a rendered page waits for its connection.
    pub wait: Duration,
    /// How long a page stays in memory without its connection.
    pub park: Duration,
    /// How long a saved page can be restored, and how long a seal is valid.
    pub restore: Duration,
    /// Longest time between a change of a page's state and its being saved,
    /// for handlers that write nothing to the store (the others are saved at once).
    pub save: Duration,
    /// Silence after which a connection is closed.
    pub silence: Duration,
    /// Longest time that a client may take to send the head of a request, or be silent before the next one; and
    /// time that a body or a message that has begun may take beyond what `pace` allows.
    pub head: Duration,
    /// Bytes a second that a client must send at least of a body or a message that has begun.
    pub pace: u32,
    /// Longest life of a connection that is not a page's.
    pub life: Duration,
    /// Longest time that a client may take to read one frame, or not read what waits of another answer.
    pub write: Duration,
    /// Longest time that a handler may take: an event, a message, or the opening of a page, with what it
    /// waits for. A handler that has not ended by then is dropped, its page is taken back to where it was
    /// before, and the user is told with an incident number. At a stop a handler has half of
    /// [`drain`](Limits::drain) left.
    pub handler: Duration,
    /// Longest time that shutdown waits for pages to finish.
    pub drain: Duration,
    /// Idle time after which a session ends.
    pub session_idle: Duration,
    /// Age at which a session ends whatever happens.
    pub session_age: Duration,
    /// Bytes of a page's saved state. A handler that makes it larger fails, and the user is told that it is
    /// too long.
    pub state: usize,
    /// Saved pages of one session. Beyond them the session's oldest saved page is deleted, and nobody else's.
    pub session_pages: usize,
    /// Bytes of the saved pages of one session, of which the oldest is deleted beyond them.
    pub session_bytes: usize,
    /// Bytes of the values of one session. A handler that sets more fails.
    pub session_values: usize,
    /// Bytes of the saved pages of all sessions. Beyond them a session can only replace what it has saved
    /// itself, and a page that has changed nothing in the store is not saved.
    pub pages_bytes: usize,
    /// Share of one processor, in thousandths, that the handlers of one session may use on average. It is
    /// counted for handlers that wait or read much; one over its share goes on later, and so do the further
    /// events of its session.
    pub session_work: u32,
    /// Processor time that the handlers of one session may use at once.
    pub session_work_burst: Duration,
    /// Share of one processor, in thousandths, that the handlers of all sessions of one client address may
    /// use on average.
    pub address_work: u32,
    /// Processor time that the handlers of all sessions of one client address may use at once.
    pub address_work_burst: Duration,
    /// Time within which a log line that a client can cause at will is written once, with the number of times.
    pub log_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            frame: 512 * 1024,
            answer: 1024 * 1024,
            values: 512,
            text: 32 * 1024,
            window: 16,
            rate: 100,
            burst: 200,
            connections: 20_000,
            connections_by_client: 2_000,
            connections_by_session: 100,
            requests: 4_096,
            requests_by_client: 256,
            reserved: 64,
            visit_rate: 20,
            visit_burst: 200,
            client_rate: 200,
            client_burst: 2_000,
            session_logins: Tries::new(10, Duration::from_secs(6)),
            client_logins: Tries::new(600, Duration::from_millis(100)),
            guest_records: Tries::new(500, Duration::from_secs(10)),
            socket_frames: 400,
            socket_bytes: 1024 * 1024,
            unfinished: 64 * 1024 * 1024,
            queued: 64 * 1024 * 1024,
            queued_by_page: 1024 * 1024,
            presence: Duration::from_millis(250),
            inbox: 256,
            ring_frames: 64,
            ring_bytes: 32 * 1024,
            waiting: 10_000,
            waiting_by_client: 500,
            waiting_by_session: 50,
            parked: 10_000,
            parked_by_client: 1_000,
            parked_by_session: 32,
            wait: Duration::from_secs(30),
            park: Duration::from_secs(60),
            restore: Duration::from_hours(24),
            save: Duration::from_secs(1),
            silence: Duration::from_secs(75),
            head: Duration::from_secs(10),
            pace: 2_048,
            life: Duration::from_secs(120),
            write: Duration::from_secs(10),
            handler: Duration::from_secs(30),
            drain: Duration::from_secs(8),
            session_idle: Duration::from_hours(12),
            session_age: Duration::from_hours(24 * 14),
            state: 256 * 1024,
            session_pages: 64,
            session_bytes: 4 * 1024 * 1024,
            session_values: 64 * 1024,
            pages_bytes: 1024 * 1024 * 1024,
            session_work: 250,
            session_work_burst: Duration::from_secs(2),
            address_work: 1_000,
            address_work_burst: Duration::from_secs(8),
            log_window: Duration::from_secs(60),
        }
    }
}
