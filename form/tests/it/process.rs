//! The screens of processes, headless: who sees and does a task, what happens to it twice, and what is live.

use bpe::Engine;
use form::Form;
use form::process::{Inbox, Instance, Opened, Outcome, Overview, ProcessForm, Processes, Work};
use nitro::{prelude::*, test::TestApp};

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

/// An inbox, the tasks that were opened in it, and the start of a process, on one page.
#[derive(Default, Serialize, Deserialize)]
struct Desk {
    inbox: Child<Inbox>,
    tasks: Keyed<String, Work>,
    start: Slot<Work>,
    log: Vec<String>,
}

#[derive(Event)]
enum Act {
    Start,
    Opened(Opened),
    Work(String, Outcome),
}

impl Page for Desk {
    type Event = Act;
    const ACCESS: Access = Access::User;

    fn children(&mut self) -> Children<'_, Act> {
        Children::none()
            .child("inbox", &mut self.inbox, Act::Opened)
            .keyed("tasks", &mut self.tasks, Act::Work)
            .slot("start", &mut self.start, |outcome| Act::Work(String::from("start"), outcome))
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        maud::html! {
            (button("New").id("new").postback(ui.on(Act::start())))
            (ui.place(&self.inbox))
            (ui.place_all(&self.tasks))
            @if let Some(start) = self.start.get() { (ui.place(start)) }
            (p().id("log").text(self.log.join(", ")))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Start => self.start.open(Work::start("leave")),
            Act::Opened(Opened(task)) => self.tasks.open(task.clone(), Work::of(task)),
            Act::Work(task, outcome) => {
                self.tasks.close(&task);
                self.start.close();
                let word = match outcome {
                    Outcome::Done => "done",
                    Outcome::Started(_) => "started",
                    Outcome::Closed => "closed",
                };
                self.log.push(word.to_owned());
            }
        }
        cx.refresh();
        Ok(())
    }
}

async fn app() -> TestApp {
    let app = TestApp::new()
        .page::<Enter>("/enter/{user}/{roles}")
        .page::<Inbox>("/tasks")
        .page::<Work>("/tasks/{task}")
        .page::<Overview>("/processes")
        .page::<Work>("/processes/{process}/start")
        .page::<Instance>("/instances/{instance}")
        .page::<Desk>("/desk");
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

#[tokio::test]
async fn an_inbox_and_its_tasks_stand_on_one_page() {
    let app = app().await;
    let (clerk, manager) = (app.visitor(), app.visitor());
    clerk.open("/enter/olena/clerk").await;
    manager.open("/enter/max/manager").await;
    let mut boss = manager.open("/desk").await;

    let mut desk = clerk.open("/desk").await;
    desk.click("new").await;
    desk.fill("start.days", "60");
    desk.click("start.f.send").await;
    assert!(desk.text("start.days.e").contains("30"), "{}", desk.html());
    desk.fill("start.days", "6");
    desk.click("start.f.send").await;
    assert_eq!((desk.error(), desk.text("log").as_str()), (None, "started"));
    assert!(!desk.has("start.f.send"));

    // The inbox follows, and opens the task beside itself.
    boss.push().await;
    let html = boss.html();
    assert!(html.contains("<h2>My tasks</h2>") && !html.contains("<main"), "{html}");
    boss.press("Grant the leave").await;
    assert_eq!(boss.error(), None);
    boss.press("Close").await;
    assert_eq!((boss.text("log").as_str(), boss.html().contains("id=\"tasks.")), ("closed", false));
    boss.press("Grant the leave").await;
    let html = boss.html();
    let (_, rest) = html.split_once("id=\"tasks.").expect("a task");
    let key = rest.split('"').next().expect("its key").to_owned();
    let within = |id: &str| format!("tasks.{key}.{id}");
    let old = boss.bound(&within("f.form"));
    boss.check(&within("granted"), true);
    boss.click(&within("f.send")).await;
    assert_eq!((boss.error(), boss.text("log").as_str()), (None, "closed, done"));
    assert!(!boss.has(&within("f.send")));
    boss.force(&old, &[n2o::Value::Bool(true)]).await;
    assert!(boss.error().is_some(), "it is done once");
    let instance = app.node().store().txn().range::<bpe::Instance>("", None, 9).await.unwrap().remove(0);
    assert_eq!(instance.state.status, bpe::Status::Completed);
}

#[tokio::test]
async fn who_comes_back_to_a_form_that_was_sent_finds_an_empty_one() {
    let app = app().await;
    let clerk = app.visitor();
    clerk.open("/enter/olena/clerk").await;
    let mut start = clerk.open("/processes/leave/start").await;
    // As a tab that is shown again by Back.
    start.stay();
    start.fill("days", "6");
    start.click("f.send").await;
    start.click("f.send").await;
    assert!(start.text("f.note").contains("sent already"), "{}", start.html());
    assert!(!start.is_enabled("f.send"));
    let count = async || app.node().store().txn().range::<bpe::Instance>("", None, 9).await.unwrap().len();
    assert_eq!(count().await, 1);
    start.reload().await;
    assert_eq!((start.value("days").as_str(), start.text("f.note").as_str()), ("", ""), "{}", start.html());
    start.fill("days", "7");
    start.click("f.send").await;
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn what_was_typed_for_a_task_that_another_has_done_stays_to_be_read() {
    let app = app().await;
    let (clerk, manager) = (app.visitor(), app.visitor());
    clerk.open("/enter/olena/clerk").await;
    manager.open("/enter/max/manager").await;
    let mut start = clerk.open("/processes/leave/start").await;
    start.fill("days", "6");
    start.click("f.send").await;
    let task = app.node().store().txn().range::<bpe::Job>("", None, 9).await.unwrap().remove(0).id;
    let mut first = manager.open(&format!("/tasks/{task}")).await;
    let mut second = manager.open(&format!("/tasks/{task}")).await;
    let title = second.text("f.title");
    second.check("granted", true);
    first.click("f.send").await;
    second.click("f.fields").await;
    for _ in 0..2 {
        assert!(second.text("f.note").contains("done already"), "{}", second.html());
        assert_eq!((second.value("granted").as_str(), second.text("f.title")), ("true", title.clone()));
        assert!(!second.is_enabled("f.send"));
        app.restart().await;
        second.reconnect().await;
    }
}
