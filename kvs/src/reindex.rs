//! Building the indexes of a table that already has records, while it is in use.

use std::borrow::Cow;

use crate::{
    codec,
    commit::{Expect, RecordValue, RecordWrite},
    error::Result,
    index::Index,
    key::{self, Span},
    meta::TableMeta,
    record::Record,
    store::Store,
    txn::Txn,
    value::{self, Value},
};

/// How many records one transaction looks at.
const PAGE: usize = 256;

impl Store {
    /// Brings a table into the indexes that it lacks, as [`reindex`](Self::reindex) does, which are those that were
    /// declared, or made anew by another version, since it has records. Where it lacks none it reads one row.
    /// An application calls it for each of its records when it starts.
    pub async fn reindex_if_needed<R: Record>(&self) -> Result<u64> {
        let stored = self.txn().snapshot().await?.get(&key::table(R::TABLE)).await?;
        let meta = TableMeta::read(R::TABLE, stored.as_deref())?;
        let is_built = |name: &Cow<'static, str>| meta.indexes.iter().any(|known| known == name);
        if meta.count == 0 || names::<R>().iter().all(is_built) {
            Ok(0)
        } else {
            self.reindex::<R>(|_| ()).await
        }
    }

    /// Brings every record of a table into the indexes its type declares, and says how many records it
    /// wrote for that. The table stays in use: it works in pages, each a transaction of its own, and what
    /// others put meanwhile is indexed by them. `progress` is told how many records were looked at.
    pub async fn reindex<R: Record>(&self, mut progress: impl FnMut(u64)) -> Result<u64> {
        let (mut seen, mut written) = (0, 0);
        let mut left = Some(Span::prefix(key::record(R::TABLE, "")));
        while let Some(span) = left.take() {
            let page = self.transact(async |txn| page::<R>(txn, span.clone()).await).await?;
            (seen, written, left) = (seen + page.seen, written + page.written, page.left);
            progress(seen);
        }
        self.transact(async |txn| {
            txn.writes.indexed.insert(R::TABLE, names::<R>());
            Ok(())
        })
        .await?;
        Ok(written)
    }
}

/// What one transaction did.
struct Page {
    seen: u64,
    written: u64,
    left: Option<Span>,
}

async fn page<R: Record>(txn: &mut Txn, span: Span) -> Result<Page> {
    let chunk = txn.chunk(span, false, PAGE).await?;
    let mut page = Page { seen: chunk.rows.len() as u64, written: 0, left: chunk.left };
    for (key, stored) in chunk.rows.iter() {
        let value = Value::open(key, stored)?;
        let record: R = codec::record(key, value.schema, value.bytes)?;
        let mut rows = Vec::new();
        for index in R::INDEXES {
            index.rows(&record, &record.id(), &mut rows);
        }
        let expiry = (value.expires != 0).then(|| key::expiry(value.expires, key));
        let packed = value::pack(rows.iter().map(|row| row.key.as_slice()).chain(expiry.as_deref()));
        if packed == value.indexed {
            continue;
        }
        let bytes = value.bytes.to_vec();
        let value = RecordValue { bytes, schema: value.schema, expires: value.expires, rows };
        let table = Cow::Borrowed(R::TABLE);
        let write = RecordWrite { table, value: Some(value), expect: Expect::Anything, names: names::<R>() };
        txn.buffer(key.to_vec(), write);
        page.written += 1;
    }
    Ok(page)
}

fn names<R: Record>() -> Vec<Cow<'static, str>> {
    R::INDEXES.iter().map(Index::built).collect()
}
