//! Timers: events that happen when their time has come, once, where they were set.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use kvs::From;
use maud::html;
use n2o::Limits;
use nitro::{
    Component,
    prelude::*,
    test::{TestApp, TestPage},
};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

/// What a test that would hang fails after.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a handler has failed, for the one test that lets it.
static FAILED: AtomicU32 = AtomicU32::new(0);

/// How often the handler that clashes has run, for the one test that lets it.
static CLASHES: AtomicU32 = AtomicU32::new(0);

/// What two commits may clash over.
#[derive(Debug, Serialize, Deserialize)]
struct Seat {
    taken: u32,
}

impl kvs::Record for Seat {
    const TABLE: &'static str = "seat";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed("1")
    }
}

/// A part with a timer of its own, for clerks.
#[derive(Default, Serialize, Deserialize)]
struct Note {
    ticks: u32,
}

#[derive(Event)]
enum Beat {
    Set(u32),
    Tick,
}

impl Component for Note {
    type Event = Beat;
    type Said = u32;
    const ACCESS: Access = Access::Role("clerk");

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (button("Set").id("set").postback(ui.on(Beat::set(2))))
            (span().id("ticks").text(self.ticks.to_string()))
        }
    }

    async fn event(&mut self, beat: Beat, cx: &mut Cx<'_, Self>) -> Result {
        match beat {
            Beat::Set(seconds) => cx.after(seconds * SECOND, Beat::tick()),
            Beat::Tick => {
                self.ticks += 1;
                cx.say(self.ticks);
                cx.refresh();
            }
        }
        Ok(())
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Desk {
    log: Vec<String>,
    note: Slot<Note>,
    notes: Keyed<u32, Note>,
}

#[derive(Event)]
enum Act {
    After(u32, String),
    Cancel(String),
    Keep(u32, String),
    Fail,
    Many,
    Login(bool),
    Open,
    Shut,
    Heard(u32),
    Rings(String),
    Ask {
        #[source]
        text: String,
    },
    Asks,
}

impl Page for Desk {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Act> {
        Children::none().slot("note", &mut self.note, Act::Heard).keyed(
            "notes",
            &mut self.notes,
            |_, ticks| Act::Heard(ticks),
        )
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let after = |seconds, what: &str| {
            button("After")
                .id(format!("{what}{seconds}"))
                .postback(ui.on(Act::after(seconds, what.to_owned())))
        };
        html! {
            (span().id("log").text(self.log.join(" ")))
            @for what in ["a", "b", "z", "fail", "panic", "write", "clash"] { (after(1, what)) (after(2, what)) (after(3, what)) }
            @for (id, act) in [
                ("cancel", Act::cancel("a".into())), ("keep", Act::keep(5, "a".into())), ("fails", Act::fail()),
                ("many", Act::many()), ("in", Act::login(true)), ("out", Act::login(false)),
                ("open", Act::open()), ("shut", Act::shut()), ("asks", Act::asks()),
            ] { (button(id).id(id).postback(ui.on(act))) }
            @if let Some(note) = self.note.get() { (ui.place(note)) }
            (ui.place_all(&self.notes))
            (textbox(Act::text).attr(attr::ARIA_LABEL, "Text"))
        }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("late");
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.log.extend(message.read::<String>().cloned());
        cx.refresh();
        Ok(())
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::After(seconds, what) => cx.after(seconds * SECOND, Act::rings(what)),
            Act::Cancel(what) => cx.cancel(&Act::rings(what)),
            Act::Keep(seconds, what) => {
                cx.after(seconds * SECOND, Act::rings(what));
                cx.kvs().append("/kept", &1_u32)?;
            }
            Act::Fail => {
                cx.after(SECOND, Act::rings("never".into()));
                return Err(Error::user("no"));
            }
            Act::Many => (0..10_000).for_each(|n| cx.after(SECOND, Act::rings(format!("many{n}")))),
            Act::Login(true) => cx.login_as("ann", &["clerk"]).await?,
            Act::Login(false) => cx.set_roles(&[])?,
            Act::Open => {
                self.note.open(Note::default());
                self.notes.open(7, Note::default());
            }
            Act::Shut => {
                self.note.close();
                self.notes.close(&7);
            }
            Act::Heard(ticks) => self.log.push(format!("heard{ticks}")),
            Act::Rings(what) => {
                match what.as_str() {
                    "fail" => {
                        FAILED.fetch_add(1, Ordering::Relaxed);
                        self.log.push("half".into());
                        return Err(Error::other("broken"));
                    }
                    "panic" => panic!("as asked"),
                    "clash" => {
                        // Each time another commit comes between, until they end.
                        let taken = cx.kvs().get::<Seat>("1").await?.map_or(0, |seat| seat.taken);
                        cx.kvs().put(&Seat { taken: taken + 100 })?;
                        if CLASHES.fetch_add(1, Ordering::Relaxed) < 4 {
                            let mut other = cx.node().store().txn();
                            other.put(&Seat { taken: taken + 1 })?;
                            other.commit().await?;
                        }
                    }
                    "write" => cx.kvs().append("/rang", &1_u32).map(drop)?,
                    _ => {}
                }
                self.log.push(what);
            }
            Act::Ask { text } => self.log.push(text),
            Act::Asks => cx.after(SECOND, Act::ask()),
        }
        cx.refresh();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Desk>("/")
}

async fn clicks(page: &mut TestPage, ids: &[&str]) {
    for id in ids {
        page.click(id).await;
        assert_eq!(page.error(), None, "{id}");
    }
}

async fn rang(app: &TestApp) -> usize {
    let mut txn = app.node().store().txn();
    txn.feed::<u32>("/rang", From::Start, 10).await.expect("a feed").len()
}

#[tokio::test]
async fn an_event_happens_when_its_time_has_come() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["a2", "b1"]).await;
    app.advance(SECOND);
    page.push().await;
    assert_eq!(page.text("log"), "b");
    app.advance(SECOND);
    page.push().await;
    assert_eq!(page.text("log"), "b a");
}

