//! The screens of processes, headless: who sees and does a task, what happens to it twice, and what is live.

use bpe::Engine;
use form::Form;
use nitro::{prelude::*, test::TestApp};
use web::process::{Inbox, Instance, Overview, ProcessForm, Processes, Work};

use crate::leave::{Answer, Enter, FILE, LABELS};

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask")]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: String,
    #[form(range = 1..=30)]
    days: u32,
}

async fn app() -> TestApp {
    let app = TestApp::new()
        .page::<Enter>("/enter/{user}/{roles}")
        .page::<Inbox>("/tasks")
        .page::<Work>("/tasks/{task}")
        .page::<Overview>("/processes")
        .page::<Work>("/processes/{process}/start")
        .page::<Instance>("/instances/{instance}");
    let engine = Engine::builder(app.node().store()).open().await.unwrap();
    engine.deploy(FILE).await.unwrap();
    let answer = ProcessForm::variables::<Answer>().about::<Ask>("ask");
    Processes::new(engine)
        .form("ask", ProcessForm::record::<Ask>("ask"))
        .form("answer", answer)
        .operators(&["manager"])
        .start(&app.node());
    app
}

#[tokio::test]
async fn a_process_is_started_by_its_form_and_its_task_is_done_once() {
    let app = app().await;
    let (clerk, manager) = (app.visitor(), app.visitor());
    clerk.open("/enter/olena/clerk").await;
    manager.open("/enter/max/manager").await;

    // Mistakes are told at the field, and nothing is started.
    let mut start = clerk.open("/processes/leave/start").await;
    start.fill("days", "60");
    start.click("f.send").await;
    assert!(start.text("days.e").contains("30"), "{}", start.text("days.e"));
    assert!(app.node().store().txn().range::<bpe::Instance>("", None, 9).await.unwrap().is_empty());
    start.fill("days", "6");
    start.click("f.send").await;
    assert!(start.path().starts_with("/instances/"), "{}", start.path());
    assert!(start.html().contains("bpmn-userTask is-active"), "{}", start.html());
    let live = start;

    // The clerk lacks the role; the manager sees the task with what it is about.
    assert!(
        !clerk.open("/tasks").await.has("p.rows") || !clerk.open("/tasks").await.html().contains("Grant")
    );
    let inbox = manager.open("/tasks").await;
    let task = app.node().store().txn().range::<bpe::Job>("", None, 9).await.unwrap().remove(0).id;
    assert!(inbox.html().contains(&format!("/tasks/{task}")), "{}", inbox.html());
    assert!(matches!(clerk.try_open(&format!("/tasks/{task}")).await, Err(Error::Denied)));

    // Two windows on one task: the second is told, and nothing happens twice.
    let mut first = manager.open(&format!("/tasks/{task}")).await;
    let mut second = manager.open(&format!("/tasks/{task}")).await;
    let bound = second.bound("f.form");
    assert!(first.html().contains("<dd>") && first.html().contains('6'), "{}", first.html());
    first.check("granted", true);
    first.click("f.send").await;
    assert_eq!(first.path(), "/tasks");
    drop(live);
    // As a client would that does not care for a disabled button.
    second.force(&bound, &[n2o::Value::Bool(true)]).await;
    assert!(second.text("f.note").contains("done already"), "{}", second.html());
    assert!(!second.is_enabled("f.send"));
    let instance = app.node().store().txn().range::<bpe::Instance>("", None, 9).await.unwrap().remove(0);
    assert_eq!(instance.state.status, bpe::Status::Completed);
    let page = clerk.open(&format!("/instances/{}", instance.id)).await;
    assert!(page.html().contains("completed"), "{}", page.html());
    // Variables are for operators.
    assert!(!page.html().contains("granted"));
    let page = manager.open(&format!("/instances/{}", instance.id)).await;
    assert!(page.html().contains("granted"), "{}", page.html());
}

#[tokio::test]
async fn somebody_without_a_role_sees_and_starts_nothing() {
    let app = app().await;
    let (clerk, other) = (app.visitor(), app.visitor());
    clerk.open("/enter/olena/clerk").await;
    other.open("/enter/eve/guest").await;
    let mut start = clerk.open("/processes/leave/start").await;
    start.fill("days", "3");
    start.click("f.send").await;
    assert!(matches!(other.try_open("/processes/leave/start").await, Err(Error::Denied)));
    assert!(matches!(other.try_open(start.path()).await, Err(Error::Denied)));
    let list = other.open("/processes").await;
    assert!(!list.has("s.leave") && !list.html().contains("/instances/"), "{}", list.html());
    assert!(clerk.open("/processes").await.html().contains("/instances/"));
}
