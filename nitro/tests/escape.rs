//! Nothing that a user writes becomes markup, wherever it stands: in a document, in an op, in both formats.

use maud::html;
use n2o::Format;
use nitro::{
    Document,
    prelude::*,
    test::{TestApp, TestPage},
};

/// What would show if it were not escaped; NUL and the control characters that mark elements among it.
const NASTY: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></textarea></style></script><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#x3c; &nbsp",
    "--><!--<b>",
    "]]><b>",
    "\n first line\r\n",
    "javascript:alert(1)",
    "\u{2028}\u{2029}\u{202e}\u{feff}",
    "{{7*7}} ${7*7} #{7*7}",
    "`${alert(1)}`",
    "\u{7f}\u{1b}[31m",
    "emoji \u{1f600} \u{10ffff}",
];

#[derive(Default, Serialize, Deserialize)]
struct Echo {
    text: String,
}

#[derive(Event)]
enum Act {
    Say {
        #[source]
        words: String,
    },
    Hand {
        #[source]
        words: String,
    },
    Sealed(String),
}

impl Page for Echo {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        format!("T{}", self.text)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let text = self.text.as_str();
        html! {
            (textarea(Act::words).attr(attr::ARIA_LABEL, "Input"))
            (button("Say").id("say").postback(ui.on(Act::say())))
            (button("Hand").id("hand").postback(ui.on(Act::hand())))
            (button("Sealed").id("sealed").postback(ui.on(Act::sealed(text.to_owned()))).confirm(text))
            (span().id("text").text(text))
            (span().id("class").class(text).text("x"))
            (span().id("attr").attr(attr::TITLE, text).text("x"))
            (textbox("input").value(text).label(text).hint(text))
            (textarea("area").attr(attr::ARIA_LABEL, "Input").value(text))
            (select("pick", text, [(text, text), ("other", "Other")]).attr(attr::ARIA_LABEL, "Input"))
            (radio_group("radio", text, text, [(text, text)]))
            (link("link", url!("/say/{text}")).id("link"))
            (panel().id("plain").body(html! { (text) }))
            (image(url!("/i?{text}"), text).id("image"))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Say { words } => {
                self.text = words;
                cx.refresh();
            }
            Act::Hand { words } => {
                cx.set("text", &words);
                cx.set("input", &words);
                cx.attr("attr", attr::TITLE, Some(&words));
                cx.update("area", textarea("area").attr(attr::ARIA_LABEL, "Input").value(&words));
                cx.insert_bottom("plain", span().id("more").text(&words));
                cx.error("input", &words);
                cx.alert(&words);
                cx.title(format!("T{words}"));
            }
            Act::Sealed(text) => cx.alert(text),
        }
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Echo>("/").page::<Echo>("/say/{what}")
}

