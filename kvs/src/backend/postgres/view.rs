//! One committed state: a read-only transaction on a connection of its own, for as long as it is read.

use std::sync::Arc;

use sqlx::{Postgres as Database, Transaction};
use tokio::sync::Mutex;

use super::{Postgres, run, sql, tasks::Tasks};
use crate::{
    backend::{Answer, Rows, Snapshot},
    error::{Error, Result},
    key::Span,
};

pub(crate) struct View {
    at: u64,
    place: Arc<str>,
    tasks: Tasks,
    /// Held for one statement: those who share a state ask one after the other.
    /// `None` once it is dropped.
    transaction: Option<Arc<Mutex<Transaction<'static, Database>>>>,
}

impl View {
    pub(crate) async fn open(store: &Postgres) -> Result<Self> {
        let pool = store.pool.clone();
        let begin = async move {
            let mut transaction =
                pool.begin_with("begin transaction isolation level repeatable read read only").await?;
            // The first statement is what fixes the state.
            let at = sql::last(&mut transaction).await?;
            Ok((at, transaction))
        };
        let (at, transaction) = store.run(begin).await?;
        let transaction = Some(Arc::new(Mutex::new(transaction)));
        Ok(Self { at, place: store.place.clone(), tasks: store.tasks.clone(), transaction })
    }
}

impl Snapshot for View {
    fn at(&self) -> u64 {
        self.at
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Vec<u8>>> {
        let (key, transaction) = (key.to_vec(), self.transaction.clone());
        Box::pin(async move {
            let transaction = transaction.ok_or(Error::Closed)?;
            let work = async move { sql::get(&mut *transaction.lock().await, &key).await };
            run(&self.tasks, &self.place, work).await
        })
    }

    fn scan<'a>(&'a self, span: &'a Span, back: bool, limit: usize) -> Answer<'a, Rows> {
        let (span, transaction) = (span.clone(), self.transaction.clone());
        Box::pin(async move {
            let transaction = transaction.ok_or(Error::Closed)?;
            let work = async move { sql::scan(&mut *transaction.lock().await, &span, back, limit).await };
            run(&self.tasks, &self.place, work).await
        })
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // A connection goes back to its pool on the runtime that drives it, not on that of the one who
        // drops this.
        let transaction = self.transaction.take();
        drop(self.tasks.spawn(async move { drop(transaction) }));
    }
}
