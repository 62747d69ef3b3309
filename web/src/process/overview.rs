//! The processes that can be started, and the instances with their state.

use bpe::{Instance, Status};
use maud::html;
use nitro::prelude::*;

use super::{
    follow::{ALL, Stepped},
    right::visitor,
    service::{Processes, failed},
    text::{Text, text},
    work::start_of,
};

/// Instances on a page.
const PAGE: usize = 50;

/// The page of processes and instances.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Overview {
    #[serde(skip)]
    starts: Vec<(String, String)>,
    #[serde(skip)]
    lines: Vec<Line>,
    #[serde(skip)]
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

/// The word and the class for what becomes of an instance.
pub(crate) fn state_of(instance: &Instance, t: &'static Text) -> (&'static str, &'static str) {
    match instance.state.status {
        Status::Active if instance.state.incidents().next().is_some() => (t.stopped, "state is-incident"),
        Status::Active => (t.active, "state is-active"),
        Status::Completed => (t.completed, "state is-done"),
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

impl Overview {
    async fn read(&mut self, cx: &mut Cx) -> Result {
        let (processes, who, lang) = (Processes::of(cx)?, visitor(cx), cx.lang().to_owned());
        let lang = lang.as_str();
        let (t, library) = (text(lang), processes.engine.library());
        let able = library
            .all()
            .filter(|process| start_of(process).is_some_and(|event| processes.starts(&who, process, &event)));
        self.starts =
            able.map(|process| (process.id.to_string(), processes.name(process, lang).to_owned())).collect();
        let mut after = Some(cx.param("after")).filter(|after| !after.is_empty()).map(str::to_owned);
        (self.lines, self.next) = (Vec::new(), None);
        // What somebody may not see is left out, so that a page may need more than one reading.
        while self.lines.len() < PAGE {
            let found = processes.engine.instances(after.as_deref(), PAGE).await;
            let found = found.map_err(|error| failed(error, lang))?;
            for instance in found.iter().filter(|instance| processes.sees(&who, instance)) {
                let process = library.version(&instance.process, instance.version);
                let (state, class) = state_of(instance, t);
                self.lines.push(Line {
                    id: instance.id.clone(),
                    process: process.map_or("", |process| processes.name(process, lang)).to_owned(),
                    state,
                    class,
                    at: waits_at(&processes, instance, lang).join(", "),
                    by: instance.by.clone().unwrap_or_default(),
                    started: u64::try_from(instance.started.as_millisecond()).unwrap_or_default(),
                });
            }
            after = found.last().map(|last| last.id.clone());
            if found.len() < PAGE {
                return Ok(());
            }
        }
        self.next = after;
        Ok(())
    }
}

impl Page for Overview {
    type Event = Never;
    const ACCESS: Access = Access::User;

    fn title(&self, cx: &Cx) -> String {
        text(cx.lang()).processes.to_owned()
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
        html! {
            main class="list" {
                header { h1 { (t.processes) } }
                @if !self.starts.is_empty() {
                    section class="starts" {
                        h2 { (t.startable) }
                        @for (id, name) in &self.starts {
                            (link(t.start_of.replace("{}", name), url!("/processes/{id}/start")).id(format!("s.{id}")).class("button"))
                        }
                    }
                }
                h2 { (t.instances) }
                (panel().id("p.empty").class("empty").hidden(!self.lines.is_empty()).body(html! { p { (t.none) } }))
                (panel().id("p.instances").class("scroll").hidden(self.lines.is_empty()).body(html! {
                    table {
                        thead { tr {
                            th scope="col" { (t.process) } th scope="col" { (t.state) } th scope="col" { (t.now_at) }
                            th scope="col" { (t.by) } th scope="col" { (t.started) }
                        } }
                        (tbody().id("p.rows").body(rows))
                    }
                }))
                nav class="pages" {
                    @if !cx.param("after").is_empty() { a href="/processes" { (t.first) } }
                    @if let Some(next) = &self.next {
                        a href=(String::from(url!("/processes?after={next}"))) { (t.next) }
                    }
                }
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
