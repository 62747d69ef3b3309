//! The tasks that wait for the visitor: those of their roles, and those that are theirs by name.

use crate::Who;
use bpe::Job;
use maud::html;
use nitro::prelude::*;

use super::{
    live::{Lines, Live, table},
    right::roles,
    service::{Processes, failed},
    text::text,
};

/// Most tasks shown at once; the oldest come first.
const MOST: usize = 200;

/// The visitor's tasks: a page, or a part of one, to which it says which task is [`Opened`].
pub type Inbox = Live<Tasks>;

/// The task of this id is to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened(pub String);

/// What can be done in an inbox.
#[derive(Debug, Event)]
pub enum Pick {
    /// Open a task, where the inbox is not a page.
    Open(String),
}

/// The visitor's tasks.
#[derive(Debug, Default)]
pub struct Tasks {
    tasks: Vec<Line>,
    /// There are more than are shown.
    more: bool,
}

/// A task as the list shows it.
#[derive(Debug)]
struct Line {
    task: String,
    name: String,
    process: String,
    about: String,
    since: u64,
}

/// What people call the record that a task is about, if its form says which.
async fn about(job: &Job, processes: &Processes, who: &crate::Who, cx: &mut n2o::Cx) -> Result<String> {
    let Some(form) = processes.form_of(job.form.as_deref()) else { return Ok(String::new()) };
    let Some(record) = form.about.or(form.record) else { return Ok(String::new()) };
    let Some(instance) = cx.kvs().get::<bpe::Instance>(&job.instance).await? else {
        return Ok(String::new());
    };
    let spec = record.records.spec();
    let document = &spec.document;
    let title = document.field(document.title_field()).filter(|field| spec.may_see(who, field));
    let value = instance.state.variables().and_then(|variables| {
        let context = variables.get(record.variable)?;
        let json = serde_json::to_value(context.entry(&title?.name)?).ok()?;
        Some(crate::show::value(spec, title?, &json, cx.lang()))
    });
    let readable = document.rights.allow(who, crate::Act::Read);
    Ok(value.filter(|_| readable).unwrap_or_default())
}

impl Lines for Tasks {
    type Event = Pick;
    type Said = Opened;

    fn name(lang: &str) -> &'static str {
        text(lang).inbox
    }

    async fn read(&mut self, cx: &mut n2o::Cx) -> Result {
        let (processes, who, lang) = (Processes::of(cx)?, Who::of(cx), cx.lang().to_owned());
        let roles = roles(&who);
        let asks = bpe::Who { user: who.name(), roles: &roles };
        let jobs = processes.engine.tasks(&asks, MOST + 1).await.map_err(|error| failed(error, &lang))?;
        self.tasks.clear();
        self.more = jobs.len() > MOST;
        for job in jobs.iter().take(MOST).filter(|job| job.is_task()) {
            let about = about(job, &processes, &who, cx).await?;
            let library = processes.engine.library();
            let Some(process) = library.version(&job.process, job.version) else { continue };
            self.tasks.push(Line {
                task: job.id.clone(),
                name: processes.element(process, &job.element, &lang).to_owned(),
                process: processes.name(process, &lang).to_owned(),
                about,
                since: u64::try_from(job.since.as_millisecond()).unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn event(&self, Pick::Open(task): Pick, cx: &mut Cx<'_, Inbox>) {
        cx.say(Opened(task));
    }

    fn show(&self, ui: &Ui<'_, Inbox>) -> Markup {
        let t = text(ui.lang());
        let rows = html! {
            @for line in &self.tasks {
                @let task = &line.task;
                (tr().id(format!("t.{}", line.task)).body(html! {
                    td {
                        @if ui.is_page() { (link(line.name.clone(), url!("/tasks/{task}"))) }
                        @else { (button(line.name.clone()).class("open").postback(ui.on(Pick::open(task.clone())))) }
                    }
                    td { (line.about) }
                    td { (line.process) }
                    td { (time(line.since)) }
                }))
            }
        };
        let empty = html! { h2 { (t.inbox_empty) } p { (t.inbox_empty_lead) } };
        let rows = (!self.tasks.is_empty()).then_some(rows);
        html! {
            (table("p.tasks", &[t.task, t.about, t.process, t.since], rows, empty))
            (p().id("p.more").class("lead").hidden(!self.more).text(t.inbox_more.replace("{}", &MOST.to_string())))
        }
    }
}