#[tokio::test]
async fn the_same_event_is_set_anew_and_others_are_not() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["a2", "b2"]).await;
    app.advance(SECOND);
    clicks(&mut page, &["a2", "z1"]).await;
    app.advance(SECOND);
    page.push().await;
    page.push().await;
    assert_eq!(page.text("log"), "b z");
    app.advance(SECOND);
    page.push().await;
    assert_eq!(page.text("log"), "b z a");
}

#[tokio::test]
async fn a_cancelled_event_and_that_of_a_handler_that_fails_do_not_happen() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["a1", "cancel"]).await;
    page.click("fails").await;
    assert_eq!(page.error(), Some("no"));
    clicks(&mut page, &["z1"]).await;
    app.advance(SECOND);
    page.push().await;
    assert_eq!(page.text("log"), "z");
}

#[tokio::test]
async fn an_event_that_fails_has_done_nothing_and_does_not_happen_again() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["fail1", "panic1", "z2"]).await;
    app.advance(2 * SECOND);
    while page.text("log").is_empty() {
        page.push().await;
        assert_eq!(page.closed(), None);
    }
    assert_eq!(page.text("log"), "z");
    assert_eq!(FAILED.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_event_between_whose_tries_other_commits_came_happens_later() {
    // The session outlives all the seconds that pass while the store writes.
    let years = Duration::from_hours(10 * 365 * 24);
    let app = app().limits(Limits { session_age: years, session_idle: years, ..Limits::default() });
    let mut page = app.open("/").await;
    clicks(&mut page, &["clash1"]).await;
    let taken = async || {
        let seat = app.node().store().txn().get::<Seat>("1").await.expect("a look");
        seat.map_or(0, |seat| seat.taken)
    };
    let happens = async {
        while taken().await < 100 {
            app.advance(SECOND);
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, happens).await.expect("it happens");
    page.push().await;
    assert_eq!((page.text("log").as_str(), taken().await), ("clash", 104));
    assert_eq!(CLASHES.load(Ordering::Relaxed), 5, "four tries, and one more later");
}

#[tokio::test]
async fn an_event_happens_while_the_client_is_away() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["a1"]).await;
    page.drop_connection();
    app.advance(SECOND);
    page.reconnect().await;
    while page.text("log").is_empty() {
        page.push().await;
        assert_eq!(page.closed(), None);
    }
    assert_eq!(page.text("log"), "a");
}

#[tokio::test]
async fn an_event_that_a_killed_server_has_missed_happens_once() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["keep"]).await;
    app.restart().await;
    app.advance(10 * SECOND);
    page.reconnect().await;
    while page.text("log").is_empty() {
        page.push().await;
        assert_eq!(page.closed(), None);
    }
    assert_eq!(page.text("log"), "a");
}

