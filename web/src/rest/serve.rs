//! Carries out what a program asks, in one transaction, and answers it as HTTP does.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use form::{
    Records, Who,
    list::Query,
    rest::{self, Call, Match, Reply},
    table::{self, Version},
};
use n2o::Error;
use serde_json::Value;

use crate::{
    app::Shared,
    caller::Caller,
    problem::{Problem, answer},
};

/// What is asked.
pub(crate) enum Ask {
    List(Records, Query),
    Get(Records, String),
    Create(Records, Value),
    Update(Records, String, Option<Match>, Value),
    Delete(Records, String, Option<Match>),
    #[cfg(feature = "process")]
    Process(std::sync::Arc<form::process::Processes>, super::process::Of),
}

impl Caller {
    /// The caller as forms know them.
    pub(super) fn who(&self) -> Who {
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        Who::new(&self.user, &roles)
    }
}

impl Ask {
    async fn call(&self, call: Call<'_>) -> Result<Result<Reply, rest::Problem>, Error> {
        Ok(match self {
            Ask::List(records, query) => rest::list(*records, call, query).await?,
            Ask::Get(records, id) => rest::get(*records, call, id).await?,
            Ask::Create(records, body) => rest::create(*records, call, body).await?,
            Ask::Update(records, id, meant, body) => {
                rest::update(*records, call, id, meant.as_ref(), body).await?
            }
            Ask::Delete(records, id, meant) => rest::delete(*records, call, id, meant.as_ref()).await?,
            #[cfg(feature = "process")]
            Ask::Process(processes, of) => of.call(processes, call).await?,
        })
    }

    /// The place of what was made.
    fn place(&self, id: &str) -> String {
        let mut to = match self {
            Ask::List(records, _)
            | Ask::Get(records, _)
            | Ask::Create(records, _)
            | Ask::Update(records, ..)
            | Ask::Delete(records, ..) => format!("/api/records/{}/", records.table()),
            #[cfg(feature = "process")]
            Ask::Process(..) => String::from("/api/instances/"),
        };
        nitro::__encode(&mut to, &id);
        to
    }

    /// Does it, again when it conflicts with another. A record of which the caller has this version is not sent.
    pub(crate) async fn serve(
        &self,
        app: &Shared,
        caller: &Caller,
        known: Option<&Match>,
    ) -> Result<Response, Problem> {
        let who = caller.who();
        let mut attempts = app.node.store().attempts();
        loop {
            let (mut txn, now) = (attempts.begin().await, app.node.clock().millis());
            let call = Call { txn: &mut txn, who: &who, lang: caller.lang, now };
            let answered = n2o::caught(self.call(call)).await.flatten();
            let answered = answered.map_err(|error| Problem::failed(app, &error))?;
            let mut reply = answered?;
            let done = attempts.commit(txn).await.map_err(|error| Problem::failed(app, &error))?;
            if let Some(done) = done {
                // A record that was written has the version of its commit.
                let is_write = matches!(self, Ask::Create(..) | Ask::Update(..)) && reply.changed.is_some();
                reply.version = reply.version.or(is_write.then_some(done.at));
                let version = reply.version;
                return Ok(unless_known(self.answer(app, reply), version, known));
            }
        }
    }

    /// Tells the pages what has changed, and answers.
    fn answer(&self, app: &Shared, reply: Reply) -> Response {
        if let Some((table, changed)) = reply.changed {
            app.node.registry().send(&table::record_topic(table, &changed.id), changed.clone());
            app.node.registry().send(&table::topic(table), changed);
        }
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
        let mut response = answer(status, &reply.body);
        let tag = reply.version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
        let place = reply.id.and_then(|id| HeaderValue::from_str(&self.place(&id)).ok());
        response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
        response.headers_mut().extend(place.map(|place| (header::LOCATION, place)));
        response
    }
}

/// What a caller has already is not sent again.
fn unless_known(response: Response, version: Option<Version>, known: Option<&Match>) -> Response {
    if !version.zip(known).is_some_and(|(version, known)| known.has(version)) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    Response::from_parts(parts, Body::empty())
}
