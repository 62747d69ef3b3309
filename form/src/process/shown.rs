//! What a task, or the start of a process, shows: read from the engine and the store whenever the page is loaded.

use bpe::{Job, feel::Context};
use nitro::prelude::*;

use super::{
    form::{ProcessForm, Record},
    right::roles,
    service::Processes,
    text::text,
    variables::data,
    work::{Work, start_of},
};
use crate::{Filling, Kind, Who, table};

/// What is known of a task that is done by now, so that what was typed for it stays to be read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Was {
    pub(super) form: Option<String>,
    pub(super) name: String,
    pub(super) process: String,
}

/// What is read anew whenever the page is loaded.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) who: Who,
    /// The name of the task or the process.
    pub(super) name: String,
    pub(super) process: String,
    /// The process to be started; empty for a task.
    pub(super) starts: String,
    pub(super) job: Option<Job>,
    pub(super) form: Option<ProcessForm>,
    /// The record that the task is about, and its values while it is there.
    pub(super) about: Option<(Record, Option<Filling>)>,
    /// Its id.
    pub(super) about_id: Option<(String, bool)>,
    /// Where it is told that the task's records have changed.
    pub(super) topics: Vec<String>,
}

impl Shown {
    pub(super) fn about_fill(&self) -> Option<&Filling> {
        self.about.as_ref()?.1.as_ref()
    }
}

impl Work {
    /// Finds what the address means, and whether the visitor may do it.
    pub(super) async fn find(&mut self, cx: &mut Cx<'_, Self>) -> Result<Context> {
        let (processes, who, lang) = (Processes::of(cx)?, Who::of(cx), cx.lang().to_owned());
        if cx.is_page() {
            let [id, task] =
                ["process", "task"].map(|name| cx.find_param(name).unwrap_or_default().to_owned());
            (self.process, self.task) = (id, task);
        }
        let (id, task) = (self.process.clone(), self.task.clone());
        let library = processes.engine.library();
        let mut shown = Shown { who, ..Shown::default() };
        let mut context = Context::new();
        if task.is_empty() {
            let process = library.latest(&id).ok_or(Error::NotFound)?;
            let start = start_of(process).ok_or(Error::NotFound)?;
            if !processes.starts(&shown.who, process, &start) {
                return Err(Error::Denied);
            }
            let drawing = processes.drawing(&id, process.version, &lang).await?;
            shown.form = processes.form_of(drawing.start_form(&start));
            shown.name = text(&lang).start_of.replace("{}", processes.name(process, &lang));
            shown.process = processes.name(process, &lang).to_owned();
            shown.starts = id;
        } else if let Some(job) = cx.kvs().get::<Job>(&task).await? {
            let may = bpe::Who { user: shown.who.name(), roles: &roles(&shown.who) }.may(&job);
            if !job.is_task() || shown.who.user.is_none() || !may {
                return Err(Error::Denied);
            }
            let instance = cx.kvs().get::<bpe::Instance>(&job.instance).await?.ok_or(Error::NotFound)?;
            let process = library.version(&job.process, job.version).ok_or(Error::NotFound)?;
            context = instance.state.visible(job.key);
            shown.form = processes.form_of(job.form.as_deref());
            shown.name = processes.element(process, &job.element, &lang).to_owned();
            shown.process = processes.name(process, &lang).to_owned();
            self.was =
                Was { form: job.form.clone(), name: shown.name.clone(), process: shown.process.clone() };
            shown.job = Some(job);
        } else if self.opened {
            let Was { form, name, process } = self.was.clone();
            (shown.form, shown.name, shown.process) = (processes.form_of(form.as_deref()), name, process);
        } else {
            return Err(Error::NotFound);
        }
        self.shown = shown;
        Ok(context)
    }

    pub(super) async fn open(&mut self, context: &Context, cx: &mut Cx<'_, Self>) -> Result {
        let starts = !self.shown.starts.is_empty();
        let Some(form) = &self.shown.form else { return Ok(()) };
        let spec = (form.spec)();
        let kept = match form.record.filter(|_| !starts) {
            Some(record) => match record.id(context) {
                Some(id) => record.records.get(cx.kvs(), &id).await?,
                None => None,
            },
            None => None,
        };
        self.fill = match kept {
            Some(kept) => Filling::of(Kind::Edit, kept),
            None => Filling::create(data(spec, context)),
        };
        Ok(())
    }

    /// Reads what is shown above the form.
    pub(super) async fn around(&mut self, context: &Context, cx: &mut Cx<'_, Self>) -> Result {
        let Some(form) = self.shown.form else { return Ok(()) };
        self.fill.entitle((form.spec)(), &self.shown.who, cx.kvs()).await?;
        if let Some(record) = form.record
            && let Some(id) = record.id(context)
        {
            self.shown.topics.push(table::record_topic(record.records.table(), &id));
        }
        let Some(about) = form.about else { return Ok(()) };
        self.shown.about_id = about.held(context);
        let Some((id, kept)) = form.about_now(&self.shown.who, context, cx.kvs()).await? else {
            return Ok(());
        };
        let spec = about.records.spec();
        self.shown.topics.push(table::record_topic(about.records.table(), &id));
        self.seen.look(spec, &self.shown.who, &id, kept.as_ref(), cx.kvs()).await?;
        let fill = match kept {
            Some(kept) => Some(self.seen.show(spec, &self.shown.who, kept, cx.kvs()).await?),
            None => None,
        };
        self.shown.about = Some((about, fill));
        Ok(())
    }
}
