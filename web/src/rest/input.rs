//! What programs send: an id in the path, and a bounded body of JSON. And their tokens.

use std::{error::Error, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use n2o::Bearer;
use serde_json::{Value, json};

use crate::{
    app::Shared,
    caller::{Caller, caller},
    client::ClientAddress,
    front::Crowded,
    problem::{Problem, answer},
};

/// Most bytes of a body.
const BODY: usize = 64 * 1024;
/// How long a bearer token is good. It cannot be called back sooner, but by changing the keys.
const LIFE: Duration = Duration::from_secs(3_600);

/// The one parameter of a path. One that is no text is the id of nothing.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Id(id)).map_err(|_| Problem::unknown())
    }
}

/// Lets a request through when its client's address does not ask too often.
pub(crate) async fn braked(
    State(app): State<Arc<Shared>>,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    app.front.visit_of_client(address).map_err(|Crowded| Problem::too_many())?;
    Ok(next.run(request).await)
}

/// Reads a body of JSON.
pub(crate) async fn body(headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json")
        && !kind.eq_ignore_ascii_case("application/merge-patch+json")
    {
        let title = "send the content type application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", title));
    }
    let too_large = || {
        let title = format!("a body has at most {BODY} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", &title)
    };
    // One that is announced as too long is refused before it is sent, to a client that waits for the word to go on.
    if body.size_hint().lower() > BODY as u64 {
        return Err(too_large());
    }
    let bytes = axum::body::to_bytes(body, BODY).await.map_err(|error| {
        if error.source().is_some_and(|why| why.is::<http_body_util::LengthLimitError>()) {
            return too_large();
        }
        Problem::new(StatusCode::BAD_REQUEST, "body", "the body did not come as it was announced")
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "json", "the body is not JSON").detail(error.to_string())
    })
}

/// Gives a bearer token to who is logged in with a session.
pub(crate) async fn token(State(app): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return Err(Problem::denied().detail("a token is not renewed by a token; log in again"));
    }
    let client = ClientAddress::of(request.extensions());
    let Caller { user, roles, owner, .. } = caller(&app, request.method(), client, request.headers()).await?;
    let bearer = Bearer { user, roles, owner };
    let token = app.node.bearer_of(&bearer, LIFE);
    Ok(answer(StatusCode::CREATED, &json!({ "token": token, "expires_in": LIFE.as_secs() })))
}
