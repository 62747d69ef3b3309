//! An instance: its diagram with the tokens on it, live, its variables, its incidents and its history.

use std::sync::Arc;

use crate::Who;
use bpe::{Marks, Step, model::Process};
use kvs::From;
use maud::html;
use nitro::prelude::*;

use super::{
    drawing::Drawing,
    follow::{Stepped, topic},
    history,
    overview::{state_of, waits_at},
    service::{Processes, failed},
    text::text,
    variables,
};

/// Most steps of a history that are read.
const STEPS: usize = 2_000;

/// The page of an instance.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Instance {
    #[serde(skip)]
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    processes: Arc<Processes>,
    process: Arc<Process>,
    drawing: Arc<Drawing>,
    instance: bpe::Instance,
    steps: Vec<(u64, Step)>,
    marks: Marks,
    who: Who,
}

/// What operators can do with an instance.
#[derive(Debug, Event)]
pub enum Mend {
    /// Try again what an incident stopped, at the token of that number.
    Retry(u64),
    /// Cancel the instance.
    Cancel,
}

impl Instance {
    async fn read(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (processes, who, lang) = (Processes::of(cx)?, Who::of(cx), cx.lang().to_owned());
        let id = cx.param("instance").to_owned();
        let instance = cx.kvs().get::<bpe::Instance>(&id).await?.ok_or(Error::NotFound)?;
        if !processes.sees(&who, &instance) {
            return Err(Error::Denied);
        }
        let library = processes.engine.library();
        let process = library.version(&instance.process, instance.version).ok_or(Error::NotFound)?.clone();
        let drawing = processes.drawing(&process.id, process.version, &lang).await?;
        let steps = cx.kvs().feed(&bpe::history_feed(&id), From::Start, STEPS).await?;
        let entries = steps.iter().flat_map(|(_, step): &(u64, Step)| &step.entries);
        let entries = entries.filter(|entry| entry.process == process.id);
        let marks = Marks::of_state(&instance.state, &library, &process.id).passed(entries);
        self.shown = Some(Shown { processes, process, drawing, instance, steps, marks, who });
        Ok(())
    }
}

impl Shown {
    /// Where it is and what it holds: everything but the diagram and the history.
    fn facts(&self, ui: &Ui<'_, Instance>) -> El<'static> {
        let (t, lang, instance) = (text(ui.lang()), ui.lang(), &self.instance);
        let (state, class) = state_of(instance, t);
        let at = waits_at(&self.processes, instance, lang).join(", ");
        let operates = self.processes.operates(&self.who);
        let millis = |at: jiff::Timestamp| u64::try_from(at.as_millisecond()).unwrap_or_default();
        panel().id("p.facts").class("facts").body(html! {
            dl {
                dt { (t.state) } dd { (span().id("p.state").class(class).text(state)) }
                @if !at.is_empty() { dt { (t.now_at) } dd { (span().id("p.at").text(at)) } }
                @if let Some(by) = &instance.by { dt { (t.by) } dd { bdi { (by) } } }
                dt { (t.started) } dd { (time(millis(instance.started))) }
                @if let Some(ended) = instance.ended { dt { (t.ended) } dd { (time(millis(ended))) } }
            }
            @if operates { (self.incidents(ui)) }
            @if operates && let Some(variables) = instance.state.variables() {
                details class="variables" { summary { (t.variables) } (variables::show(variables, lang)) }
            }
            @if operates && instance.is_active() {
                (button(t.cancel).id("p.cancel").class("danger").confirm(t.cancel_sure).postback(ui.on(Mend::cancel())))
            }
        })
    }

    fn incidents(&self, ui: &Ui<'_, Instance>) -> Markup {
        let (t, lang) = (text(ui.lang()), ui.lang());
        let library = self.processes.engine.library();
        let state = &self.instance.state;
        html! {
            @for (key, token, incident) in state.incidents() {
                section class="incident" role="alert" {
                    h2 {
                        (t.incidents) ": "
                        @if let (Some(process), Some(node)) = (state.process(&library, token.scope), state.node(&library, token)) {
                            (self.processes.element(process, &node.id, lang))
                        }
                    }
                    p { (incident.what) }
                    (button(t.retry).id(format!("p.retry.{key}")).class("primary").postback(ui.on(Mend::retry(key))))
                }
            }
        }
    }

    fn story(&self, cx: &n2o::Cx) -> El<'static> {
        let steps = history::show(&self.processes, &self.process, &self.steps, cx.lang());
        ol().id("p.history").class("story").body(steps)
    }

    fn diagram(&self, cx: &n2o::Cx) -> El<'static> {
        let svg = self.drawing.svg(&self.marks);
        panel()
            .id("p.diagram")
            .class("diagram scroll")
            .attr(attr::TABINDEX, "0")
            .attr(attr::ARIA_LABEL, text(cx.lang()).diagram)
            .body(match svg {
                // Escaped where it is made: `bpe::diagram` writes nothing else.
                Some(svg) => html! { (Raw(svg)) },
                None => html! { p { (text(cx.lang()).no_diagram) } },
            })
    }
}

impl Page for Instance {
    type Event = Mend;
    const ACCESS: Access = Access::User;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        let name = |shown: &Shown| shown.processes.name(&shown.process, ui.lang()).to_owned();
        self.shown.as_ref().map(name).unwrap_or_default()
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.read(cx).await
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let topic = topic(cx.param("instance"));
        cx.reg(&topic);
        // A step may have been made between `load` and the registration.
        self.follow(cx).await
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        html! {
            @if let Some(shown) = &self.shown {
                main class="instance" {
                    header {
                        p class="lead" { (t.process) }
                        h1 { (shown.processes.name(&shown.process, ui.lang())) }
                    }
                    (shown.diagram(ui))
                    div class="columns" {
                        (shown.facts(ui))
                        section { h2 { (t.history) } (shown.story(ui)) }
                    }
                }
            }
        }
    }

    async fn event(&mut self, mend: Mend, cx: &mut Cx<'_, Self>) -> Result {
        let (processes, who, lang) = (Processes::of(cx)?, Who::of(cx), cx.lang().to_owned());
        if !processes.operates(&who) {
            return Err(Error::Denied);
        }
        let id = cx.param("instance").to_owned();
        let mut actions = processes.engine.actions(cx.kvs()).by(who.name());
        let done = match mend {
            Mend::Retry(token) => actions.retry(&id, token).await,
            Mend::Cancel => actions.cancel(&id).await,
        };
        done.map_err(|error| failed(error, &lang))?;
        // The step comes back as a message, to this page as to all others.
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if message.read::<Stepped>().is_some() { self.follow(cx).await } else { Ok(()) }
    }
}

impl Instance {
    /// Shows the steps since the last time: classes move the tokens, and only what changed is sent. The page is
    /// never refreshed as a whole, because that would send the drawing again.
    async fn follow(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let before = self.shown.take();
        self.read(cx).await?;
        let (Some(before), Some(now)) = (before, &self.shown) else { return Ok(()) };
        if before.steps.last().map(|(at, _)| at) == now.steps.last().map(|(at, _)| at) {
            return Ok(());
        }
        if now.drawing.counts_differ(&before.marks, &now.marks) {
            let diagram = now.diagram(cx);
            cx.update("p.diagram", diagram);
        } else {
            for (id, class, on) in now.drawing.changes(&before.marks, &now.marks) {
                cx.class(id, class, on);
            }
        }
        let (facts, story) = (now.facts(&cx.ui()), now.story(cx));
        cx.update("p.facts", facts);
        cx.update("p.history", story);
        Ok(())
    }
}
