//! One batch of the writer: a transaction that first takes the lock all writers of the database share.
//! What it then reads is what the last of them committed, so that batches are strictly one after the other.

use std::{
    cell::RefCell,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{CHANNEL, Postgres, convert, sql};
use crate::{
    backend::{Batch, Changes, Rows},
    error::{Error, Result},
    format,
    key::{FORMAT, LAST, Span},
    value::Value,
};

/// The key of the advisory lock: "kvs" in ASCII.
const LOCK: i64 = 0x006b_7673;

pub(crate) struct Job<'a> {
    store: &'a Postgres,
    /// The writer's connection, in a transaction. Taken out when it fails, so that the next batch connects
    /// again.
    connection: RefCell<MutexGuard<'a, Option<PgConnection>>>,
    at: u64,
    open: bool,
}

impl<'a> Job<'a> {
    pub(crate) fn begin(store: &'a Postgres) -> Result<Self> {
        let mut guard = store.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let work = async {
            let mut connection = match guard.take() {
                Some(connection) => connection,
                None => PgConnection::connect_with(&store.options).await?,
            };
            let at = match begin(&mut connection).await {
                // The server may have been started again since the last batch: one new connection is tried.
                Err(_) => {
                    connection = PgConnection::connect_with(&store.options).await?;
                    begin(&mut connection).await?
                }
                Ok(at) => at,
            };
            Ok((connection, at))
        };
        let begun = store.tasks.block_on(within(store.patience, work));
        let (connection, at) = begun.map_err(|error| convert(&store.place, error))?;
        *guard = Some(connection);
        Ok(Self { store, connection: RefCell::new(guard), at, open: true })
    }

    /// Runs statements on the connection; a failure closes it.
    fn run<T>(&self, work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let mut guard = self.connection.borrow_mut();
        let Some(connection) = guard.as_mut() else { return Err(Error::Closed) };
        let done = self.store.tasks.block_on(within(self.store.patience, work(connection)));
        if done.is_err() {
            let broken = guard.take();
            drop(self.store.tasks.spawn(async move { drop(broken) }));
        }
        done.map_err(|error| convert(&self.store.place, error))
    }
}

/// A server that hangs is one that is away: whoever waits for a commit is told so.
async fn within<T>(limit: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
}

async fn begin(connection: &mut PgConnection) -> sqlx::Result<u64> {
    sqlx::query("begin").execute(&mut *connection).await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
    sql::last(connection).await
}

impl Batch for Job<'_> {
    fn at(&self) -> u64 {
        self.at
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.run(async |connection| sql::get(connection, key).await)
    }

    fn scan(&self, span: &Span, back: bool, limit: usize) -> Result<Rows> {
        self.run(async |connection| sql::scan(connection, span, back, limit).await)
    }

    fn commit(mut self: Box<Self>, mut changes: Changes, at: u64, durable: bool) -> Result<()> {
        self.open = false;
        // Written even when nothing else is: an empty transaction would put nothing on disk, and with it
        // nothing of those before it that were written behind.
        let last = Value { version: at, ..Value::default() };
        changes.insert(LAST.to_vec(), Some(last.seal(LAST)));
        let versioned = changes.len() == 1 || self.store.versioned.load(Ordering::Relaxed);
        if !versioned {
            changes.insert(FORMAT.to_vec(), Some(format::row(at)));
        }
        self.run(async |connection| {
            if !durable {
                sqlx::query("set local synchronous_commit = off").execute(&mut *connection).await?;
            }
            write(connection, &changes).await?;
            let notify = format!("notify {CHANNEL}, '{at}'");
            sqlx::query(AssertSqlSafe(notify)).execute(&mut *connection).await?;
            sqlx::query("commit").execute(&mut *connection).await
        })?;
        self.store.known.fetch_max(at, Ordering::AcqRel);
        if !versioned {
            self.store.versioned.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

async fn write(connection: &mut PgConnection, changes: &Changes) -> sqlx::Result<()> {
    let (mut keys, mut rests, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gone, mut gone_rests) = (Vec::new(), Vec::new());
    for (key, value) in changes {
        let (key, rest) = sql::split(key);
        match value {
            Some(value) => {
                keys.push(key);
                rests.push(rest);
                values.push(value.as_slice());
            }
            None => {
                gone.push(key);
                gone_rests.push(rest);
            }
        }
    }
    if !gone.is_empty() {
        let query = "delete from kvs using unnest($1::bytea[], $2::bytea[]) as gone(k, rest)
             where kvs.k = gone.k and sha256(kvs.rest) = sha256(gone.rest)";
        sqlx::query(query).bind(gone).bind(gone_rests).execute(&mut *connection).await?;
    }
    let query = "insert into kvs (k, rest, v) select * from unnest($1::bytea[], $2::bytea[], $3::bytea[])
         on conflict (k, sha256(rest)) do update set v = excluded.v";
    sqlx::query(query).bind(keys).bind(rests).bind(values).execute(&mut *connection).await?;
    Ok(())
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        if self.open {
            // A batch that wrote nothing gives the lock back. If that fails the connection is closed, which
            // does the same.
            let _ = self.run(async |connection| sqlx::query("rollback").execute(&mut *connection).await);
        }
    }
}
