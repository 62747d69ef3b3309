//! What operators and colleagues do on the screens of processes: narrow the list of instances, retry and cancel,
//! and settle a form that somebody else has changed meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bpe::{
    Done, Engine, Failure, Stage,
    feel::{Context, Value},
};
use form::process::{Inbox, Instance, Overview, ProcessForm, Processes, Work};
use form::{
    Form, Who,
    table::{self, By},
};
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
    why: String,
}

/// Takes all roles from the visitor, as an administrator would while they work.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Fall;

impl Page for Fall {
    type Event = Never;
    const ACCESS: Access = Access::User;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.set_roles(&[])
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        maud::html! {}
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

struct Desk {
    app: TestApp,
    engine: Engine,
    /// Whether there is paper to print on.
    paper: Arc<AtomicBool>,
}

async fn desk(answer: ProcessForm) -> Desk {
    let app = TestApp::new()
        .page::<Enter>("/enter/{user}/{roles}")
        .page::<Fall>("/fall")
        .page::<Inbox>("/tasks")
        .page::<Overview>("/processes")
        .page::<Work>("/processes/{process}/start")
        .page::<Work>("/tasks/{task}")
        .page::<Instance>("/instances/{instance}");
    let paper = Arc::new(AtomicBool::new(false));
    let tray = paper.clone();
    let print = move |_: bpe::Order| {
        let full = tray.load(Ordering::SeqCst);
        async move { if full { Ok(Done::new(Context::new())) } else { Err(Failure::failed("no paper")) } }
    };
    let engine = Engine::builder(app.node().store()).worker("print", print).open().await.unwrap();
    engine.deploy(FILE).await.unwrap();
    engine.deploy(include_bytes!("bill.bpmn")).await.unwrap();
    Processes::new(engine.clone())
        .form("ask", ProcessForm::record::<Ask>("ask"))
        .form("answer", answer)
        .operators(&["manager"])
        .start(&app.node());
    Desk { app, engine, paper }
}

impl Desk {
    async fn bill(&self) -> String {
        let id = self.engine.start("bill", &Context::new()).await.unwrap();
        self.engine.idle().await;
        id
    }

    async fn stage(&self, id: &str) -> Stage {
        self.engine.idle().await;
        self.engine.instance(id).await.unwrap().unwrap().stage()
    }

