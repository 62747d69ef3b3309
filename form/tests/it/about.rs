//! A task and the record that it is about: what is approved is what was shown.

use bpe::{Engine, feel};
use form::{
    Card, Form, Labels, Who,
    process::{Inbox, ProcessForm, Processes, Work},
    rest::{self, Call, Match},
};
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::leave::{Answer, Enter, FILE};

#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask", read = ["clerk", "manager"], write = ["clerk"])]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    #[form(range = 1..=300)]
    days: u32,
    #[form(compute = paid(days))]
    paid: u32,
}
const LABELS: Labels =
    Labels::new("key|en|uk\nask|Leaves|В\nnumber|Number|Н\ndays|Days|Дні\npaid|Paid|Плата");

fn paid(days: &u32) -> u32 {
    days * 1_000
}

struct Desk {
    app: TestApp,
    engine: Engine,
    task: String,
}

impl Desk {
    /// Somebody has asked for nine days, and a manager is to grant them.
    async fn new(form: ProcessForm) -> Self {
        let app = TestApp::new()
            .page::<Enter>("/enter/{user}/{roles}")
            .page::<Card<Ask>>("/asks/{id}")
            .page::<Inbox>("/tasks")
            .page::<Work>("/tasks/{task}");
        let engine = Engine::builder(app.node().store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        Processes::new(engine.clone()).form("answer", form).start(&app.node());
        let mut txn = app.node().store().txn();
        txn.put(&Ask { number: 7, days: 9, paid: 9_000 }).unwrap();
        txn.commit().await.unwrap();
        let about = feel::Value::context([("number", 7.into()), ("days", 9.into())]);
        engine.start("leave", &feel::Context::from([("ask".into(), about)])).await.unwrap();
        let task = app.node().store().txn().range::<bpe::Job>("", None, 1).await.unwrap().remove(0).id;
        Desk { app, engine, task }
    }

    async fn opens(&self, user: &str, role: &str, path: &str) -> TestPage {
        let visitor = self.app.visitor();
        visitor.fetch(&format!("/enter/{user}/{role}")).await;
        visitor.open(path).await
    }

    async fn manager(&self) -> TestPage {
        self.opens("max", "manager", &format!("/tasks/{}", self.task)).await
    }

    /// Changes the record on its card, where others are told.
    async fn clerk_makes(&self, days: &str) {
        let mut card = self.opens("olena", "clerk", "/asks/7?do=edit").await;
        card.fill("days", days);
        card.click("f.save").await;
        assert_eq!(card.path(), "/asks/7", "{}", card.html());
    }

    /// Changes it without a word, as another node whose message is still on its way.
    async fn becomes(&self, days: u32) {
        let mut txn = self.app.node().store().txn();
        txn.put(&Ask { number: 7, days, paid: days * 1_000 }).unwrap();
        txn.commit().await.unwrap();
    }

    async fn is_done(&self) -> bool {
        self.app.node().store().txn().get::<bpe::Job>(&self.task).await.unwrap().is_none()
    }

    /// The variable of the process.
    async fn variable(&self, name: &str) -> feel::Value {
        let instance =
            self.app.node().store().txn().range::<bpe::Instance>("", None, 1).await.unwrap().remove(0);
        let instance = self.engine.instance(&instance.id).await.unwrap().unwrap();
        instance.state.variables().unwrap()["ask"].entry(name).cloned().unwrap_or_default()
    }

    fn processes(&self) -> Arc<Processes> {
        self.app.node().service::<Processes>().unwrap()
    }
}

fn answer() -> ProcessForm {
    ProcessForm::variables::<Answer>().about::<Ask>("ask")
}

#[tokio::test]
async fn a_change_is_shown_as_it_happens_with_what_and_by_whom() {
    let desk = Desk::new(answer()).await;
    let mut page = desk.manager().await;
    page.check("granted", true);
    assert!(page.text("f.about").contains("9,000") && page.text("f.moved").is_empty(), "{}", page.html());
    desk.clerk_makes("250").await;
    page.push().await;
    assert!(page.text("f.about").contains("250,000") && !page.text("f.about").contains("9,000"));
    assert_eq!(
        page.text("f.moved"),
        "Changed since you opened this task, by olena: Days: 9 \u{2192} 250; Paid: 9,000 \u{2192} 250,000."
    );
    assert_eq!(page.value("granted"), "true", "what was filled in stays");
    // It says so until the end, also of the first of two changes.
    desk.clerk_makes("251").await;
    page.push().await;
    assert!(page.text("f.moved").contains("Days: 9 \u{2192} 251"), "{}", page.html());
    // What is shown now is approved now.
    page.click("f.send").await;
    assert!(desk.is_done().await, "{}", page.html());
    assert_eq!(desk.variable("days").await, 251.into(), "the process goes on with what was approved");
}

#[tokio::test]
async fn what_has_changed_is_still_said_after_a_restart() {
    let desk = Desk::new(answer()).await;
    let mut page = desk.manager().await;
    desk.clerk_makes("250").await;
    page.push().await;
    desk.app.restart().await;
    page.reconnect().await;
    assert!(page.text("f.moved").contains("by olena: Days: 9 \u{2192} 250"), "{}", page.html());
}

#[tokio::test]
async fn what_was_not_shown_is_not_approved() {
    let desk = Desk::new(answer()).await;
    let mut page = desk.manager().await;
    page.check("granted", true);
    desk.becomes(250).await;
    page.click("f.send").await;
    assert!(page.text("f.note").contains("has changed since it was shown to you"), "{}", page.html());
    assert!(page.text("f.about").contains("250,000") && page.text("f.moved").contains("by somebody"));
    assert_eq!((page.value("granted").as_str(), page.focused()), ("true", "f.note"));
    assert!(!desk.is_done().await);
    page.click("f.send").await;
    assert!(desk.is_done().await, "now it was: {}", page.html());
}

/// The button was pressed before the change that is shown by now had arrived.
#[tokio::test]
async fn a_press_means_what_was_shown_when_it_was_pressed() {
    let desk = Desk::new(answer()).await;
    let mut page = desk.manager().await;
    let bound = page.bound("f.form");
    desk.clerk_makes("250").await;
    page.push().await;
    page.force(&bound, &[n2o::Value::Bool(true)]).await;
    assert!(!desk.is_done().await, "{}", page.html());
}

#[tokio::test]
async fn a_record_that_is_gone_is_told_before_anything_is_decided() {
    let desk = Desk::new(answer()).await;
    let mut page = desk.manager().await;
    let mut txn = desk.app.node().store().txn();
    txn.delete::<Ask>("7");
    txn.commit().await.unwrap();
    page.click("f.send").await;
    assert!(!desk.is_done().await);
    assert!(page.text("f.moved").contains("does not exist any more"), "{}", page.html());
    page.click("f.send").await;
    assert!(desk.is_done().await, "a task can be ended all the same");
}

#[tokio::test]
async fn a_task_that_changes_its_record_hears_of_others_at_once() {
    let desk = Desk::new(ProcessForm::record::<Ask>("ask")).await;
    let mut page = desk.opens("max", "manager-clerk", &format!("/tasks/{}", desk.task)).await;
    page.fill("days", "30");
    page.click("f.fields").await;
    desk.clerk_makes("250").await;
    page.push().await;
    assert!(page.text("f.note").starts_with("olena has just saved this record."), "{}", page.html());
    page.click("f.send").await;
    assert!(page.has("days.theirs") && !desk.is_done().await, "{}", page.html());
}

/// The right to decide on a record is none to write it; what the step makes of it is the program's.
#[tokio::test]
async fn a_step_moves_its_record_in_its_own_transaction() {
    let desk = Desk::new(answer().moves("days", "30")).await;
    let mut card = desk.opens("olena", "clerk", "/asks/7").await;
    let mut page = desk.manager().await;
    page.click("f.send").await;
    assert!(desk.is_done().await, "{}", page.html());
    assert_eq!((desk.variable("days").await, desk.variable("paid").await), (30.into(), 9_000.into()));
    card.push().await;
    assert_eq!(card.text("days"), "30", "others are told");
    assert!(card.text("f.history").contains("max"), "{}", card.text("f.history"));
}

#[tokio::test]
async fn a_step_that_cannot_move_its_record_is_not_made() {
    for (field, to) in [("days", "many"), ("state", "done")] {
        let desk = Desk::new(answer().moves(field, to)).await;
        let mut page = desk.manager().await;
        page.click("f.send").await;
        assert!(page.error().is_some() && !desk.is_done().await, "{field}: {}", page.html());
    }
}

/// The process may hold the id of its record only.
#[tokio::test]
async fn a_variable_may_be_the_id_of_the_record() {
    let desk = Desk::new(answer()).await;
    let id = feel::Context::from([("ask".into(), 7.into())]);
    let instance =
        desk.app.node().store().txn().range::<bpe::Instance>("", None, 1).await.unwrap().remove(0).id;
    desk.engine.transact(async |actions| actions.set(&instance, id.clone()).await).await.unwrap();
    assert!(desk.manager().await.text("f.about").contains("9,000"));
}

/// The status and the problem, if any.
async fn complete(desk: &Desk, meant: Option<Match>) -> (u16, Value) {
    let (mut txn, who) = (desk.app.node().store().txn(), Who::new("max", &["manager"]));
    let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
    let body = json!({ "granted": true });
    let answer =
        rest::process::complete(&desk.processes(), call, &desk.task, meant.as_ref(), &body).await.unwrap();
    match answer {
        Ok(reply) => {
            txn.commit().await.unwrap();
            (reply.status, reply.body)
        }
        Err(problem) => (problem.status, serde_json::to_value(problem).unwrap()),
    }
}

#[tokio::test]
async fn a_program_completes_over_the_version_that_it_has_read() {
    let desk = Desk::new(answer()).await;
    let read = async || {
        let (mut txn, who) = (desk.app.node().store().txn(), Who::new("max", &["manager"]));
        let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
        rest::process::task(&desk.processes(), call, &desk.task).await.unwrap().unwrap()
    };
    let reply = read().await;
    assert_eq!(
        reply.body["about"],
        json!({ "table": "ask", "id": "7", "record": { "number": 7, "days": 9, "paid": 9000 } })
    );
    let version = reply.version.unwrap();
    assert_eq!(complete(&desk, None).await.0, 428);
    desk.becomes(250).await;
    let (status, problem) = complete(&desk, Some(version.into())).await;
    assert_eq!((status, &problem["current"]["paid"]), (412, &json!(250_000)));
    let version = read().await.version.unwrap();
    assert_eq!(problem["version"], version.to_string());
    assert!(!desk.is_done().await);
    assert_eq!(complete(&desk, Some(version.into())).await.0, 204);
    assert_eq!(desk.variable("paid").await, 250_000.into());
}

#[tokio::test]
async fn who_may_not_see_the_record_completes_without_its_version() {
    #[derive(Debug, Serialize, Deserialize, Form)]
    #[form(labels = LABELS, table = "ask", read = ["boss"])]
    struct Secret {
        #[form(id, auto)]
        number: u64,
        days: u32,
        paid: u32,
    }
    let desk = Desk::new(ProcessForm::variables::<Answer>().about::<Secret>("ask")).await;
    assert!(!desk.manager().await.has("f.about"));
    assert_eq!(complete(&desk, None).await.0, 204);
}
