//! Processes, instances and tasks. A start and a task take the values of their form.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, Method},
    response::Response,
};
use form::{
    process::Processes,
    rest::{
        Call, Match,
        process::{self, Answer},
    },
};
use serde_json::Value;

use super::{
    input::{Id, body},
    record::meant,
    serve::Ask,
};
use crate::{
    app::Shared,
    caller::{Caller, caller},
    client::ClientAddress,
    problem::Problem,
};

type App = State<Arc<Shared>>;

/// What is asked of processes.
pub(crate) enum Of {
    Processes,
    Instances(Option<String>),
    Instance(String),
    Tasks,
    Start(String, Value),
    Task(String),
    Complete(String, Option<Match>, Value),
}

impl Of {
    pub(crate) async fn call(&self, processes: &Processes, call: Call<'_>) -> Answer {
        match self {
            Of::Processes => process::processes(processes, &call),
            Of::Instances(after) => process::instances(processes, call, after.as_deref()).await,
            Of::Instance(id) => process::instance(processes, call, id).await,
            Of::Tasks => process::tasks(processes, call).await,
            Of::Start(id, body) => process::start(processes, call, id, body).await,
            Of::Task(task) => process::task(processes, call, task).await,
            Of::Complete(task, meant, body) => {
                process::complete(processes, call, task, meant.as_ref(), body).await
            }
        }
    }

    /// Does it for who calls, when they are admitted to the processes.
    async fn serve(self, app: &Shared, caller: &Caller) -> Result<Response, Problem> {
        let processes = app.node.service::<Processes>().ok_or_else(Problem::unknown)?;
        if !processes.admits(caller.owner.is_proven()) {
            return Err(Problem::denied());
        }
        Ask::Process(processes, self).serve(app, caller, None).await
    }
}

/// The processes that the caller may start.
pub(crate) async fn processes(
    State(app): App,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::GET, client, &headers).await?;
    Of::Processes.serve(&app, &caller).await
}

/// A page of instances, behind `after`.
pub(crate) async fn instances(
    State(app): App,
    client: ClientAddress,
    headers: HeaderMap,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::GET, client, &headers).await?;
    let after = match pairs.as_slice() {
        [] => None,
        [(name, after)] if name == "after" => Some(after.clone()),
        _ => {
            return Err(Problem::malformed(
                "expected `after` with the id of an instance, once, and nothing else",
            ));
        }
    };
    Of::Instances(after).serve(&app, &caller).await
}

/// An instance.
pub(crate) async fn instance(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::GET, client, &headers).await?;
    Of::Instance(id).serve(&app, &caller).await
}

/// The caller's oldest tasks.
pub(crate) async fn tasks(
    State(app): App,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::GET, client, &headers).await?;
    Of::Tasks.serve(&app, &caller).await
}

/// Starts a process with the values of its form.
pub(crate) async fn start(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::POST, client, &headers).await?;
    Of::Start(id, body(&headers, sent).await?).serve(&app, &caller).await
}

/// A task, with what it is about.
pub(crate) async fn task(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::GET, client, &headers).await?;
    Of::Task(id).serve(&app, &caller).await
}

/// Completes a task with the values of its form.
pub(crate) async fn complete(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let caller = caller(&app, &Method::POST, client, &headers).await?;
    let meant = meant(&headers)?;
    Of::Complete(id, meant, body(&headers, sent).await?).serve(&app, &caller).await
}
