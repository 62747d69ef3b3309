//! Sent once means done once, and acknowledged means on disk: over lost connections and killed servers.

use kvs::{From, Store};
use maud::html;
use n2o::Format;
use nitro::{
    prelude::*,
    test::{Frame, TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Ledger {
    n: u32,
}

#[derive(Event)]
enum Act {
    /// Writes to the store.
    Book,
    /// Changes the page only.
    Count,
    /// Fails.
    Fail,
    /// Reads what may be too long to be sent.
    Note {
        #[source]
        draft: String,
    },
}

impl Page for Ledger {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.n.to_string()))
            (textbox("draft").attr(attr::ARIA_LABEL, "Input"))
            (button("Book").id("book").postback(ui.on(Act::book())).repeat())
            (button("Count").id("count").postback(ui.on(Act::count())))
            (button("Fail").id("fail").postback(ui.on(Act::fail())))
            (button("Note").id("note").postback(ui.on(Act::note())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        self.n += 1;
        match act {
            Act::Book => {
                cx.kvs().append("/ledger", &self.n)?;
                // Frames that come while a handler runs take another way than those that come after it.
                tokio::task::yield_now().await;
            }
            Act::Count => {}
            Act::Note { draft } => assert!(draft.len() < 1_000, "what is too long never arrives"),
            Act::Fail => return Err(Error::user("No.")),
        }
        cx.set("n", self.n.to_string());
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Ledger>("/")
}

async fn booked(app: &TestApp) -> Vec<u32> {
    read(app.node().store()).await
}

async fn read(store: &Store) -> Vec<u32> {
    let entries: Vec<(u64, u32)> = store.txn().feed("/ledger", From::Start, 1_000).await.expect("a feed");
    entries.into_iter().map(|(_, n)| n).collect()
}

#[tokio::test]
async fn a_lost_answer_is_sent_again_and_the_event_is_not_done_again() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    page.send("book");
    page.drop_connection();
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
    page.click("book").await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
}

#[tokio::test]
async fn events_made_without_a_connection_wait_for_one() {
    let app = app();
    let mut page = app.open("/").await;
    page.fill("draft", "half a word");
    page.drop_connection();
    (0..3).for_each(|_| page.send("book"));
    assert_eq!((page.text("n"), booked(&app).await), ("0".into(), vec![]));
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
    assert_eq!(page.value("draft"), "half a word");
}

#[tokio::test]
async fn pushes_that_were_missed_come_after_the_reconnect() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("count").await;
    page.send("count");
    page.drop_connection();
    page.reconnect().await;
    assert_eq!(page.changes(), "set n \"2\"", "the one op that was missed, not the page");
}

#[tokio::test]
async fn a_killed_server_loses_no_answered_write() {
    let app = app();
    let mut page = app.open("/").await;
    (0..2).for_each(|_| page.send("book"));
    page.answer().await;
    page.answer().await;
    page.fill("draft", "half a word");
    app.restart().await;
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
    assert_eq!(page.value("draft"), "half a word", "what is typed outlives the server");
    page.click("book").await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
}

#[tokio::test]
async fn an_event_whose_answer_died_with_the_server_is_answered_from_the_store() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    page.send("book");
    // On disk, and its answer written; but the client never reads it.
    while booked(&app).await.len() < 2 {
        tokio::task::yield_now().await;
    }
    app.restart().await;
    page.drop_connection();
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
    assert_eq!(page.changes(), "set n \"2\"", "the kept answer");
}

#[tokio::test]
async fn an_event_that_died_with_the_server_is_done_once() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    page.send("book");
    app.restart().await;
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
}

