//! Rights that change while a page is open: what its visitor may not use any more does, hears and shows nothing, and
//! what they have typed stays.

use std::time::Duration;

use maud::html;
use nitro::{
    Component,
    prelude::*,
    test::{Frame, TestApp, TestPage, Visitor},
};

const SECOND: Duration = Duration::from_secs(1);

/// A part for clerks, with a timer and a topic.
#[derive(Default, Serialize, Deserialize)]
struct Part {
    begun: u32,
    heard: u32,
    ticks: u32,
}

#[derive(Event)]
enum Use {
    Set,
    Tick,
    Fail,
}

impl Component for Part {
    type Event = Use;
    type Said = Never;
    const ACCESS: Access = Access::Role("clerk");

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.begun += 1;
        cx.reg("news");
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (button("Set").id("set").postback(ui.on(Use::set())))
            (button("Fail").id("fail").postback(ui.on(Use::fail())))
            (span().id("state").text(format!("{} {} {}", self.begun, self.heard, self.ticks)))
        }
    }

    async fn event(&mut self, act: Use, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Use::Set => cx.after(SECOND, Use::tick()),
            Use::Tick => self.ticks += 1,
            Use::Fail => {
                cx.reg("lost");
                return Err(Error::user("Not now."));
            }
        }
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, _: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.heard += 1;
        cx.refresh();
        Ok(())
    }
}

/// A page for everyone that holds it.
#[derive(Default, Serialize, Deserialize)]
struct Hall {
    part: Child<Part>,
    left_out: bool,
}

#[derive(Event)]
enum Act {
    In,
    Roles(bool),
    Leave(bool),
    Fail,
    News(String),
    Nothing,
}

impl Page for Hall {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Act> {
        let none = Children::none();
        if self.left_out { none } else { none.child("part", &mut self.part, silent) }
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            @for (id, act) in [
                ("in", Act::r#in()), ("rise", Act::roles(true)), ("fall", Act::roles(false)),
                ("leave", Act::leave(true)), ("back", Act::leave(false)), ("fail", Act::fail()),
                ("news", Act::news("news".into())), ("lost", Act::news("lost".into())), ("nothing", Act::nothing()),
            ] { (button(id).id(id).postback(ui.on(act))) }
            (ui.place(&self.part))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::In => cx.login_as("ann", &["clerk"]).await?,
            Act::Roles(rises) => cx.set_roles(if rises { &["clerk"] } else { &[] })?,
            Act::Leave(leaves) => self.left_out = leaves,
            Act::Fail => return Err(Error::user("Not now.")),
            Act::News(topic) => cx.send(&topic, 1_u32),
            Act::Nothing => {}
        }
        cx.refresh();
        Ok(())
    }
}

/// The rule by which a page lets its visitors in.
trait Door: Default + Serialize + serde::de::DeserializeOwned + Send + 'static {
    const ACCESS: Access;

    /// The visitor without the role is sent away.
    const SENDS: bool;
}

macro_rules! door {
    ($name:ident, $access:expr, $sends:expr) => {
        #[derive(Default, Serialize, Deserialize)]
        struct $name;

        impl Door for $name {
            const ACCESS: Access = $access;
            const SENDS: bool = $sends;
        }
    };
}

door!(ByRole, Access::Role("clerk"), false);
door!(ByAuthorize, Access::Anyone, false);
door!(BySending, Access::Anyone, true);

/// A page for clerks, with a timer and a topic of its own.
#[derive(Default, Serialize, Deserialize)]
struct Desk<D> {
    door: std::marker::PhantomData<D>,
    log: String,
}

#[derive(Event)]
enum Work {
    Save {
        #[source]
        text: String,
    },
    Set,
    Tick,
}

impl<D: Door> Page for Desk<D> {
    type Event = Work;
    const ACCESS: Access = D::ACCESS;

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        match cx.has_role("clerk") {
            true => Ok(()),
            false if D::SENDS => cx.redirect(url!("/")),
            false => Err(Error::Denied),
        }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("news");
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            label for="text" { "Text" }
            (textbox("text"))
            (button("Save").id("save").postback(ui.on(Work::save())))
            (button("Set").id("set").postback(ui.on(Work::set())))
            (span().id("log").text(&self.log))
        }
    }

    async fn event(&mut self, act: Work, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Work::Save { text } => self.log.push_str(&text),
            Work::Set => cx.after(SECOND, Work::tick()),
            Work::Tick => self.log.push_str("tick"),
        }
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, _: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.log.push_str("news");
        cx.refresh();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new()
        .page::<Hall>("/")
        .page::<Desk<ByRole>>("/role")
        .page::<Desk<ByAuthorize>>("/authorize")
        .page::<Desk<BySending>>("/sending")
}

