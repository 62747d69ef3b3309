//! A form that starts a process or completes a task. The form's record, the step and its history are one commit.

use crate::{
    Binds, Denial, Filling, Kind, Sheet, Spec, Typed, Who,
    table::{self, Kept},
};
use bpe::{Job, feel::Context};
use maud::html;
use nitro::{Component, Inputs, prelude::*};

use super::{
    follow::{Stepped, topic},
    form::{ProcessForm, Record},
    right::roles,
    service::Processes,
    submit::{Submit, Submitted, Target},
    text::text,
    variables::data,
};

/// A task, or the start of a process, with its form: a page, see the [module](crate::process), or a part of one, which
/// is [made](Work::of) for a task and says its [`Outcome`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// The task; empty when a process is started. Earlier versions have saved neither.
    #[serde(default)]
    task: String,
    /// The process that it starts.
    #[serde(default)]
    process: String,
    opened: bool,
    fill: Filling,
    note: Option<Note>,
    /// The process was started, and the browser on its way elsewhere.
    #[serde(default)]
    sent: bool,
    /// What the task was when it was last there.
    #[serde(default)]
    was: Was,
    #[serde(skip)]
    shown: Shown,
}

/// What is known of a task that is done by now, so that what was typed for it stays to be read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Was {
    form: Option<String>,
    name: String,
    process: String,
}

/// What became of a task in a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The instance of this id was started.
    Started(String),
    /// The user is done with it.
    Closed,
}

/// What is said above the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Note {
    /// The form does not let the user write the record as it is.
    Denied(Denial),
    /// Values have faults.
    Mend,
    /// Somebody has changed the record meanwhile.
    Changed,
    /// There are fields for which nothing was chosen yet.
    Decide,
    /// The task is not there any more.
    Done,
    /// The process was started already, by this form.
    Sent,
}

/// What is read anew whenever the page is loaded.
#[derive(Debug, Default)]
struct Shown {
    who: Who,
    /// The name of the task or the process.
    name: String,
    process: String,
    /// The process to be started; empty for a task.
    starts: String,
    job: Option<Job>,
    form: Option<ProcessForm>,
    about: Option<(Record, Filling)>,
}

