//! What a handler never gets: values that are no numbers, missing or too long, visitors without the role, and
//! more tries than there are; and what the store does not keep.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kvs::Record;
use maud::html;
use n2o::{Limits, Value};
use nitro::{
    prelude::*,
    test::{Frame, TestApp},
};
use tokio::time::timeout;

/// What a test that would hang fails after.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default, Serialize, Deserialize)]
struct Form {
    told: String,
}

#[derive(Event)]
enum Act {
    Weigh {
        #[source]
        weight: f64,
    },
    Keep {
        #[source]
        note: Option<String>,
    },
    Choose {
        #[source]
        tags: Vec<String>,
    },
}

impl Page for Form {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox("weight").label("Weight"))
            (textbox("note").label("Note").required())
            (textbox("tags").label("Tags").required())
            (button("Weigh").id("weigh").postback(ui.on(Act::weigh())))
            (button("Keep").id("keep").postback(ui.on(Act::keep())))
            (button("Choose").id("choose").postback(ui.on(Act::choose())))
            (span().id("told").text(self.told.clone()))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        self.told = match act {
            Act::Weigh { weight } => format!("{weight}"),
            Act::Keep { note } => format!("{note:?}"),
            Act::Choose { tags } => format!("{tags:?}"),
        };
        cx.refresh();
        Ok(())
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_told_at_its_input() {
    let app = TestApp::new().page::<Form>("/");
    let long = "1".repeat(Limits::default().text + 1);
    let (number, missing, too_long) = ("Please enter a number.", "Please fill in this field.", "too long");
    for (button, input, value, wrong) in [
        ("weigh", "weight", Value::Text("NaN".into()), number),
        ("weigh", "weight", Value::Text("inf".into()), number),
        ("weigh", "weight", Value::Text("-infinity".into()), number),
        ("weigh", "weight", Value::Text("heavy".into()), number),
        ("weigh", "weight", Value::Null, missing),
        ("keep", "note", Value::Text("  ".into()), missing),
        ("keep", "note", Value::Null, missing),
        ("choose", "tags", Value::List(Vec::new()), missing),
        ("choose", "tags", Value::Null, missing),
        ("weigh", "weight", Value::Text(long.clone().into()), too_long),
        ("keep", "note", Value::Text(long.clone().into()), too_long),
        ("choose", "tags", Value::Text(long.clone().into()), too_long),
    ] {
        let mut page = app.open("/").await;
        page.force(&page.bound(button), &[value]).await;
        let told = page.text(&format!("{input}.e"));
        assert!(told.contains(wrong), "{button}: {told:?} and not {wrong:?}");
        assert_eq!(page.text("told"), "", "{button}: the handler did not run");
    }
    let mut page = app.open("/").await;
    page.force(&page.bound("weigh"), &[Value::Text("1.5".into())]).await;
    assert_eq!(page.text("told"), "1.5");
}

/// A page of a role; what stands behind the slash of its path logs in.
#[derive(Default, Serialize, Deserialize)]
struct Office;

#[derive(Default, Serialize, Deserialize)]
struct Door;

#[derive(Event)]
enum Enter {
    As(String),
}

impl Page for Door {
    type Event = Enter;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            @for role in ["clerk", "guest", ""] { (button(role).id(format!("as-{role}")).postback(ui.on(Enter::r#as(role.to_owned())))) }
        }
    }

    async fn event(&mut self, Enter::As(role): Enter, cx: &mut Cx<'_, Self>) -> Result {
        let roles: Vec<&str> = Some(&*role).filter(|role| !role.is_empty()).into_iter().collect();
        cx.login_as("Ann", &roles).await?;
        cx.redirect(url!("/door"))
    }
}

impl Page for Office {
    type Event = Enter;
    const ACCESS: Access = Access::Role("clerk");

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { p { "inside" } }
    }

    async fn event(&mut self, _: Enter, _: &mut Cx<'_, Self>) -> Result {
        Ok(())
    }
}

#[tokio::test]
async fn a_page_of_a_role_is_for_those_who_have_it() {
    let app = TestApp::new().page::<Door>("/door").page::<Office>("/office");
    assert!(matches!(app.try_open("/office").await, Err(Error::Denied)), "nobody");
    for (role, may) in [("", false), ("guest", false), ("clerk", true)] {
        let visitor = app.visitor();
        visitor.open("/door").await.click(&format!("as-{role}")).await;
        let opened = visitor.try_open("/office").await;
        assert!(if may { opened.is_ok() } else { matches!(opened, Err(Error::Denied)) }, "{role:?}");
    }
}

#[derive(Serialize, Deserialize)]
struct Counter(u32);

impl Record for Counter {
    const TABLE: &'static str = "counter";

    fn id(&self) -> std::borrow::Cow<'_, str> {
        "one".into()
    }
}

/// A handler whose every try meets somebody who was faster.
#[derive(Default, Serialize, Deserialize)]
struct Slow;

#[derive(Event)]
enum Count {
    Up,
}

static TRIES: AtomicU32 = AtomicU32::new(0);

impl Page for Slow {
    type Event = Count;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (button("Up").id("up").postback(ui.on(Count::up()))) }
    }

    async fn event(&mut self, _: Count, cx: &mut Cx<'_, Self>) -> Result {
        let tries = TRIES.fetch_add(1, Ordering::SeqCst);
        let _: Option<Counter> = cx.kvs().get("one").await?;
        let mut faster = cx.node().store().txn();
        faster.put(&Counter(tries))?;
        faster.commit().await?;
        cx.kvs().put(&Counter(1_000))?;
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_that_always_comes_too_late_is_tried_four_times() {
    let mut page = TestApp::new().page::<Slow>("/").open("/").await;
    page.click("up").await;
    assert_eq!((page.error_code(), TRIES.load(Ordering::SeqCst)), (Some(4), 4));
}

#[tokio::test]
async fn a_live_page_ends_with_the_age_of_its_session() {
    let app = TestApp::new().page::<Form>("/");
    let mut page = app.open("/").await;
    app.advance(Limits::default().session_age + Duration::from_secs(1));
    page.ping(0);
    assert_eq!(page.frame().await, Frame::Closed(4401), "also of a visitor of whom nothing is saved");
}

#[tokio::test]
async fn a_clock_that_is_back_for_a_moment_signs_nobody_out() {
    let app = TestApp::new().page::<Door>("/door").page::<Office>("/office");
    let visitor = app.visitor();
    visitor.open("/door").await.click("as-clerk").await;
    let back = Limits::default().session_idle + Duration::from_hours(1);
    app.node().clock().set_back(back);
    visitor.open("/office").await;
    // What was noted of it in the store is noted.
    tokio::task::yield_now().await;
    app.advance(back);
    assert!(visitor.try_open("/office").await.is_ok());
    app.advance(Limits::default().session_idle + Duration::from_secs(1));
    assert!(visitor.try_open("/office").await.is_err(), "who does nothing is signed out as ever");
}

#[tokio::test]
async fn sessions_that_are_over_do_not_stay_in_the_store() {
    let (long, short) = (Duration::from_hours(1_000), Duration::from_hours(1));
    for (session_idle, session_age) in [(short, long), (long, short)] {
        let limits = Limits { session_idle, session_age, ..Limits::default() };
        let app = TestApp::new().limits(limits).page::<Door>("/door");
        app.open("/door").await.click("as-clerk").await;
        let left =
            async || app.node().store().txn().range_raw("session", "", None, 9).await.expect("a look").len();
        assert_eq!(left().await, 1);
        app.advance(2 * short);
        app.node().start();
        let gone = async {
            while left().await > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.expect("the record is deleted");
    }
}
