//! Running a transaction again when it conflicts, with a bound and in turn.

use tokio::sync::OwnedMutexGuard;

use crate::{commit::Commit, error::Result, store::Store, txn::Txn};

/// How often a transaction that conflicts is run. Each conflict means that another one went through, so
/// this many in a row mean that the work is too long for its place.
const ATTEMPTS: u32 = 64;

/// A transaction that is run until it commits; [`Store::transact`] is the short form. This one is for code
/// whose future must be `Send` and whose work borrows from around it, which an async closure cannot yet do.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kvs::Result<()> {
/// # let store = kvs::Store::open("memory:").await?;
/// let mut attempts = store.attempts();
/// let number = loop {
///     let mut txn = attempts.begin().await;
///     let number = txn.seq("invoice").await?;
///     txn.append("/invoices", &number)?;
///     if attempts.commit(txn).await?.is_some() {
///         break number;
///     }
/// };
/// assert_eq!(number, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Attempts {
    store: Store,
    made: u32,
    /// Those who lost once go one at a time: together they would keep making each other lose.
    turn: Option<OwnedMutexGuard<()>>,
}

impl Attempts {
    /// Begins the next attempt.
    pub async fn begin(&mut self) -> Txn {
        if self.made > 0 && self.turn.is_none() {
            self.turn = Some(self.store.inner.turn.clone().lock_owned().await);
        }
        self.made += 1;
        self.store.txn()
    }

    /// Commits the attempt. `None` says that it conflicted and is to be begun again; the conflict of the
    /// 64th is returned as an error.
    pub async fn commit(&mut self, txn: Txn) -> Result<Option<Commit>> {
        self.outcome(txn.commit().await)
    }

    fn outcome<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_conflict() && self.made < ATTEMPTS => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Store {
    /// A transaction to be run until it commits.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        Attempts { store: self.clone(), made: 0, turn: None }
    }

    /// Runs a transaction and commits it, and runs it again when it conflicts. The closure must not have
    /// effects outside of the transaction; what belongs to a commit goes into [`Txn::on_commit`].
    ///
    /// It gives up with the [`Error::Conflict`](crate::Error::Conflict) of the 64th attempt. Any other
    /// error of the closure ends it at once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kvs::Result<()> {
    /// # let store = kvs::Store::open("memory:").await?;
    /// let number = store
    ///     .transact(async |txn| {
    ///         let number = txn.count("/orders").await? + 1;
    ///         txn.append("/orders", &number)?;
    ///         Ok(number)
    ///     })
    ///     .await?;
    /// assert_eq!(number, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn transact<T>(&self, mut work: impl AsyncFnMut(&mut Txn) -> Result<T>) -> Result<T> {
        let mut attempts = self.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let outcome = match work(&mut txn).await {
                Ok(value) => txn.commit().await.map(|_| value),
                Err(error) => Err(error),
            };
            if let Some(value) = attempts.outcome(outcome)? {
                return Ok(value);
            }
        }
    }
}
