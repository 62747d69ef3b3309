//! Processes, instances and tasks for programs: what the screens of [processes](crate::process) do, without them.

use bpe::{Instance, Job, feel::Context};
use n2o::Error;
use serde_json::{Value, json};

use super::{Call, Match, Problem, Reply, problem, reply};
use crate::{
    access::{Act, Who},
    filling::Filling,
    lang::text,
    process::{
        Processes,
        form::ProcessForm,
        right::roles,
        service::failed,
        submit::{Submit, Submitted, Target},
        variables,
        work::start_of,
    },
    read::Kind,
};

/// Most instances or tasks of an answer.
const PAGE: usize = 50;

/// What is answered. Whatever is neither reply nor problem is the error of the call.
pub type Answer = Result<Result<Reply, Problem>, Error>;

fn unknown(lang: &str) -> Problem {
    Problem { title: "there is no such thing, or not for you", ..problem(404, lang) }
}

/// Makes a problem of what a caller can be told.
fn told(answer: Answer, lang: &str) -> Answer {
    Ok(Err(match answer {
        Err(Error::Denied) => problem(403, lang),
        Err(Error::NotFound) => unknown(lang),
        Err(Error::User(detail)) => Problem {
            kind: "urn:n2o:state",
            title: "this cannot be done now",
            detail: detail.into_owned().into(),
            ..problem(409, lang)
        },
        answer => return answer,
    }))
}

/// The processes that the caller may start.
pub fn processes(processes: &Processes, call: &Call<'_>) -> Answer {
    let library = processes.engine.library();
    let may = |process: &&std::sync::Arc<bpe::model::Process>| {
        start_of(process).is_some_and(|event| processes.starts(call.who, process, &event))
    };
    let rows = library.all().filter(may).map(|process| {
        let name = processes.name(process, call.lang);
        json!({ "id": process.id, "version": process.version, "name": name })
    });
    let rows: Vec<Value> = rows.collect();
    Ok(Ok(reply(200, json!({ "rows": rows }))))
}

/// An instance as the caller may see it.
fn shown(processes: &Processes, who: &Who, instance: &Instance) -> Value {
    let library = processes.engine.library();
    let tokens = instance.state.tokens.values();
    let at: Vec<&str> = tokens.filter_map(|token| Some(&*instance.state.node(&library, token)?.id)).collect();
    let mut shown = json!({
        "id": instance.id, "process": instance.process, "version": instance.version,
        "state": instance.state.status, "at": at, "by": instance.by,
        "started": instance.started, "ended": instance.ended,
    });
    if processes.operates(who) {
        let incidents = instance.state.incidents();
        let incidents =
            incidents.map(|(token, _, incident)| json!({ "token": token, "what": incident.what }));
        shown["incidents"] = incidents.collect();
        shown["variables"] = serde_json::to_value(instance.state.variables()).unwrap_or_default();
    }
    shown
}

/// A page of instances behind the one whose id is `after`, as far as the caller may see them.
pub async fn instances(processes: &Processes, call: Call<'_>, after: Option<&str>) -> Answer {
    let found = processes.engine.instances(after, PAGE).await.map_err(|error| failed(error, call.lang))?;
    let next = found.last().filter(|_| found.len() == PAGE).map(|last| last.id.clone());
    let seen = found.iter().filter(|instance| processes.sees(call.who, instance));
    let rows: Vec<Value> = seen.map(|instance| shown(processes, call.who, instance)).collect();
    Ok(Ok(reply(200, json!({ "rows": rows, "next": next }))))
}

/// An instance. One that is not there and one that is not for the caller look the same.
pub async fn instance(processes: &Processes, call: Call<'_>, id: &str) -> Answer {
    let found = processes.engine.instance(id).await.map_err(|error| failed(error, call.lang))?;
    let found = found.filter(|found| processes.sees(call.who, found));
    Ok(found.map(|found| reply(200, shown(processes, call.who, &found))).ok_or_else(|| unknown(call.lang)))
}

/// The caller's oldest tasks; `more` says that there are others.
pub async fn tasks(processes: &Processes, call: Call<'_>) -> Answer {
    let who = bpe::Who { user: call.who.name(), roles: &roles(call.who) };
    let jobs = processes.engine.tasks(&who, PAGE + 1).await.map_err(|error| failed(error, call.lang))?;
    let more = jobs.len() > PAGE;
    let rows = jobs.iter().take(PAGE).filter(|job| job.is_task()).map(line);
    Ok(Ok(reply(200, json!({ "rows": rows.collect::<Vec<_>>(), "more": more }))))
}

/// Starts a process with the values of its form. The reply has the id of the instance.
pub async fn start(processes: &Processes, call: Call<'_>, id: &str, body: &Value) -> Answer {
    let (lang, library) = (call.lang, processes.engine.library());
    let found = library.latest(id).and_then(|process| Some((process, start_of(process)?)));
    let Some((process, event)) = found else { return Ok(Err(unknown(lang))) };
    if !processes.starts(call.who, process, &event) {
        return Ok(Err(problem(403, lang)));
    }
    let started = async {
        let drawing = processes.drawing(id, process.version, lang).await?;
        let form = processes.form_of(drawing.start_form(&event));
        submit(processes, call, form, Target::Start(id), body).await
    };
    told(started.await, lang)
}

