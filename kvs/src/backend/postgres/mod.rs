//! The store in PostgreSQL, for several machines: one table of bytes to bytes, one writer at a time by an
//! advisory lock, and notifications that tell the other processes what was committed.
//!
//! All connections are driven by a thread of the store's own, so that it does not matter in which runtime,
//! or in none, a caller is.

mod job;
mod sql;
mod tasks;
mod view;

use std::{
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions},
};

use super::{Answer, Backend, Batch, Notice, Snapshot};
use crate::{
    error::{Error, Result},
    format, key,
    options::Options,
};
use job::Job;
use tasks::Tasks;
use view::View;

/// The channel on which commits are announced. The message is the commit's number and nothing else: what
/// was committed is read from the change log.
const CHANNEL: &str = "kvs";

/// How long the listener waits before it connects again.
const AGAIN: Duration = Duration::from_millis(250);

/// How much longer than a statement may take the writer waits for its answer: a server that is there has
/// given it up by then.
const GRACE: Duration = Duration::from_secs(1);

pub(crate) struct Postgres {
    place: Arc<str>,
    /// All that runs here, on a thread of the store's own.
    tasks: Tasks,
    /// For readers: each state that is still read holds one connection.
    pool: PgPool,
    /// For the writer alone, so that readers can never keep it from a connection. `None` until the first
    /// batch, and after a failure.
    writer: Mutex<Option<PgConnection>>,
    options: PgConnectOptions,
    /// How long the writer waits for what a working server answers sooner.
    patience: Duration,
    /// For the question whether the server answers, so that it never waits for a place among the readers.
    /// Held for one question; who finds it held does not ask.
    probe: Arc<tokio::sync::Mutex<Option<PgConnection>>>,
    /// The newest state somebody reads, shared by those who begin while it is the newest. Held for a clone
    /// only. It is weak, because a state nobody reads must not hold a transaction open.
    current: Mutex<Weak<View>>,
    /// Whether the table says which version of the format it has; see [`format`].
    versioned: AtomicBool,
    /// The last commit known of.
    known: Arc<AtomicU64>,
    /// Whom to tell about commits of other processes.
    notice: Arc<Mutex<Option<Notice>>>,
    thread: Option<JoinHandle<()>>,
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self> {
        let connect = PgConnectOptions::from_str(url).map_err(|_| Error::Url { url: hidden(url) })?;
        let timeout = options.statement.as_millis().to_string();
        // A transaction that hangs would keep everyone else from writing, or old rows from being cleaned.
        let connect = connect.application_name("kvs").options([
            ("statement_timeout", timeout.as_str()),
            ("idle_in_transaction_session_timeout", "300000"),
        ]);
        let place: Arc<str> = hidden(url).into();
        let (tasks, thread) = Tasks::start().map_err(|error| Error::io(&place, error))?;
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.statement)
            .connect_lazy_with(connect.clone());
        let store = Self {
            place,
            tasks,
            pool: pool.clone(),
            writer: Mutex::default(),
            options: connect.clone(),
            patience: options.statement + GRACE,
            probe: Arc::default(),
            current: Mutex::default(),
            versioned: AtomicBool::new(false),
            known: Arc::default(),
            notice: Arc::default(),
            thread: Some(thread),
        };
        // One connection outside of the pool, which would try again and again, and then say only that it did.
        let (first, patience) = (connect.clone(), options.statement);
        let reach = async move {
            let connected = tokio::time::timeout(patience, PgConnection::connect_with(&first)).await;
            connected.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
        };
        let reached = store.run(reach).await?;
        *store.probe.lock().await = Some(reached);
        store.run(async move { sqlx::migrate!("./migrations").run(&pool).await.map_err(Into::into) }).await?;
        let first = store.pool.clone();
        let stored =
            store.run(async move { sql::get(&mut *first.acquire().await?, key::FORMAT).await }).await?;
        store.versioned.store(format::known(&store.place, stored.as_deref())?, Ordering::Relaxed);
        store.listen(connect).await?;
        Ok(store)
    }

    /// Runs a future on the store's own thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = std::result::Result<T, sqlx::Error>> + Send + 'static,
    ) -> Result<T> {
        run(&self.tasks, &self.place, work).await
    }

    /// Listens for commits of other processes, and reads the last one after a lost connection: what was
    /// announced meanwhile is not announced again.
    async fn listen(&self, options: PgConnectOptions) -> Result<()> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let mut listener = self
            .run(async move {
                let mut listener = PgListener::connect_with(&pool).await?;
                listener.listen(CHANNEL).await?;
                Ok(listener)
            })
            .await?;
        let (pool, known, notice) = (self.pool.clone(), self.known.clone(), self.notice.clone());
        // On the store's own thread, like everything: a connection belongs to the runtime that opened it.
        let first = pool.clone();
        let at = self.run(async move { sql::last(&mut *first.acquire().await?).await }).await?;
        known.store(at, Ordering::Release);
        let listen = async move {
            loop {
                let at = match listener.try_recv().await {
                    Ok(Some(notification)) => notification.payload().parse().ok(),
                    Ok(None) => last(&pool).await,
                    Err(_) => {
                        tokio::time::sleep(AGAIN).await;
                        last(&pool).await
                    }
                };
                let Some(at) = at else { continue };
                known.fetch_max(at, Ordering::AcqRel);
                if let Some(notice) = &*notice.lock().unwrap_or_else(PoisonError::into_inner) {
                    notice(at);
                }
            }
        };
        let tasks = self.tasks.clone();
        drop(self.tasks.spawn(async move {
            tokio::select! {
                () = tasks.stopping() => {}
                () = listen => {}
            }
        }));
        Ok(())
    }

    async fn view(&self) -> Result<Arc<View>> {
        let shared = self.current.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(view) = shared.filter(|view| view.at() >= self.known.load(Ordering::Acquire)) {
            return Ok(view);
        }
        let view = match View::open(self).await {
            // No connection in time: are all in use, or is there none to be had?
            Err(busy @ Error::Busy { .. }) => {
                return Err(self.ping(GRACE).await.err().unwrap_or(busy));
            }
            view => Arc::new(view?),
        };
        self.known.fetch_max(view.at(), Ordering::AcqRel);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&view);
        Ok(view)
    }
}

