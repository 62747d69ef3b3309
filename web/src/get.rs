//! A page as a document.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use n2o::Error;
use nitro::{Answer, Document, Failed, Opened, Rendered, Visit};

use crate::{
    app::Shared,
    client::ClientAddress,
    cookie,
    notice::Notice,
    visitor::{lang, visit},
};

/// Longest path and query, in bytes; the page token holds it.
const MAX_PATH: usize = 2048;

/// Answers a path that is not routed anywhere else.
pub(crate) async fn page(State(app): State<Arc<Shared>>, request: Request) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let lang = lang(&app, &headers);
    let ClientAddress(address) = ClientAddress::of(request.extensions());
    let answer = if method != Method::GET && method != Method::HEAD {
        Err(Notice::Method)
    } else if path.len() > MAX_PATH {
        Err(Notice::TooLong)
    } else if !may(&app, &headers, address) {
        Err(Notice::TooOften)
    } else {
        open(&app, &visit(&app, &headers, lang, address), &path, method == Method::GET).await
    };
    answer.unwrap_or_else(|notice| notice.answer(&app, lang))
}

/// Whether neither the client's address nor the session asks too often.
fn may(app: &Shared, headers: &HeaderMap, address: Option<IpAddr>) -> bool {
    let session =
        || cookie::read(headers, app.secure).map_or(Ok(()), |value| app.front.visit_of(value, address));
    app.front.visit_of_client(address).and_then(|()| session()).is_ok()
}

async fn open(app: &Shared, visit: &Visit<'_>, path: &str, keep: bool) -> Result<Response, Notice> {
    let Answer { cookie, opened } =
        visit.open(path, keep).await.map_err(|failed| notice(app, path, &failed))?;
    let mut response = match opened {
        Opened::Page { rendered: Rendered { title, html }, token } => {
            let document = Document {
                lang: visit.lang,
                title: &title,
                token: &token,
                script: &app.script,
                styles: &app.styles,
                html: &html,
            };
            Html(document.render()).into_response()
        }
        Opened::Elsewhere(to) => redirect(&to),
    };
    let headers = response.headers_mut();
    let cookie = cookie.and_then(|value| cookie::set(&value, app.node.limits().session_age, app.secure));
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn redirect(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn notice(app: &Shared, path: &str, failed: &Failed) -> Notice {
    match &failed.error {
        Error::NotFound => Notice::NotFound,
        Error::Denied => Notice::Denied,
        Error::User(text) => Notice::User(text.to_string()),
        error if error.is_conflict() => Notice::Conflict,
        error => {
            let place = &failed.place;
            let what = if place.is_empty() { "opening of the page" } else { &format!("opening of {place}") };
            Notice::Failed { incident: app.node.failure(path, what, error), place: place.clone() }
        }
    }
}
