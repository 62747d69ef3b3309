//! The records of forms.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, Method, header},
    routing::{self, MethodRouter},
};
use form::{
    Records,
    rest::{self, Match},
    table::Version,
};

use super::{
    input::{Id, body},
    serve::Ask,
};
use crate::{
    app::Shared,
    caller::caller,
    client::ClientAddress,
    problem::{Problem, other_method},
};

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
            // A number that is not written as we write it is the tag of nobody.
            let version = inner.parse::<Version>().ok().filter(|version| version.to_string() == inner);
            versions.extend(version.filter(|_| weak || !is_weak));
        }
    }
    Ok(versions.map(Match::Of))
}

/// The versions that a write is meant for.
pub(super) fn meant(headers: &HeaderMap) -> Result<Option<Match>, Problem> {
    tags(headers, &header::IF_MATCH, false)
}

type App = State<Arc<Shared>>;

/// Serves the records of a form. A new one begins with the process `starts`.
pub(crate) fn route(
    router: Router<Arc<Shared>>,
    records: Records,
    starts: Option<&'static str>,
) -> Router<Arc<Shared>> {
    let list = async move |State(app): App,
                           client: ClientAddress,
                           headers: HeaderMap,
                           Query(pairs): Query<Vec<(String, String)>>| {
        let caller = caller(&app, &Method::GET, client, &headers).await?;
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = rest::query(records, &caller.who(), caller.lang, pairs);
        let query = query.map_err(|problem| Problem::from(*problem))?;
        Ask::List(records, query).serve(&app, &caller, None).await
    };
    let create = async move |State(app): App, client: ClientAddress, headers: HeaderMap, sent: Body| {
        #[cfg(feature = "process")]
        if let Some(process) = starts {
            let id = Id(process.to_owned());
            return super::process::start(State(app), id, client, headers, sent).await;
        }
        #[cfg(not(feature = "process"))]
        let _: Option<&str> = starts;
        let caller = caller(&app, &Method::POST, client, &headers).await?;
        Ask::Create(records, body(&headers, sent).await?).serve(&app, &caller, None).await
    };
    let get = async move |State(app): App, Id(id): Id, client: ClientAddress, headers: HeaderMap| {
        let caller = caller(&app, &Method::GET, client, &headers).await?;
        let known = tags(&headers, &header::IF_NONE_MATCH, true)?;
        Ask::Get(records, id).serve(&app, &caller, known.as_ref()).await
    };
    let update =
        async move |State(app): App, Id(id): Id, client: ClientAddress, headers: HeaderMap, sent: Body| {
            let caller = caller(&app, &Method::PATCH, client, &headers).await?;
            let ask = Ask::Update(records, id, meant(&headers)?, body(&headers, sent).await?);
            ask.serve(&app, &caller, None).await
        };
    let delete = async move |State(app): App, Id(id): Id, client: ClientAddress, headers: HeaderMap| {
        let caller = caller(&app, &Method::DELETE, client, &headers).await?;
        Ask::Delete(records, id, meant(&headers)?).serve(&app, &caller, None).await
    };
    let all: MethodRouter<Arc<Shared>> = routing::get(list).post(create).fallback(other_method);
    let one: MethodRouter<Arc<Shared>> =
        routing::get(get).patch(update).delete(delete).fallback(other_method);
    router
        .route(&format!("/api/records/{}", records.table()), all)
        .route(&format!("/api/records/{}/{{id}}", records.table()), one)
}