/// A visitor who is a clerk, and their page in the hall.
async fn clerk(app: &TestApp) -> (Visitor, TestPage) {
    let mut hall = app.open("/").await;
    hall.click("in").await;
    (hall.visitor().clone(), hall)
}

/// Nothing more comes to a page than the answer to what it asks.
async fn quiet(page: &mut TestPage, ask: &str) -> String {
    page.send(ask);
    let ops = page.answer().await.len();
    format!("{ops} {}", page.error_code().unwrap_or_default())
}

#[tokio::test]
async fn a_page_whose_right_was_taken_does_and_hears_nothing_and_keeps_what_was_typed() {
    for path in ["/role", "/authorize", "/sending"] {
        let app = app();
        let (visitor, mut hall) = clerk(&app).await;
        let mut desk = visitor.open(path).await;
        desk.fill("text", "one");
        desk.click("save").await;
        desk.click("set").await;
        assert_eq!(desk.text("log"), "one", "{path}");

        hall.click("fall").await;
        desk.fill("text", "two");
        assert_eq!(quiet(&mut desk, "save").await, "0 2", "{path}");
        app.advance(2 * SECOND);
        assert_eq!(quiet(&mut desk, "set").await, "0 2", "{path}: nor does the timer anything");
        assert_eq!((desk.text("log"), desk.value("text")), ("one".into(), "two".into()), "{path}");
        assert_eq!((desk.path(), desk.closed()), (path, None));

        hall.click("rise").await;
        desk.click("save").await;
        assert_eq!((desk.error(), desk.text("log")), (None, "onetwo".into()), "{path}");

        hall.click("fall").await;
        hall.click("news").await;
        assert_eq!(desk.frame().await, Frame::Closed(4403), "{path}: what is heard is not for them");
        assert_eq!((desk.text("log"), desk.path()), ("onetwo".into(), path));
    }
}

#[tokio::test]
async fn a_component_whose_right_was_taken_is_hidden_hears_nothing_and_begins_again_with_the_right() {
    let app = app();
    let (visitor, mut hall) = clerk(&app).await;
    let mut other = visitor.open("/").await;
    other.click("part.set").await;
    hall.click("news").await;
    other.push().await;
    assert_eq!(other.text("part.state"), "1 1 0");

    hall.click("fall").await;
    hall.click("news").await;
    app.advance(2 * SECOND);
    other.click("part.set").await;
    assert_eq!((other.error_code(), other.text("part.state")), (Some(2), "1 1 0".into()));
    other.click("nothing").await;
    assert!(!other.has("part.state"), "{}", other.html());

    hall.click("rise").await;
    other.click("nothing").await;
    assert_eq!(other.text("part.state"), "2 1 0", "it begins again, without its timer");
    hall.click("news").await;
    other.push().await;
    assert_eq!(other.text("part.state"), "2 2 0");
}

#[tokio::test]
async fn a_component_that_is_left_out_for_a_turn_is_not_shown_and_begins_again() {
    let app = app();
    let (_, mut hall) = clerk(&app).await;
    hall.click("part.set").await;
    hall.click("leave").await;
    assert!(!hall.has("part.state"), "{}", hall.html());
    app.advance(2 * SECOND);
    hall.click("back").await;
    assert_eq!(hall.text("part.state"), "2 0 0");
    hall.click("news").await;
    hall.push().await;
    assert_eq!(hall.text("part.state"), "2 1 0");
}

#[tokio::test]
async fn an_event_that_fails_begins_no_component_again_and_joins_no_topic() {
    let app = app();
    let (_, mut hall) = clerk(&app).await;
    for id in ["fail", "part.fail", "fail"] {
        hall.click(id).await;
        assert_eq!(hall.error(), Some("Not now."));
    }
    hall.click("news").await;
    hall.push().await;
    hall.click("lost").await;
    hall.click("nothing").await;
    assert_eq!(hall.text("part.state"), "1 1 0");
}
