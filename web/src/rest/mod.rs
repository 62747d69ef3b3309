//! Records and processes as JSON, under `/api`: the rules and rights of the screens, without the screens.
//!
//! | method and path | what |
//! |---|---|
//! | `GET /api/records/{table}` | a page of records, by `text`, `sort`, `page`, `limit` and the values of fields; see [`form::rest::query`] for how each is written. What is not understood is refused with 400 |
//! | `POST /api/records/{table}` | a new record; where records [begin with a process](Rest::started), that, too |
//! | `GET`, `PATCH`, `DELETE /api/records/{table}/{id}` | a record; writing asks for `If-Match` with its `ETag`, or with `*` for whichever version there is; `GET` with `If-None-Match` answers 304 where the record is as it was |
//! | `GET /api/processes`, `POST /api/processes/{process}` | what can be started, and starting it with the values of its form: `{"id": instance, "record": id}`, the record being the one that the form has made |
//! | `GET /api/instances`, `GET /api/instances/{instance}` | instances |
//! | `GET /api/tasks` | the caller's tasks |
//! | `GET`, `POST /api/tasks/{task}` | a task with the record that it is about, and completing it; one that shows a record asks for `If-Match` with the `ETag` of the `GET` |
//! | `POST /api/token` | a bearer token for who is logged in |
//!
//! A caller is known by the session's cookie, or by `Authorization: Bearer`. With the cookie, whatever writes
//! must come from a page of this server, as its browser says. A caller and a client address that ask more often
//! than [`n2o::Limits`] allows are answered with 429. What is wrong is told as RFC 9457 has it.

mod input;
#[cfg(feature = "process")]
mod process;
mod record;
mod serve;

pub(crate) use input::braked;

use std::sync::Arc;

use axum::{
    Router,
    routing::{self, MethodRouter},
};
use form::{Form, Records};

use crate::{
    app::Shared,
    problem::{nothing, other_method},
};

/// What is served as JSON.
#[derive(Clone, Debug, Default)]
#[must_use = "give it to `App::rest`"]
pub struct Rest {
    /// The records, and the process that a new one begins with.
    tables: Vec<(Records, Option<&'static str>)>,
}

impl Rest {
    /// Processes, and no records yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves the records of a form.
    pub fn record<R: Form>(mut self) -> Self {
        self.tables.push((Records::of::<R>(), None));
        self
    }

    /// Serves the records of a form that begin with a process: making one starts the process with it, in one
    /// transaction, as the form of the start does, and answers as `POST /api/processes/{process}`.
    #[cfg(feature = "process")]
    pub fn started<R: Form>(mut self, process: &'static str) -> Self {
        self.tables.push((Records::of::<R>(), Some(process)));
        self
    }

    pub(crate) fn router(self) -> Router<Arc<Shared>> {
        let fixed: Vec<(_, MethodRouter<_>)> = vec![
            ("/api/token", routing::post(input::token)),
            #[cfg(feature = "process")]
            ("/api/processes", routing::get(process::processes)),
            #[cfg(feature = "process")]
            ("/api/processes/{process}", routing::post(process::start)),
            #[cfg(feature = "process")]
            ("/api/instances", routing::get(process::instances)),
            #[cfg(feature = "process")]
            ("/api/instances/{instance}", routing::get(process::instance)),
            #[cfg(feature = "process")]
            ("/api/tasks", routing::get(process::tasks)),
            #[cfg(feature = "process")]
            ("/api/tasks/{task}", routing::get(process::task).post(process::complete)),
        ];
        let mut router = fixed
            .into_iter()
            .fold(Router::new(), |router, (path, methods)| router.route(path, methods.fallback(other_method)))
            .route("/api/{*rest}", routing::any(nothing));
        for (records, starts) in self.tables {
            router = record::route(router, records, starts);
        }
        router
    }
}
