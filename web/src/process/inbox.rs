//! The tasks that wait for the visitor: those of their roles, and those that are theirs by name.

use bpe::Job;
use maud::html;
use nitro::prelude::*;

use super::{
    follow::{ALL, Stepped},
    right::{roles, visitor},
    service::{Processes, failed},
    text::text,
};

/// Most tasks shown at once; the oldest come first.
const MOST: usize = 200;

/// The page of the visitor's tasks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Inbox {
    #[serde(skip)]
    tasks: Vec<Line>,
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

impl Inbox {
    async fn read(&mut self, cx: &mut Cx) -> Result {
        let (processes, who, lang) = (Processes::of(cx)?, visitor(cx), cx.lang().to_owned());
        let roles = roles(&who);
        let asks = bpe::Who { user: who.name(), roles: &roles };
        let jobs = processes.engine.tasks(&asks, MOST).await.map_err(|error| failed(error, &lang))?;
        self.tasks.clear();
        for job in jobs.iter().filter(|job| job.is_task()) {
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
}

/// What people call the record that a task is about, if its form says which.
async fn about(job: &Job, processes: &Processes, who: &form::Who, cx: &mut Cx) -> Result<String> {
    let Some(form) = processes.form_of(job.form.as_deref()) else { return Ok(String::new()) };
    let Some(record) = form.about.or(form.record) else { return Ok(String::new()) };
    let Some(instance) = cx.kvs().get::<bpe::Instance>(&job.instance).await? else {
        return Ok(String::new());
    };
    let spec = (record.spec)();
    let document = &spec.document;
    let title = document.field(document.title_field()).filter(|field| spec.may_see(who, field));
    let value = instance.state.variables().and_then(|variables| {
        let context = variables.get(record.variable)?;
        let json = serde_json::to_value(context.entry(&title?.name)?).ok()?;
        Some(form::show::value(spec, title?, &json, cx.lang()))
    });
    let readable = document.rights.allow(who, form::Act::Read);
    Ok(value.filter(|_| readable).unwrap_or_default())
}

impl Page for Inbox {
    type Event = Never;
    const ACCESS: Access = Access::User;

    fn title(&self, cx: &Cx) -> String {
        text(cx.lang()).inbox.to_owned()
    }

    async fn load(&mut self, cx: &mut Cx) -> Result {
        self.read(cx).await
    }

    async fn init(&mut self, cx: &mut Cx) -> Result {
        cx.reg(ALL);
        Ok(())
    }

    fn render(&self, cx: &Cx) -> Markup {
        let t = text(cx.lang());
        let rows = html! {
            @for line in &self.tasks {
                @let task = &line.task;
                (tr().id(format!("t.{}", line.task)).body(html! {
                    td { (link(line.name.clone(), url!("/tasks/{task}"))) }
                    td { (line.about) }
                    td { (line.process) }
                    td { (time(line.since)) }
                }))
            }
        };
        html! {
            main class="list" {
                header { h1 { (t.inbox) } }
                (panel().id("p.empty").class("empty").hidden(!self.tasks.is_empty()).body(html! {
                    h2 { (t.inbox_empty) } p { (t.inbox_empty_lead) }
                }))
                (panel().id("p.tasks").class("scroll").hidden(self.tasks.is_empty()).body(html! {
                    table {
                        thead { tr { th scope="col" { (t.task) } th scope="col" {} th scope="col" { (t.process) } th scope="col" { (t.since) } } }
                        (tbody().id("p.rows").body(rows))
                    }
                }))
            }
        }
    }

    async fn event(&mut self, never: Never, _: &mut Cx) -> Result {
        match never {}
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx) -> Result {
        if message.read::<Stepped>().is_some() {
            self.read(cx).await?;
            cx.refresh();
        }
        Ok(())
    }
}
