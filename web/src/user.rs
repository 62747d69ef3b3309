//! The user who is signed in, for an application's own routes.

use std::sync::{Arc, Weak};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};

use crate::{
    app::Shared,
    caller::{Caller, caller},
    client::ClientAddress,
};

/// The application that a request comes to, so far as it is there.
#[derive(Clone, Debug)]
pub(crate) struct Home(pub(crate) Weak<Shared>);

/// The user whom a request comes from, for handlers of an application's own routes: who is signed in with a session
/// in the browser, or named by a bearer token.
///
/// A request of nobody is answered with 401, unless the handler asks for an `Option<User>`. One that may change
/// something (`POST`, `PUT`, `PATCH`, `DELETE`) with the session's cookie has to come from a page of this server, and is
/// answered with 403 otherwise; one that comes too often with 429. The router has to be served by
/// [`Server`](crate::Server), beside the pages of an [`App`](crate::App).
///
/// ```
/// use web::User;
///
/// async fn whoami(user: User) -> String {
///     format!("{}, {}", user.name(), if user.has_role("clerk") { "a clerk" } else { "no clerk" })
/// }
/// # let _: axum::routing::MethodRouter = axum::routing::get(whoami);
/// ```
#[derive(Clone, Debug)]
pub struct User {
    name: String,
    roles: Vec<String>,
    proven: bool,
}

impl User {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the user has a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|known| known == role)
    }

    /// Whether the user has given the password of the account of this name, and is no guest.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    async fn of(parts: &Parts) -> Result<Self, Response> {
        let home = parts.extensions.get::<Home>().and_then(|Home(app)| app.upgrade());
        let app: Arc<Shared> = home.ok_or_else(|| {
            tracing::error!("a route asks for the user, and is not served by `web::Server` beside an `App`");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })?;
        let address = ClientAddress::of(&parts.extensions);
        let called = caller(&app, &parts.method, address, &parts.headers).await;
        let Caller { user, roles, owner, .. } = called.map_err(IntoResponse::into_response)?;
        Ok(User { name: user, roles, proven: owner.is_proven() })
    }
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        User::of(parts).await
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        match User::of(parts).await {
            Ok(user) => Ok(Some(user)),
            Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => Ok(None),
            Err(refused) => Err(refused),
        }
    }
}
