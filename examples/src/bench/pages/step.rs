//! A step of a process: a user task that is completed, and waits again.

use bpe::{Engine, feel::Context};
use maud::html;
use n2o::{Node, OrFail};
use nitro::prelude::*;

/// The task follows itself, so that an instance has no end.
const PROCESS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
  <process id="bench">
    <startEvent id="start"/>
    <userTask id="work"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
    <sequenceFlow id="f2" sourceRef="work" targetRef="work"/>
  </process>
</definitions>"#;

/// The engine, which is opened before the pages are served.
#[derive(Debug)]
struct Steps(Engine);

impl Steps {
    fn engine(cx: &n2o::Cx) -> Result<Engine> {
        let steps = cx.node().service::<Self>();
        steps.map(|steps| steps.0.clone()).ok_or_else(|| Error::other("the engine was not opened"))
    }
}

/// Opens the engine on a node.
pub async fn open(node: &Node) -> Result {
    let engine = Engine::builder(node.store()).open().await.or_fail()?;
    engine.deploy(PROCESS.as_bytes()).await.or_fail()?;
    node.provide(Steps(engine));
    Ok(())
}

/// An instance of its own for each page.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Step {
    instance: String,
    done: u64,
}

#[derive(Debug, Event)]
pub(super) enum Work {
    Complete,
}

impl Page for Step {
    type Event = Work;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if self.instance.is_empty() {
            let engine = Steps::engine(cx)?;
            let started = engine.actions(cx.kvs()).start("bench", None, Context::new());
            self.instance = started.or_fail()?;
        }
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.done.to_string()))
            (button("Done").id("complete").postback(ui.on(Work::complete())).repeat())
        }
    }

    async fn event(&mut self, work: Work, cx: &mut Cx<'_, Self>) -> Result {
        let Work::Complete = work;
        let engine = Steps::engine(cx)?;
        let jobs = engine.jobs(&self.instance).await.or_fail()?;
        let job = jobs.first().ok_or(Error::NotFound)?;
        engine.actions(cx.kvs()).complete(&job.id, Context::new()).await.or_fail()?;
        self.done += 1;
        cx.set("n", self.done.to_string());
        Ok(())
    }
}