#[tokio::test]
async fn what_a_timer_has_written_is_written_once_whatever_is_killed() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["write1", "keep"]).await;
    app.advance(SECOND);
    page.push().await;
    assert_eq!((page.text("log"), rang(&app).await), ("write".into(), 1));
    app.restart().await;
    page.reconnect().await;
    clicks(&mut page, &["z1"]).await;
    app.advance(SECOND);
    page.push().await;
    assert_eq!((page.text("log"), rang(&app).await), ("write z".into(), 1));
}

#[tokio::test]
async fn a_component_has_time_of_its_own_as_long_as_it_is_there() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["in", "open", "note.set", "notes.7.set"]).await;
    app.advance(2 * SECOND);
    page.push().await;
    page.push().await;
    let ticks = |page: &TestPage| (page.text("note.ticks"), page.text("notes.7.ticks"));
    assert_eq!((ticks(&page), page.text("log")), (("1".into(), "1".into()), "heard1 heard1".into()));

    clicks(&mut page, &["note.set", "notes.7.set", "shut", "open", "z3"]).await;
    app.advance(3 * SECOND);
    page.push().await;
    assert_eq!((ticks(&page), page.text("log")), (("0".into(), "0".into()), "heard1 heard1 z".into()));
}

#[tokio::test]
async fn a_timer_has_the_rights_of_its_user_when_it_is_due() {
    let app = app();
    let mut page = app.open("/").await;
    clicks(&mut page, &["in", "open", "note.set", "out", "z3"]).await;
    app.advance(3 * SECOND);
    page.push().await;
    assert_eq!(page.text("log"), "z");
}

#[tokio::test]
async fn a_timer_does_nothing_for_a_session_that_has_expired() {
    let app = app().limits(Limits { session_age: 3 * SECOND, ..Limits::default() });
    let mut page = app.open("/").await;
    clicks(&mut page, &["write2"]).await;
    app.advance(4 * SECOND);
    assert!(page.push().await.is_empty());
    assert_eq!(page.closed(), Some(4401));
    assert_eq!(rang(&app).await, 0);
}

#[tokio::test]
async fn timers_are_bounded_with_the_page_s_state() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("many").await;
    assert_eq!(page.error_code(), Some(2), "{:?}", page.error());
    clicks(&mut page, &["z1"]).await;
    app.advance(SECOND);
    page.push().await;
    assert_eq!(page.text("log"), "z", "none of them is set");
}

#[tokio::test]
#[cfg(debug_assertions)]
async fn an_event_that_reads_inputs_cannot_be_set() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("asks").await;
    let error = page.error().expect("an error");
    assert!(error.contains("cannot read the inputs of its event"), "{error}");
}

/// A protocol of an application, which tells the page after a second.
struct Late;

impl n2o::Protocol for Late {
    fn name(&self) -> &'static str {
        "late"
    }

    fn claims(&self) -> &'static [u8] {
        &[16]
    }

    fn event<'a>(&'a mut self, _: &'a n2o::Event<'a>, _: &'a mut n2o::Dispatch) -> n2o::Later<'a> {
        Box::pin(async { Err(Error::Refused("nothing is told to it")) })
    }

    fn init<'a>(&'a mut self, _: bool, cx: &'a mut n2o::Dispatch) -> n2o::Later<'a> {
        cx.after(SECOND, 16, b"late".to_vec());
        cx.after(SECOND, 16, b"dropped".to_vec());
        cx.retain_timers(16, |what| what != b"dropped");
        Box::pin(async { Ok(()) })
    }

    fn time<'a>(&'a mut self, what: &'a [u8], cx: &'a mut n2o::Dispatch) -> n2o::Later<'a> {
        Box::pin(async move {
            cx.kvs().append("/rang", &(what.len() as u32))?;
            cx.send("late", String::from("late"));
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_protocol_of_an_application_has_time_of_its_own() {
    let app = app();
    app.node().protocol(|| Box::new(Late)).expect("a kind that is free");
    let mut page = app.open("/").await;
    app.advance(SECOND);
    page.push().await;
    assert_eq!((page.text("log"), rang(&app).await), ("late".into(), 1));
}
