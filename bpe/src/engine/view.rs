//! Looking at instances: lists, states, histories.

use kvs::{From, IndexKey, Query};

use super::Engine;
use super::record::{File, Instance, Stage, Step, history_feed};
use crate::xml::Document;
use crate::{Error, Result};

impl Engine {
    /// An instance.
    pub async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        Ok(self.inner.store.get(id).await?)
    }

    /// Instances in the order they began, behind `after`, at most `limit`.
    pub async fn instances(&self, after: Option<&str>, limit: usize) -> Result<Vec<Instance>> {
        Ok(self.inner.store.txn().range("", after, limit).await?)
    }

    /// The ids of instances of a process in one stage, the newest first, of those that began before the instance
    /// `before`; at most `limit`. The instances themselves are not read.
    pub async fn instances_of(
        &self,
        process: &str,
        stage: Stage,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let these = IndexKey::of(process).and(stage as u8);
        let query = match before {
            Some(before) => Query::between(these.clone(), these.and(before)),
            None => Query::starts(these),
        };
        Ok(self.inner.store.txn().find_ids::<Instance>("stage", query, true, limit).await?)
    }

    /// Instances that an incident stopped somewhere, in the order they began.
    pub async fn incidents(&self, limit: usize) -> Result<Vec<Instance>> {
        Ok(self.inner.store.txn().find("incident", Query::starts(IndexKey::default()), limit).await?)
    }

    /// The history of an instance, with the position of each step.
    pub async fn history(&self, instance: &str, from: From, limit: usize) -> Result<Vec<(u64, Step)>> {
        Ok(self.inner.store.txn().feed(&history_feed(instance), from, limit).await?)
    }

    /// The file a version of a process came from, to be drawn or handed out.
    pub async fn document(&self, process: &str, version: u32) -> Result<Document> {
        let missing = || Error::NoProcess { id: format!("{process} version {version}") };
        let query = Query::is(File::of(process, version));
        let file = self.inner.store.txn().find::<File>("process", query, 1).await?.pop();
        Document::read(file.ok_or_else(missing)?.text.as_bytes(), &self.inner.limits)
    }
}
