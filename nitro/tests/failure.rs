//! A handler that fails costs a message: what it did is undone, the page and the others live on.

use std::borrow::Cow;

use kvs::Record;
use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Fragile {
    n: u32,
    poisoned: bool,
}

#[derive(Serialize, Deserialize)]
struct Stock {
    left: u32,
}

impl Record for Stock {
    const TABLE: &'static str = "stock";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed("only")
    }
}

#[derive(Event)]
enum Act {
    Ok,
    User,
    Internal,
    Unknown,
    Denied,
    Panic,
    Poison,
    /// Reads, is overtaken by another commit this many times, and writes.
    Contend(u32),
    Huge,
    Check {
        #[source]
        name: String,
    },
}

impl Fragile {
    /// Does all that a handler can do; nothing of it may stay.
    fn touch_everything(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.n += 100;
        cx.set("n", "dirty");
        cx.insert_bottom("box", button("Extra").id("extra").postback(cx.on(Act::ok())));
        cx.remove("gone");
        cx.title("dirty");
        cx.alert("dirty");
        cx.kvs().append("/log", &"dirty")?;
        cx.session().set("dirty", &true)?;
        cx.send("topic", String::from("dirty"));
        cx.redirect(url!("/elsewhere"))?;
        cx.refresh();
        Ok(())
    }
}

static OVERTAKEN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

impl Page for Fragile {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        String::from("Fragile")
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        assert!(!self.poisoned, "cannot be rendered");
        html! {
            (span().id("n").text(self.n.to_string()))
            (panel().id("box").body(html! { (button("Gone").id("gone").postback(ui.on(Act::ok()))) }))
            (textbox(Act::name).label("Name").required())
            (button("ok").id("ok").postback(ui.on(Act::ok())))
            (button("user").id("user").postback(ui.on(Act::user())))
            (button("internal").id("internal").postback(ui.on(Act::internal())))
            (button("unknown").id("unknown").postback(ui.on(Act::unknown())))
            (button("denied").id("denied").postback(ui.on(Act::denied())))
            (button("panic").id("panic").postback(ui.on(Act::panic())))
            (button("poison").id("poison").postback(ui.on(Act::poison())))
            (button("once").id("once").postback(ui.on(Act::contend(2))))
            (button("always").id("always").postback(ui.on(Act::contend(1_000))))
            (button("huge").id("huge").postback(ui.on(Act::huge())))
            (button("check").id("check").postback(ui.on(Act::check())))
        }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("topic");
        Ok(())
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Ok => {
                self.n += 1;
                cx.refresh();
                return Ok(());
            }
            Act::Contend(times) => {
                let left = cx.kvs().get::<Stock>("only").await?.map_or(0, |stock| stock.left);
                if OVERTAKEN.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < times {
                    let mut other = cx.node().store().txn();
                    other.put(&Stock { left: left + 10 })?;
                    other.commit().await?;
                }
                cx.kvs().put(&Stock { left: left + 1 })?;
                self.n += 1;
                cx.refresh();
                return Ok(());
            }
            Act::Check { name } => {
                cx.error("name", format!("{name} is taken."));
                return if name == "err" { Err(Error::user("No.")) } else { Ok(()) };
            }
            _ => self.touch_everything(cx)?,
        }
        match act {
            Act::User => Err(Error::user("Not today.")),
            Act::Internal => Err(Error::other("the secret of the database")),
            // As from a connection that was lost while it committed.
            Act::Unknown => {
                let source = std::sync::Arc::new(kvs::Error::Closed);
                Err(Error::Store(kvs::Error::Unknown { source }))
            }
            Act::Denied => Err(Error::Denied),
            Act::Panic => panic!("a secret in a panic"),
            Act::Poison => {
                self.poisoned = true;
                // Undone, so that the redirect does not hide the refresh.
                Dom::redirect(cx, url!("/"))?;
                Err(Error::user("Poisoned."))
            }
            _ => {
                cx.insert_bottom("box", span().id("huge").text("x".repeat(2_000_000)));
                Ok(())
            }
        }
    }
}

async fn open() -> (TestApp, TestPage) {
    let app = TestApp::new().page::<Fragile>("/");
    let mut page = app.open("/").await;
    page.click("ok").await;
    (app, page)
}

