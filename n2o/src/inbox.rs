//! A page's inbox: bounded, cheap while empty, and the way in for everything that is not the page's own socket.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{channel::Connection, message::Message};

/// What reaches a page from outside its socket, most urgent first.
#[derive(Debug)]
pub(crate) enum Item {
    /// The session has ended.
    End,
    /// The server stops.
    Stop,
    /// The client connected again.
    Connection(Box<Connection>),
    /// More messages came than the inbox holds; some are lost.
    Lagged,
    /// A message of a topic.
    Message(Arc<Message>),
    /// There is no room for the page while nobody is connected to it.
    Leave,
}

/// A page's inbox.
#[derive(Debug)]
pub struct Inbox {
    limit: usize,
    /// The path that the page was opened with; here, where others than the page can say it.
    path: Box<str>,
    /// Counts when the page's handler gets the thread and when it gives it back: odd while it runs.
    running: AtomicU32,
    // A std lock: held for one push or pop, never across an await.
    queue: Mutex<Queue>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    ended: bool,
    stopped: bool,
    leaves: bool,
    lagged: bool,
    /// No page reads this inbox any more; a new connection has to restore the page.
    closed: bool,
    connection: Option<Box<Connection>>,
    /// The number of the newest attempt to connect that has arrived.
    attempt: u64,
    /// The address that the page's client comes from; here, where others than the page can say it.
    address: Option<IpAddr>,
    messages: VecDeque<Arc<Message>>,
}

