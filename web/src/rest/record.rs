//! Records: HTTP around the functions of `form::rest`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
    routing::{self, MethodRouter},
};
use form::{
    Act, Form, Records,
    list::Query as Search,
    rest::{self, Answer, Call, Match, Reply},
    table::{self, Version},
};
use serde_json::Value;

use super::{
    caller::{Caller, Id, body, caller},
    problem::{Problem, answer, other_method},
    process,
};
use crate::{app::Shared, client::ClientAddress};

/// A table that is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    records: Records,
    /// The process that a new record begins with.
    starts: Option<&'static str>,
}

/// What is asked.
enum Ask {
    List(Search),
    Get(String),
    Create(Value),
    Update(String, Option<Match>, Value),
    Delete(String, Option<Match>),
}

impl Table {
    pub(crate) fn of<R: Form>(starts: Option<&'static str>) -> Self {
        Table { records: Records::of::<R>(), starts }
    }

    async fn call(&self, call: Call<'_>, ask: &Ask) -> Answer {
        match ask {
            Ask::List(query) => rest::list(self.records, call, query).await,
            Ask::Get(id) => rest::get(self.records, call, id).await,
            Ask::Create(body) => rest::create(self.records, call, body).await,
            Ask::Update(id, meant, body) => rest::update(self.records, call, id, meant.as_ref(), body).await,
            Ask::Delete(id, meant) => rest::delete(self.records, call, id, meant.as_ref()).await,
        }
    }

    /// Does what is asked in one transaction, again when it conflicts with another.
    ///
    /// A record of which the caller has this version is not sent.
    async fn serve(
        self,
        app: &Shared,
        caller: &Caller,
        ask: &Ask,
        known: Option<&Match>,
    ) -> Result<Response, Problem> {
        let mut attempts = app.node.store().attempts();
        loop {
            let (mut txn, now) = (attempts.begin().await, app.node.clock().millis());
            let call = Call { txn: &mut txn, who: &caller.who, lang: caller.lang, now };
            let answered = self.call(call, ask).await.map_err(|error| Problem::failed(app, &error))?;
            let mut reply = answered?;
            let done = attempts.commit(txn).await.map_err(|error| Problem::failed(app, &error))?;
            if let Some(done) = done {
                // A record that was written has the version of its commit.
                let is_written = reply.changed.as_ref().is_some_and(|changed| changed.act != Act::Delete);
                reply.version = reply.version.or(is_written.then_some(done.at));
                let version = reply.version;
                return Ok(unless_known(self.told(app, reply), version, known));
            }
        }
    }

    fn told(self, app: &Shared, reply: Reply) -> Response {
        if let Some(changed) = reply.changed {
            app.node
                .registry()
                .send(&table::record_topic(self.records.table(), &changed.id), changed.clone());
            app.node.registry().send(&table::topic(self.records.table()), changed);
        }
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
        let mut response = answer(status, &reply.body);
        let tag = reply.version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
        response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
        if let Some(id) = reply.id {
            let mut to = format!("/api/records/{}/", self.records.table());
            nitro::__encode(&mut to, &id);
            response.headers_mut().extend(HeaderValue::from_str(&to).ok().map(|to| (header::LOCATION, to)));
        }
        response
    }
}

/// A list of entity tags, or `*`, as RFC 9110, section 13.1 has them; `None` where the field is not there. Tags that
/// are none of ours are tags of versions that never were, and stand for nothing. A weak tag counts where `weak` says so.
fn tags(headers: &HeaderMap, name: &HeaderName, weak: bool) -> Result<Option<Match>, Problem> {
    let odd = || Problem::malformed(format!("{name} is `*` or a list of entity tags such as \"7\""));
    let mut versions = None::<Vec<Version>>;
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| odd())?.trim();
        if value == "*" {
            return Ok(Some(Match::Any));
        }
        let versions = versions.get_or_insert_default();
        for tag in value.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            let (is_weak, tag) = tag.strip_prefix("W/").map_or((false, tag), |tag| (true, tag));
            let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(odd)?;
            versions.extend(inner.parse::<Version>().ok().filter(|_| weak || !is_weak));
        }
    }
    Ok(versions.map(Match::Of))
}

/// The versions that a write is meant for.
fn meant(headers: &HeaderMap) -> Result<Option<Match>, Problem> {
    tags(headers, &header::IF_MATCH, false)
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

type App = State<Arc<Shared>>;

pub(crate) fn route(router: Router<Arc<Shared>>, table: Table) -> Router<Arc<Shared>> {
    let list = async move |State(app): App,
                           client: ClientAddress,
                           headers: HeaderMap,
                           Query(pairs): Query<Vec<(String, String)>>| {
        let caller = caller(&app, &Method::GET, client, &headers).await?;
        let query = rest::query(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let query = query.map_err(Problem::malformed)?;
        table.serve(&app, &caller, &Ask::List(query), None).await
    };
    let create = async move |State(app): App, client: ClientAddress, headers: HeaderMap, sent: Body| {
        if let Some(process) = table.starts {
            return process::start(State(app), Id(process.to_owned()), client, headers, sent).await;
        }
        let caller = caller(&app, &Method::POST, client, &headers).await?;
        let ask = Ask::Create(body(&headers, sent).await?);
        table.serve(&app, &caller, &ask, None).await
    };
    let get = async move |State(app): App, Id(id): Id, client: ClientAddress, headers: HeaderMap| {
        let caller = caller(&app, &Method::GET, client, &headers).await?;
        let known = tags(&headers, &header::IF_NONE_MATCH, true)?;
        table.serve(&app, &caller, &Ask::Get(id), known.as_ref()).await
    };
    let update =
        async move |State(app): App, Id(id): Id, client: ClientAddress, headers: HeaderMap, sent: Body| {
            let caller = caller(&app, &Method::PATCH, client, &headers).await?;
            let ask = Ask::Update(id, meant(&headers)?, body(&headers, sent).await?);
            table.serve(&app, &caller, &ask, None).await
        };
    let delete = async move |State(app): App, Id(id): Id, client: ClientAddress, headers: HeaderMap| {
        let caller = caller(&app, &Method::DELETE, client, &headers).await?;
        table.serve(&app, &caller, &Ask::Delete(id, meant(&headers)?), None).await
    };
    let all: MethodRouter<Arc<Shared>> = routing::get(list).post(create).fallback(other_method);
    let one: MethodRouter<Arc<Shared>> =
        routing::get(get).patch(update).delete(delete).fallback(other_method);
    router
        .route(&format!("/api/records/{}", table.records.table()), all)
        .route(&format!("/api/records/{}/{{id}}", table.records.table()), one)
}
