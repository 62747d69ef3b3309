//! Parts that are known to be as they were are not rendered, and the page is as if they had been.

use std::cell::Cell;

use maud::html;
use nitro::{
    memo,
    prelude::*,
    test::{TestApp, TestPage},
};
use proptest::prelude::*;

thread_local! {
    /// The number of rows and cards that were made.
    static MADE: Cell<usize> = const { Cell::new(0) };
}

fn made() -> usize {
    MADE.take()
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
struct Row {
    key: u32,
    text: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
struct Shown {
    title: String,
    rows: Vec<Row>,
    card: (u32, String),
}

#[derive(Default, Serialize, Deserialize)]
struct Desk {
    shown: Shown,
    pressed: u32,
    verbs: bool,
}

#[derive(Event)]
enum Act {
    Show {
        #[source]
        next: String,
    },
    Press(u32),
    Verbs,
}

impl Desk {
    fn card(&self, ui: &Ui<'_, Self>) -> Markup {
        let (number, text) = &self.shown.card;
        memo("card", &self.shown.card, || {
            MADE.set(MADE.get() + 1);
            section().body(html! {
                "Card " (number)
                (span().id("text").text(text))
                (button("Press").postback(ui.on(Act::press(7))))
            })
        })
    }
}

impl Page for Desk {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.shown = cx.session().get("shown")?.unwrap_or_default();
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let row = |row: &Row| (row.key, row.text.clone());
        html! {
            (hidden("next"))
            (button("Show").id("show").postback(ui.on(Act::show())))
            (button("Verbs").id("verbs").postback(ui.on(Act::verbs())))
            (span().id("pressed").text(self.pressed.to_string()))
            (button("Outer").postback(ui.on(Act::press(7))))
            h1 { (self.shown.title) }
            (self.card(ui))
            (ul().id("rows").rows(&self.shown.rows, |item| row(item), |row| {
                MADE.set(MADE.get() + 1);
                li().body(html! { (row.text) (button("x").id(format!("b{}", row.key)).postback(ui.on(Act::press(row.key)))) })
            }))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Show { next } => {
                self.shown = serde_json::from_str(&next).map_err(Error::other)?;
                cx.session().set("shown", &self.shown)?;
            }
            Act::Press(key) => self.pressed = key,
            Act::Verbs if self.verbs => {}
            Act::Verbs => {
                self.verbs = true;
                cx.set("text", "by a verb");
                cx.set("rows.2", "by a verb");
                cx.insert_bottom("rows", li().id("rows.99").text("by a verb"));
                return Ok(());
            }
        }
        cx.refresh();
        Ok(())
    }
}

fn rows(keys: impl IntoIterator<Item = u32>) -> Shown {
    let rows = keys.into_iter().map(|key| Row { key, text: format!("row {key}") });
    Shown { title: "Title".into(), rows: rows.collect(), card: (1, "one".into()) }
}

async fn show(page: &mut TestPage, shown: &Shown) {
    page.fill("next", &serde_json::to_string(shown).expect("JSON"));
    page.click("show").await;
    assert_eq!(page.error(), None);
}

fn app() -> TestApp {
    TestApp::new().page::<Desk>("/")
}

#[tokio::test]
async fn only_rows_that_changed_are_made() {
    let app = app();
    let mut page = app.open("/").await;
    show(&mut page, &rows(0..100)).await;
    made();
    show(&mut page, &rows(0..100)).await;
    assert_eq!((made(), page.changes().as_str()), (0, ""));

    let mut next = rows(0..100);
    next.rows[50].text.push('!');
    show(&mut page, &next).await;
    assert_eq!(made(), 1);
    assert!(page.changes().starts_with("update rows.50 "), "{}", page.changes());

    show(&mut page, &rows([200].into_iter().chain(0..100))).await;
    assert_eq!(made(), 2, "the new one, and the one that is as before");
    assert!(page.changes().contains("insert_before rows.0 "), "{}", page.changes());

    show(&mut page, &rows((0..100).step_by(2))).await;
    assert_eq!(made(), 0);
    assert_eq!(page.changes().lines().count(), 51);
    page.click("b98").await;
    assert_eq!((page.text("pressed").as_str(), made()), ("98", 0), "what is kept works");
}

#[tokio::test]
async fn a_card_is_compared_when_its_state_has_changed() {
    let mut page = app().open("/").await;
    show(&mut page, &rows(0..3)).await;
    made();
    let mut next = rows(0..3);
    next.card.1 = "two".into();
    show(&mut page, &next).await;
    assert_eq!((made(), page.changes().as_str()), (1, "set text \"two\""));
    page.press("Press").await;
    assert_eq!(page.text("pressed"), "7");
}

#[tokio::test]
async fn a_page_that_has_to_be_sent_is_rendered_whole() {
    let mut page = app().open("/").await;
    show(&mut page, &rows(0..3)).await;
    made();
    let mut next = rows(0..3);
    next.title = "Other".into();
    show(&mut page, &next).await;
    assert_eq!(made(), 4);
    assert!(page.html().contains("<h1>Other</h1>") && page.html().contains("row 2"), "{}", page.html());
    show(&mut page, &next).await;
    assert_eq!(made(), 0);
}

#[tokio::test]
async fn what_a_verb_has_changed_is_made_again() {
    let mut page = app().open("/").await;
    show(&mut page, &rows(0..5)).await;
    let before = page.snapshot();
    page.click("verbs").await;
    assert!(page.html().matches("by a verb").count() == 3);
    page.click("verbs").await;
    assert_eq!(page.snapshot(), before);
}

fn shown() -> impl Strategy<Value = Shown> {
    let row = (0_u32..20, 0_u8..3).prop_map(|(key, text)| Row { key, text: "abc"[..text.into()].into() });
    let rows = prop::collection::vec(row, 0..15);
    (rows, 0_u8..6, 0_u32..2, "[ab]").prop_map(|(mut rows, title, number, text)| {
        let mut used = Vec::new();
        rows.retain(|row| {
            let is_new = !used.contains(&row.key);
            used.push(row.key);
            is_new
        });
        Shown { title: if title == 0 { "rare" } else { "" }.into(), rows, card: (number, text) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn afterwards_the_page_is_as_rendered_anew(steps in prop::collection::vec(shown(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("runtime");
        runtime.block_on(async {
            let app = app();
            let mut page = app.open("/").await;
            for step in &steps {
                show(&mut page, step).await;
                let mut fresh = app.open("/").await;
                page.fill("next", "");
                fresh.fill("next", "");
                prop_assert_eq!(page.snapshot(), fresh.snapshot(), "after {}", page.changes());
            }
            Ok(())
        })?;
    }
}

/// A log of any length.
#[derive(Default, Serialize, Deserialize)]
struct Log {
    lines: u32,
    told: String,
    shut: bool,
    class: u32,
}

#[derive(Event)]
enum Say {
    More,
    Same,
    Shut,
    Class,
    Drop(u32),
}

fn line(ui: &Ui<'_, Log>, number: u32) -> El<'static> {
    li().id(format!("log.{number}")).body(html! {
        "line " (number)
        (button("x").id(format!("log.{number}.x")).postback(ui.on(Say::drop(number))))
    })
}

impl Page for Log {
    type Event = Say;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            @for (id, say) in [("more", Say::more()), ("same", Say::same()), ("shut", Say::shut()), ("class", Say::class())] {
                (button(id).id(id).postback(ui.on(say)))
            }
            (span().id("told").text(&self.told))
            (ul().id("log").class(format!("c{}", self.class)).disabled(self.shut).stream(|| {
                MADE.set(MADE.get() + 1);
                html! { @for number in 0..self.lines { (line(ui, number)) } }
            }))
        }
    }

    async fn event(&mut self, say: Say, cx: &mut Cx<'_, Self>) -> Result {
        match say {
            Say::More => {
                cx.insert_bottom("log", line(&cx.ui(), self.lines));
                self.lines += 1;
                return Ok(());
            }
            Say::Drop(number) => {
                self.told = format!("{number} is gone");
                cx.remove(format!("log.{number}"));
            }
            Say::Same => {}
            Say::Shut => self.shut = true,
            Say::Class => self.class += 1,
        }
        cx.refresh();
        Ok(())
    }
}

#[tokio::test]
async fn a_stream_changes_by_verbs_and_is_made_only_when_it_is_sent() {
    let mut page = TestApp::new().page::<Log>("/").open("/").await;
    assert_eq!(made(), 1);
    for _ in 0..3 {
        page.click("more").await;
    }
    page.click("same").await;
    assert_eq!((page.changes().as_str(), made()), ("", 0));
    let second = page.bound("log.1.x");
    page.click("log.1.x").await;
    assert_eq!((page.text("told").as_str(), made()), ("1 is gone", 0));
    assert!(!page.html().contains("line 1"));

    page.click("class").await;
    assert_eq!(made(), 1, "its own attributes have changed, so all of it is sent");
    assert!(page.html().contains("line 1"));
    page.click("log.2.x").await;
    assert_eq!(page.text("told"), "2 is gone");

    page.click("shut").await;
    page.force(&second, &[]).await;
    assert_eq!((page.error_code(), page.text("told").as_str()), (Some(2), "2 is gone"), "it is disabled");
}
