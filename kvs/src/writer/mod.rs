//! The one writer: a thread that gathers requests into batches, writes each batch at once, and answers.

mod apply;
mod entries;
mod overlay;
mod records;
mod sweep;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    backend::{Backend, Changes},
    commit::{Commit, Request},
    error::{Error, Result},
    health::Condition,
    key::{self, Span},
    options::Options,
    queue::{Queue, Taken},
    value::Value,
};
use overlay::Overlay;

/// The most the writer waits for a group to come back, so that a group that went away costs little.
const PATIENCE: Duration = Duration::from_micros(200);

/// How many commits pass between two trims of the change log.
const TRIM: u64 = 1024;

/// The words that are logged when damage stands against that.
const UNTRIMMED: &str = "the change log is not trimmed";

/// How often what has expired is swept.
const SWEEP: Duration = Duration::from_secs(1);

/// How many bytes a try of a store whose last write failed writes: more than fits into what a full disk has left of a page.
const PROBE_BYTES: usize = 16 << 10;

/// The wait before it sweeps again what it could not for damage: each try may open the file anew.
const DAMAGED: Duration = Duration::from_secs(60);

/// When the writer has to do something unasked.
struct Due {
    /// Commits written behind go to the disk.
    flush: Option<Instant>,
    sweep: Instant,
    /// A store whose last writes failed is tried again, by a commit or by the writer itself.
    probe: Instant,
    /// Damage stood against the last sweep, and there is none before this.
    damaged: Option<Instant>,
}

impl Due {
    fn next(&self) -> Instant {
        self.flush.map_or(self.sweep, |flush| flush.min(self.sweep))
    }

    fn written(&mut self, durable: bool, behind: Duration) {
        self.flush = if durable { None } else { self.flush.or_else(|| Some(Instant::now() + behind)) };
    }
}

