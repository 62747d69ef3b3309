//! What is answered when something is wrong: `application/problem+json`, as RFC 9457 has it.

use std::{error::Error, iter::successors};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{app::Shared, front::AGAIN};

/// A problem: its status, and the members of its body.
#[derive(Debug)]
pub(crate) struct Problem(StatusCode, Value);

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &str, title: &str) -> Self {
        let body = json!({ "type": format!("urn:n2o:{kind}"), "title": title, "status": status.as_u16() });
        Problem(status, body)
    }

    pub(crate) fn nobody() -> Self {
        let title = "log in, or send a bearer token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", title)
    }

    pub(crate) fn too_many() -> Self {
        let title = "you ask too often; wait a little";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", title)
    }

    /// Says more about this case.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.1["detail"] = Value::String(detail.into());
        self
    }

    /// Something that is not the caller's fault; they get a number, and the log the rest. When the store cannot be
    /// written or reached for now, they are told to come again.
    pub(crate) fn failed(app: &Shared, error: &(dyn Error + 'static)) -> Self {
        let incident = app.node.failure("/api", "request of a program", error);
        Self::of(error).detail(format!("incident {incident}"))
    }

    fn of(error: &(dyn Error + 'static)) -> Self {
        if store(error).is_some_and(kvs::Error::is_outage) {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the store is out of service; come again",
            )
        } else {
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "something went wrong")
        }
    }
}

/// Of what is asked of the paths below `/api`.
#[cfg(feature = "rest")]
impl Problem {
    pub(crate) fn unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing, or not for you")
    }

    pub(crate) fn denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "denied", "you have no right to do this")
    }

    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "the request cannot be read").detail(what)
    }
}

/// What the store said, when an error comes from there.
fn store<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a kvs::Error> {
    successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

#[cfg(feature = "rest")]
impl From<form::rest::Problem> for Problem {
    fn from(problem: form::rest::Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
        Problem(status, serde_json::to_value(problem).unwrap_or_default())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.0, self.1.to_string()).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(self.0, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, AGAIN);
        }
        if self.0 == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Answers a method that a path does not have; the answer's `Allow` says which it has.
#[cfg(feature = "rest")]
pub(crate) async fn other_method() -> Problem {
    let title = "this path has other methods; see `Allow`";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", title)
}

/// Answers a path that is not there.
#[cfg(feature = "rest")]
pub(crate) async fn nothing() -> Problem {
    Problem::unknown()
}

/// An answer with a body.
#[cfg(feature = "rest")]
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = if status == StatusCode::NO_CONTENT {
        status.into_response()
    } else {
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_store_is_out_of_service_programs_are_told_to_come_again() {
        let full = || kvs::Error::Full { place: String::from("/srv/store.redb") };
        let errors: [Box<dyn Error>; 2] = [Box::new(full()), Box::new(n2o::Error::from(full()))];
        for error in errors {
            let response = Problem::of(&*error).into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{error:?}");
            assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        }
        let unknown = kvs::Error::Unknown { source: full().into() };
        for error in [n2o::Error::from(unknown), n2o::Error::other("a fault")] {
            let response = Problem::of(&error).into_response();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{error:?}");
            assert!(!response.headers().contains_key(header::RETRY_AFTER));
        }
    }
}
