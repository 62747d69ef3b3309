//! The handle to an open store, and its opening and closing.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::{Semaphore, watch};

use crate::{
    backend::{self, Backend},
    care::Control,
    error::{Error, Result},
    health::Condition,
    options::Options,
    place,
    queue::Queue,
    record::Record,
    txn::Txn,
    writer::Writer,
};

/// An open store. Clones share it; the last one dropped, together with the last [`Txn`], closes it.
#[derive(Clone, Debug)]
pub struct Store {
    /// Ends, and is waited for, before the store closes. Its own handles have none of it.
    pub(crate) control: Option<Arc<Control>>,
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) options: Options,
    pub(crate) condition: Arc<Condition>,
    /// The number of the last commit, for those who wait for the next.
    pub(crate) last: watch::Receiver<u64>,
    /// A place for each long read that may block a thread; never closed.
    pub(crate) readers: Arc<Semaphore>,
    /// Held by the one transaction that is being retried, see [`Attempts`](crate::Attempts).
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    /// Held by the one backup, check or compaction that is under way over the socket or on a schedule.
    pub(crate) care: Arc<tokio::sync::Mutex<()>>,
    /// The store's file, when it has one.
    file: Option<PathBuf>,
    /// Taken once, when the store closes.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store that the URL names, and makes it when it was never there.
    ///
    /// - `memory:` keeps everything in memory and forgets it when closed.
    /// - `redb:PATH` keeps everything in one file. The folder is made when needed. One process may hold it.
    ///   A file that is missing where there was one is an error, see [`Options::anew`].
    /// - `postgres://USER:PASSWORD@HOST/DATABASE`, with the feature `postgres`, keeps everything in one table
    ///   of a PostgreSQL database, which it makes. Any number of processes may use it at once.
    ///
    /// What cannot be opened is left as it is: no file is written, made or removed.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, Options::default()).await
    }

    /// Opens a store with settings of one's own.
    pub async fn open_with(url: &str, options: Options) -> Result<Self> {
        let file = url.strip_prefix("redb:").filter(|path| !path.is_empty()).map(PathBuf::from);
        if let Some(path) = &file {
            if options.anew { place::clear(path)? } else { place::expect(path)? }
        }
        let backend = backend::open::open(url, &options).await?;
        if let Some(path) = file.as_ref().filter(|_| !options.looks) {
            place::settle(path)?;
        }
        let listens = options.control;
        let mut store = Self::start_on(backend, options, file).await?;
        if listens && let Some(path) = &store.inner.file {
            match Control::start(path, Arc::downgrade(&store.inner)) {
                Ok(control) => store.control = Some(Arc::new(control)),
                // It serves all the same; only `kvs` has to wait until it is closed.
                Err(error) => {
                    tracing::warn!(store.path = %path.display(), error = %error, "the store has no control socket");
                }
            }
        }
        Ok(store)
    }

    /// Starts the writer over an open backend that has no file of its own.
    #[cfg(test)]
    pub(crate) async fn start(backend: Arc<dyn Backend>, options: Options) -> Result<Self> {
        Self::start_on(backend, options, None).await
    }

    async fn start_on(backend: Arc<dyn Backend>, options: Options, file: Option<PathBuf>) -> Result<Self> {
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
        let condition = Arc::new(Condition::new(file.clone(), &backend));
        let writer = Writer {
            backend: backend.clone(),
            queue: queue.clone(),
            options: options.clone(),
            condition: condition.clone(),
            last: sender,
        };
        let thread = thread::Builder::new()
            .name("kvs-writer".to_owned())
            .spawn(|| writer.run())
            .map_err(|error| Error::io("the writer's thread", error))?;
        let readers = Arc::new(Semaphore::new(options.readers.clamp(1, Semaphore::MAX_PERMITS)));
        let inner = Inner {
            backend,
            queue,
            options,
            condition,
            last,
            readers,
            turn: Arc::default(),
            care: Arc::default(),
            file,
            writer: Mutex::new(Some(thread)),
        };
        Ok(Self { control: None, inner: Arc::new(inner) })
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
        if let Some((path, why)) = self.file.as_deref().zip(self.condition.look_now()) {
            self.backend.disown();
            place::rescue(&self.backend, path, &why);
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("last", &*self.last.borrow()).finish_non_exhaustive()
    }
}
