//! What is wrong with a page is told where it is rendered, in debug builds and tests.

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Wrong {
    more: bool,
}

#[derive(Event)]
enum Act {
    Say {
        #[source]
        text: String,
    },
    Do(String),
}

const DEEDS: [&str; 12] = [
    "focus",
    "set",
    "check",
    "show",
    "hide",
    "remove",
    "later",
    "earlier",
    "refreshed",
    "unlabelled",
    "more",
    "fail",
];

impl Page for Wrong {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let what = ui.param("what");
        html! {
            @if what != "none" { (textbox("text").attr(attr::ARIA_LABEL, "Text")) }
            @if what == "twice" { (textbox("text").attr(attr::ARIA_LABEL, "Text")) }
            @if what == "raw" { p id="text" {} }
            @if what == "unlabelled" { (textarea("lines")) }
            @if what == "rawinput" { input type="text" id="free"; }
            @if self.more { (span().id("new").text("new")) }
            (button("Say").id("say").postback(ui.on(Act::say())))
            @for deed in DEEDS { (button(deed).id(deed).postback(ui.on(Act::r#do(deed.to_owned())))) }
            (ul().id("list"))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let deed = match act {
            Act::Do(deed) => deed,
            Act::Say { text } => {
                self.more = text == "more";
                return Ok(());
            }
        };
        match &*deed {
            "focus" => cx.focus("nowhere"),
            "set" => cx.set("nowhere", "x"),
            "check" => cx.check("nowhere", true),
            "show" => cx.show("nowhere"),
            "hide" => cx.hide("nowhere"),
            // What is to be gone may be gone.
            "remove" => cx.remove("nowhere"),
            "later" => {
                cx.focus("made");
                cx.insert_bottom("list", li().id("made").text("made"));
            }
            "earlier" => cx.set("made", "again"),
            "refreshed" => {
                self.more = true;
                cx.focus("new");
                cx.refresh();
            }
            "more" => {
                self.more = false;
                cx.refresh();
                cx.set("new", "gone with the refresh, but it was there");
            }
            "unlabelled" => cx.insert_bottom("list", textbox("bare")),
            _ => {
                cx.focus("nowhere");
                return Err(Error::user("Not today."));
            }
        }
        Ok(())
    }
}

fn line(verb: &str) -> usize {
    let call = format!("=> cx.{verb}(\"nowhere\"");
    include_str!("wiring.rs").lines().position(|line| line.contains(&call)).expect(verb) + 1
}

async fn open(what: &str) -> TestPage {
    TestApp::new().page::<Wrong>("/{what}").open(&format!("/{what}")).await
}

#[tokio::test]
#[should_panic(expected = "the id \"text\" is on the page twice (made at nitro/tests/wiring.rs:")]
async fn an_id_that_is_there_twice() {
    open("twice").await;
}

#[tokio::test]
#[should_panic(expected = "the id \"text\" is on the page twice")]
async fn an_id_that_is_there_once_more_in_markup() {
    open("raw").await;
}

#[tokio::test]
#[should_panic(expected = "the event of element \"say\" reads the input \"text\", which is not on the page")]
async fn a_source_without_its_input() {
    open("none").await;
}

#[tokio::test]
#[should_panic(expected = "the input \"lines\" has no label")]
async fn an_input_without_a_label() {
    open("unlabelled").await;
}

#[tokio::test]
#[should_panic(expected = "the input \"free\" has no label")]
async fn an_input_of_markup_without_a_label() {
    open("rawinput").await;
}

#[tokio::test]
async fn a_verb_that_names_an_element_which_is_nowhere() {
    let mut page = open("fine").await;
    for verb in ["focus", "set", "check", "show", "hide"] {
        assert!(page.click(verb).await.is_empty(), "{verb}");
        let told = page.error().expect(verb);
        assert!(told.contains(&format!("element {verb:?} made at nitro/tests/wiring.rs:")), "{told}");
        assert!(told.contains("event `Do`"), "{told}");
        let what = format!("`{verb}` at nitro/tests/wiring.rs:{} names the element \"nowhere\"", line(verb));
        assert!(told.contains(&what), "{told}\nlacks {what}");
    }
    for fine in ["remove", "later", "earlier", "refreshed", "more", "say"] {
        page.click(fine).await;
        assert_eq!(page.error(), None, "{fine}");
    }
    // It is gone since.
    page.click("earlier").await;
    assert!(page.error().is_some());
    page.click("unlabelled").await;
    assert!(page.error().is_some());
    // A handler that fails for another reason says that one, and its page is not blamed afterwards.
    page.click("fail").await;
    assert_eq!(page.error(), Some("Not today."));
    page.click("say").await;
    assert_eq!(page.error(), None);
}

#[tokio::test]
#[should_panic(expected = "the layout does not show the page")]
async fn a_layout_that_forgets_its_page() {
    let app = TestApp::new().page::<Wrong>("/{what}");
    app.node().provide(nitro::Layout(|_, _| html! { header { "Title" } }));
    app.open("/fine").await;
}
