//! What inputs show after an answer: what the page holds, also where that is what it was before; and what is asked
//! for after a refresh comes behind it.

use maud::html;
use nitro::{
    Inputs,
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Serialize, Deserialize)]
struct Order {
    count: String,
    size: String,
    way: String,
    gift: bool,
    more: bool,
}

impl Default for Order {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Order { count: text("1"), size: text("s"), way: text("air"), gift: false, more: false }
    }
}

#[expect(dead_code, reason = "what the handler takes does not matter here, but that it was sent")]
#[derive(Event)]
enum Act {
    /// Takes nothing of what was sent.
    Keep {
        #[source]
        count: String,
        #[source]
        size: String,
        #[source]
        way: Option<String>,
        #[source]
        gift: bool,
        #[source]
        note: String,
        #[source]
        lines: String,
    },
    /// Finds something wrong with the count.
    Complain {
        #[source]
        count: String,
    },
    /// Reads, and shows nothing.
    Silent {
        #[source]
        count: String,
    },
    /// Fails with all that it has asked for.
    Fail,
    /// Sends the visitor away from where it has asked for something.
    Away,
    /// Reads nothing.
    Other,
    More,
}

impl Page for Order {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox(Act::count).label("Count").value(&self.count))
            (memo_part(self))
            (checkbox(Act::gift).label("Gift").checked(self.gift))
            // The page gives them no values.
            (textbox(Act::note).label("Note"))
            (textarea(Act::lines).label("Lines"))
            (button("Keep").id("keep").postback(ui.on(Act::keep())))
            (button("Complain").id("complain").postback(ui.on(Act::complain())))
            (button("Other").id("other").postback(ui.on(Act::other())))
            (button("Silent").id("silent").postback(ui.on(Act::silent())))
            (button("Fail").id("fail").postback(ui.on(Act::fail())))
            (button("Away").id("away").postback(ui.on(Act::away())))
            (button("More").id("more").postback(ui.on(Act::more())))
            @if self.more { (panel().id("part").hidden(true).body(html! { (textbox("new").label("New")) })) }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        if matches!(act, Act::Silent { .. }) {
            return Ok(());
        }
        cx.refresh();
        match act {
            Act::Keep { .. } | Act::Other | Act::Silent { .. } => {}
            Act::Fail => {
                cx.class("choices", "late", true);
                return Err(Error::user("Not today."));
            }
            Act::Away => {
                cx.class("choices", "late", true);
                return cx.redirect(url!("/elsewhere"));
            }
            Act::Complain { .. } => cx.error("count", "No."),
            Act::More => {
                self.more = true;
                cx.show("part");
                cx.class("part", "new", true);
                cx.error("new", "Fill it in.");
                cx.focus("new");
            }
        }
        Ok(())
    }
}

/// Choices in an element that is known to be as it was.
fn memo_part(order: &Order) -> Markup {
    html! {
        (nitro::memo("choices", (&order.size, &order.way), || panel().body(html! {
            (select(Act::size, &order.size, [("s", "Small"), ("l", "Large \"&\"")]).label("Size"))
            (radio_group(Act::way, "Way", &order.way, [("air", "By air"), ("sea", "By sea")]))
        })))
    }
}

async fn page() -> TestPage {
    TestApp::new().page::<Order>("/order").open("/order").await
}

/// Inputs that are read together: the name is trimmed, the count a number.
#[derive(Default, Serialize, Deserialize)]
struct Card {
    name: String,
    count: u32,
    wrong: bool,
}

#[derive(Event)]
enum Fill {
    Fill {
        #[source]
        form: Inputs,
    },
}

impl Page for Card {
    type Event = Fill;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let count = textbox("count").label("Count").value(self.count.to_string());
        html! {
            (textbox("name").label("Name").value(&self.name))
            (if self.wrong { count.attr(attr::ARIA_INVALID, "true") } else { count })
            (textbox("note").label("Note"))
            (button("Fill").id("fill").postback(ui.on(Fill::fill().reads(["name", "count", "note"]))))
        }
    }

    async fn event(&mut self, Fill::Fill { form }: Fill, cx: &mut Cx<'_, Self>) -> Result {
        cx.refresh();
        form.text("name").unwrap_or_default().trim().clone_into(&mut self.name);
        let count = form.text("count").unwrap_or_default().parse();
        self.wrong = count.is_err();
        self.count = count.unwrap_or(self.count);
        Ok(())
    }
}

