//! The headers of every answer, and the place where browsers report what they had to block.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::{app::Shared, front::shown};

/// Nothing runs or loads but what this server serves; markup is made from text by one policy only.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types n2o; report-uri /n2o/csp";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Most bytes of a report.
pub(crate) const REPORT: usize = 4096;

/// Stands in the extensions of a request whose answer gets the headers from the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served;

/// Puts the headers on an answer of the application's router, where that is served by another server than ours.
pub(crate) async fn secure(State(secure): State<bool>, request: Request, next: Next) -> Response {
    if request.extensions().get::<Served>().is_some() {
        return next.run(request).await;
    }
    let mut response = next.run(request).await;
    put(response.headers_mut(), secure);
    response
}

/// Puts the headers on an answer, where the application has not set its own.
pub(crate) fn put(headers: &mut HeaderMap, secure: bool) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if secure {
        let hsts = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(hsts);
    }
}

/// Takes a report of the browser. It comes from anyone who likes to write one, and is only logged: one in a
/// while, and its beginning.
pub(crate) async fn report(State(app): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    app.front.log(&app.front.logs.report, |held| {
        let text = String::from_utf8_lossy(&body);
        tracing::warn!(report = ?shown(&text), held, "a browser reports a violation of the content security policy");
    });
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_router_puts_the_headers_where_the_server_does_not() {
        for served in [false, true] {
            let router = Router::new().layer(middleware::from_fn_with_state(true, secure));
            let mut request = Request::new(Body::empty());
            if served {
                request.extensions_mut().insert(Served);
            }
            let Ok(response) = router.oneshot(request).await;
            assert_eq!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY), !served);
        }
    }
}
