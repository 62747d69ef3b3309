//! The tasks of the store. They run on a thread of its own, hear of its end, and are waited for.

use std::{
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime, task};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The time that the tasks have to end, a connection to be closed for instance; then they are dropped.
const ENDING: Duration = Duration::from_secs(1);

/// The owner of all tasks of a store; a cheap handle.
#[derive(Clone)]
pub(super) struct Tasks {
    runtime: runtime::Handle,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts the thread, which ends after [`stop`](Tasks::stop).
    pub(super) fn start() -> io::Result<(Self, JoinHandle<()>)> {
        let driver = runtime::Builder::new_current_thread().enable_all().build()?;
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let tasks = Self { runtime: driver.handle().clone(), tracker, stop };
        let own = tasks.clone();
        let drive = move || {
            driver.block_on(async {
                own.stop.cancelled().await;
                // Those that do not end in time are dropped with the runtime.
                let _ = tokio::time::timeout(ENDING, own.tracker.wait()).await;
            });
            driver.shutdown_timeout(ENDING);
        };
        let thread = thread::Builder::new().name("kvs-postgres".to_owned()).spawn(drive)?;
        Ok((tasks, thread))
    }

    /// Runs a task until it ends by itself; one that lasts listens to [`stopping`](Tasks::stopping).
    #[expect(clippy::disallowed_methods, reason = "this is the one place of the store that spawns")]
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> task::JoinHandle<T> {
        self.runtime.spawn(self.tracker.track_future(task))
    }

    /// Runs work on the thread that asks, which belongs to no runtime.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Ends when the store is closed.
    pub(super) async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Runs the last task and lets all end.
    pub(super) fn stop(&self, last: impl Future<Output = ()> + Send + 'static) {
        drop(self.spawn(last));
        self.tracker.close();
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_end_is_heard_and_waited_for() {
        let (tasks, thread) = Tasks::start().expect("a thread");
        let (done, seen) = mpsc::channel();
        let (own, lasting) = (tasks.clone(), done.clone());
        drop(tasks.spawn(async move {
            own.stopping().await;
            tokio::task::yield_now().await;
            lasting.send("one that lasts").expect("the test listens");
        }));
        tasks.stop(async move { done.send("the last one").expect("the test listens") });
        thread.join().expect("it ends");
        let mut ended: Vec<_> = seen.iter().collect();
        ended.sort_unstable();
        assert_eq!(ended, ["one that lasts", "the last one"]);
    }
}