    async fn manager(&self) -> nitro::test::Visitor {
        let manager = self.app.visitor();
        manager.open("/enter/max/manager").await;
        manager
    }
}

/// Follows the steps of an instance on its page.
async fn until(page: &mut nitro::test::TestPage, what: impl Fn(&nitro::test::TestPage) -> bool) {
    while !what(page) {
        page.push().await;
    }
}

/// The button that retries what the incident stopped.
fn retry(page: &nitro::test::TestPage) -> String {
    let html = page.html();
    let number = html.split("id=\"p.retry.").nth(1).unwrap().split('"').next().unwrap();
    format!("p.retry.{number}")
}

/// The instances that a page shows, from above.
fn shown(page: &nitro::test::TestPage) -> Vec<String> {
    let html = page.html();
    let links = html.split("href=\"/instances/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn instances_are_listed_newest_first_by_state_and_process_with_their_numbers() {
    let desk = desk(ProcessForm::variables::<Answer>()).await;
    let stopped = desk.bill().await;
    desk.paper.store(true, Ordering::SeqCst);
    let waiting = desk.bill().await;
    let gone = desk.bill().await;
    desk.engine.transact(async |actions| actions.cancel(&gone).await).await.unwrap();
    let mut leaves = Vec::new();
    for _ in 0..52 {
        leaves.push(desk.engine.start("leave", &Context::new()).await.unwrap());
    }
    leaves.reverse();
    let manager = desk.manager().await;

    let page = manager.open("/processes").await;
    assert_eq!(shown(&page), leaves[..50]);
    assert_eq!(page.text("p.counts"), "All 55Running 52Waiting 1With an incident 1Ended 1");
    let rest = manager.open(&format!("/processes?before={}", leaves[49])).await;
    assert_eq!(shown(&rest), [&*leaves[50], &leaves[51], &gone, &waiting, &stopped]);
    assert!(page.html().contains(&format!("before={}", leaves[49])), "{}", page.html());
    assert!(!rest.html().contains(&format!("before={stopped}")), "there is no page behind the last");

    assert!(page.html().contains("process=leave") && page.html().contains("process=bill"), "{}", page.html());
    let guest = desk.app.visitor();
    guest.open("/enter/eve/guest").await;
    let other = guest.open("/processes").await;
    assert!(!other.html().contains("leave") && !other.html().contains("Leave"), "{}", other.html());
    assert_eq!((shown(&other).len(), other.text("p.counts").starts_with("All 0")), (0, true));

    for (state, id) in [("incident", &stopped), ("waiting", &waiting), ("ended", &gone)] {
        let page = manager.open(&format!("/processes?state={state}")).await;
        assert_eq!(shown(&page), [id.as_str()], "{state}");
    }
    let page = manager.open("/processes?process=bill&state=running").await;
    assert_eq!(page.text("p.empty"), "No instance is in this state.");
    assert_eq!(page.text("p.counts"), "All 3Running 0Waiting 1With an incident 1Ended 1");

    // Who takes part in one process sees and counts that one only.
    let clerk = desk.app.visitor();
    clerk.open("/enter/olena/clerk").await;
    let page = clerk.open("/processes").await;
    assert_eq!(page.text("p.counts"), "All 52Running 52Waiting 0With an incident 0Ended 0");
    assert_eq!(shown(&clerk.open(&format!("/processes?before={}", leaves[49])).await), leaves[50..]);
}

#[tokio::test]
async fn an_incident_is_retried_and_an_instance_cancelled_by_operators_only() {
    let desk = desk(ProcessForm::variables::<Answer>()).await;
    let id = desk.bill().await;
    let manager = desk.manager().await;
    let mut page = manager.open(&format!("/instances/{id}")).await;
    assert_eq!(page.text("p.state"), "stopped by an incident");
    assert!(page.html().contains("no paper"), "{}", page.html());

    // Without paper it fails again; the incident stays.
    let button = retry(&page);
    page.click(&button).await;
    until(&mut page, |page| page.text("p.history").matches("Print: stopped").count() == 2).await;
    desk.paper.store(true, Ordering::SeqCst);
    let button = retry(&page);
    page.click(&button).await;
    until(&mut page, |page| page.text("p.state") == "waits for an event").await;
    assert_eq!(desk.stage(&id).await, Stage::Waiting);

    let mut page = manager.open(&format!("/instances/{id}")).await;
    assert!(!page.html().contains("p.retry."), "{}", page.html());
    assert!(
        page.html_of("p.cancel").contains("Cancel this process?"),
        "it asks first: {}",
        page.html_of("p.cancel")
    );
    let cancel = page.bound("p.cancel");
    // Whose role is taken away meanwhile cannot any more, although the page has the button.
    manager.open("/enter/max/guest").await;
    page.force(&cancel, &[]).await;
    assert_eq!(desk.stage(&id).await, Stage::Waiting);
    let manager = desk.manager().await;
    let mut page = manager.open(&format!("/instances/{id}")).await;
    page.click("p.cancel").await;
    assert_eq!(desk.stage(&id).await, Stage::Cancelled);
    let page = manager.open(&format!("/instances/{id}")).await;
    assert_eq!((page.text("p.state").as_str(), page.has("p.cancel")), ("cancelled", false));
}

#[tokio::test]
async fn who_operates_no_more_mends_nothing_on_a_page_that_is_still_open() {
    let desk = desk(ProcessForm::variables::<Answer>()).await;
    let id = desk.bill().await;
    let manager = desk.manager().await;
    let mut page = manager.open(&format!("/instances/{id}")).await;
    let retry = retry(&page);
    manager.open("/fall").await;
    desk.paper.store(true, Ordering::SeqCst);
    for button in ["p.cancel", &retry] {
        page.click(button).await;
        assert_eq!(page.error(), Some("You have no right to do this."), "{button}");
    }
    assert_eq!(desk.stage(&id).await, Stage::Stopped);
}

/// Starts a leave, and answers the address of the task that it leads to.
async fn task(desk: &Desk) -> (String, String) {
    let clerk = desk.app.visitor();
    clerk.open("/enter/olena/clerk").await;
    let mut start = clerk.open("/processes/leave/start").await;
    start.fill("days", "3");
    start.fill("why", "sea");
    start.click("f.send").await;
    let job = desk.app.node().store().txn().range::<bpe::Job>("", None, 9).await.unwrap().remove(0);
    (format!("/tasks/{}", job.id), job.instance)
}

#[tokio::test]
async fn a_record_changed_under_a_task_is_settled_field_by_field() {
    let desk = desk(ProcessForm::record::<Ask>("ask")).await;
    let (task, id) = task(&desk).await;
    let manager = desk.manager().await;
    let mut page = manager.open(&task).await;

    let store = desk.app.node().store().clone();
    let mut txn = store.txn();
    let number = txn.range::<Ask>("", None, 1).await.unwrap().remove(0).number;
    let mut kept = table::get::<Ask>(&mut txn, &number).await.unwrap().unwrap();
    kept.data.insert("days".to_owned(), 7.into());
    kept.data.insert("why".to_owned(), "mountains".into());
    let who = Who::new("eve", &[]);
    let by = By { who: &who, now: 1 };
    let saved = table::update::<Ask>(&mut txn, by, &number, kept.version, &kept.data).await.unwrap();
    assert!(matches!(saved, table::Saved::Done { .. }));
    txn.commit().await.unwrap();

    page.fill("days", "5");
    page.click("f.send").await;
    assert!(page.text("f.note").contains("choose for each field"), "{}", page.text("f.note"));
    // What only the other one changed is taken over by itself; what both did waits for a choice.
    assert_eq!((page.value("days").as_str(), page.value("why").as_str()), ("5", "mountains"));
    page.click("f.send").await;
    assert!(page.text("f.note").contains("Choose theirs or yours"), "{}", page.text("f.note"));
    assert_eq!(desk.stage(&id).await, Stage::Running);
    page.click("days.theirs").await;
    assert_eq!(page.value("days"), "7");
    page.click("days.mine").await;
    assert_eq!(page.value("days"), "5");
    page.click("f.send").await;
    assert_eq!(desk.stage(&id).await, Stage::Completed);
    let ask = store.get::<Ask>(&number).await.unwrap().unwrap();
    assert_eq!((ask.days, ask.why.as_str()), (5, "mountains"));
}

#[tokio::test]
async fn variables_changed_under_a_task_are_told_before_they_are_overwritten() {
    let desk = desk(ProcessForm::variables::<Answer>()).await;
    let (task, id) = task(&desk).await;
    let manager = desk.manager().await;
    let mut page = manager.open(&task).await;
    let granted = Context::from([("granted".into(), Value::from(true))]);
    desk.engine.transact(async |actions| actions.set(&id, granted.clone()).await).await.unwrap();
    page.click("f.send").await;
    assert!(page.text("granted.r").contains("Granted"), "{}", page.html());
    assert_eq!(desk.stage(&id).await, Stage::Running);
    page.click("granted.mine").await;
    page.click("f.send").await;
    assert_eq!(desk.stage(&id).await, Stage::Completed);
    let instance = desk.engine.instance(&id).await.unwrap().unwrap();
    assert_eq!(instance.state.variables().unwrap()["granted"], false.into());
}

#[tokio::test]
async fn an_inbox_that_does_not_show_all_tasks_says_so() {
    let desk = desk(ProcessForm::variables::<Answer>()).await;
    let boss = desk.manager().await;
    for (count, hidden) in [(200, true), (1, false)] {
        for _ in 0..count {
            desk.engine.start("leave", &Context::new()).await.unwrap();
        }
        desk.engine.idle().await;
        let page = boss.open("/tasks").await;
        assert_eq!((page.html().matches("<tr id=\"t.").count(), page.is_visible("p.more")), (200, !hidden));
    }
}
