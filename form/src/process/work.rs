//! A form that starts a process or completes a task. The form's record, the step and its history are one commit.

use crate::{
    Binds, Filling, Kind, Sheet, Spec, Typed,
    table::{self, Changed, Kept, Version},
};
use bpe::{Job, feel::Context};
use maud::html;
use nitro::{Component, Inputs, prelude::*};

use super::{
    about::Seen,
    follow::{Stepped, topic},
    note::Note,
    service::Processes,
    shown::{Shown, Was},
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
    pub(super) task: String,
    /// The process that it starts.
    #[serde(default)]
    pub(super) process: String,
    pub(super) opened: bool,
    pub(super) fill: Filling,
    note: Option<Note>,
    /// What the user has seen of the record that the task is about.
    #[serde(default)]
    pub(super) seen: Seen,
    /// The process was started, and the browser on its way elsewhere.
    #[serde(default)]
    sent: bool,
    /// What the task was when it was last there.
    #[serde(default)]
    pub(super) was: Was,
    #[serde(skip)]
    pub(super) shown: Shown,
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
        /// The version of the record that the task is about, as it was shown.
        seen: Version,
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
            Do::Change { form } | Do::Look { form, .. } | Do::Decide { form, .. } | Do::Send { form, .. } => {
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

    async fn send(
        &mut self,
        seen: Version,
        context: &Context,
        inputs: &Inputs,
        cx: &mut Cx<'_, Self>,
    ) -> Result {
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
        // Read in the transaction that completes the task, so that it is as it was shown until then.
        if job.is_some() && seen != self.seen.version {
            self.note = Some(Note::Moved);
            lead(cx);
            return Ok(());
        }
        let target = match &job {
            Some(job) => Target::Task(&job.id),
            None => Target::Start(&self.shown.starts),
        };
        let fill = &mut self.fill;
        let about = self.shown.about_id.clone();
        let submit = Submit { processes: &processes, who: &who, now, lang: &lang, form, fill, target, about };
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

    /// The record that the form changes is another one now.
    async fn follow(&mut self, changed: &Changed, context: &Context, cx: &mut Cx<'_, Self>) -> Result {
        let Some((form, record)) = self.shown.form.and_then(|form| Some((form, form.record?))) else {
            return Ok(());
        };
        if self.fill.kind != Kind::Edit || record.id(context).as_ref() != Some(&changed.id) {
            return Ok(());
        }
        self.note = Some(Note::Stale(changed.who.clone()));
        if let Some(now) = record.records.get(cx.kvs(), &changed.id).await?
            && self.fill.follow((form.spec)(), &self.shown.who, now)
        {
            self.note = Some(Note::Changed);
        }
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
            save: ui.on(Do::send(self.seen.version).reads(names())),
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
            (self.sent, self.opened, self.note, self.seen) = (false, false, None, Seen::default());
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
        for topic in &self.shown.topics {
            cx.reg(topic);
        }
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let (t, lang, shown) = (text(ui.lang()), ui.lang(), &self.shown);
        let spec = shown.form.map(|form| (form.spec)());
        let note = self.note.as_ref().map(|note| note.text(spec, &self.fill, lang)).unwrap_or_default();
        let about = shown.about.as_ref().map(|(about, _)| about.records.spec());
        let moved = about
            .map(|about| self.seen.text(about, &shown.who, shown.about_fill(), lang))
            .unwrap_or_default();
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
            (p().id("f.moved").class("note").attr(attr::ROLE, "status").hidden(moved.is_empty()).text(moved))
            @if let Some((about, Some(seen))) = &shown.about {
                (section().id("f.about").class("about").body(html! {
                    (Sheet::new(about.records.spec(), &shown.who, seen.kind, &seen.data, lang).titles(&seen.titles))
                }))
            }
            @match spec {
                Some(spec) => {
                    (self.form(ui, spec, &submit(send).id("f.send").class("primary").disabled(!open)))
                }
                None => {
                    p class="lead" { (t.no_form) }
                    div class="actions" {
                        (button(send).id("f.send").class("primary").disabled(!open).postback(ui.on(Do::send(self.seen.version))))
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
            (Do::Send { seen, form }, _) => {
                self.around(&context, cx).await?;
                return self.send(seen, &context, &form, cx).await;
            }
            (Do::Decide { field, theirs, form }, Some(spec)) => {
                self.fill.absorb(spec, &who, Typed::new(&form, cx.lang()));
                self.fill.decide(spec, &who, &field, theirs);
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
        if let Some(changed) = message.read::<Changed>().filter(|_| waits && !self.sent) {
            let context = self.find(cx).await?;
            self.follow(changed, &context, cx).await?;
            self.around(&context, cx).await?;
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
