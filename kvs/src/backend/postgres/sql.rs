//! The statements. A key is stored in two columns, because an index row cannot hold the longest ones.

use sqlx::{Error, PgConnection};

use crate::{
    backend::Rows,
    key::{LAST, Span},
    value::Value,
};

/// How much of a key goes into the index.
const INDEXED: usize = 1_900;

pub(crate) fn split(key: &[u8]) -> (&[u8], &[u8]) {
    key.split_at(key.len().min(INDEXED))
}

pub(crate) async fn get(connection: &mut PgConnection, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let (key, rest) = split(key);
    let query = sqlx::query_scalar("select v from kvs where k = $1 and sha256(rest) = sha256($2)");
    query.bind(key).bind(rest).fetch_optional(connection).await
}

/// The number of the last commit.
pub(crate) async fn last(connection: &mut PgConnection) -> Result<u64, Error> {
    let stored = get(connection, LAST).await?;
    let version = stored.map(|stored| Value::open(LAST, &stored).map(|value| value.version));
    version.transpose().map(Option::unwrap_or_default).map_err(|error| Error::Decode(Box::new(error)))
}

pub(crate) async fn scan(
    connection: &mut PgConnection,
    span: &Span,
    back: bool,
    limit: usize,
) -> Result<Rows, Error> {
    let mut rows = Rows::default();
    if span.is_empty() || limit == 0 {
        return Ok(rows);
    }
    let (start, start_rest) = split(&span.start);
    let (end, end_rest) = split(span.end.as_deref().unwrap_or_default());
    // Four statements instead of one with a switch in it, so that each is planned for its own bounds.
    let query = match (&span.end, back) {
        (Some(_), false) => {
            "select k, rest, v from kvs where k >= $1 and k <= $4 and (k > $1 or rest >= $2)
             and (k < $4 or rest < $5) order by k, rest limit $3"
        }
        (Some(_), true) => {
            "select k, rest, v from kvs where k >= $1 and k <= $4 and (k > $1 or rest >= $2)
             and (k < $4 or rest < $5) order by k desc, rest desc limit $3"
        }
        (None, false) => {
            "select k, rest, v from kvs where k >= $1 and (k > $1 or rest >= $2)
             order by k, rest limit $3"
        }
        (None, true) => {
            "select k, rest, v from kvs where k >= $1 and (k > $1 or rest >= $2)
             order by k desc, rest desc limit $3"
        }
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut query = sqlx::query_as(query).bind(start).bind(start_rest).bind(limit);
    if span.end.is_some() {
        query = query.bind(end).bind(end_rest);
    }
    let found: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = query.fetch_all(connection).await?;
    for (mut key, rest, value) in found {
        key.extend_from_slice(&rest);
        rows.push(&key, &value);
    }
    Ok(rows)
}
