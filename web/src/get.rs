//! A page as a document.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use n2o::{Error, Session, Token};
use nitro::{Answer, Document, Failed, Opened, Rendered, Visit};
use sha2::{Digest, Sha256};

use crate::{
    app::Shared,
    client::ClientAddress,
    cookie, native,
    notice::Notice,
    post,
    visitor::{lang, visit},
};

/// Longest path and query, in bytes; the page token holds it.
const MAX_PATH: usize = 2048;

/// Answers a path that is not routed anywhere else.
pub(crate) async fn page(State(app): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (method, headers) = (&parts.method, &parts.headers);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let lang = lang(&app, headers);
    let ClientAddress(address) = ClientAddress::of(&parts.extensions);
    let posts = method == Method::POST;
    let answer = if method != Method::GET && method != Method::HEAD && !posts {
        Err(Notice::Method)
    } else if path.len() > MAX_PATH {
        Err(Notice::TooLong)
    } else if !may(&app, headers, address) {
        Err(Notice::TooOften)
    } else if posts {
        let request = Request::from_parts(parts.clone(), body);
        post::submit(&app, request, &visit(&app, headers, lang, address), path).await
    } else {
        open(&app, &visit(&app, headers, lang, address), path, method == Method::GET).await
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
        Opened::Page { rendered, session, token } => {
            document(app, visit.lang, &session, &token, &rendered, (0, 0), "")
        }
        Opened::Elsewhere(to) => redirect(&to),
    };
    let headers = response.headers_mut();
    let cookie = cookie.and_then(|value| cookie::set(&value, app.node.limits().session_age, app.secure));
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A page as a document of a session, which has seen so many frames and events of it.
pub(crate) fn document(
    app: &Shared,
    lang: &str,
    session: &Session,
    token: &Token,
    page: &Rendered,
    seen: (u64, u64),
    note: &str,
) -> Response {
    let token = app.node.token(session, token);
    let (html, forms) = native::prepare(&page.html, &token, seen.1);
    let document = Document {
        lang,
        title: &page.title,
        token: &token,
        user: &session.owner().map(|owner| mark(&owner.to_string())).unwrap_or_default(),
        seen,
        script: &app.script,
        styles: &app.styles,
        head: &app.head,
        html: &html,
        forms: &forms,
        note,
    };
    let mut response = Html(document.render()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Something that is another for each owner of what is typed: the script shows nobody what another one has typed, be
/// it under the same name.
fn mark(owner: &str) -> String {
    Sha256::digest(owner)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn redirect(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

pub(crate) fn notice(app: &Shared, path: &str, failed: &Failed) -> Notice {
    match &failed.error {
        Error::NotFound => Notice::NotFound,
        Error::Denied => Notice::Denied,
        Error::User(text) => Notice::User(text.to_string()),
        Error::Later(text) => Notice::Later(text.to_string()),
        error if error.is_conflict() => Notice::Conflict,
        error => {
            let site = &failed.site;
            let what = if site.is_empty() { "opening of the page" } else { &format!("opening of {site}") };
            Notice::Failed { incident: app.node.failure(path, what, error), site: site.clone() }
        }
    }
}
