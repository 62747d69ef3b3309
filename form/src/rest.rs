//! What REST needs, without HTTP: functions over JSON with the rules and rights of the screens. `web` maps
//! requests to calls, and replies and problems to responses.

#[cfg(feature = "process")]
pub mod process;
mod query;

use std::borrow::Cow;

use kvs::Txn;
use serde::Serialize;
use serde_json::{Value, json};

pub use query::{LIMIT, query};

use crate::{
    access::{Act, Who},
    error::Error,
    fault::{Fault, Faults},
    filling::{Ended, Filling},
    lang::text,
    list::Query,
    read::Kind,
    records::Records,
    right::Denial,
    spec::Spec,
    table::{By, Changed, Kept, Saved, Version},
};

/// A request: who asks, in which language, when, in which transaction. The caller commits it when the
/// answer is a reply.
#[derive(Debug)]
pub struct Call<'a> {
    /// The transaction.
    pub txn: &'a mut Txn,
    /// Who asks.
    pub who: &'a Who,
    /// The language of messages.
    pub lang: &'a str,
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub now: u64,
}

/// The versions of a record that a write is meant for: the precondition `If-Match` of RFC 9110.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Whichever there is: what others have written since it was read is lost, and the caller wants it so.
    Any,
    /// One of these.
    Of(Vec<Version>),
}

impl Match {
    /// A version is one of those.
    #[must_use]
    pub fn has(&self, version: Version) -> bool {
        match self {
            Match::Any => true,
            Match::Of(versions) => versions.contains(&version),
        }
    }
}

impl From<Version> for Match {
    fn from(version: Version) -> Self {
        Match::Of(vec![version])
    }
}

/// An answer that is no problem.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The status code of HTTP: 200, 201 or 204.
    pub status: u16,
    /// The content; `null` for none.
    pub body: Value,
    /// The version of the record, for `ETag`: what [`update`] and [`delete`] want back. After a write it is
    /// not known before the transaction has been committed.
    pub version: Option<Version>,
    /// The id of the record that was made, for `Location`.
    pub id: Option<String>,
    /// The table and the change of it that its [topic](crate::table::topic) and that of the
    /// [record](crate::table::record_topic) are to be sent when the transaction is on disk.
    pub changed: Option<(&'static str, Changed)>,
}

/// A problem, as RFC 9457 describes it: serialise it as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind it is, as a URI.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What kind it is, in words.
    pub title: &'static str,
    /// The status code of HTTP.
    pub status: u16,
    /// What the caller can do, in their language.
    pub detail: Cow<'static, str>,
    /// What is wrong with the values, by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Wrong>,
    /// The record as it is, when it was changed meanwhile, as far as the caller may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Value>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the form does not let the caller do, and what of the record stands against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Denial>,
}

/// What is wrong with the value of a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wrong {
    /// The field.
    pub field: String,
    /// A short name, such as `required`.
    pub code: String,
    /// A sentence in the caller's language.
    pub message: String,
}

/// What is answered. A failure of the store is neither reply nor problem, but the error of the call.
pub type Answer = Result<Result<Reply, Problem>, Error>;

fn problem(status: u16, lang: &str) -> Problem {
    let t = text(lang);
    let (kind, title, detail) = match status {
        400 => ("urn:n2o:malformed", "the request cannot be read", t.invalid),
        403 => ("urn:n2o:denied", "no right", t.denied),
        404 => ("urn:n2o:not-found", "no such record", t.lookup),
        409 => ("urn:n2o:taken", "the id is taken", t.taken),
        412 => ("urn:n2o:changed", "the record has changed since it was read", t.changed),
        428 => ("urn:n2o:version", "the version that was read has to be sent along", t.version),
        _ => ("urn:n2o:invalid", "the values are not valid", t.invalid),
    };
    Problem {
        kind,
        title,
        status,
        detail: detail.into(),
        errors: Vec::new(),
        current: None,
        version: None,
        denied: None,
    }
}

impl Problem {
    fn faults(status: u16, spec: &Spec, faults: &Faults, lang: &str) -> Self {
        let errors = faults.iter().map(|(field, fault)| Wrong {
            field: field.clone(),
            code: fault.code(),
            message: fault.text(spec, field, lang),
        });
        let errors: Vec<Wrong> = errors.collect();
        // Of the values nothing is wrong: with another state of the record they could be written.
        let locked = faults.iter().find_map(|(field, fault)| match fault {
            Fault::Locked { state } => Some((field, state)),
            _ => None,
        });
        match locked {
            Some((field, state)) if status == 422 => {
                let (field, state) = (Some(field.clone()), Some(state.clone()));
                Problem { errors, ..Problem::denied(spec, Denial { act: Act::Update, field, state }, lang) }
            }
            _ => Problem { errors, ..problem(status, lang) },
        }
    }

    /// What the form does not let the caller do: never, or not as the record is.
    pub(crate) fn denied(spec: &Spec, denial: Denial, lang: &str) -> Self {
        let told = problem(403, lang);
        let told = match denial.state {
            None => told,
            Some(_) => Problem {
                status: 409,
                kind: "urn:n2o:state",
                title: "the record does not allow this as it is now",
                detail: denial.text(spec, lang).into(),
                ..told
            },
        };
        Problem { denied: Some(denial), ..told }
    }

    fn lost(spec: &Spec, who: &Who, kept: &Kept, lang: &str) -> Self {
        Problem {
            current: Some(Value::Object(spec.seen(who, &kept.data))),
            version: Some(kept.version.to_string()),
            ..problem(412, lang)
        }
    }
}

fn reply(status: u16, body: Value) -> Reply {
    Reply { status, body, version: None, id: None, changed: None }
}

fn denied(records: Records, call: &Call<'_>, act: Act) -> bool {
    !records.spec().document.rights.allow(call.who, act)
}