/// The last commit, when it can be read.
async fn last(pool: &PgPool) -> Option<u64> {
    let mut connection = pool.acquire().await.ok()?;
    sql::last(&mut connection).await.ok()
}

async fn run<T: Send + 'static>(
    tasks: &Tasks,
    place: &str,
    work: impl Future<Output = std::result::Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T> {
    match tasks.spawn(work).await {
        Ok(done) => done.map_err(|error| convert(place, error)),
        Err(_) => Err(Error::Closed),
    }
}

fn convert(place: &str, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    let owned = || place.to_owned();
    // The codes are those of the appendix "PostgreSQL Error Codes" of its manual.
    match (code.as_deref(), error) {
        (Some("53100"), _) => Error::Full { place: owned() },
        (Some("28000" | "28P01"), _) => Error::Login { place: owned() },
        (Some("3D000"), _) => Error::NoDatabase { place: owned() },
        (Some("42501"), _) => Error::Denied { path: place.into() },
        (Some("25006"), _) => Error::ReadOnly { place: owned() },
        (Some("53300"), _) | (_, sqlx::Error::PoolTimedOut) => Error::Busy { place: owned() },
        (Some("57P01" | "57P02" | "57P03"), error) => Error::Away { place: owned(), source: Arc::new(error) },
        (_, sqlx::Error::Io(error)) => unreached(place, error),
        (_, error) => Error::Io { place: owned(), source: Arc::new(error) },
    }
}

/// A connection that could not be made, or was lost.
fn unreached(place: &str, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        // The library has no kind for a name without an address; these words begin its message.
        _ if error.to_string().starts_with("failed to lookup address") => {
            Error::Unresolved { place: place.to_owned() }
        }
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::NotConnected
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NotFound
        | Kind::UnexpectedEof
        | Kind::TimedOut => Error::Away { place: place.to_owned(), source: Arc::new(error) },
        _ => Error::io(place, error),
    }
}

/// The URL without what must not be seen in messages: user, password, parameters.
fn hidden(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    format!("postgres://{rest}")
}

impl Backend for Postgres {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn snapshot(&self) -> Answer<'_, Arc<dyn Snapshot>> {
        Box::pin(async {
            let view: Arc<dyn Snapshot> = self.view().await?;
            Ok(view)
        })
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>> {
        Ok(Box::new(Job::begin(self)?))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn ping(&self, within: Duration) -> Answer<'_, ()> {
        let (options, probe) = (self.options.clone(), self.probe.clone());
        let place = self.place.clone();
        Box::pin(async move {
            let work = async move {
                // Another look is under way, and will tell.
                let Ok(mut slot) = probe.try_lock() else { return Ok(()) };
                let ask = async {
                    let mut connection = match slot.take() {
                        Some(connection) => connection,
                        None => PgConnection::connect_with(&options).await?,
                    };
                    sqlx::query("select 1").execute(&mut connection).await?;
                    Ok(connection)
                };
                match tokio::time::timeout(within, ask).await {
                    Ok(asked) => asked.map(|connection| *slot = Some(connection)),
                    Err(late) => Err(sqlx::Error::Io(late.into())),
                }
            };
            run(&self.tasks, &place, work).await
        })
    }

    fn size(&self) -> Answer<'_, Option<u64>> {
        let pool = self.pool.clone();
        Box::pin(async {
            let query = "select pg_total_relation_size('kvs')";
            let size: i64 = self.run(async move { sqlx::query_scalar(query).fetch_one(&pool).await }).await?;
            Ok(u64::try_from(size).ok())
        })
    }

    fn listen(&self, notice: Notice) {
        *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The connections are closed by the thread that drives them, before it ends.
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let (pool, probe) = (self.pool.clone(), self.probe.clone());
        self.tasks.stop(async move {
            drop(writer);
            // One that is being asked is let go by the one who asks.
            if let Ok(mut probe) = probe.try_lock() {
                drop(probe.take());
            }
            pool.close().await;
        });
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            // It has nothing left to say.
            let _ = thread.join();
        }
    }
}
