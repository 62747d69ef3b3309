//! Telling pages of steps: every commit of the engine appends to a history, and the histories are watched.
//! It does not matter who stepped: a page, a service or a timer.

use std::time::Duration;

use kvs::{Changed, Scope, Since};
use n2o::Node;
use serde::{Deserialize, Serialize};

/// The topic of the steps of all instances. It is sent to at most five times a second, for lists.
pub const ALL: &str = "process";

/// What all histories stand below.
const HISTORIES: &str = "/bpe/hist";
/// How long steps are gathered for those who watch all instances.
const GATHER: Duration = Duration::from_millis(200);

/// Sent when an instance has made a step that is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stepped {
    /// The instance; empty when it may be any.
    pub instance: String,
}

/// The topic of the steps of one instance.
#[must_use]
pub fn topic(instance: &str) -> String {
    format!("process:{instance}")
}

/// Watches the histories until the node stops.
pub(crate) async fn follow(node: Node) {
    let mut watch = node.store().watch(Scope::Subtree(HISTORIES.into()), Since::Now);
    let mut dirty = false;
    loop {
        let change = tokio::select! {
            () = node.tasks().stopping() => return,
            change = watch.next() => change,
            () = tokio::time::sleep(GATHER), if dirty => {
                dirty = false;
                node.registry().send(ALL, Stepped { instance: String::new() });
                continue;
            }
        };
        match change {
            Ok(change) => {
                if let Changed::Entry { feed, .. } = change.what
                    && let Some(instance) =
                        feed.strip_prefix(HISTORIES).map(|rest| rest.trim_start_matches('/'))
                {
                    node.registry().send(&topic(instance), Stepped { instance: instance.to_owned() });
                    dirty = true;
                }
            }
            // What was missed is read again by those who look at everything.
            Err(kvs::Error::Lagged { .. }) => dirty = true,
            Err(error) => {
                tracing::error!(%error, "steps of processes cannot be watched; pages will not follow them");
                return;
            }
        }
    }
}
