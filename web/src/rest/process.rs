//! Processes, instances and tasks as JSON. A start and a task take the values of their form.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bpe::{Instance, Job, feel::Context};
use form::{Filling, Kind};
use kvs::Txn;
use n2o::Error;
use serde_json::{Value, json};

use super::{
    caller::{Caller, Id, body, caller},
    problem::{Problem, answer},
};
use crate::{
    app::Shared,
    client::ClientAddress,
    process::{
        Processes,
        form::ProcessForm,
        right::roles,
        submit::{Submit, Submitted, Target},
        variables,
        work::start_of,
    },
};

type App = State<Arc<Shared>>;

/// Most instances or tasks of an answer.
const PAGE: usize = 50;

/// Who calls, and the processes when they are admitted to them.
async fn admitted(
    app: &Shared,
    method: &Method,
    client: ClientAddress,
    headers: &HeaderMap,
) -> Result<(Caller, Arc<Processes>), Problem> {
    let caller = caller(app, method, client, headers).await?;
    let processes = app.node.service::<Processes>().ok_or_else(Problem::unknown)?;
    if processes.admits(caller.owner.is_proven()) { Ok((caller, processes)) } else { Err(Problem::denied()) }
}

fn told(app: &Shared, error: Error) -> Problem {
    match error {
        Error::Denied => Problem::denied(),
        Error::NotFound => Problem::unknown(),
        Error::Later(text) => Problem::too_many().detail(text),
        Error::User(text) => {
            Problem::new(StatusCode::CONFLICT, "state", "this cannot be done now").detail(text)
        }
        error => Problem::failed(app, &error),
    }
}

/// The processes that the caller may start.
pub(crate) async fn processes(
    State(app): App,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, processes) = admitted(&app, &Method::GET, client, &headers).await?;
    let library = processes.engine.library();
    let may = |process: &&Arc<bpe::model::Process>| {
        start_of(process).is_some_and(|event| processes.starts(&caller.who, process, &event))
    };
    let rows: Vec<Value> = library
        .all()
        .filter(may)
        .map(|process| {
            let name = processes.name(process, caller.lang);
            json!({ "id": process.id, "version": process.version, "name": name })
        })
        .collect();
    Ok(answer(StatusCode::OK, &json!({ "rows": rows })))
}

/// An instance as the caller may see it.
fn shown(processes: &Processes, caller: &Caller, instance: &Instance) -> Value {
    let library = processes.engine.library();
    let tokens = instance.state.tokens.values();
    let at: Vec<&str> = tokens.filter_map(|token| Some(&*instance.state.node(&library, token)?.id)).collect();
    let mut shown = json!({
        "id": instance.id, "process": instance.process, "version": instance.version,
        "state": instance.state.status, "at": at, "by": instance.by,
        "started": instance.started, "ended": instance.ended,
    });
    if processes.operates(&caller.who) {
        let incidents = instance.state.incidents();
        let incidents =
            incidents.map(|(token, _, incident)| json!({ "token": token, "what": incident.what }));
        shown["incidents"] = incidents.collect();
        shown["variables"] = serde_json::to_value(instance.state.variables()).unwrap_or_default();
    }
    shown
}

/// A page of instances, behind `after`.
pub(crate) async fn instances(
    State(app): App,
    client: ClientAddress,
    headers: HeaderMap,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let (caller, processes) = admitted(&app, &Method::GET, client, &headers).await?;
    let after = match pairs.as_slice() {
        [] => None,
        [(name, after)] if name == "after" => Some(after.as_str()),
        _ => {
            return Err(Problem::malformed(
                "expected `after` with the id of an instance, once, and nothing else",
            ));
        }
    };
    let found = processes.engine.instances(after, PAGE).await;
    let found = found.map_err(|error| Problem::failed(&app, &error))?;
    let next = found.last().filter(|_| found.len() == PAGE).map(|last| last.id.clone());
    let seen = found.iter().filter(|instance| processes.sees(&caller.who, instance));
    let rows: Vec<Value> = seen.map(|instance| shown(&processes, &caller, instance)).collect();
    Ok(answer(StatusCode::OK, &json!({ "rows": rows, "next": next })))
}

/// An instance.
pub(crate) async fn instance(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, processes) = admitted(&app, &Method::GET, client, &headers).await?;
    let found = processes.engine.instance(&id).await.map_err(|error| Problem::failed(&app, &error))?;
    let found = found.filter(|found| processes.sees(&caller.who, found)).ok_or_else(Problem::unknown)?;
    Ok(answer(StatusCode::OK, &shown(&processes, &caller, &found)))
}

/// The caller's oldest tasks; `more` says that there are others.
pub(crate) async fn tasks(
    State(app): App,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, processes) = admitted(&app, &Method::GET, client, &headers).await?;
    let who = bpe::Who { user: caller.who.name(), roles: &roles(&caller.who) };
    let jobs = processes.engine.tasks(&who, PAGE + 1).await.map_err(|error| Problem::failed(&app, &error))?;
    let more = jobs.len() > PAGE;
    let rows = jobs.iter().take(PAGE).filter(|job| job.is_task()).map(|job| {
        json!({
            "id": job.id, "instance": job.instance, "process": job.process, "element": job.element,
            "name": job.name, "form": job.form, "since": job.since,
        })
    });
    Ok(answer(StatusCode::OK, &json!({ "rows": rows.collect::<Vec<_>>(), "more": more })))
}