impl Inbox {
    pub(crate) fn new(limit: usize, path: &str) -> Self {
        let (queue, notify) = (Mutex::default(), Notify::new());
        Inbox { limit, path: path.into(), running: AtomicU32::new(0), queue, notify }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).address
    }

    pub(crate) fn comes_from(&self, address: Option<IpAddr>) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).address = address;
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Runs a piece of the page's handler, seen by the watchdog. Only the page's own task calls it.
    pub(crate) fn run<T>(&self, piece: impl FnOnce() -> T) -> T {
        let count = self.running.load(Ordering::Relaxed);
        self.running.store(count.wrapping_add(1), Ordering::Relaxed);
        let done = piece();
        self.running.store(count.wrapping_add(2), Ordering::Relaxed);
        done
    }

    /// A number that is odd while a piece of the page's handler runs, and another one for each piece.
    pub(crate) fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }

    /// Says whether a piece of the page's handler has a thread at this moment.
    pub(crate) fn is_running(&self) -> bool {
        self.running() % 2 == 1
    }

    /// Says whether a message of the topic waits.
    pub(crate) fn expects(&self, topic: &str) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.messages.iter().any(|message| message.topic() == topic)
    }

    fn change<T>(&self, f: impl FnOnce(&mut Queue) -> T) -> T {
        let answer = f(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        self.notify.notify_one();
        answer
    }

    /// Puts a message in; when the inbox is full the message is lost and the page learns that it lagged.
    pub(crate) fn push(&self, message: Arc<Message>) {
        self.change(|queue| {
            if queue.messages.len() < self.limit {
                queue.messages.push_back(message);
            } else {
                queue.lagged = true;
            }
        });
    }

    /// Hands over a new connection of the client; gives it back when the page is gone. Answers the connection
    /// that has lost the page: one that waited, or this one, when a newer attempt has arrived before it.
    pub(crate) fn connect(
        &self,
        connection: Box<Connection>,
    ) -> Result<Option<Box<Connection>>, Box<Connection>> {
        self.change(|queue| {
            if queue.closed {
                Err(connection)
            } else if (1..queue.attempt).contains(&connection.attempt) {
                Ok(Some(connection))
            } else {
                queue.attempt = queue.attempt.max(connection.attempt);
                Ok(queue.connection.replace(connection))
            }
        })
    }

    /// Notes the attempt by which the page's first connection has come.
    pub(crate) fn begins(&self, attempt: u64) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).attempt = attempt;
    }

    pub(crate) fn end(&self) {
        self.change(|queue| queue.ended = true);
    }

    pub(crate) fn stop(&self) {
        self.change(|queue| queue.stopped = true);
    }

    /// Lets the page go, unless its client is back by then.
    pub(crate) fn leave(&self) {
        self.change(|queue| queue.leaves = true);
    }

    /// Closes the inbox, unless a connection came in at the last moment.
    pub(crate) fn close(&self) -> Option<Box<Connection>> {
        self.change(|queue| {
            let connection = queue.connection.take();
            queue.closed = connection.is_none();
            connection
        })
    }

    /// Closes the inbox whatever is in it.
    pub(crate) fn shut(&self) {
        let connection = self.change(|queue| {
            queue.closed = true;
            queue.connection.take()
        });
        drop(connection);
    }

    pub(crate) fn try_next(&self) -> Option<Item> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut queue.ended) {
            return Some(Item::End);
        }
        if std::mem::take(&mut queue.stopped) {
            return Some(Item::Stop);
        }
        if let Some(connection) = queue.connection.take() {
            return Some(Item::Connection(connection));
        }
        if std::mem::take(&mut queue.leaves) {
            return Some(Item::Leave);
        }
        if std::mem::take(&mut queue.lagged) {
            queue.messages = VecDeque::new();
            return Some(Item::Lagged);
        }
        let message = queue.messages.pop_front();
        if queue.messages.is_empty() && queue.messages.capacity() > 16 {
            queue.messages = VecDeque::new();
        }
        message.map(Item::Message)
    }

    /// The next item; cancel safe.
    pub(crate) async fn next(&self) -> Item {
        loop {
            // Registered before the look, so that a push between the two is not missed.
            let notified = self.notify.notified();
            if let Some(item) = self.try_next() {
                return item;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use super::*;
    use crate::{
        channel::{Channel, Gone, Incoming},
        formatter::Format,
    };

    struct Nobody;

    impl Channel for Nobody {
        fn poll_recv(&mut self, _: &mut Context<'_>) -> Poll<Option<Incoming>> {
            Poll::Ready(None)
        }

        fn poll_send(&mut self, _: &mut Context<'_>, _: &mut Option<bytes::Bytes>) -> Poll<Result<(), Gone>> {
            Poll::Ready(Err(Gone))
        }

        fn poll_close(&mut self, _: &mut Context<'_>, _: u16, _: &'static str) -> Poll<()> {
            Poll::Ready(())
        }
    }

    fn connection() -> Box<Connection> {
        Box::new(Connection::new(Box::new(Nobody), Format::Cbor))
    }

    #[test]
    fn a_closed_inbox_gives_a_connection_back() {
        let inbox = Inbox::new(9, "/");
        assert!(inbox.connect(connection()).is_ok());
        assert!(inbox.close().is_some(), "one that came at the last moment keeps it open");
        assert!(inbox.connect(connection()).is_ok());
        inbox.shut();
        assert!(inbox.connect(connection()).is_err());
        assert!(inbox.try_next().is_none(), "nothing waits in it");
    }

    #[test]
    fn an_older_attempt_takes_nothing_from_a_newer_one() {
        let inbox = Inbox::new(9, "/");
        let numbered = |attempt| Box::new(Connection { attempt, ..*connection() });
        inbox.begins(2);
        for (attempt, loses) in
            [(1, Some(1)), (2, None), (5, Some(2)), (4, Some(4)), (5, Some(5)), (0, Some(5)), (4, Some(4))]
        {
            let lost = inbox.connect(numbered(attempt)).expect("the page lives");
            assert_eq!(lost.map(|lost| lost.attempt), loses, "{attempt}");
        }
    }

    #[test]
    fn an_empty_inbox_gives_its_room_back() {
        let inbox = Inbox::new(1_000, "/");
        (0..500_u32).for_each(|number| inbox.push(Arc::new(Message::new("a", number))));
        while inbox.try_next().is_some() {}
        let queue = inbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(queue.messages.capacity() <= 16, "{}", queue.messages.capacity());
    }
}