/// What the parser of a browser makes of a text.
fn shown(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn check(page: &TestPage, text: &str) {
    for (id, plain) in [("text", page.text("text")), ("plain", page.text("plain"))] {
        assert_eq!(plain, shown(text), "{id}");
    }
    assert_eq!(page.title(), format!("T{text}"));
    assert_eq!(page.attr("class", "class").unwrap_or_default(), shown(text));
    assert_eq!(page.attr("attr", "title"), Some(&*shown(text)));
    assert_eq!(page.attr("image", "alt"), Some(&*shown(text)));
    assert_eq!(page.attr("sealed", "data-c"), Some(&*shown(text)));
    for id in ["input", "area", "pick", "radio"] {
        assert_eq!(page.value(id), shown(text), "{id}");
    }
    assert_eq!(page.text("input.h"), shown(text));
    let href = page.attr("link", "href").expect("an address");
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
    assert!(href.starts_with("/say/") && href.bytes().all(safe), "{href}");
}

async fn story(format: Format) {
    let mut page = app().open("/").await;
    page.speak(format).await;
    for text in NASTY {
        page.fill("words", text);
        page.click("say").await;
        assert_eq!(page.error(), None, "{text:?}");
        check(&page, text);
        page.click("sealed").await;
        assert_eq!(page.alerts().last().map(String::as_str), Some(text));
    }
}

#[tokio::test]
async fn texts_arrive_as_they_are_in_cbor() {
    story(Format::Cbor).await;
}

#[tokio::test]
async fn texts_arrive_as_they_are_in_json() {
    story(Format::Json).await;
}

#[tokio::test]
async fn texts_in_ops_arrive_as_they_are() {
    for text in NASTY {
        let mut page = app().open("/").await;
        page.fill("words", text);
        page.click("hand").await;
        assert_eq!(
            (page.text("text"), page.value("input"), page.value("area")),
            (text.into(), text.into(), text.into())
        );
        assert_eq!((page.text("more"), page.text("input.e")), (text.to_owned(), text.to_owned()));
        assert_eq!((page.attr("attr", "title"), page.alerts()), (Some(text), &[text.to_owned()][..]));
    }
}

#[tokio::test]
async fn a_path_leads_back_to_the_same_text() {
    let app = app();
    for text in NASTY {
        let mut page = app.open("/").await;
        page.fill("words", text);
        page.click("say").await;
        let href = page.attr("link", "href").expect("an address").to_owned();
        let routes = app.open(&href).await;
        assert_eq!(routes.path(), href);
    }
}

#[tokio::test]
async fn a_text_that_looks_like_a_mark_is_a_text() {
    let mut page = app().open("/").await;
    let text = " data-n=\"`AAAAAAAAAAAc\" \0x";
    page.fill("words", text);
    page.click("say").await;
    assert_eq!(page.text("text"), text.replace('\0', "\u{fffd}"));
    page.reload().await;
    page.click("say").await;
    assert_eq!(page.error(), None);
}

#[test]
fn a_document_escapes_what_it_is_given() {
    let nasty = "\"><script>alert(1)</script>";
    let document = Document {
        lang: nasty,
        title: nasty,
        token: nasty,
        script: nasty,
        styles: &[],
        html: "<p>page</p>",
        ..Document::default()
    };
    let html = document.render();
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert_eq!(html.matches("alert(1)").count(), 4);
    assert!(!html.contains("\"><script>alert"), "{html}");
}

#[test]
fn urls_that_could_run_code_or_lead_away_do_not_exist() {
    for text in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https:evil",
        "",
        "relative",
        "blob:x",
    ] {
        assert!(Url::parse(text).is_none(), "{text:?}");
        assert!(Url::local(text).is_none(), "{text:?}");
    }
    assert!(Url::local("https://example.org/").is_none());
    assert!(Url::parse("HTTPS://example.org/").is_some());
    // Browsers read `%2E%2E` as a step up, too, and nothing after the first slash as another origin.
    let (dots, up, nothing, host) = (".", "..", "", "evil.example");
    assert_eq!(url!("/a/{dots}/{up}").as_str(), "/a/_/_");
    assert_eq!(url!("/{nothing}/{host}").as_str(), "/_/evil.example");
    assert_eq!(url!("/a?b={nothing}&c={up}").as_str(), "/a?b=&c=..");
}

#[test]
fn an_id_keeps_to_its_alphabet() {
    let id = std::panic::catch_unwind(|| span().id("x\" onclick=\"alert(1)").text("x").render());
    assert!(id.is_err(), "told at once in a debug build");
}

#[test]
fn an_address_that_browsers_would_read_otherwise_does_not_exist() {
    for scheme in ["http://", "https://", "mailto:", "tel:"] {
        assert!(Url::parse(&format!("{scheme}a.example/b")).is_some(), "{scheme}");
        for bad in ["a b", "a\tb", "a\nb", "a\\b", "\\\\a", "a\u{7f}b", "a\0b", " a"] {
            assert!(Url::parse(&format!("{scheme}{bad}")).is_none(), "{scheme}{bad:?}");
        }
    }
}
