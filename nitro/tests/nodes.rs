//! Two servers over one store: a page that moves to the second while the first still works for it.

use std::{sync::Arc, time::Duration};

use kvs::From;
use maud::html;
use n2o::{Limits, Node};
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use tokio::{sync::Semaphore, time::timeout};

/// What a test that would hang fails after.
const PATIENCE: Duration = Duration::from_secs(20);

/// Holds the handlers of one node: they say that they have begun, and go on when they are let.
#[derive(Clone)]
struct Gate {
    begun: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    fn of(node: &Node) -> Gate {
        let gate = Gate { begun: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) };
        node.provide(gate.clone());
        gate
    }

    async fn pass(&self) {
        self.begun.add_permits(1);
        self.open.acquire().await.expect("a gate").forget();
    }

    async fn begun(&self) {
        timeout(PATIENCE, self.begun.acquire()).await.expect("a handler begins").expect("a gate").forget();
    }

    fn open(&self) {
        self.open.add_permits(1000);
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Till {
    n: u32,
}

#[derive(Event)]
enum Act {
    /// Writes to the store.
    Book,
    /// Changes the page only.
    Count,
}

#[derive(Serialize, Deserialize)]
struct Booked(u32);

#[derive(Serialize, Deserialize)]
struct Add(u32);

impl Page for Till {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("add");
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.n.to_string()))
            (button("Book").id("book").postback(ui.on(Act::book())).repeat())
            (button("Count").id("count").postback(ui.on(Act::count())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        self.n += 1;
        if let Act::Book = act {
            cx.kvs().append("/till", &self.n)?;
            cx.send("booked", Booked(self.n));
        }
        if let Some(gate) = cx.node().service::<Gate>() {
            gate.pass().await;
        }
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.n += message.read::<Add>().map_or(0, |add| add.0);
        cx.refresh();
        Ok(())
    }
}

/// Shows the bookings that it heard of.
#[derive(Default, Serialize, Deserialize)]
struct Bell {
    heard: Vec<u32>,
}

impl Page for Bell {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("booked");
        Ok(())
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { (span().id("heard").text(format!("{:?}", self.heard))) }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.heard.extend(message.read::<Booked>().map(|booked| booked.0));
        cx.refresh();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Till>("/").page::<Bell>("/bell")
}

async fn booked(app: &TestApp) -> Vec<u32> {
    let entries: Vec<(u64, u32)> =
        app.node().store().txn().feed("/till", From::Start, 1_000).await.expect("a feed");
    entries.into_iter().map(|(_, n)| n).collect()
}

async fn live(node: &Node, pages: usize) {
    let ending = async {
        while node.pages().live() > pages {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, ending).await.expect("a page that has gone on elsewhere ends");
}

/// Sends an event whose handler does not return, and leaves the node for another one.
async fn leave(app: &TestApp, page: &mut TestPage, event: &str) -> (Node, Gate) {
    let first = app.node();
    let gate = Gate::of(&first);
    page.send(event);
    gate.begun().await;
    page.drop_connection();
    app.another_node();
    (first, gate)
}

#[tokio::test]
async fn of_two_nodes_the_second_to_commit_commits_nothing() {
    let app = app();
    let mut bell = app.open("/bell").await;
    let mut page = app.open("/").await;
    page.click("book").await;
    bell.frame().await;
    let (first, gate) = leave(&app, &mut page, "book").await;
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]), "done by the second node");

    gate.open();
    live(&first, 1).await;
    assert_eq!(booked(&app).await, [1, 2], "and not again by the first");
    first.registry().send("booked", Booked(9));
    bell.frame().await;
    assert_eq!(bell.text("heard"), "[1, 9]", "nor were its messages sent");
    page.click("book").await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
}

#[tokio::test]
async fn a_client_whose_node_came_second_comes_back_and_has_its_answer() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    let (_, gate) = leave(&app, &mut page, "book").await;
    let other = Gate::of(&app.node());
    // Its event is sent again, and its handler begins on the second node, too.
    let again = async {
        page.reconnect().await;
        page
    };
    let committed = async {
        other.begun().await;
        gate.open();
        let two = async {
            while booked(&app).await.len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, two).await.expect("the first node commits");
        other.open();
    };
    let (mut page, ()) = tokio::join!(again, committed);
    assert_eq!((page.closed(), page.text("n").as_str()), (Some(1001), "1"));
    assert_eq!(booked(&app).await, [1, 2], "done by the first node");

    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]), "and answered by the second");
    page.click("book").await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
}

#[tokio::test]
async fn a_page_that_was_never_saved_commits_once_too() {
    let app = app();
    let mut page = app.open("/").await;
    let (first, gate) = leave(&app, &mut page, "book").await;
    page.reconnect().await;
    gate.open();
    live(&first, 0).await;
    assert_eq!((page.text("n"), booked(&app).await), ("1".into(), vec![1]));
}

#[tokio::test]
async fn the_state_of_a_page_that_has_gone_is_not_saved_over_the_new_one() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    let (first, gate) = leave(&app, &mut page, "count").await;
    page.reconnect().await;
    page.click("book").await;
    gate.open();
    live(&first, 0).await;
    app.restart().await;
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 3]));
}

#[tokio::test]
async fn a_page_that_was_taken_up_is_saved_soon_so_that_the_other_node_lets_go() {
    let limits = Limits { save: Duration::from_millis(1), ..Limits::default() };
    let app = app().limits(limits);
    let mut page = app.open("/").await;
    page.click("book").await;
    let record = || async {
        let saved = app.node().store().txn().range_raw("page", "", None, 10).await.expect("records");
        saved.iter().map(|raw| raw.version).max().expect("a saved page")
    };
    let before = record().await;
    let first = app.node();
    page.drop_connection();
    app.another_node();
    page.reconnect().await;
    let saved = async {
        while record().await == before {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, saved).await.expect("the page is saved on its new node");

    first.registry().send("add", Add(100));
    live(&first, 0).await;
    page.click("count").await;
    assert_eq!((page.closed(), page.text("n").as_str()), (None, "2"));
}

#[tokio::test]
async fn a_record_that_was_too_old_to_be_kept_stands_in_no_ones_way() {
    let limits = Limits { restore: Duration::from_secs(10), ..Limits::default() };
    let app = app().limits(limits);
    let mut page = app.open("/").await;
    page.click("book").await;
    app.advance(Duration::from_secs(20));
    app.node().start();
    let gone = async {
        while !app.node().store().txn().range_raw("page", "", None, 1).await.expect("a look").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the record expires");
    page.click("book").await;
    assert_eq!(page.error_code(), Some(3), "its seal is as old");
    page.click("book").await;
    assert_eq!((page.error(), page.text("n"), booked(&app).await), (None, "2".into(), vec![1, 2]));
}
