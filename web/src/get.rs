//! A page as a document.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use n2o::{Dispatch, Error, Session, Token};
use nitro::{Document, Rendered};
use sha2::{Digest, Sha256};

use crate::{
    app::Shared,
    client::ClientAddress,
    cookie, native,
    notice::Notice,
    post,
    visitor::{Visitor, lang, visitor},
};

/// Longest path and query, in bytes; the page token holds it.
const MAX_PATH: usize = 2048;
/// How often a page is opened again when another commit came between.
const RETRIES: u32 = 3;

/// A request for a page.
struct Asked<'a> {
    headers: &'a HeaderMap,
    path: &'a str,
    lang: &'static str,
    /// The page is to wait for its connection.
    keep: bool,
    address: Option<IpAddr>,
}

/// Answers a path that is not routed anywhere else.
pub(crate) async fn page(State(app): State<Arc<Shared>>, request: Request) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let lang = lang(&app, &headers);
    let ClientAddress(address) = ClientAddress::of(request.extensions());
    let posts = method == Method::POST;
    let answer = if method != Method::GET && method != Method::HEAD && !posts {
        Err(Notice::Method)
    } else if path.len() > MAX_PATH {
        Err(Notice::TooLong)
    } else if !may(&app, &headers, address) {
        Err(Notice::TooOften)
    } else if posts {
        post::submit(&app, request, &post::Visit { path: &path, lang, address }).await
    } else {
        let asked = Asked { headers: &headers, path: &path, lang, keep: method == Method::GET, address };
        attempt(&app, &asked).await
    };
    answer.unwrap_or_else(|notice| notice.answer(&app, lang))
}

/// Whether neither the client's address nor the session asks too often.
fn may(app: &Shared, headers: &HeaderMap, address: Option<IpAddr>) -> bool {
    let session =
        || cookie::read(headers, app.secure).map_or(Ok(()), |value| app.front.visit_of(value, address));
    app.front.visit_of_client(address).and_then(|()| session()).is_ok()
}

/// Opens a page, again when another commit came between.
async fn attempt(app: &Shared, asked: &Asked<'_>) -> Result<Response, Notice> {
    let mut tries = 0;
    loop {
        match open(app, asked).await {
            Err(Notice::Conflict) if tries < RETRIES => tries += 1,
            answer => return answer,
        }
    }
}

async fn open(app: &Shared, asked: &Asked<'_>) -> Result<Response, Notice> {
    let Asked { headers, path, lang, keep, address } = *asked;
    let found = app.routes.find(path).ok_or(Notice::NotFound)?;
    let Visitor { session, cookie } =
        visitor(app, headers).await.map_err(|error| failed(app, path, &error))?;
    let (id, mut page) = (app.node.page_id(), found.page);
    let cx = Dispatch::new(&app.node, Arc::clone(&session), id, path, found.params, lang);
    let mut cx = cx.from_address(address);
    let opened = cx.deadline().hold(page.open(&mut cx)).await;
    let mut response = match opened {
        Ok(rendered) => {
            let cx = cx.commit().await.map_err(|error| failed(app, path, &error))?;
            let token = Token { page: id, path: path.to_owned() };
            let response = document(app, lang, &session, &token, &rendered, (0, 0), "");
            if keep {
                app.node.wait(page, cx);
            }
            response
        }
        Err(Error::Redirect(to)) => {
            cx.commit().await.map_err(|error| failed(app, path, &error))?;
            redirect(&to)
        }
        Err(Error::Denied) => match &app.login {
            Some(login) if session.user().is_none() && !path.starts_with(login.as_str()) => {
                let mut to = format!("{login}?to=");
                nitro::__encode(&mut to, &path);
                redirect(&to)
            }
            _ => return Err(Notice::Denied),
        },
        Err(error) => return Err(failed(app, path, &error)),
    };
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
        user: &session.user().map(|user| mark(&user)).unwrap_or_default(),
        seen,
        script: &app.script,
        styles: &app.styles,
        html: &html,
        forms: &forms,
        note,
    };
    let mut response = Html(document.render()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Something that is another for each user: the script shows nobody what another one has typed.
fn mark(user: &str) -> String {
    Sha256::digest(user)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn redirect(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

pub(crate) fn failed(app: &Shared, path: &str, error: &Error) -> Notice {
    match error {
        Error::NotFound => Notice::NotFound,
        Error::User(text) => Notice::User(text.to_string()),
        Error::Later(text) => Notice::Later(text.to_string()),
        error if error.is_conflict() => Notice::Conflict,
        error => Notice::Failed(app.node.failure(path, "opening of the page", error)),
    }
}