/// The page is as before the failure, and works.
async fn is_undone(app: &TestApp, page: &mut TestPage) {
    assert_eq!((page.text("n").as_str(), page.title(), page.path()), ("1", "Fragile", "/"));
    assert!(!page.has("extra") && page.has("gone"));
    assert!(page.alerts().is_empty());
    let mut txn = app.node().store().txn();
    assert_eq!(txn.count("/log").await.expect("a count"), 0);
    page.click("gone").await;
    assert_eq!((page.text("n").as_str(), page.error()), ("2", None));
    assert_eq!(page.changes(), "set n \"2\"", "the server's picture of the document is right");
    let fresh = app.open("/").await;
    assert_eq!(fresh.text("n"), "0");
}

#[tokio::test]
async fn an_error_for_the_user_is_shown_and_all_is_undone() {
    let (app, mut page) = open().await;
    page.click("user").await;
    assert_eq!((page.error(), page.error_code()), (Some("Not today."), Some(1)));
    is_undone(&app, &mut page).await;
}

#[tokio::test]
async fn another_error_costs_an_incident_number_and_tells_nothing() {
    let (app, mut page) = open().await;
    page.click("internal").await;
    let error = page.error().expect("an error").to_owned();
    assert!(error.starts_with("Something went wrong; nothing was changed. Incident "), "{error}");
    assert!(!error.contains("secret"), "{error}");
    is_undone(&app, &mut page).await;
}

#[tokio::test]
async fn what_may_have_been_done_is_not_told_as_undone() {
    let (app, mut page) = open().await;
    page.click("unknown").await;
    let error = page.error().expect("an error").to_owned();
    assert!(
        error.starts_with("It is not known whether this was done. Look before you try again."),
        "{error}"
    );
    is_undone(&app, &mut page).await;
}

#[tokio::test]
async fn a_denied_event_is_refused() {
    let (app, mut page) = open().await;
    page.click("denied").await;
    assert_eq!((page.error(), page.error_code()), (Some("You have no right to do this."), Some(2)));
    is_undone(&app, &mut page).await;
}

#[tokio::test]
async fn a_panic_costs_an_incident_number_and_not_the_page() {
    let (app, mut page) = open().await;
    let mut other = app.open("/").await;
    page.click("panic").await;
    let error = page.error().expect("an error").to_owned();
    assert!(error.contains("Incident") && !error.contains("secret"), "{error}");
    is_undone(&app, &mut page).await;
    other.click("ok").await;
    assert_eq!(other.text("n"), "1");
}

#[tokio::test]
async fn a_state_that_cannot_be_rendered_is_taken_back() {
    let (app, mut page) = open().await;
    page.click("poison").await;
    assert_eq!(page.error(), Some("Poisoned."));
    is_undone(&app, &mut page).await;
}

#[tokio::test]
async fn an_answer_over_the_limit_is_a_failure() {
    let (app, mut page) = open().await;
    page.click("huge").await;
    assert!(page.error().is_some_and(|error| error.contains("Incident")));
    is_undone(&app, &mut page).await;
}

#[tokio::test]
async fn a_handler_that_was_overtaken_runs_again() {
    // One test, because the count of overtakings is shared.
    let (app, mut page) = open().await;
    page.fill("name", "x");
    page.click("check").await;
    assert_eq!(page.text("name.e"), "x is taken.");
    page.click("once").await;
    assert_eq!((page.error(), page.changes().as_str()), (None, "set n \"2\""));
    let stock = app.node().store().get::<Stock>("only").await.expect("the store").map(|stock| stock.left);
    assert_eq!(stock, Some(21), "10 and 10 of the others, 1 of ours");

    OVERTAKEN.store(0, std::sync::atomic::Ordering::SeqCst);
    page.click("always").await;
    assert_eq!(page.error_code(), Some(4));
    assert_eq!(page.text("n"), "2");
    page.click("ok").await;
    assert_eq!(page.changes(), "set n \"3\"");
}

#[tokio::test]
async fn errors_that_are_shown_stay_known_when_a_handler_fails() {
    let (_app, mut page) = open().await;
    page.fill("name", "x");
    page.click("check").await;
    page.fill("name", "err");
    page.click("check").await;
    assert_eq!((page.error(), page.text("name.e").as_str()), (Some("No."), "x is taken."));
    page.fill("name", "");
    page.click("check").await;
    assert_eq!(page.text("name.e"), "Please fill in this field.");
    page.fill("name", "y");
    page.click("check").await;
    assert_eq!(page.text("name.e"), "y is taken.");
}
