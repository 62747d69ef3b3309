//! User tasks: who sees them, and who may do them.

use std::sync::Arc;

use kvs::{IndexKey, Query};

use super::Engine;
use super::record::Job;
use crate::Result;
use crate::model::Process;

/// Someone, with the roles they have.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The name.
    pub user: &'a str,
    /// The roles.
    pub roles: &'a [&'a str],
}

impl Who<'_> {
    /// Whether they may do a task: it is theirs, or it is nobody's and for one of their roles, for them by
    /// name, or for everyone.
    pub fn may(&self, task: &Job) -> bool {
        match &task.assignee {
            Some(assignee) => assignee == self.user,
            None => {
                task.roles.is_empty() && task.users.is_empty()
                    || task.roles.iter().any(|role| self.roles.contains(&role.as_str()))
                    || task.users.iter().any(|user| user == self.user)
            }
        }
    }
}

impl Engine {
    /// The processes someone may start by hand: the newest versions that have a plain start event and are for
    /// one of their roles or for everyone.
    pub fn startable(&self, who: &Who<'_>) -> Vec<Arc<Process>> {
        let may = |process: &&Arc<Process>| {
            process.has_plain_start()
                && (process.starters.is_empty()
                    || process.starters.iter().any(|role| who.roles.contains(&&**role)))
        };
        self.library().all().filter(may).cloned().collect()
    }

    /// The user tasks someone may do, oldest first, at most `limit`.
    pub async fn tasks(&self, who: &Who<'_>, limit: usize) -> Result<Vec<Job>> {
        let mut txn = self.inner.store.txn();
        let mut keys = vec![IndexKey::of("any"), IndexKey::of("user").and(who.user)];
        keys.extend(who.roles.iter().map(|role| IndexKey::of("role").and(*role)));
        let mut found: Vec<Job> = Vec::new();
        for key in keys {
            found.extend(txn.find("for", Query::is(key), limit).await?);
        }
        found.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        found.dedup_by(|a, b| a.id == b.id);
        found.truncate(limit);
        Ok(found)
    }

    /// The job of that id, while it waits.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        Ok(self.inner.store.get(id).await?)
    }

    /// The jobs of an instance that wait.
    pub async fn jobs(&self, instance: &str) -> Result<Vec<Job>> {
        Ok(self.inner.store.txn().range(&format!("{instance}."), None, usize::MAX).await?)
    }
}
