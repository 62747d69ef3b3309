//! The processes that can be started, and the instances: how many are in which state, and each, the newest first.

use crate::Who;
use bpe::{Instance, Stage, model::Process};
use maud::html;
use nitro::prelude::*;

use super::{
    live::{Lines, Live, table},
    service::{Processes, failed},
    text::{Text, text},
    work::start_of,
};

/// Instances on a page.
const PAGE: usize = 50;
/// Most instances of a process and a state that are counted.
const COUNT: usize = 1_000;

/// The page of processes and instances. Its address may say which: `?process=order&state=incident`, with the
/// states `running`, `waiting`, `incident` and `ended`.
pub type Overview = Live<Instances>;

/// What can be started, and the instances.
#[derive(Debug, Default)]
pub struct Instances {
    starts: Vec<(String, String)>,
    /// The processes that the visitor may start or see the instances of, by id.
    processes: Vec<(String, String)>,
    /// How many instances there are in each state, and whether these are all.
    counts: Vec<(usize, bool)>,
    lines: Vec<Line>,
    /// The instance behind which the next page begins.
    next: Option<String>,
}

/// An instance as the list shows it.
#[derive(Debug)]
struct Line {
    id: String,
    process: String,
    state: &'static str,
    class: &'static str,
    at: String,
    by: String,
    started: u64,
}

/// What the list can be narrowed to: the word of the address, and what belongs to it.
const STATES: [(&str, &[Stage]); 5] = [
    ("", &[Stage::Running, Stage::Waiting, Stage::Stopped, Stage::Completed, Stage::Cancelled]),
    ("running", &[Stage::Running]),
    ("waiting", &[Stage::Waiting]),
    ("incident", &[Stage::Stopped]),
    ("ended", &[Stage::Completed, Stage::Cancelled]),
];

/// The word and the class for what becomes of an instance.
pub(crate) fn state_of(instance: &Instance, t: &'static Text) -> (&'static str, &'static str) {
    match instance.stage() {
        Stage::Running => (t.active, "state is-active"),
        Stage::Waiting => (t.waiting, "state is-active"),
        Stage::Stopped => (t.stopped, "state is-incident"),
        Stage::Completed => (t.completed, "state is-done"),
        _ => (t.terminated, "state is-cancelled"),
    }
}

/// The names of the elements at which an instance waits.
pub(crate) fn waits_at(processes: &Processes, instance: &Instance, lang: &str) -> Vec<String> {
    let library = processes.engine.library();
    let mut names = Vec::new();
    for token in instance.state.tokens.values() {
        let (Some(process), Some(node)) =
            (instance.state.process(&library, token.scope), instance.state.node(&library, token))
        else {
            continue;
        };
        let name = processes.element(process, &node.id, lang).to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whose instances are looked for, and by whom.
struct Search<'a> {
    processes: &'a Processes,
    who: &'a Who,
    lang: &'a str,
}

impl Search<'_> {
    async fn ids(
        &self,
        process: &str,
        stage: Stage,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let found = self.processes.engine.instances_of(process, stage, before, limit).await;
        found.map_err(|error| failed(error, self.lang))
    }

    /// The instance, if the visitor may see it.
    async fn seen(&self, id: &str) -> Result<Option<Instance>> {
        let found = self.processes.engine.instance(id).await.map_err(|error| failed(error, self.lang))?;
        Ok(found.filter(|found| self.processes.sees(self.who, found)))
    }

    /// How many there are, up to [`COUNT`], and whether these are all.
    async fn count(&self, process: &Process, stage: Stage) -> Result<(usize, bool)> {
        let ids = self.ids(&process.id, stage, None, COUNT + 1).await?;
        let all = ids.len() <= COUNT;
        if self.processes.sees_all(self.who, process) {
            return Ok((ids.len().min(COUNT), all));
        }
        let mut count = 0;
        for id in ids.iter().take(COUNT) {
            count += usize::from(self.seen(id).await?.is_some());
        }
        Ok((count, all))
    }

    /// A page of instances that began before another, and whether there are more.
    async fn page(
        &self,
        processes: &[String],
        stages: &[Stage],
        before: Option<String>,
    ) -> Result<(Vec<Instance>, bool)> {
        let (mut found, mut before) = (Vec::new(), before);
        loop {
            let mut ids = Vec::new();
            for process in processes {
                for stage in stages {
                    ids.extend(self.ids(process, *stage, before.as_deref(), PAGE + 1).await?);
                }
            }
            // Later instances sort behind earlier ones, whatever process they are of.
            ids.sort_unstable_by(|a, b| b.cmp(a));
            ids.truncate(PAGE + 1);
            for id in &ids {
                let Some(instance) = self.seen(id).await? else { continue };
                if found.len() == PAGE {
                    return Ok((found, true));
                }
                found.push(instance);
            }
            // What somebody may not see is left out, so that a page may need more than one reading.
            if ids.len() <= PAGE {
                return Ok((found, false));
            }
            before = ids.pop();
        }
    }
}

/// The address of the list narrowed so.
fn address(process: &str, state: &str, before: &str) -> Url {
    url!("/processes?process={process}&state={state}&before={before}")
}

/// The state that an address asks for.
fn asked(cx: &n2o::Cx) -> usize {
    STATES.iter().position(|(word, _)| *word == cx.query("state")).unwrap_or_default()
}

