//! Finding records by their indexes, own writes included. What an index is, see `index`.

use crate::{
    backend::Rows,
    codec,
    error::{Error, Result},
    index::{Index, IndexKey},
    key::{self, Span},
    meta::TableMeta,
    record::Record,
    txn::{self, Txn},
    value::Value,
};

/// Which keys of an index are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    start: IndexKey,
    /// `None` asks for all that begin with `start`.
    end: Option<IndexKey>,
}

impl Query {
    /// Exactly this key.
    #[must_use]
    pub fn is(key: IndexKey) -> Self {
        Self::starts(key)
    }

    /// Keys that begin with these parts, or with [`IndexKey::prefix`].
    #[must_use]
    pub fn starts(start: IndexKey) -> Self {
        Self { start, end: None }
    }

    /// Keys from `start` up to, and without, `end`.
    #[must_use]
    pub fn between(start: IndexKey, end: IndexKey) -> Self {
        Self { start, end: Some(end) }
    }

    fn span(&self, table: &str, index: &str) -> Span {
        let start = key::index(table, index, &self.start.0, "");
        match &self.end {
            Some(end) => Span { start, end: Some(key::index(table, index, &end.0, "")) },
            None => Span::prefix(start),
        }
    }
}

impl Txn {
    /// Finds at most `limit` records, in the order of the index and then of their ids. What is found, and
    /// that nothing else is, is read: a change of it is a conflict.
    pub async fn find<R: Record>(&mut self, index: &str, query: Query, limit: usize) -> Result<Vec<R>> {
        let declared = R::INDEXES.iter().find(|declared| declared.name == index);
        let declared = declared.ok_or_else(|| unknown::<R>(index))?;
        self.ready::<R>(declared).await?;
        let span = query.span(R::TABLE, index);
        let own = self.own_rows(declared, &span)?;
        let mut own = own.into_iter().peekable();
        let mut found = Vec::new();
        let mut left = Some(span).filter(|span| !span.is_empty());
        while let Some(span) = left.take_if(|_| found.len() < limit) {
            let chunk = self
                .chunk(span, false, (limit - found.len()).saturating_add(self.writes.records.len()))
                .await?;
            for (row, id) in ids(&chunk.rows)? {
                while let Some((_, record)) = own.next_if(|(own_row, _)| *own_row < row) {
                    found.push(record);
                }
                // What this transaction wrote is found by its own rows only.
                if self.writes.records.contains_key(&key::record(R::TABLE, &id)) {
                    continue;
                }
                if found.len() < limit
                    && let Some(record) = self.get::<R>(&id).await?
                {
                    found.push(record);
                }
            }
            left = chunk.left;
            if left.is_none() {
                found.extend(own.by_ref().map(|(_, record)| record));
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Finds the record that has this key in a unique index, or the first one in another.
    pub async fn find_one<R: Record>(&mut self, index: &str, key: IndexKey) -> Result<Option<R>> {
        Ok(self.find(index, Query::is(key), 1).await?.pop())
    }

    /// The ids of at most `limit` records in the order of the index, or in the opposite one, without reading
    /// the records: to count them, or to show a page of many. Records that expired count until they are swept.
    pub async fn find_ids<R: Record>(
        &mut self,
        index: &str,
        query: Query,
        back: bool,
        limit: usize,
    ) -> Result<Vec<String>> {
        let declared = R::INDEXES.iter().find(|declared| declared.name == index);
        let declared = declared.ok_or_else(|| unknown::<R>(index))?;
        self.ready::<R>(declared).await?;
        let span = query.span(R::TABLE, index);
        let own = self.own_rows(declared, &span)?.into_iter();
        let own: Vec<_> = own.map(|(row, record)| (row, record.id().into_owned())).collect();
        let mut found = Vec::new();
        let mut left = Some(span).filter(|span| !span.is_empty());
        while let Some(span) = left.take_if(|_| found.len() < limit) {
            let chunk = self.chunk(span, back, limit - found.len()).await?;
            let rows = ids(&chunk.rows)?.into_iter();
            let written = &self.writes.records;
            found.extend(rows.filter(|(_, id)| !written.contains_key(&key::record(R::TABLE, id))));
            left = chunk.left;
        }
        if !own.is_empty() {
            found.extend(own);
            found.sort_unstable();
            if back {
                found.reverse();
            }
        }
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// This transaction's own records with a row of the index in the span, by row.
    fn own_rows<R: Record>(&self, index: &Index<R>, span: &Span) -> Result<Vec<(Vec<u8>, R)>> {
        let all = Span::prefix(key::record(R::TABLE, ""));
        let mut own = Vec::new();
        for (key, write) in self.writes.records.range::<[u8], _>(txn::bounds(&all)) {
            let Some(value) = &write.value else { continue };
            for row in &value.rows {
                let inside = row.key >= span.start && span.end.as_ref().is_none_or(|end| row.key < *end);
                if inside {
                    own.push((row.key.clone(), codec::record(key, value.schema, &value.bytes)?));
                }
            }
        }
        own.sort_by(|a, b| a.0.cmp(&b.0));
        // The span lies in one index of one table; the index itself only says which.
        debug_assert!(span.start.starts_with(&key::index(R::TABLE, index.name, &[], "")));
        Ok(own)
    }

    /// Says no when the table has records that were put before the index was declared, or as another version of it.
    async fn ready<R: Record>(&mut self, index: &Index<R>) -> Result<()> {
        let stored = self.snapshot().await?.get(&key::table(R::TABLE)).await?;
        let meta = TableMeta::read(R::TABLE, stored.as_deref())?;
        if meta.count == 0 || meta.indexes.iter().any(|name| *name == index.built()) {
            return Ok(());
        }
        Err(Error::NotIndexed { table: R::TABLE, index: index.name })
    }
}

fn unknown<R: Record>(index: &str) -> Error {
    Error::NoIndex { table: R::TABLE, index: index.to_owned() }
}

/// The rows of an index with the ids they hold.
fn ids(rows: &Rows) -> Result<Vec<(Vec<u8>, String)>> {
    rows.iter()
        .map(|(key, stored)| {
            let id = String::from_utf8(Value::open(key, stored)?.bytes.to_vec());
            Ok((key.to_vec(), id.map_err(|_| Error::corrupt(key::describe(key), "its id is no text"))?))
        })
        .collect()
}