#[tokio::test]
async fn inputs_that_are_read_together_show_what_the_page_holds_but_what_it_marks_as_wrong() {
    let mut page = TestApp::new().page::<Card>("/card").open("/card").await;
    for typed in ["Ada ", " Ada", "Ada"] {
        page.fill("name", typed);
        page.fill("note", "by me");
        page.click("fill").await;
        assert_eq!((page.value("name").as_str(), page.value("note").as_str()), ("Ada", "by me"), "{typed:?}");
    }
    // Twice: it is marked already when it is wrong again.
    for typed in ["many", "more"] {
        page.fill("count", typed);
        page.click("fill").await;
        assert_eq!((page.attr("count", "aria-invalid"), page.value("count").as_str()), (Some("true"), typed));
    }
    for (typed, shown) in [("007", "7"), ("0", "0"), ("00", "0")] {
        page.fill("count", typed);
        page.click("fill").await;
        assert_eq!((page.attr("count", "aria-invalid"), page.value("count").as_str()), (None, shown));
    }
    assert_eq!(page.click("fill").await.len(), 0, "all was sent as the page gave it");
}

#[tokio::test]
async fn an_input_shows_what_the_page_holds_though_it_is_what_it_was() {
    let mut page = page().await;
    let before = page.snapshot();
    for _ in 0..2 {
        page.fill("count", "many");
        page.fill("size", "l");
        page.fill("way", "sea");
        page.check("gift", true);
        page.click("keep").await;
        assert_eq!(page.snapshot(), before);
    }
}

#[tokio::test]
async fn what_the_page_gives_no_value_or_was_not_sent_stays_as_typed() {
    let mut page = page().await;
    page.fill("note", "by me");
    page.fill("lines", "one\ntwo");
    page.click("keep").await;
    assert_eq!((page.value("note").as_str(), page.value("lines").as_str()), ("by me", "one\ntwo"));
    page.fill("count", "many");
    page.click("other").await;
    assert_eq!(page.value("count"), "many", "it was not sent");
}

#[tokio::test]
async fn what_a_handler_complains_about_stays_to_be_mended() {
    let mut page = page().await;
    page.fill("count", "many");
    page.click("complain").await;
    assert_eq!((page.value("count").as_str(), page.text("count.e").as_str()), ("many", "No."));
    page.click("keep").await;
    assert_eq!(page.value("count"), "1", "with nothing wrong it is what the page holds");
}

#[tokio::test]
async fn a_value_that_was_taken_as_it_is_costs_nothing_more() {
    let mut page = page().await;
    let ops = page.click("keep").await.len();
    assert_eq!(ops, 0, "all was sent as the page gave it");
}

#[tokio::test]
async fn what_is_asked_for_after_a_refresh_finds_what_it_made() {
    let mut page = page().await;
    page.click("more").await;
    assert!(page.is_visible("part"));
    assert_eq!(page.attr("part", "class"), Some("new"));
    assert_eq!((page.focused(), page.text("new.e").as_str()), ("new", "Fill it in."));
}

#[tokio::test]
async fn an_answer_that_shows_nothing_leaves_the_text_to_the_user() {
    let mut page = page().await;
    page.fill("count", "many");
    page.click("silent").await;
    page.click("other").await;
    assert_eq!(page.value("count"), "many");
}

#[tokio::test]
async fn what_was_asked_for_and_did_not_happen_is_not_done_later() {
    let mut page = page().await;
    page.stay();
    for id in ["fail", "away"] {
        page.click(id).await;
        page.click("other").await;
        assert_eq!(page.attr("choices", "class"), None, "{id}");
    }
}

#[tokio::test]
async fn a_reload_goes_on_with_the_page_that_was_left_or_begins_anew() {
    let app = TestApp::new().page::<Order>("/order");
    let mut page = app.open("/order").await;
    page.click("more").await;
    page.reload().await;
    assert!(page.html().contains("New"), "it is the page that was left");
    page.visitor().set_cookie("");
    page.reload().await;
    assert!(
        page.html().contains("Count") && !page.html().contains("New"),
        "another visitor's page is not theirs"
    );
}
