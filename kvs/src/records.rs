//! The records' half of a transaction: reading them by id and by range, and buffering their writes.

use std::{borrow::Cow, time::SystemTime};

use crate::{
    codec,
    commit::{Expect, RecordValue, RecordWrite},
    error::{Error, Result},
    index::Index,
    key::{self, Span},
    options,
    record::{Raw, Record},
    txn::{self, Txn},
    value::Value,
};

impl Txn {
    /// Reads a record: this transaction's own write of it, or what was committed.
    pub async fn get<R: Record>(&mut self, id: &str) -> Result<Option<R>> {
        Ok(self.get_versioned(id).await?.map(|(_, record)| record))
    }

    /// Reads a record with its version, for a later [`put_at`](Self::put_at). The version of this
    /// transaction's own write is not known yet and given as 0.
    pub async fn get_versioned<R: Record>(&mut self, id: &str) -> Result<Option<(u64, R)>> {
        let key = key::record(R::TABLE, id);
        if let Some(write) = self.writes.records.get(&key) {
            let Some(value) = &write.value else { return Ok(None) };
            return codec::record(&key, R::VERSION, &value.bytes).map(|record| Some((0, record)));
        }
        let stored = self.snapshot().await?.get(&key).await?;
        let Some(stored) = stored else {
            self.reads.keys.insert(key, 0);
            return Ok(None);
        };
        let value = Value::open(&key, &stored)?;
        let gone = value.expires != 0 && value.expires <= self.now();
        let record = if gone { Ok(None) } else { codec::record(&key, value.schema, value.bytes).map(Some) };
        self.reads.keys.insert(key, value.version);
        Ok(record?.map(|record| (value.version, record)))
    }

    /// Reads a record's bytes without decoding them, whatever wrote them.
    pub async fn get_raw(&mut self, table: &str, id: &str) -> Result<Option<Raw>> {
        Ok(self.raw(table, id, Some(id), None, 1).await?.into_iter().next())
    }

