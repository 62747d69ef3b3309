//! What depends on time: slow handlers, heartbeats, silence, saving, clients that do not read.

use std::time::Duration;

use kvs::{From, Scope, Since};
use maud::html;
use n2o::Limits;
use nitro::{
    prelude::*,
    test::{Frame, TestApp, TestPage},
};
use tokio::{sync::Notify, time};

/// Lets the slow handler of a test go; each test has its own.
static GATES: [Notify; 4] = [const { Notify::const_new() }; 4];

#[derive(Default, Serialize, Deserialize)]
struct Slow {
    n: u32,
}

#[derive(Event)]
enum Act {
    Count,
    Wait(usize),
}

impl Page for Slow {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.n.to_string()))
            (button("Count").id("count").postback(ui.on(Act::count())).repeat())
            @for gate in 0..GATES.len() { (button("Wait").id(format!("wait{gate}")).postback(ui.on(Act::wait(gate)))) }
        }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("slow");
        Ok(())
    }

    async fn info(&mut self, _: &Message, cx: &mut Cx<'_, Self>) -> Result {
        cx.insert_bottom("n", span().text("!"));
        Ok(())
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        self.n += 1;
        if let Act::Wait(gate) = act {
            cx.kvs().append("/began", &gate)?;
            GATES[gate].notified().await;
        }
        cx.refresh();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Slow>("/")
}

/// What the store has of the page's state, by restoring it elsewhere.
async fn after_a_kill(app: &TestApp, page: &mut TestPage) -> String {
    app.restart().await;
    page.reconnect().await;
    page.text("n")
}

#[tokio::test]
async fn heartbeats_are_answered_while_a_handler_runs() {
    let mut page = app().open("/").await;
    page.send("wait0");
    for _ in 0..3 {
        page.ping(0);
        assert_eq!(page.frame().await, Frame::Pong);
    }
    assert_eq!(page.text("n"), "0");
    GATES[0].notify_one();
    page.answer().await;
    assert_eq!(page.text("n"), "1");
}

#[tokio::test]
async fn events_wait_for_the_one_before_and_keep_their_order() {
    let app = app();
    let mut page = app.open("/").await;
    page.send("wait1");
    for _ in 0..15 {
        page.send("count");
    }
    page.ping(0);
    assert_eq!(page.frame().await, Frame::Pong, "nothing was answered yet");
    GATES[1].notify_one();
    for seq in 1..=16 {
        let frame = page.frame().await;
        assert!(matches!(frame, Frame::Answer { seq: of, .. } if of == seq), "{seq}: {frame:?}");
    }
    assert_eq!(page.text("n"), "16");
}

