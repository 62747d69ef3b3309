//! The handle to an open store, and its opening and closing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::{Semaphore, watch};

use crate::{
    backend::{self, Backend},
    error::{Error, Result},
    options::Options,
    queue::Queue,
    record::Record,
    txn::Txn,
    writer::Writer,
};

/// An open store. Clones share it; the last one dropped, together with the last [`Txn`], closes it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) options: Options,
    /// The number of the last commit, for those who wait for the next.
    pub(crate) last: watch::Receiver<u64>,
    /// A place for each long read that may block a thread; never closed.
    pub(crate) readers: Arc<Semaphore>,
    /// Held by the one transaction that is being retried, see [`Attempts`](crate::Attempts).
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    /// Taken once, when the store closes.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store that the URL names, and makes it when it is not there.
    ///
    /// - `memory:` keeps everything in memory and forgets it when closed.
    /// - `redb:PATH` keeps everything in one file. The folder is made when needed. One process may hold it.
    /// - `postgres://USER:PASSWORD@HOST/DATABASE`, with the feature `postgres`, keeps everything in one table
    ///   of a PostgreSQL database, which it makes. Any number of processes may use it at once.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, Options::default()).await
    }

    /// Opens a store with settings of one's own.
    pub async fn open_with(url: &str, options: Options) -> Result<Self> {
        let backend = backend::open::open(url, &options).await?;
        Self::start(backend, options).await
    }

    /// Starts the writer over an open backend.
    pub(crate) async fn start(backend: Arc<dyn Backend>, options: Options) -> Result<Self> {
        let at = backend.snapshot().await?.at();
        let (sender, last) = watch::channel(at);
        let sender = Arc::new(sender);
        // The writer's end is what keeps the channel open: watchers end when it does.
        let told = Arc::downgrade(&sender);
        backend.listen(Box::new(move |at| {
            if let Some(told) = told.upgrade() {
                told.send_if_modified(|last| at > std::mem::replace(last, at.max(*last)));
            }
        }));
        let queue = Arc::new(Queue::new());
        let writer =
            Writer { backend: backend.clone(), queue: queue.clone(), options: options.clone(), last: sender };
        let thread = thread::Builder::new()
            .name("kvs-writer".to_owned())
            .spawn(|| writer.run())
            .map_err(|error| Error::io("the writer's thread", error))?;
        let readers = Arc::new(Semaphore::new(options.readers.clamp(1, Semaphore::MAX_PERMITS)));
        let (turn, writer) = (Arc::default(), Mutex::new(Some(thread)));
        let inner = Inner { backend, queue, options, last, readers, turn, writer };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What kind of store it is: the scheme of its URL, `memory`, `redb` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.inner.backend.kind()
    }

    /// Begins a transaction. It costs nothing until it reads, and is rolled back when dropped.
    #[must_use]
    pub fn txn(&self) -> Txn {
        Txn::new(self.inner.clone())
    }

    /// Reads one record outside of any transaction.
    pub async fn get<R: Record>(&self, id: &str) -> Result<Option<R>> {
        self.txn().get(id).await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // A hook may hold the last handle; the writer cannot wait for itself.
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != thread::current().id()) {
            // It has answered everything and its panic was reported; there is nothing left to say.
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("last", &*self.last.borrow()).finish_non_exhaustive()
    }
}