impl Instances {
    fn ways(&self, cx: &n2o::Cx) -> Markup {
        let t = text(cx.lang());
        let (process, state) = (cx.query("process"), asked(cx));
        let current = |on: bool| on.then_some("true");
        let names = [t.every, t.f_running, t.f_waiting, t.f_incident, t.f_ended];
        html! {
            nav class="narrow-by" aria-label=(t.which) {
                @if self.processes.len() > 1 {
                    div {
                        a href=(String::from(address("", STATES[state].0, ""))) aria-current=[current(process.is_empty())] { (t.every) }
                        @for (id, name) in &self.processes {
                            a href=(String::from(address(id, STATES[state].0, ""))) aria-current=[current(process == id)] { (name) }
                        }
                    }
                }
                (panel().id("p.counts").body(html! {
                    @for (at, ((word, _), name)) in STATES.iter().zip(names).enumerate() {
                        @let (count, all) = self.counts.get(at).copied().unwrap_or((0, true));
                        a href=(String::from(address(process, word, ""))) aria-current=[current(at == state)] {
                            (name) " " b { (count) @if !all { "+" } }
                        }
                    }
                }))
            }
        }
    }
}

impl Lines for Instances {
    type Event = Never;
    type Said = Never;

    fn name(lang: &str) -> &'static str {
        text(lang).processes
    }

    async fn read(&mut self, cx: &mut n2o::Cx) -> Result {
        let (processes, who, lang) = (Processes::of(cx)?, Who::of(cx), cx.lang().to_owned());
        let (t, library) = (text(&lang), processes.engine.library());
        let named = |process: &Process| (process.id.to_string(), processes.name(process, &lang).to_owned());
        let able = |process: &Process| {
            start_of(process).is_some_and(|event| processes.starts(&who, process, &event))
        };
        self.starts = library.all().filter(|process| able(process)).map(|process| named(process)).collect();
        let known = library.all().filter(|process| able(process) || processes.sees_all(&who, process));
        self.processes = known.map(|process| named(process)).collect();
        let search = Search { processes: &processes, who: &who, lang: &lang };
        let wanted = cx.query("process").to_owned();
        let chosen: Vec<_> =
            library.all().filter(|process| wanted.is_empty() || *process.id == *wanted).cloned().collect();
        let mut counts = Vec::new();
        for (_, stages) in &STATES[1..] {
            let mut sum = (0, true);
            for process in &chosen {
                for stage in *stages {
                    let (count, all) = search.count(process, *stage).await?;
                    sum = (sum.0 + count, sum.1 && all);
                }
            }
            counts.push(sum);
        }
        let every = counts.iter().fold((0, true), |sum, count| (sum.0 + count.0, sum.1 && count.1));
        counts.insert(0, every);
        self.counts = counts;
        let ids: Vec<String> = chosen.iter().map(|process| process.id.to_string()).collect();
        let before = Some(cx.query("before").to_owned()).filter(|before| !before.is_empty());
        let (found, more) = search.page(&ids, STATES[asked(cx)].1, before).await?;
        self.next = found.last().filter(|_| more).map(|last| last.id.clone());
        let line = |instance: &Instance| {
            let process = library.version(&instance.process, instance.version);
            let (state, class) = state_of(instance, t);
            Line {
                id: instance.id.clone(),
                process: process.map_or("", |process| processes.name(process, &lang)).to_owned(),
                state,
                class,
                at: waits_at(&processes, instance, &lang).join(", "),
                by: instance.by.clone().unwrap_or_default(),
                started: u64::try_from(instance.started.as_millisecond()).unwrap_or_default(),
            }
        };
        self.lines = found.iter().map(line).collect();
        Ok(())
    }

    fn event(&self, never: Never, _: &mut Cx<'_, Live<Self>>) {
        match never {}
    }

    fn show(&self, cx: &Ui<'_, Live<Self>>) -> Markup {
        let t = text(cx.lang());
        let rows = html! {
            @for line in &self.lines {
                @let id = &line.id;
                (tr().id(format!("i.{}", line.id)).body(html! {
                    td { (link(line.process.clone(), url!("/instances/{id}"))) }
                    td { span class=(line.class) { (line.state) } }
                    td { (line.at) }
                    td { bdi { (line.by) } }
                    td { (time(line.started)) }
                }))
            }
        };
        let none = self.counts.first().is_none_or(|(count, _)| *count == 0);
        let (process, state) = (cx.query("process"), STATES[asked(cx)].0);
        html! {
            @if !self.starts.is_empty() {
                section class="starts" {
                    h2 { (t.startable) }
                    @for (id, name) in &self.starts {
                        (link(t.start_of.replace("{}", name), url!("/processes/{id}/start")).id(format!("s.{id}")).class("button"))
                    }
                }
            }
            h2 { (t.instances) }
            (self.ways(cx))
            (table(
                "p.instances",
                &[t.process, t.state, t.now_at, t.by, t.started],
                (!self.lines.is_empty()).then_some(rows),
                html! { p { (if none { t.none } else { t.none_such }) } },
            ))
            nav class="pages" aria-label=(t.instances) {
                @if !cx.query("before").is_empty() {
                    a href=(String::from(address(process, state, ""))) { (t.newest) }
                }
                @if let Some(next) = &self.next {
                    a href=(String::from(address(process, state, next))) { (t.older) }
                }
            }
        }
    }
}