    /// Reads records in the order of their ids: those that begin with `prefix` and come behind `after`.
    /// A table of any size is read in pages, each `after` the last id of the one before.
    pub async fn range<R: Record>(
        &mut self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<R>> {
        let raw = self.raw(R::TABLE, prefix, None, after, limit).await?;
        raw.iter().map(decode).collect()
    }

    /// As [`range`](Self::range), but leaves out records that do not decode, and returns their errors.
    pub async fn range_skipping<R: Record>(
        &mut self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<R>, Vec<Error>)> {
        let (mut records, mut errors) = (Vec::new(), Vec::new());
        for raw in self.raw(R::TABLE, prefix, None, after, limit).await? {
            match decode(&raw) {
                Ok(record) => records.push(record),
                Err(error) => errors.push(error),
            }
        }
        Ok((records, errors))
    }

    /// As [`range`](Self::range), but leaves the bytes as they are.
    pub async fn range_raw(
        &mut self,
        table: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Raw>> {
        self.raw(table, prefix, None, after, limit).await
    }

    /// Writes a record when the transaction commits, in place of one with the same id.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<()> {
        self.write(record, Expect::Anything, None)
    }

    /// Writes a record that is to expire then, whatever [`Record::TTL`] says.
    pub fn put_until<R: Record>(&mut self, record: &R, expires: SystemTime) -> Result<()> {
        self.write(record, Expect::Anything, Some(options::millis(expires)))
    }

    /// Writes a record that must not exist yet: if it does, the commit answers [`Error::Exists`].
    pub fn put_new<R: Record>(&mut self, record: &R) -> Result<()> {
        self.write(record, Expect::Absent, None)
    }

    /// Writes a record that was read as `version`, perhaps long ago: if someone wrote it since, the commit
    /// answers [`Error::Conflict`].
    pub fn put_at<R: Record>(&mut self, record: &R, version: u64) -> Result<()> {
        self.write(record, Expect::Version(version), None)
    }

    /// Deletes a record when the transaction commits. Deleting what is not there is no error.
    pub fn delete<R: Record>(&mut self, id: &str) {
        self.buffer(key::record(R::TABLE, id), RecordWrite::delete(R::TABLE));
    }

    /// Deletes all records whose ids begin with `prefix`, and says how many there were.
    pub async fn delete_range<R: Record>(&mut self, prefix: &str) -> Result<usize> {
        let found = self.raw(R::TABLE, prefix, None, None, usize::MAX).await?;
        for raw in &found {
            self.delete::<R>(&raw.id);
        }
        Ok(found.len())
    }

    /// How many records the table has, exactly, with this transaction's own writes; expired ones count
    /// until they are swept. It costs one read, and one for each own write.
    pub async fn count_of<R: Record>(&mut self) -> Result<u64> {
        let snapshot = self.snapshot().await?;
        let meta = snapshot.get(&key::table(R::TABLE)).await?;
        let mut count = crate::meta::TableMeta::read(R::TABLE, meta.as_deref())?.count;
        let all = Span::prefix(key::record(R::TABLE, ""));
        for (key, write) in self.writes.records.range::<[u8], _>(txn::bounds(&all)) {
            match (snapshot.get(key).await?.is_some(), write.value.is_some()) {
                (false, true) => count += 1,
                (true, false) => count = count.saturating_sub(1),
                _ => {}
            }
        }
        Ok(count)
    }

    fn write<R: Record>(&mut self, record: &R, expect: Expect, expires: Option<u64>) -> Result<()> {
        let id = record.id();
        self.fits(&id, || name(R::TABLE, &id))?;
        let bytes = self.encode(record, || name(R::TABLE, &id))?;
        let key = key::record(R::TABLE, &id);
        let ttl = R::TTL.map(|ttl| self.now().saturating_add(ttl.as_millis() as u64));
        let expires = expires.or(ttl).unwrap_or(0);
        let mut rows = Vec::new();
        for index in R::INDEXES {
            index.rows(record, &id, &mut rows);
        }
        if rows.iter().any(|row| row.key.len() > 2 * self.inner.options.max_id + 64) {
            let size = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
            let what = format!("an index key of {}", name(R::TABLE, &id));
            return Err(Error::TooLarge { what, size, limit: 2 * self.inner.options.max_id + 64 });
        }
        let value = RecordValue { bytes, schema: R::VERSION, expires, rows };
        let names = R::INDEXES.iter().map(Index::built).collect();
        let write = RecordWrite { table: Cow::Borrowed(R::TABLE), value: Some(value), expect, names };
        if expect == Expect::Absent && self.writes.records.get(&key).is_some_and(|own| own.value.is_some()) {
            return Err(Error::Exists { what: name(R::TABLE, &id) });
        }
        self.buffer(key, write);
        Ok(())
    }

    /// Buffers a write over an earlier one of the same record, whose expectation stays.
    pub(crate) fn buffer(&mut self, key: Vec<u8>, mut write: RecordWrite) {
        if let Some(own) = self.writes.records.get(&key) {
            write.expect = own.expect;
        }
        self.writes.records.insert(key, write);
    }

    /// The rows of a table that begin with `prefix` (or are exactly `only`), own writes over committed ones.
    async fn raw(
        &mut self,
        table: &str,
        prefix: &str,
        only: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Raw>> {
        let mut span = Span::prefix(key::record(table, prefix));
        if let Some(only) = only {
            span.end = Some(key::after(key::record(table, only)));
        }
        if let Some(after) = after {
            span.start = span.start.max(key::after(key::record(table, after)));
        }
        let now = self.now();
        let mut records = Vec::new();
        let mut left = Some(span).filter(|span| !span.is_empty());
        while let Some(span) = left.take_if(|_| records.len() < limit) {
            // Own deletions hide rows, so that many more are read at once.
            let own = self.writes.records.range::<[u8], _>(txn::bounds(&span));
            let hidden = own.filter(|(_, write)| write.value.is_none()).count();
            let chunk = self.chunk(span, false, (limit - records.len()).saturating_add(hidden)).await?;
            let mut own = self.writes.records.range::<[u8], _>(txn::bounds(&chunk.read)).peekable();
            for (key, stored) in chunk.rows.iter() {
                while let Some((own_key, write)) = own.next_if(|(own_key, _)| own_key.as_slice() < key) {
                    records.extend(own_raw(own_key, write));
                }
                if let Some((_, write)) = own.next_if(|(own_key, _)| own_key.as_slice() == key) {
                    records.extend(own_raw(key, write));
                    continue;
                }
                let value = Value::open(key, stored)?;
                if value.expires == 0 || value.expires > now {
                    records.push(raw(key, value.version, value.schema, value.bytes));
                }
            }
            for (own_key, write) in own {
                records.extend(own_raw(own_key, write));
            }
            left = chunk.left;
        }
        records.truncate(limit);
        Ok(records)
    }
}

fn own_raw(key: &[u8], write: &RecordWrite) -> Option<Raw> {
    write.value.as_ref().map(|value| raw(key, 0, value.schema, &value.bytes))
}

fn raw(key: &[u8], version: u64, schema: u16, bytes: &[u8]) -> Raw {
    let (table, id) = match key::parse(key) {
        Some((_, table, id)) => (table, String::from_utf8_lossy(id).into_owned()),
        None => Default::default(),
    };
    Raw { table, id, version, schema, bytes: bytes.to_vec() }
}

fn decode<R: Record>(raw: &Raw) -> Result<R> {
    codec::migrate(raw.schema, &raw.bytes, || name(&raw.table, &raw.id))
}

fn name(table: &str, id: &str) -> String {
    let short: String = id.chars().take(64).collect();
    format!("record {short:?} of table {table:?}")
}