/// Starts a process with the values of its form.
pub(crate) async fn start(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let (caller, processes) = admitted(&app, &Method::POST, client, &headers).await?;
    let library = processes.engine.library();
    let process = library.latest(&id).ok_or_else(Problem::unknown)?;
    let event = start_of(process).ok_or_else(Problem::unknown)?;
    if !processes.starts(&caller.who, process, &event) {
        return Err(Problem::denied());
    }
    let drawing = processes.drawing(&id, process.version, caller.lang).await;
    let drawing = drawing.map_err(|error| told(&app, error))?;
    let form = processes.form_of(drawing.start_form(&event));
    let given = body(&headers, sent).await?;
    let (made, record) = submit(&app, &caller, &processes, form, Target::Start(&id), &given).await?;
    let mut response = answer(StatusCode::CREATED, &json!({ "id": made, "record": record }));
    if let Some(to) = made.and_then(|id| HeaderValue::from_str(&format!("/api/instances/{id}")).ok()) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    Ok(response)
}

/// Completes a task with the values of its form.
pub(crate) async fn complete(
    State(app): App,
    Id(id): Id,
    client: ClientAddress,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let (caller, processes) = admitted(&app, &Method::POST, client, &headers).await?;
    let job = processes.engine.job(&id).await.map_err(|error| Problem::failed(&app, &error))?;
    let who = bpe::Who { user: caller.who.name(), roles: &roles(&caller.who) };
    // What is not there and what is not for the caller look the same.
    let job = job.filter(|job| job.is_task() && who.may(job)).ok_or_else(Problem::unknown)?;
    let form = processes.form_of(job.form.as_deref());
    let given = body(&headers, sent).await?;
    submit(&app, &caller, &processes, form, Target::Task(&id), &given).await?;
    Ok(answer(StatusCode::NO_CONTENT, &Value::Null))
}

/// Carries the form out. Answers the instance that was started and the record that was written.
async fn submit(
    app: &Shared,
    caller: &Caller,
    processes: &Processes,
    form: Option<ProcessForm>,
    target: Target<'_>,
    given: &Value,
) -> Result<(Option<String>, Option<String>), Problem> {
    let (who, lang, now) = (&caller.who, caller.lang, app.node.clock().millis());
    let mut attempts = app.node.store().attempts();
    loop {
        let mut txn = attempts.begin().await;
        let mut fill = match form {
            Some(form) => fill(app, caller, form, target, given, &mut txn).await?,
            None => Filling::default(),
        };
        let submit = Submit { processes, who, now, lang, form, fill: &mut fill, target };
        let changed = match submit.run(&mut txn).await.map_err(|error| told(app, error))? {
            Submitted::Done { instance, changed } => (instance, changed),
            Submitted::Lost => {
                return Err(Problem::new(
                    StatusCode::CONFLICT,
                    "changed",
                    "the record has changed meanwhile",
                ));
            }
            Submitted::Faulty => {
                let spec = form.map(|form| (form.spec)()).ok_or_else(Problem::unknown)?;
                return Err(Problem::faults(spec, &fill.faults, lang));
            }
        };
        if attempts.commit(txn).await.map_err(|error| Problem::failed(app, &error))?.is_some() {
            let (instance, changed) = changed;
            let record = changed.as_ref().map(|(_, changed)| changed.id.clone());
            if let Some((table, changed)) = changed {
                app.node.registry().send(&form::table::record_topic(table, &changed.id), changed.clone());
                app.node.registry().send(&form::table::topic(table), changed);
            }
            return Ok((instance, record));
        }
    }
}

/// Fills the form in with what was given.
async fn fill(
    app: &Shared,
    caller: &Caller,
    form: ProcessForm,
    target: Target<'_>,
    given: &Value,
    txn: &mut Txn,
) -> Result<Filling, Problem> {
    let (spec, who) = ((form.spec)(), &caller.who);
    let failed = |error: &(dyn std::error::Error + 'static)| Problem::failed(app, error);
    let mut context = Context::new();
    if let Target::Task(task) = target
        && let Some(job) = txn.get::<Job>(task).await.map_err(|error| failed(&error))?
        && let Some(instance) = txn.get::<Instance>(&job.instance).await.map_err(|error| failed(&error))?
    {
        context = instance.state.visible(job.key);
    }
    let mut fill = Filling::create(variables::data(spec, &context));
    if let Some(record) = form.record
        && let Some(id) = record.id(&context)
        && let Some(kept) = record.records.get(txn, &id).await.map_err(|error| failed(&error))?
    {
        fill = Filling::of(Kind::Edit, kept);
    }
    fill.give(spec, who, given, txn).await.map_err(|error| failed(&error))?;
    if fill.faults.is_empty() { Ok(fill) } else { Err(Problem::faults(spec, &fill.faults, caller.lang)) }
}