/// A page of records: `{"total": 61, "more": false, "page": 2, "rows": [{..}, ..]}`; `more` says that the total
/// is at least so many, because not all records of a very large table were looked at. A page behind the last has no
/// rows. The query is that of [`query`]; fields that the caller may not see are neither filtered nor sorted by.
pub async fn list(records: Records, call: Call<'_>, query: &Query) -> Answer {
    if denied(records, &call, Act::Read) {
        return Ok(Err(problem(403, call.lang)));
    }
    let found = records.find(call.txn, call.who, query, call.lang).await?;
    let (total, more, page) = (found.total, found.more, found.page.max(query.page) + 1);
    let rows = query::rows(query, found.page, found.rows);
    Ok(Ok(reply(200, json!({ "total": total, "more": more, "page": page, "rows": rows }))))
}

/// A record, as far as the caller may see it.
pub async fn get(records: Records, call: Call<'_>, id: &str) -> Answer {
    if denied(records, &call, Act::Read) {
        return Ok(Err(problem(403, call.lang)));
    }
    let Some(kept) = records.get(call.txn, id).await? else { return Ok(Err(problem(404, call.lang))) };
    let body = Value::Object(records.spec().seen(call.who, &kept.data));
    Ok(Ok(Reply { version: Some(kept.version), ..reply(200, body) }))
}

/// Makes a record of the values in `body`, with defaults for those that are not there.
pub async fn create(records: Records, call: Call<'_>, body: &Value) -> Answer {
    if denied(records, &call, Act::Create) {
        return Ok(Err(problem(403, call.lang)));
    }
    let filling = Filling::create(records.spec().blank());
    write(records, call, filling, body).await
}

/// Changes the fields that are in `body`; the others stay. Without the version that was read, nothing is changed.
pub async fn update(
    records: Records,
    mut call: Call<'_>,
    id: &str,
    meant: Option<&Match>,
    body: &Value,
) -> Answer {
    if denied(records, &call, Act::Update) {
        return Ok(Err(problem(403, call.lang)));
    }
    match meant_one(records, &mut call, id, meant).await? {
        Ok(kept) => write(records, call, Filling::of(Kind::Edit, kept), body).await,
        Err(problem) => Ok(Err(problem)),
    }
}

/// The record that a write is meant for.
async fn meant_one(
    records: Records,
    call: &mut Call<'_>,
    id: &str,
    meant: Option<&Match>,
) -> Result<Result<Kept, Problem>, Error> {
    let Some(meant) = meant else { return Ok(Err(problem(428, call.lang))) };
    let Some(kept) = records.get(call.txn, id).await? else { return Ok(Err(problem(404, call.lang))) };
    if meant.has(kept.version) {
        return Ok(Ok(kept));
    }
    Ok(Err(Problem::lost(records.spec(), call.who, &kept, call.lang)))
}

/// Fills in, and writes what has no faults.
async fn write(records: Records, call: Call<'_>, mut filling: Filling, body: &Value) -> Answer {
    let (spec, who, lang) = (records.spec(), call.who, call.lang);
    filling.give(spec, who, body, call.txn).await?;
    if !filling.faults.is_empty() {
        let mut problem = Problem::faults(422, spec, &filling.faults, lang);
        if let Some(denied) = problem.denied.as_mut().filter(|_| filling.kind == Kind::Create) {
            denied.act = Act::Create;
        }
        return Ok(Err(problem));
    }
    let was = filling.version;
    Ok(match filling.save(records, call.txn, By { who, now: call.now }).await? {
        Ended::Saved { id, act } => {
            // As it is kept: the server may have made its id.
            let kept = records.get(call.txn, &id).await?;
            let body = kept.map(|kept| Value::Object(spec.seen(who, &kept.data))).unwrap_or_default();
            let changed = act.map(|act| changed(records, who, id.clone(), act));
            let is_made = act == Some(Act::Create);
            Ok(Reply {
                id: is_made.then_some(id),
                version: act.is_none().then_some(was),
                changed,
                ..reply(if is_made { 201 } else { 200 }, body)
            })
        }
        Ended::Denied(denial) => Err(Problem::denied(spec, denial, lang)),
        Ended::Gone => Err(problem(404, lang)),
        Ended::Lost => {
            let theirs = Kept { version: filling.version, data: filling.base };
            Err(Problem::lost(spec, who, &theirs, lang))
        }
        Ended::Faulty if filling.kind == Kind::Create => Err(problem(409, lang)),
        Ended::Faulty => Err(Problem::faults(422, spec, &filling.faults, lang)),
    })
}

/// Deletes a record of a version that was read.
pub async fn delete(records: Records, mut call: Call<'_>, id: &str, meant: Option<&Match>) -> Answer {
    if denied(records, &call, Act::Delete) {
        return Ok(Err(problem(403, call.lang)));
    }
    let kept = match meant_one(records, &mut call, id, meant).await? {
        Ok(kept) => kept,
        Err(problem) => return Ok(Err(problem)),
    };
    let by = By { who: call.who, now: call.now };
    Ok(match records.delete(call.txn, by, id, kept.version).await? {
        Saved::Done { id } => {
            let changed = changed(records, call.who, id, Act::Delete);
            Ok(Reply { changed: Some(changed), ..reply(204, Value::Null) })
        }
        Saved::Lost(kept) => Err(Problem::lost(records.spec(), call.who, &kept, call.lang)),
        Saved::Denied(denial) => Err(Problem::denied(records.spec(), denial, call.lang)),
        _ => Err(problem(404, call.lang)),
    })
}

fn changed(records: Records, who: &Who, id: String, act: Act) -> (&'static str, Changed) {
    (records.table(), Changed { id, who: who.name().to_owned(), act })
}
