//! Sizes and counts, from the numbers the store keeps: as quick for a large store as for a small one.

use crate::{
    error::Result,
    key::{self, Span},
    meta::TableMeta,
    store::Store,
};

/// What [`Store::stat`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// The last commit.
    pub at: u64,
    /// How many bytes the store takes, where that can be said.
    pub bytes: Option<u64>,
    /// The tables, by name.
    pub tables: Vec<TableInfo>,
    /// How many feeds there are.
    pub feeds: u64,
}

/// A table in the list of all tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableInfo {
    /// Its name.
    pub name: String,
    /// How many records it has.
    pub count: u64,
    /// The indexes that all of them are in.
    pub indexes: Vec<String>,
}

impl Store {
    /// Says how large the store is, and what is in it.
    pub async fn stat(&self) -> Result<Stat> {
        const STEP: usize = 4096;
        let snapshot = self.txn().snapshot().await?;
        let rows = snapshot.scan(&Span::prefix(vec![key::TABLE]), false, usize::MAX).await?;
        let mut tables = Vec::new();
        for (key, stored) in rows.iter() {
            let Some((_, name, _)) = key::parse(key) else { continue };
            let TableMeta { count, indexes } = TableMeta::read(&name, Some(stored))?;
            tables.push(TableInfo { name, count, indexes });
        }
        let mut feeds = 0;
        let mut span = Span::prefix(vec![key::FEED]);
        loop {
            let rows = snapshot.scan(&span, false, STEP).await?;
            feeds += rows.len() as u64;
            match rows.last() {
                Some(last) if rows.len() == STEP => span.start = key::after(last.to_vec()),
                _ => break,
            }
        }
        Ok(Stat { at: snapshot.at(), bytes: self.inner.backend.size().await?, tables, feeds })
    }
}