#[tokio::test]
async fn a_restart_after_every_event_loses_nothing() {
    let app = app();
    let mut page = app.open("/").await;
    for n in 1..=40_u32 {
        page.send("book");
        match n % 4 {
            0 => {
                page.answer().await;
            }
            1 => tokio::task::yield_now().await,
            2 => page.drop_connection(),
            _ => {}
        }
        app.restart().await;
        page.reconnect().await;
        assert_eq!(page.text("n"), n.to_string());
        assert_eq!(booked(&app).await, (1..=n).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_seal_outlives_a_restart_with_the_same_keys() {
    let app = app();
    let mut page = app.open("/").await;
    app.restart().await;
    page.send("count");
    page.reconnect().await;
    assert_eq!((page.text("n").as_str(), page.error()), ("1", None));
}

#[tokio::test]
async fn events_answered_before_are_not_done_after_a_restart() {
    let app = app();
    let mut page = app.open("/").await;
    let bound = page.bound("book");
    for _ in 1..=3 {
        page.click("book").await;
    }
    app.restart().await;
    page.reconnect().await;
    for sent in 1..=3 {
        page.raw(page.event(sent, &bound, &[]));
        let frame = page.frame().await;
        assert!(matches!(frame, Frame::Answer { seq, .. } if seq == sent), "{frame:?}");
    }
    assert_eq!(booked(&app).await, [1, 2, 3]);
}

#[tokio::test]
async fn an_error_is_an_answer_too() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    page.send("fail");
    page.drop_connection();
    page.reconnect().await;
    assert_eq!((page.error(), page.text("n").as_str()), (Some("No."), "1"));
    page.click("book").await;
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
}

/// Sends an event that is too long between two that are not.
fn send_too_long(page: &mut TestPage) {
    page.send("book");
    page.fill("draft", &"x".repeat(n2o::Limits::default().frame + 1));
    page.send("note");
    page.send("book");
}

#[tokio::test]
async fn an_event_that_is_too_long_is_answered_and_costs_no_other() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    send_too_long(&mut page);
    page.answer().await;
    assert_eq!(page.text("n"), "2");
    page.answer().await;
    assert_eq!((page.error_code(), page.closed()), (Some(2), Some(1009)));
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
    assert_eq!(page.value("draft").len(), n2o::Limits::default().frame + 1, "what was typed is still there");
    // Alone, while no handler runs.
    page.click("note").await;
    assert_eq!((page.error_code(), page.frame().await), (Some(2), Frame::Closed(1009)));
    page.reconnect().await;
    page.click("book").await;
    assert_eq!((page.text("n"), booked(&app).await), ("4".into(), vec![1, 2, 3, 4]));
}

#[tokio::test]
async fn the_refusal_of_what_is_too_long_may_be_lost_too() {
    let app = app();
    let mut page = app.open("/").await;
    send_too_long(&mut page);
    while booked(&app).await.is_empty() {
        tokio::task::yield_now().await;
    }
    page.drop_connection();
    page.reconnect().await;
    while page.closed().is_some() {
        page.reconnect().await;
    }
    assert_eq!((page.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
}

#[tokio::test]
async fn a_second_window_with_the_same_token_takes_the_page_over() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("book").await;
    let mut copy = page.duplicate().await;
    assert_eq!(page.frame().await, Frame::Closed(4409));
    assert_eq!(copy.text("n"), "1");
    copy.click("book").await;
    assert_eq!((copy.text("n"), booked(&app).await), ("2".into(), vec![1, 2]));
}

async fn json(page: &mut TestPage) {
    page.speak(Format::Json).await;
}

#[tokio::test]
async fn all_of_it_in_json() {
    let app = app();
    let mut page = app.open("/").await;
    json(&mut page).await;
    page.click("book").await;
    page.send("book");
    page.drop_connection();
    page.reconnect().await;
    page.click("fail").await;
    assert_eq!(page.error(), Some("No."));
    app.restart().await;
    page.send("book");
    page.reconnect().await;
    assert_eq!((page.text("n"), booked(&app).await), ("3".into(), vec![1, 2, 3]));
}

#[tokio::test]
async fn a_graceful_stop_saves_the_page_and_says_so() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("count").await;
    assert!(app.node().stop().await, "all pages ended in time");
    assert_eq!(page.frame().await, Frame::Closed(1001));
    app.restart().await;
    page.reconnect().await;
    assert_eq!(page.text("n"), "1", "state that no event wrote was saved at the stop");
}