pub(crate) struct Writer {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) options: Options,
    pub(crate) condition: Arc<Condition>,
    /// Tells watchers the number of the last commit.
    pub(crate) last: Arc<watch::Sender<u64>>,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(crate) fn run(self) {
        let mut group = 1;
        let mut patience = Duration::ZERO;
        let now = Instant::now();
        let mut due = Due { flush: None, sweep: now + SWEEP, probe: now, damaged: None };
        loop {
            match self.queue.take(due.next(), group, patience) {
                Taken::Requests(requests) => {
                    group = requests.len();
                    let started = Instant::now();
                    let durable = requests.iter().any(|request| request.durable);
                    if let Some(error) = self.refusal().filter(|_| started < due.probe) {
                        let outcomes = requests.iter().map(|_| Err(error.clone())).collect();
                        answer(requests, outcomes);
                    } else if self.batch(requests, durable, due.flush.is_some()) {
                        due.written(durable, self.options.behind);
                    } else if self.refusal().is_some() {
                        due.probe = Instant::now() + self.options.retry;
                    }
                    // A quarter of a disk write is worth waiting when it saves a whole one.
                    patience = if group > 1 { (started.elapsed() / 4).min(PATIENCE) } else { Duration::ZERO };
                }
                Taken::Late => {}
                Taken::Closed => break,
            }
            // Under load nothing is ever late, so what is due is done between two batches.
            self.tick(&mut due);
        }
        if due.flush.is_some()
            && let Err(error) = self.flush()
        {
            tracing::error!(error = %error, "the last commits written behind are not on disk");
        }
    }

    fn tick(&self, due: &mut Due) {
        let now = Instant::now();
        let refused = now < due.probe && self.refusal().is_some();
        if due.flush.is_some_and(|flush| flush <= now) && !refused {
            let flushed = self.flush();
            self.condition.wrote(flushed.as_ref().map(drop));
            due.flush = flushed.err().map(|_| now + self.options.behind.max(SWEEP));
        }
        if due.sweep > now {
            return;
        }
        due.sweep = now + SWEEP;
        if self.options.looks {
            return;
        }
        self.condition.look();
        self.condition.warn();
        if self.condition.fails() {
            if due.probe <= now {
                self.condition.wrote(self.probe().as_ref().map(drop));
                // One that takes long is not made as often.
                let then = Instant::now();
                due.sweep = then + SWEEP;
                due.probe = then + self.options.retry.max(4 * now.elapsed());
            }
            return;
        }
        if due.damaged.is_some_and(|until| now < until) {
            return;
        }
        match sweep::sweep(&*self.backend, self.options.clock.millis()) {
            Ok(sweep::Swept { at: None, .. }) => {}
            Ok(sweep::Swept { at: Some(at), more }) => {
                self.tell(at);
                due.written(false, self.options.behind);
                if more {
                    due.sweep = now;
                }
            }
            // What can be written is written all the same.
            Err(error @ Error::Corrupt { .. }) => {
                due.damaged = Some(now + DAMAGED);
                self.condition.left("what has expired or was cut is not swept", &error);
            }
            Err(error) => self.condition.wrote(Err(&error)),
        }
    }

    /// The error by which commits are refused until the next try. A server says so itself, and opens no file for it.
    fn refusal(&self) -> Option<Error> {
        self.condition.refuses().filter(|_| !self.backend.is_shared())
    }

    /// Writes something that means nothing and takes it away again, to see whether it can be done.
    fn probe(&self) -> Result<()> {
        for value in [Some(vec![0; PROBE_BYTES]), None] {
            let batch = self.backend.begin()?;
            let at = batch.at();
            let value = value.map(|bytes| Value { bytes: &bytes, ..Value::default() }.seal(key::PROBE));
            batch.commit(Changes::from([(key::PROBE.to_vec(), value)]), at, true)?;
        }
        Ok(())
    }

    /// Tells watchers. Another process may have told them of a later commit already.
    fn tell(&self, at: u64) {
        self.last.send_if_modified(|last| at > std::mem::replace(last, at.max(*last)));
    }

    /// Puts everything committed so far on disk.
    fn flush(&self) -> Result<()> {
        let batch = self.backend.begin()?;
        let at = batch.at();
        batch.commit(Changes::new(), at, true)
    }

    /// Commits the requests together, answers each, and says whether anything was written. `pending` says
    /// that earlier commits are not on disk yet.
    fn batch(&self, requests: Vec<Request>, durable: bool, pending: bool) -> bool {
        let mut outcomes = Vec::with_capacity(requests.len());
        let written = self.write(&requests, &mut outcomes, durable, pending);
        if let Err(error) = &written {
            self.condition.wrote(Err(error));
            outcomes.clear();
            outcomes.extend(requests.iter().map(|_| Err(error.clone())));
        }
        if let Ok(Some(at)) = written {
            self.condition.wrote(Ok(()));
            self.tell(at);
        }
        answer(requests, outcomes);
        matches!(written, Ok(Some(_)))
    }

    fn write(
        &self,
        requests: &[Request],
        outcomes: &mut Vec<Result<Commit>>,
        durable: bool,
        pending: bool,
    ) -> Result<Option<u64>> {
        let batch = self.backend.begin()?;
        let base = batch.at();
        let mut at = base;
        let mut overlay = Overlay::new(&*batch);
        for request in requests {
            let next = if request.writes.is_empty() { at } else { at + 1 };
            let outcome = apply::apply(&mut overlay, base, request, next);
            if outcome.is_ok() {
                at = next;
            }
            outcomes.push(outcome);
        }
        if overlay.is_empty() {
            drop(overlay);
            // What only reads may still ask that everything before it is on disk.
            return if durable && pending {
                batch.commit(Changes::new(), base, true).map(|()| Some(base))
            } else {
                Ok(None)
            };
        }
        let old = self.old(&overlay, base, at)?;
        let mut changes = overlay.into_changes();
        let whole = (!old.is_empty()).then(|| changes.clone());
        changes.extend(old);
        match (batch.commit(changes, at, durable), whole) {
            // To take old rows of the log away touches pages that the commit itself does not.
            (Err(error @ Error::Corrupt { .. }), Some(changes)) => {
                let batch = self.backend.begin()?;
                if batch.at() != base {
                    drop(batch);
                    self.outcome(at, error)?;
                } else {
                    self.condition.left(UNTRIMMED, &error);
                    batch.commit(changes, at, durable).or_else(|error| self.outcome(at, error))?;
                }
            }
            (done, _) => done.or_else(|error| self.outcome(at, error))?,
        }
        Ok(Some(at))
    }

    /// What became of commit `at`, which failed: the store is opened again, and says whether it is there. A
    /// file belongs to this process alone. On a server another process may have made a commit of that
    /// number, so that one which is there may be another's.
    fn outcome(&self, at: u64, error: Error) -> Result<()> {
        match self.backend.begin() {
            Ok(batch) if batch.at() < at => Err(error),
            Ok(_) if !self.backend.is_shared() => Ok(()),
            Ok(_) | Err(_) => Err(Error::Unknown { source: Arc::new(error) }),
        }
    }

    /// The rows that are cut of the change log behind the kept history, now and then: a range costs less than single
    /// keys. Damage in what is old is no reason to refuse what is new.
    fn old(&self, overlay: &Overlay<'_>, base: u64, at: u64) -> Result<Changes> {
        if base / TRIM == at / TRIM {
            return Ok(Changes::new());
        }
        let span = Span { start: key::log(0), end: Some(key::log(at.saturating_sub(self.options.history))) };
        match overlay.scan(&span, 4 * TRIM as usize) {
            Ok(rows) => Ok(rows.iter().map(|(key, _)| (key.to_vec(), None)).collect()),
            Err(error @ Error::Corrupt { .. }) => {
                self.condition.left(UNTRIMMED, &error);
                Ok(Changes::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// Tells each of those who asked what became of it.
fn answer(requests: Vec<Request>, outcomes: Vec<Result<Commit>>) {
    for (request, outcome) in requests.into_iter().zip(outcomes) {
        let Request { hooks, runtime, answer, .. } = request;
        let entered = runtime.as_ref().map(|runtime| runtime.enter());
        match &outcome {
            Ok(commit) => hooks.into_iter().for_each(|hook| survive(|| hook(commit))),
            Err(_) => survive(|| drop(hooks)),
        }
        drop(entered);
        // The caller may have gone; its commit stands all the same.
        let _ = answer.send(outcome);
    }
}

/// Runs a caller's code. Its panic is its own: the writer goes on for the others.
fn survive(work: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason");
        let reason: String = text.chars().take(300).flat_map(char::escape_debug).collect();
        tracing::error!(
            reason,
            "work given to Txn::on_commit panicked; the commit stands, and the writer goes on"
        );
        // The payload of the panic may panic in its turn when it is dropped; then it stays.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                "the store's writer ended by a panic; nothing more is committed until the store is opened again"
            );
        }
        // Whether it ended well or by a panic: nobody may wait for it any longer.
        self.queue.close();
        if let Taken::Requests(requests) = self.queue.take(Instant::now(), 0, Duration::ZERO) {
            for request in requests {
                let _ = request.answer.send(Err(Error::Closed));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{Answer, Batch, Rows, Snapshot, memory::Memory, redb::Redb},
        store::Store,
    };

    /// A store in which damage stands against taking rows of the log away, though they can be read.
    #[derive(Default)]
    struct Edge(Memory);

    struct Work<'a>(Box<dyn Batch + 'a>);

    impl Backend for Edge {
        fn kind(&self) -> &'static str {
            "memory"
        }

        fn snapshot(&self) -> Answer<'_, Arc<dyn Snapshot>> {
            self.0.snapshot()
        }

        fn begin(&self) -> Result<Box<dyn Batch + '_>> {
            Ok(Box::new(Work(self.0.begin()?)))
        }
    }

    impl Batch for Work<'_> {
        fn at(&self) -> u64 {
            self.0.at()
        }

        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
            self.0.get(key)
        }

        fn scan(&self, span: &Span, back: bool, limit: usize) -> Result<Rows> {
            self.0.scan(span, back, limit)
        }

        fn commit(self: Box<Self>, changes: Changes, at: u64, durable: bool) -> Result<()> {
            if changes.iter().any(|(key, value)| key.starts_with(&[key::LOG]) && value.is_none()) {
                return Err(Error::corrupt("the page beside", "injected"));
            }
            self.0.commit(changes, at, durable)
        }
    }

    #[tokio::test]
    async fn a_commit_that_damage_beside_the_old_log_stands_against_is_made_without_trimming_it() {
        let store =
            Store::start(Arc::new(Edge::default()), Options::new().history(10)).await.expect("a store");
        for number in 1..TRIM + 10 {
            let mut txn = store.txn();
            txn.append("/f", &number).expect("it is encoded");
            let done = txn.commit().await.unwrap_or_else(|error| panic!("commit {number}: {error}"));
            assert_eq!(done.at, number);
        }
    }

    #[test]
    fn a_damaged_row_of_what_expires_is_no_failed_write_and_is_not_tried_again_at_once() {
        crate::backend::faults::quiet();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        let row = |number| key::expiry(number, &key::record("t", "one"));
        let store = Redb::open(&path, &Options::new()).expect("a store");
        let batch = store.begin().expect("a batch");
        // So many that they have pages of their own.
        let rows = (0..500).map(|number| (row(number), Some(Value::default().seal(&row(number)))));
        batch.commit(rows.collect(), 0, true).expect("a commit");
        drop(store);
        let mut image = std::fs::read(&path).expect("the file");
        let row = row(250);
        for at in 0..image.len() - row.len() {
            if image[at..].starts_with(&row) {
                image[at + 1] ^= 1;
            }
        }
        std::fs::write(&path, image).expect("it is written");
        let options = Options::new().scrub(0);
        let store = Redb::open(&path, &options).expect("a store");
        let backend: Arc<dyn Backend> = Arc::new(store);
        let writer = Writer {
            backend: backend.clone(),
            queue: Arc::new(Queue::new()),
            options,
            condition: Arc::new(Condition::new(None, &backend)),
            last: Arc::new(watch::Sender::new(0)),
        };
        let now = Instant::now();
        let mut due = Due { flush: None, sweep: now, probe: now, damaged: None };
        writer.tick(&mut due);
        assert!(!writer.condition.fails(), "what can be written is written all the same");
        assert!(due.damaged.is_some_and(|until| until >= now + DAMAGED), "it is not swept every second");
    }
}
