//! Owned tasks: each has a name, hears of the shutdown, and is waited for.

use std::{future::Future, sync::mpsc, thread, time::Duration};

use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of a node.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs a task until it ends by itself; it should listen to [`stopping`](Tasks::stopping).
    #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        tracing::trace!(task.name = name, "task starts");
        tokio::spawn(self.tracker.track_future(task))
    }

    /// Ends when the node stops.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the node stops.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(crate) fn announce_stop(&self) {
        self.stop.cancel();
    }

    /// Waits for all tasks, at most `limit`; says whether all have ended.
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.tracker.close();
        // A thread of its own: where handlers block all threads of the runtime, its timers stand still as well.
        let (done, waits) = mpsc::channel::<()>();
        let (tell, told) = oneshot::channel();
        let alarm = move || {
            if waits.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Nobody waits any more when the runtime's own timer was first.
                let _ = tell.send(());
            }
        };
        if let Err(error) = thread::Builder::new().name(String::from("n2o stop")).spawn(alarm) {
            tracing::debug!(%error, "no thread that bounds the stop beside the runtime");
        }
        let ended = tokio::select! {
            biased;
            () = self.tracker.wait() => true,
            () = tokio::time::sleep(limit) => false,
            Ok(()) = told => false,
        };
        drop(done);
        ended
    }
}