#[tokio::test]
async fn a_handler_of_a_killed_server_has_done_nothing() {
    let app = app();
    let mut page = app.open("/").await;
    page.send("wait2");
    page.ping(0);
    assert_eq!(page.frame().await, Frame::Pong);
    app.restart().await;
    let mut txn = app.node().store().txn();
    let began: Vec<(u64, usize)> = txn.feed("/began", From::Start, 10).await.expect("a feed");
    assert_eq!(began, []);
    GATES[2].notify_one();
    page.reconnect().await;
    assert_eq!(page.text("n"), "1", "and is done after the reconnect, once");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_let_go_and_a_living_one_is_not() {
    let app = app();
    let mut page = app.open("/").await;
    for _ in 0..10 {
        time::advance(Duration::from_secs(70)).await;
        page.ping(0);
        assert_eq!(page.frame().await, Frame::Pong);
    }
    time::advance(Duration::from_secs(76)).await;
    assert_eq!(page.frame().await, Frame::Closed(1006));
    page.reconnect().await;
    page.click("count").await;
    assert_eq!(page.text("n"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_page_without_its_client_is_kept_for_a_while_only() {
    let app = app();
    let mut page = app.open("/").await;
    page.drop_connection();
    time::sleep(Duration::from_secs(59)).await;
    assert_eq!((app.node().pages().live(), app.node().registry().count("slow")), (1, 1));
    time::sleep(Duration::from_secs(2)).await;
    assert_eq!((app.node().pages().live(), app.node().registry().count("slow")), (0, 0));
    page.reconnect().await;
    page.click("count").await;
    assert_eq!(page.text("n"), "1", "made anew from its path");
}

#[tokio::test]
async fn state_is_saved_after_its_time_and_not_at_once() {
    let late = app().limits(Limits { save: Duration::from_hours(1), ..Limits::default() });
    let mut page = late.open("/").await;
    page.click("count").await;
    assert_eq!(after_a_kill(&late, &mut page).await, "0", "an event does not save the whole page");

    let soon = app().limits(Limits { save: Duration::from_millis(20), ..Limits::default() });
    let mut page = soon.open("/").await;
    let mut saved = soon.node().store().watch(Scope::Table("page".to_owned()), Since::Now);
    page.click("count").await;
    saved.next().await.expect("it is saved in its time");
    assert_eq!(after_a_kill(&soon, &mut page).await, "1");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let app = app().limits(Limits { write: Duration::from_millis(20), ..Limits::default() });
    let mut page = app.open("/").await;
    page.stall(true);
    page.send("count");
    assert_eq!(page.frame().await, Frame::Closed(1013));
    page.reconnect().await;
    assert_eq!(page.text("n"), "1");
}

/// The clock stands still while the frames come, so that the gate opens for none of them again.
#[tokio::test(start_paused = true)]
async fn a_flood_of_frames_is_closed() {
    let app = app();
    let mut page = app.open("/").await;
    (0..300).for_each(|_| page.ping(0));
    let mut frames = 0;
    let last = loop {
        match page.frame().await {
            Frame::Pong => frames += 1,
            other => break other,
        }
    };
    assert_eq!(last, Frame::Closed(1008));
    // The first of all came when the page was opened.
    assert_eq!(frames, Limits::default().burst - 1, "as many as may come at once");
    page.reconnect().await;
    page.click("count").await;
    assert_eq!(page.text("n"), "1");
}

/// The handler is not let go: its commit would wait for the thread of the store, and the clock run on meanwhile.
#[tokio::test(start_paused = true)]
async fn a_flood_while_a_handler_runs_is_cut_off() {
    let app = app();
    let mut page = app.open("/").await;
    page.send("wait3");
    (0..300).for_each(|_| page.ping(0));
    let mut frames = 0;
    while page.frame().await == Frame::Pong {
        frames += 1;
    }
    // The first two were the one at the opening and the event.
    assert_eq!((frames, page.closed()), (Limits::default().burst - 2, Some(1008)));
}

#[tokio::test]
async fn a_rendered_page_that_nobody_connects_to_is_dropped() {
    let few = Limits { waiting: 2, ..Limits::default() };
    let app = app().limits(few);
    let mut pages = Vec::new();
    for _ in 0..4 {
        let mut page = app.fetch("/").await;
        page.send("count");
        pages.push(page);
    }
    assert_eq!(app.node().pages().waiting(), 2);
    for mut page in pages {
        page.reconnect().await;
        assert_eq!((page.text("n").as_str(), page.error()), ("1", None), "made anew when it is gone");
    }
}

#[tokio::test]
async fn rendered_pages_of_one_session_push_out_their_own() {
    let app = app().limits(Limits { waiting: 4, waiting_by_session: 2, ..Limits::default() });
    let mut honest = app.fetch("/").await;
    let crowd = app.visitor();
    for _ in 0..9 {
        drop(crowd.fetch("/").await);
    }
    assert_eq!(app.node().pages().waiting(), 3);
    honest.reconnect().await;
    assert_eq!(app.node().pages().waiting(), 2, "it was there");
}

#[tokio::test]
async fn pages_without_their_clients_are_so_many_and_the_others_are_restored() {
    let app = app().limits(Limits { parked: 9, parked_by_session: 2, ..Limits::default() });
    let node = app.node();
    let pages = node.pages();
    let settled = async |live, parked| {
        while (pages.live(), pages.parked()) != (live, parked) {
            tokio::task::yield_now().await;
        }
    };
    let mut honest = app.open("/").await;
    honest.click("count").await;
    honest.drop_connection();
    settled(1, 1).await;
    let (crowd, mut left) = (app.visitor(), Vec::new());
    for number in 1..=5 {
        let mut page = crowd.open("/").await;
        page.click("count").await;
        page.drop_connection();
        left.push(page);
        // Those beyond the two have gone, each with its state.
        settled(1 + number.min(2), 1 + number.min(2)).await;
    }
    for page in &mut left {
        page.reconnect().await;
        page.click("count").await;
        assert_eq!(page.text("n"), "2");
    }
    assert_eq!((pages.live(), pages.parked()), (6, 1));
    honest.reconnect().await;
    honest.click("count").await;
    assert_eq!((honest.text("n").as_str(), pages.parked()), ("2", 0));
}

#[tokio::test(start_paused = true)]
async fn a_rendered_page_waits_for_a_while_only() {
    let app = app();
    app.node().start();
    let _page = app.fetch("/").await;
    time::sleep(Duration::from_secs(10)).await;
    assert_eq!(app.node().pages().waiting(), 1);
    app.advance(Duration::from_secs(30));
    time::sleep(Duration::from_secs(10)).await;
    assert_eq!(app.node().pages().waiting(), 0);
}
