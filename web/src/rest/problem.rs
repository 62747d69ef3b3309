//! What is answered when something is wrong: `application/problem+json`, as RFC 9457 has it.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use form::{Faults, Spec};
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

    pub(crate) fn unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing, or not for you")
    }

    pub(crate) fn denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "denied", "you have no right to do this")
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

    /// Says what is wrong with which field.
    pub(crate) fn faults(spec: &Spec, faults: &Faults, lang: &str) -> Self {
        let errors = faults.iter().map(|(field, fault)| {
            json!({ "field": field, "code": fault.code(), "message": fault.text(spec, field, lang) })
        });
        let errors: Vec<Value> = errors.collect();
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "the values are not valid");
        problem.1["errors"] = Value::Array(errors);
        problem
    }

    /// Something that is not the caller's fault; they get a number, and the log the rest.
    pub(crate) fn failed(app: &Shared, error: &dyn std::fmt::Display) -> Self {
        let incident = app.node.failure("/api", "request of a program", error);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "something went wrong")
            .detail(format!("incident {incident}"))
    }
}

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
        if self.0 == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, AGAIN);
        }
        if self.0 == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Answers a path that is not there.
pub(crate) async fn nothing() -> Problem {
    Problem::unknown()
}

/// An answer with a body.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = if status == StatusCode::NO_CONTENT {
        status.into_response()
    } else {
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