/// A task that is the caller's, and the variables that it sees.
async fn open(call: &mut Call<'_>, id: &str) -> Result<Option<(Job, Context)>, Error> {
    let job = call.txn.get::<Job>(id).await.map_err(Error::from)?;
    let who = bpe::Who { user: call.who.name(), roles: &roles(call.who) };
    let Some(job) = job.filter(|job| job.is_task() && who.may(job)) else { return Ok(None) };
    let instance = call.txn.get::<Instance>(&job.instance).await?;
    Ok(instance.map(|instance| (job.clone(), instance.state.visible(job.key))))
}

fn line(job: &Job) -> Value {
    json!({
        "id": job.id, "instance": job.instance, "process": job.process, "element": job.element,
        "name": job.name, "form": job.form, "since": job.since,
    })
}

/// A task with the record that it is about, as far as the caller may see it. Its version is that of all that is shown of
/// records: what [`complete`] wants back.
pub async fn task(processes: &Processes, mut call: Call<'_>, id: &str) -> Answer {
    let Some((job, context)) = open(&mut call, id).await? else { return Ok(Err(unknown(call.lang))) };
    let (mut body, mut version) = (line(&job), None);
    if let Some(form) = processes.form_of(job.form.as_deref()) {
        version = form.version(call.who, &context, call.txn).await?;
        let about = form.about_now(call.who, &context, call.txn).await?;
        if let (Some(about), Some((id, Some(kept)))) = (form.about, about) {
            let record = about.records.spec().seen(call.who, &kept.data);
            body["about"] = json!({ "table": about.records.table(), "id": id, "record": record });
        }
    }
    Ok(Ok(Reply { version, ..reply(200, body) }))
}

/// Completes a task with the values of its form. A task that is not there and one that is not for the caller look the
/// same. One that shows a record is completed over the version that was [read](task), or not at all.
pub async fn complete(
    processes: &Processes,
    mut call: Call<'_>,
    id: &str,
    meant: Option<&Match>,
    body: &Value,
) -> Answer {
    let lang = call.lang;
    let Some((job, context)) = open(&mut call, id).await? else { return Ok(Err(unknown(lang))) };
    let form = processes.form_of(job.form.as_deref());
    if let Some(form) = form
        && let Some(version) = form.version(call.who, &context, call.txn).await?
    {
        match meant {
            None => return Ok(Err(problem(428, lang))),
            Some(meant) if meant.has(version) => {}
            Some(_) => {
                let shown = form.record.or(form.about);
                let id = shown.and_then(|shown| shown.id(&context));
                let kept = match shown.zip(id) {
                    Some((shown, id)) => shown.records.get(call.txn, &id).await?.map(|kept| (shown, kept)),
                    None => None,
                };
                let current = kept.map(|(shown, kept)| shown.records.spec().seen(call.who, &kept.data));
                return Ok(Err(Problem {
                    current: current.map(Value::Object),
                    version: Some(version.to_string()),
                    ..problem(412, lang)
                }));
            }
        }
    }
    told(submit(processes, call, form, Target::Task(&job.id), body).await, lang)
}

/// Fills the form in, and carries it out.
async fn submit(
    processes: &Processes,
    call: Call<'_>,
    form: Option<ProcessForm>,
    target: Target<'_>,
    body: &Value,
) -> Answer {
    let Call { txn, who, lang, now } = call;
    let (mut fill, mut about) = (Filling::default(), None);
    if let Some(form) = form {
        let (spec, mut context) = ((form.spec)(), Context::new());
        if let Target::Task(task) = target
            && let Some(job) = txn.get::<Job>(task).await?
            && let Some(instance) = txn.get::<Instance>(&job.instance).await?
        {
            context = instance.state.visible(job.key);
        }
        about = form.about.and_then(|about| about.held(&context));
        fill = Filling::create(variables::data(spec, &context));
        if let Some(record) = form.record
            && let Some(id) = record.id(&context)
            && let Some(kept) = record.records.get(txn, &id).await?
        {
            fill = Filling::of(Kind::Edit, kept);
        }
        let act = if fill.kind == Kind::Create { Act::Create } else { Act::Update };
        if form.record.is_some() && !spec.document.rights.allow(who, act) {
            return Ok(Err(problem(403, lang)));
        }
        fill.give(spec, who, body, txn).await?;
        if !fill.faults.is_empty() {
            return Ok(Err(Problem::faults(422, spec, &fill.faults, lang)));
        }
    }
    let submit = Submit { processes, who, now, lang, form, fill: &mut fill, target, about };
    Ok(match submit.run(txn).await? {
        Submitted::Done { instance, changed } => {
            let record = changed.as_ref().map(|(_, changed)| &changed.id);
            let body = json!({ "id": instance, "record": record });
            let done = if instance.is_some() { reply(201, body) } else { reply(204, Value::Null) };
            Ok(Reply { id: instance, changed, ..done })
        }
        Submitted::Lost => Err(Problem {
            kind: "urn:n2o:changed",
            title: "the record has changed meanwhile",
            detail: text(lang).changed.into(),
            ..problem(409, lang)
        }),
        Submitted::Denied(denial) => {
            let spec = form.map(|form| (form.spec)());
            Err(spec.map_or_else(|| problem(403, lang), |spec| Problem::denied(spec, denial, lang)))
        }
        Submitted::Faulty => {
            let spec = form.map(|form| (form.spec)());
            Err(spec.map_or_else(|| unknown(lang), |spec| Problem::faults(422, spec, &fill.faults, lang)))
        }
    })
}