/// What can be done with the form.
#[derive(Debug, Event)]
pub enum Do {
    /// A value has changed: what depends on it follows.
    Change {
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Offer records for a lookup.
    Look {
        /// The field.
        field: String,
        /// What is typed in it.
        #[source]
        form: Inputs,
    },
    /// Decide a field that somebody else has changed as well.
    Decide {
        /// The field.
        field: String,
        /// Whether theirs is taken, or else one's own kept.
        theirs: bool,
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Start the process, or complete the task.
    Send {
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Close it, where it is not a page.
    Close,
}

impl Do {
    /// What was in the inputs.
    fn form(&self) -> Option<&Inputs> {
        match self {
            Do::Change { form } | Do::Look { form, .. } | Do::Decide { form, .. } | Do::Send { form } => {
                Some(form)
            }
            Do::Close => None,
        }
    }
}

impl Work {
    /// The task of this id, in a page.
    #[must_use]
    pub fn of(task: impl Into<String>) -> Self {
        Work { task: task.into(), ..Work::default() }
    }

    /// The start of the process of this id, in a page.
    #[must_use]
    pub fn start(process: impl Into<String>) -> Self {
        Work { process: process.into(), ..Work::default() }
    }

    /// The task is not there any more.
    fn is_over(&self) -> bool {
        self.shown.starts.is_empty() && self.shown.job.is_none()
    }

    /// Finds what the address means, and whether the visitor may do it.
    async fn find(&mut self, cx: &mut Cx<'_, Self>) -> Result<Context> {
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

    async fn open(&mut self, context: &Context, cx: &mut Cx<'_, Self>) -> Result {
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
    async fn around(&mut self, context: &Context, cx: &mut Cx<'_, Self>) -> Result {
        let Some(form) = self.shown.form else { return Ok(()) };
        self.fill.entitle((form.spec)(), &self.shown.who, cx.kvs()).await?;
        let Some(about) = form.about else { return Ok(()) };
        let Some(id) = about.id(context) else { return Ok(()) };
        let spec = about.records.spec();
        if spec.document.rights.allow(&self.shown.who, crate::Act::Read)
            && let Some(kept) = about.records.get(cx.kvs(), &id).await?
        {
            let mut seen = Filling::of(Kind::View, kept);
            seen.entitle(spec, &self.shown.who, cx.kvs()).await?;
            self.shown.about = Some((about, seen));
        }
        Ok(())
    }

    async fn send(&mut self, context: &Context, inputs: &Inputs, cx: &mut Cx<'_, Self>) -> Result {
        let (who, lang, now) = (self.shown.who.clone(), cx.lang().to_owned(), cx.now());
        let (form, job, processes) = (self.shown.form, self.shown.job.clone(), Processes::of(cx)?);
        if let Some(form) = form {
            self.fill.check((form.spec)(), &who, Typed::new(inputs, &lang), cx.kvs()).await?;
            if !self.fill.faults.is_empty() {
                self.mend((form.spec)(), cx);
                return Ok(());
            }
        }
        if self.fill.conflict.is_open() {
            self.note = Some(Note::Decide);
            lead(cx);
            return Ok(());
        }
        if let Some(form) = form.filter(|form| form.record.is_none() && job.is_some()) {
            // Another branch of the process may have changed the variables.
            let now = data((form.spec)(), context);
            if now != self.fill.base {
                self.fill.merge((form.spec)(), &who, Kept { version: 0, data: now });
                if !self.fill.conflict.is_empty() {
                    self.note = Some(Note::Changed);
                    lead(cx);
                    return Ok(());
                }
            }
        }
        let target = match &job {
            Some(job) => Target::Task(&job.id),
            None => Target::Start(&self.shown.starts),
        };
        let fill = &mut self.fill;
        let submit = Submit { processes: &processes, who: &who, now, lang: &lang, form, fill, target };
        match submit.run(cx.kvs()).await? {
            Submitted::Done { instance, changed } => {
                if let Some((table, changed)) = changed {
                    cx.send(&table::record_topic(table, &changed.id), changed.clone());
                    cx.send(&table::topic(table), changed);
                }
                self.sent = cx.is_page();
                match (instance, cx.is_page()) {
                    (Some(id), true) => return cx.redirect(url!("/instances/{id}")),
                    (None, true) => return cx.redirect(url!("/tasks")),
                    (Some(id), false) => cx.say(Outcome::Started(id)),
                    (None, false) => cx.say(Outcome::Done),
                }
                return Ok(());
            }
            Submitted::Lost => {
                self.note = Some(Note::Changed);
                lead(cx);
            }
            Submitted::Denied(denial) => {
                self.note = Some(Note::Denied(denial));
                lead(cx);
            }
            Submitted::Faulty => {
                if let Some(form) = form {
                    self.mend((form.spec)(), cx);
                }
            }
        }
        cx.refresh();
        Ok(())
    }

    /// Shows the faults, and goes to the first.
    fn mend(&mut self, spec: &Spec, cx: &mut Cx<'_, Self>) {
        self.note = Some(Note::Mend);
        cx.refresh();
        if let Some(first) = self.fill.first_fault(spec) {
            cx.focus(first);
        }
    }

    /// The form, with the button that sends it.
    fn form(&self, ui: &Ui<'_, Self>, spec: &Spec, send: &El<'_>) -> Markup {
        let names = || spec.names(&self.shown.who, self.fill.kind);
        let binds = Binds {
            save: ui.on(Do::send().reads(names())),
            change: ui.on(Do::change().reads(names())),
            look: &|field| ui.on(Do::look(field.to_owned()).reads([field])),
            decide: &|field, theirs| ui.on(Do::decide(field.to_owned(), theirs).reads(names())),
        };
        self.fill.show(ui, spec, &self.shown.who, &binds, &html! { (send) })
    }
}

impl Component for Work {
    type Event = Do;
    type Said = Outcome;
    const ACCESS: Access = Access::User;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        self.shown.name.clone()
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let context = self.find(cx).await?;
        if self.is_over() {
            self.note = Some(Note::Done);
            return Ok(());
        }
        if self.sent {
            // The user has come back to it: what it holds was sent.
            (self.sent, self.opened, self.note) = (false, false, None);
        }
        if !self.opened {
            self.open(&context, cx).await?;
            self.opened = true;
        }
        self.around(&context, cx).await
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(job) = &self.shown.job {
            cx.reg(&topic(&job.instance));
        }
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let (t, lang, shown) = (text(ui.lang()), ui.lang(), &self.shown);
        let spec = shown.form.map(|form| (form.spec)());
        let note = match &self.note {
            Some(Note::Mend) => spec.map(|spec| self.fill.marked(spec, lang)).unwrap_or_default(),
            Some(Note::Changed) if self.fill.conflict.is_empty() => t.changed.to_owned(),
            Some(note @ (Note::Changed | Note::Decide)) => {
                self.fill.conflict.ask(lang, *note == Note::Decide).to_owned()
            }
            Some(Note::Denied(denial)) => spec.map(|spec| denial.text(spec, lang)).unwrap_or_default(),
            Some(Note::Done) => t.done_before.to_owned(),
            Some(Note::Sent) => t.sent_before.to_owned(),
            None => String::new(),
        };
        let open = !matches!(self.note, Some(Note::Done | Note::Sent));
        let send = if shown.starts.is_empty() { t.complete } else { t.start };
        let is_page = ui.is_page();
        let whole = html! {
            header {
                p class="lead" { (shown.process) }
                (if is_page { h1() } else { h2() }.id("f.title").attr(attr::TABINDEX, "-1").text(shown.name.clone()))
                @if !is_page { (button(t.close).id("f.close").class("quiet").postback(ui.on(Do::close()))) }
            }
            (p().id("f.note").class("note").attr(attr::ROLE, "alert").attr(attr::TABINDEX, "-1").hidden(note.is_empty()).text(note))
            @if let Some((about, seen)) = &shown.about {
                section class="about" {
                    (Sheet::new(about.records.spec(), &shown.who, seen.kind, &seen.data, lang).titles(&seen.titles))
                }
            }
            @match spec {
                Some(spec) => {
                    (self.form(ui, spec, &submit(send).id("f.send").class("primary").disabled(!open)))
                }
                None => {
                    p class="lead" { (t.no_form) }
                    div class="actions" {
                        (button(send).id("f.send").class("primary").disabled(!open).postback(ui.on(Do::send())))
                    }
                }
            }
            nav class="beside" {
                @if is_page { a href="/tasks" { (t.to_inbox) } }
                @if let Some(Job { instance, .. }) = &shown.job { (link(t.open_instance, url!("/instances/{instance}")).id("f.instance")) }
            }
        };
        html! { @if is_page { main class="work" { (whole) } } @else { section class="work" { (whole) } } }
    }

    async fn event(&mut self, event: Do, cx: &mut Cx<'_, Self>) -> Result {
        if let Do::Close = event {
            cx.say(Outcome::Closed);
            return Ok(());
        }
        // Rights may have changed since the page was opened, and the task may be gone.
        let context = self.find(cx).await?;
        let spec = self.shown.form.map(|form| (form.spec)());
        let who = self.shown.who.clone();
        if self.is_over() {
            // What was typed stays to be read.
            if let (Some(spec), Some(form)) = (spec, event.form()) {
                self.fill.absorb(spec, &who, Typed::new(form, cx.lang()));
            }
            self.note = Some(Note::Done);
            lead(cx);
            return Ok(());
        }
        if self.sent {
            self.note = Some(Note::Sent);
            self.around(&context, cx).await?;
            lead(cx);
            return Ok(());
        }
        match (event, spec) {
            (Do::Send { form }, _) => {
                self.around(&context, cx).await?;
                return self.send(&context, &form, cx).await;
            }
            (Do::Decide { field, theirs, form }, Some(spec)) => {
                self.fill.absorb(spec, &who, Typed::new(&form, cx.lang()));
                self.fill.decide(spec, &field, theirs);
            }
            (Do::Change { form }, Some(spec)) => {
                self.fill.absorb(spec, &who, Typed::new(&form, cx.lang()));
            }
            (Do::Look { field, form }, Some(spec)) => {
                let lang = cx.lang().to_owned();
                self.fill.offer(spec, &who, &field, Typed::new(&form, &lang), cx.kvs()).await?;
            }
            (_, None) | (Do::Close, _) => {}
        }
        if self.note == Some(Note::Mend) && self.fill.faults.is_empty() {
            self.note = None;
        }
        self.around(&context, cx).await?;
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        let waits = match &self.shown.job {
            Some(job) => cx.kvs().get::<Job>(&job.id).await?.is_some(),
            None => true,
        };
        if message.read::<Stepped>().is_some() && !waits {
            // What was typed stays to be read; only sending is over.
            self.note = Some(Note::Done);
            cx.refresh();
        }
        Ok(())
    }
}

/// Shows the note, and leads to it: what has to be decided may be out of sight.
fn lead(cx: &mut Cx<'_, Work>) {
    cx.refresh();
    cx.focus("f.note");
}

/// The start event that waits for a person.
pub(crate) fn start_of(process: &bpe::model::Process) -> Option<String> {
    let starts = process.starts(jiff::Timestamp::UNIX_EPOCH, &bpe::Limits::default());
    let plain = starts.into_iter().find(|start| matches!(start.on, bpe::model::StartOn::Plain));
    plain.map(|start| start.event.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_has_saved_is_read() {
        let mut saved = serde_json::to_value(Work { opened: true, ..Work::of("7") }).expect("a state");
        let fields = saved.as_object_mut().expect("fields");
        assert!(fields.remove("task").is_some() && fields.remove("process").is_some());
        let work: Work = serde_json::from_value(saved).expect("a state");
        assert!(work.opened && work.task.is_empty());
    }
}
