//! Markup is a value: rendered once, it may be kept, sent, shown on another page, mailed.

use std::sync::{LazyLock, Mutex, OnceLock};

use maud::html;
use nitro::{prelude::*, test::TestApp};

static NAV: LazyLock<Markup> = LazyLock::new(|| {
    html! {
        (nav().id("nav").body(html! { (span().id("home").text("Home")) " " (link("Shop", url!("/shop"))) }))
    }
});

/// Lines that are rendered by whoever comes first, and thrown away now and then.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn mail<P: Page<Event = Act>>(ui: &Ui<'_, P>) -> Markup {
    html! {
        (panel().id("total").body(html! { "Total " (strong().id("sum").text("12.50 `\"<")) }))
        (button("Pay").id("pay").postback(ui.on(Act::again())))
    }
}

fn line(number: u64) -> String {
    let mut lines = LINES.lock().expect("lines");
    if lines.is_empty() {
        let line = |number: u64| p().id(format!("line{number}")).body(html! { "Line " b { (number) } });
        *lines = (0..3).map(|number| line(number).render().into_string()).collect();
    }
    lines[number as usize].clone()
}

#[derive(Default, Serialize, Deserialize)]
struct Shop {
    round: u64,
    mails: Vec<String>,
}

#[derive(Event)]
enum Act {
    Again,
    Forget,
    Say,
    Mail,
}

#[derive(Serialize, Deserialize)]
struct Said(String);

impl Page for Shop {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("room");
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (*NAV)
            @for (id, act) in [("again", Act::again()), ("forget", Act::forget()), ("say", Act::say()), ("mail", Act::mail())] {
                (button(id).id(id).postback(ui.on(act)))
            }
            (span().id("round").text(self.round.to_string()))
            (panel().id("lines").body(html! { @for number in 0..3 { (Raw(line(number))) } }))
            // Markup that is made while the page renders, and is no part of it.
            (span().id("length").text(mail(ui).into_string().matches("12.50").count().to_string()))
            (span().id("mails").text(self.mails.concat()))
            (panel().id("log"))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        self.round += 1;
        match act {
            Act::Again => {}
            Act::Forget => LINES.lock().expect("lines").clear(),
            Act::Say => {
                let line = panel().id(format!("said{}", self.round)).body(html! { b { "hello" } "`" });
                cx.send("room", Said(line.render().into_string()));
            }
            Act::Mail => self.mails.push(mail(&cx.ui()).into_string()),
        }
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(Said(line)) = message.read() {
            cx.insert_bottom("log", Raw(line.clone()));
        }
        Ok(())
    }
}

/// As [`Shop`], at another address.
#[derive(Default, Serialize, Deserialize)]
struct Other;

impl Page for Other {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        NAV.clone()
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Shop>("/").page::<Other>("/other")
}

const HOME: &str = r#"<nav id="nav"><span id="home">Home</span> <a href="/shop">Shop</a></nav>"#;

#[tokio::test]
async fn markup_that_is_kept_shows_right_on_every_visit_and_page() {
    let app = app();
    for _ in 0..2 {
        for path in ["/", "/other"] {
            let mut page = app.open(path).await;
            assert!(page.html().contains(HOME), "{}", page.html());
            assert!(!page.html().contains("data-n"), "{}", page.html());
            if path == "/" {
                page.click("again").await;
                assert_eq!(page.text("round"), "1");
                page.click("again").await;
                assert_eq!(page.changes(), "set round \"2\"", "what is kept is not sent again");
                assert!(page.html().contains(HOME), "{}", page.html());
            }
        }
    }
}

#[tokio::test]
async fn a_cache_may_be_filled_again_by_any_rendering() {
    let app = app();
    let (mut one, mut other) = (app.open("/").await, app.open("/").await);
    let lines =
        r#"<p id="line0">Line <b>0</b></p><p id="line1">Line <b>1</b></p><p id="line2">Line <b>2</b></p>"#;
    for _ in 0..3 {
        one.click("forget").await;
        for page in [&mut one, &mut other] {
            page.click("again").await;
            assert!(page.html().contains(lines), "{}", page.html());
            assert!(!page.html().contains("data-n"), "{}", page.html());
        }
    }
}

#[tokio::test]
async fn a_line_is_rendered_once_for_all_readers() {
    let app = app();
    let (mut one, mut other) = (app.open("/").await, app.open("/").await);
    one.click("say").await;
    other.push().await;
    one.push().await;
    for page in [&mut one, &mut other] {
        assert!(page.html().contains(r#"<div id="said1"><b>hello</b>`</div>"#), "{}", page.html());
        assert!(!page.html().contains("data-n"), "{}", page.html());
        page.click("again").await;
    }
}

#[tokio::test]
async fn a_mail_has_no_events_and_the_page_is_what_it_was() {
    let mut page = app().open("/").await;
    page.click("mail").await;
    let mail = page.text("mails");
    assert!(mail.contains("12.50 `&quot;&lt;</strong>") && mail.contains("Pay</button>"), "{mail}");
    assert!(!mail.contains("data-e"), "{mail}");
    assert_eq!(page.text("length"), "1");
    page.click("again").await;
    assert_eq!(page.text("round"), "2");
}

static BUTTON: OnceLock<Markup> = OnceLock::new();

#[tokio::test]
#[should_panic(expected = "the control \"kept\" was rendered for another page")]
async fn a_bound_button_that_is_kept_is_told_at_once() {
    #[derive(Default, Serialize, Deserialize)]
    struct Kept;

    impl Page for Kept {
        type Event = Act;
        const ACCESS: Access = Access::Anyone;

        fn render(&self, ui: &Ui<'_, Self>) -> Markup {
            BUTTON.get_or_init(|| button("Kept").id("kept").postback(ui.on(Act::again())).render()).clone()
        }

        async fn event(&mut self, _: Act, _: &mut Cx<'_, Self>) -> Result {
            Ok(())
        }
    }

    let app = TestApp::new().page::<Kept>("/");
    app.open("/").await;
    app.open("/").await;
}
