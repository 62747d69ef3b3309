//! Who is asking: session, language, and the way of a new session's cookie into the browser.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use n2o::Error;
use nitro::Visit;

use crate::{app::Shared, cookie, notice::Notice};

/// A visit by the browser that sent a request.
pub(crate) fn visit<'a>(
    app: &'a Shared,
    headers: &'a HeaderMap,
    lang: &'a str,
    address: Option<IpAddr>,
) -> Visit<'a> {
    Visit {
        node: &app.node,
        routes: &app.routes,
        login: app.login.as_deref(),
        cookie: cookie::read(headers, app.secure).unwrap_or_default(),
        lang,
        address,
    }
}

/// The first of the browser's languages that the application speaks; the application's first otherwise.
pub(crate) fn lang(app: &Shared, headers: &HeaderMap) -> &'static str {
    let wanted =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tags =
        wanted.split(',').take(16).map(|range| range.split([';', '-']).next().unwrap_or_default().trim());
    let known = |tag: &str| app.langs.iter().find(|lang| lang.eq_ignore_ascii_case(tag)).copied();
    tags.filter_map(known).next().or(app.langs.first().copied()).unwrap_or("en")
}

/// The query of the address where a ticket is traded.
pub(crate) type TicketQuery = Query<std::collections::HashMap<String, String>>;

/// Trades the ticket of a login or logout for the new session's cookie, and sends the browser on.
pub(crate) async fn session(
    State(app): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): TicketQuery,
) -> Response {
    let lang = lang(&app, &headers);
    match trade(&app, &headers, query.get("t").map_or("", String::as_str)).await {
        Ok(response) => response,
        Err(Error::Seal(_)) => Notice::Expired.answer(&app, lang),
        Err(error) => {
            let incident = app.node.failure(nitro::SESSION_PATH, "change of session", &error);
            Notice::Failed { incident, site: String::new() }.answer(&app, lang)
        }
    }
}

async fn trade(app: &Shared, headers: &HeaderMap, ticket: &str) -> Result<Response, Error> {
    let (value, to) = visit(app, headers, "", None).trade(ticket).await?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    let out = response.headers_mut();
    out.extend(
        cookie::set(&value, app.node.limits().session_age, app.secure)
            .map(|cookie| (header::SET_COOKIE, cookie)),
    );
    out.extend(HeaderValue::from_str(&to).ok().map(|to| (header::LOCATION, to)));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
