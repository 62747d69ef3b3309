//! Every op, from the handler to the document.

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Ops;

#[derive(Event)]
enum Act {
    Run(String),
    Read {
        #[source]
        text: String,
        #[source]
        flag: bool,
    },
}

impl Page for Ops {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        String::from("Ops")
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let verbs = [
            "update",
            "top",
            "bottom",
            "before",
            "after",
            "replace",
            "remove",
            "clear",
            "empty",
            "set",
            "settext",
            "check",
            "attr",
            "noattr",
            "class",
            "noclass",
            "hide",
            "show",
            "focus",
            "redirect",
            "elsewhere",
            "alert",
            "title",
            "missing",
            "field",
            "error",
            "bound",
            "select",
        ];
        html! {
            (panel().id("box").body(html! { (span().id("a").text("A")) (span().id("b").text("B")) }))
            (textbox(Act::text).label("Text").value("old"))
            (checkbox(Act::flag).label("Flag"))
            (select("size", "s", [("s", "Small"), ("m", "Medium")]).attr(attr::ARIA_LABEL, "Input"))
            @for verb in verbs { (button(verb).id(verb).postback(ui.on(Act::run(verb.to_owned())))) }
            (button("read").id("read").postback(ui.on(Act::read())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let verb = match act {
            Act::Run(verb) => verb,
            Act::Read { text, flag } => {
                cx.alert(format!("{text} {flag}"));
                return Ok(());
            }
        };
        let new = || span().id("n").text("N");
        match &*verb {
            "update" => cx.update("a", span().id("a").class("c").text("<A>")),
            "top" => cx.insert_top("box", new()),
            "bottom" => cx.insert_bottom("box", new()),
            "before" => cx.insert_before("b", new()),
            "after" => cx.insert_after("a", new()),
            "replace" => cx.replace("a", new()),
            "remove" => cx.remove("a"),
            "clear" => cx.clear("box"),
            "empty" => cx.clear("text"),
            "set" => cx.set("text", "a \"quote\""),
            "settext" => cx.set("a", "<i>"),
            "check" => cx.check("flag", true),
            "attr" => cx.attr("a", attr::TITLE, Some("<t>")),
            "noattr" => cx.attr("a", attr::TITLE, None),
            "class" => cx.class("a", "x", true),
            "noclass" => cx.class("a", "x", false),
            "hide" => cx.hide("box"),
            "show" => cx.show("box"),
            "focus" => cx.focus("text"),
            "redirect" => return cx.redirect(url!("/ops/2")),
            "elsewhere" => return cx.redirect(url!("https://example.org/")),
            "alert" => cx.alert("Hi <you>"),
            "title" => cx.title("<New>"),
            "missing" => cx.remove("nobody"),
            "field" => cx.update("text", textbox(Act::text).label("Other").value("new")),
            "error" => cx.error("text", "No good."),
            "bound" => {
                cx.insert_bottom("box", button("More").id("more").postback(cx.on(Act::run("alert".into()))))
            }
            "select" => cx.set("size", "m"),
            other => unreachable!("{other}"),
        }
        Ok(())
    }
}

async fn open() -> TestPage {
    TestApp::new().page::<Ops>("/ops").page::<Ops>("/ops/2").open("/ops").await
}

/// Clicks a verb, and answers the ops and the content of the box.
async fn run(verb: &str) -> (String, String) {
    let mut page = open().await;
    page.click(verb).await;
    assert_eq!(page.error(), None);
    (page.changes(), page.html_of("box"))
}

const A: &str = r#"<span id="a">A</span>"#;
const B: &str = r#"<span id="b">B</span>"#;
const N: &str = r#"<span id="n">N</span>"#;

#[tokio::test]
async fn elements_are_updated_inserted_and_removed() {
    let cases = [
        ("top", format!("insert_top box {N}"), [N, A, B].concat()),
        ("bottom", format!("insert_bottom box {N}"), [A, B, N].concat()),
        ("before", format!("insert_before b {N}"), [A, N, B].concat()),
        ("after", format!("insert_after a {N}"), [A, N, B].concat()),
        ("replace", format!("replace a {N}"), [N, B].concat()),
        ("remove", "remove a".to_owned(), B.to_owned()),
        ("clear", "clear box".to_owned(), String::new()),
        ("missing", "remove nobody".to_owned(), [A, B].concat()),
    ];
    for (verb, op, content) in cases {
        assert_eq!(run(verb).await, (op, format!("<div id=\"box\">{content}</div>")), "{verb}");
    }
    let (op, content) = run("update").await;
    assert_eq!(op, r#"update a <span id="a" class="c">&lt;A&gt;</span>"#);
    assert_eq!(content, format!(r#"<div id="box"><span id="a" class="c">&lt;A&gt;</span>{B}</div>"#));
}

#[tokio::test]
async fn values_are_set() {
    let mut page = open().await;
    page.click("set").await;
    assert_eq!(page.changes(), r#"set text "a \"quote\"""#);
    assert_eq!(page.value("text"), "a \"quote\"");
    page.click("empty").await;
    assert_eq!((page.changes().as_str(), page.value("text").as_str()), ("clear text", ""));
    page.click("check").await;
    assert_eq!((page.changes().as_str(), page.value("flag").as_str()), ("set flag true", "true"));
    page.click("select").await;
    assert_eq!((page.changes().as_str(), page.value("size").as_str()), ("set size \"m\"", "m"));
    page.click("settext").await;
    assert_eq!(page.text("a"), "<i>");
    page.fill("text", "typed");
    page.check("flag", false);
    page.click("read").await;
    assert_eq!(page.alerts(), ["typed false"]);
}

#[tokio::test]
async fn attributes_and_classes_change() {
    let mut page = open().await;
    page.click("attr").await;
    assert_eq!((page.changes().as_str(), page.attr("a", "title")), ("attr a \"title\" \"<t>\"", Some("<t>")));
    page.click("noattr").await;
    assert_eq!((page.changes().as_str(), page.attr("a", "title")), ("attr a \"title\" null", None));
    page.click("class").await;
    assert_eq!((page.changes().as_str(), page.attr("a", "class")), ("class a \"x\" true", Some("x")));
    page.click("noclass").await;
    assert_eq!(page.attr("a", "class"), Some(""));
    page.click("hide").await;
    assert_eq!((page.changes().as_str(), page.is_visible("a")), ("hide box", false));
    page.click("show").await;
    assert_eq!((page.changes().as_str(), page.is_visible("a")), ("show box", true));
}

#[tokio::test]
async fn the_document_around_the_page_changes() {
    let mut page = open().await;
    assert_eq!(page.title(), "Ops");
    page.click("title").await;
    assert_eq!((page.changes().as_str(), page.title()), ("title \"<New>\"", "<New>"));
    page.click("alert").await;
    assert_eq!(page.alerts(), ["Hi <you>"]);
    page.click("focus").await;
    assert_eq!((page.changes().as_str(), page.focused()), ("focus text", "text"));
    page.click("redirect").await;
    assert_eq!(
        (page.changes().as_str(), page.path(), page.has("box")),
        ("redirect \"/ops/2\"", "/ops/2", true)
    );
    page.click("elsewhere").await;
    assert_eq!((page.path(), page.has("box")), ("https://example.org/", false));
}

#[tokio::test]
async fn a_labelled_input_is_updated_with_its_label() {
    let mut page = open().await;
    page.click("error").await;
    assert_eq!(page.text("text.e"), "No good.");
    assert_eq!(page.attr("text", "aria-invalid"), Some("true"));
    page.click("field").await;
    assert_eq!(page.text("text.f"), "Other");
    assert_eq!(page.value("text"), "new");
    page.fill("text", "x");
    page.click("read").await;
    assert_eq!(page.alerts(), ["x false"]);
}

#[tokio::test]
async fn an_inserted_element_is_bound() {
    let mut page = open().await;
    page.click("bound").await;
    page.click("more").await;
    assert_eq!(page.alerts(), ["Hi <you>"]);
}

#[tokio::test]
async fn what_the_user_types_meanwhile_wins() {
    let mut page = open().await;
    page.send("set");
    page.fill("text", "newer");
    page.answer().await;
    assert_eq!(page.value("text"), "newer");
    page.click("set").await;
    assert_eq!(page.value("text"), "a \"quote\"", "the next answer knows of it");
}
