//! Imperative ops and `refresh` on one page: what a handler did by hand is known to the next refresh.

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Mixed {
    rows: Vec<u32>,
    name: String,
}

#[derive(Event)]
enum Act {
    Row(u32),
    Rows(Vec<u32>),
    Hand(String),
    Again,
}

impl Mixed {
    fn plain(row: u32) -> El<'static> {
        span().id(format!("p{row}")).text(row.to_string())
    }

    fn row(ui: &Ui<'_, Self>, row: u32) -> El<'static> {
        li().id(format!("r{row}")).body(html! {
            (row) (button("x").id(format!("x{row}")).postback(ui.on(Act::row(row))))
        })
    }
}

impl Page for Mixed {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (ul().id("rows").body(html! { @for row in &self.rows { (Mixed::row(ui, *row)) } }))
            (textbox("name").label("Name").value(&self.name))
            @for (at, rows) in [&[1_u32, 2, 3][..], &[1, 3], &[3], &[1, 2, 3, 4]].iter().enumerate() {
                (button("rows").id(format!("rows{at}")).postback(ui.on(Act::rows(rows.to_vec()))))
            }
            @for verb in ["plain", "text", "bottom", "bare", "wrapped", "set", "clear", "remove"] {
                (button(verb).id(verb).postback(ui.on(Act::hand(verb.to_owned()))))
            }
            (button("again").id("again").postback(ui.on(Act::again())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Row(row) => cx.alert(format!("row {row}")),
            Act::Rows(rows) => {
                self.rows = rows;
                cx.refresh();
            }
            Act::Hand(verb) => match &*verb {
                "plain" => cx.insert_after("r1", html! { li { "no id" } }),
                "text" => cx.insert_before("r2", html! { "text" }),
                "bottom" => {
                    self.rows.push(9);
                    cx.insert_bottom("rows", Mixed::row(&cx.ui(), 9));
                }
                "bare" => cx.set("rows", "nothing left"),
                "wrapped" => cx.insert_bottom("rows", html! { div { (Mixed::row(&cx.ui(), 7)) } }),
                "set" => {
                    self.name = String::from("Ann");
                    cx.set("name", &self.name);
                }
                "clear" => {
                    self.rows.clear();
                    cx.clear("rows");
                }
                "remove" => {
                    self.rows.retain(|row| *row != 2);
                    cx.remove("r2");
                }
                other => unreachable!("{other}"),
            },
            Act::Again => cx.refresh(),
        }
        Ok(())
    }
}

async fn open() -> (TestApp, TestPage) {
    let app = TestApp::new().page::<Mixed>("/");
    let mut page = app.open("/").await;
    page.click("rows0").await;
    (app, page)
}

/// The ids of the rows as the document has them.
fn shown(page: &TestPage) -> String {
    page.text("rows")
}

#[tokio::test]
async fn what_was_done_by_hand_is_not_sent_again() {
    for verb in ["bottom", "set", "remove"] {
        let (_app, mut page) = open().await;
        page.click(verb).await;
        page.click("again").await;
        assert_eq!(page.changes(), "", "{verb}");
    }
}

#[tokio::test]
async fn what_stands_between_rows_by_hand_does_not_mislead_a_refresh() {
    for verb in ["plain", "text", "wrapped"] {
        for (button, rows) in [("rows1", "1x3x"), ("rows2", "3x"), ("rows3", "1x2x3x4x"), ("again", "1x2x3x")]
        {
            let (_app, mut page) = open().await;
            page.click(verb).await;
            page.click(button).await;
            assert_eq!(shown(&page), rows, "{verb}, then {button}: {}", page.changes());
        }
    }
}

#[tokio::test]
async fn a_container_that_was_cleared_or_set_is_sent_again() {
    for verb in ["bare", "clear"] {
        let (_app, mut page) = open().await;
        page.click(verb).await;
        page.click("rows1").await;
        assert_eq!(shown(&page), "1x3x", "{verb}");
    }
}

#[tokio::test]
async fn elements_that_were_overwritten_cannot_fire() {
    for verb in ["bare", "clear", "remove"] {
        let (_app, mut page) = open().await;
        let bound = page.bound("x2");
        page.click(verb).await;
        assert!(!page.has("x2"));
        page.force(&bound, &[]).await;
        assert_eq!(page.error_code(), Some(2), "{verb}");
        assert!(page.alerts().is_empty(), "{verb}");
    }
}

#[tokio::test]
async fn elements_that_were_inserted_can_fire() {
    for (verb, button, said) in [("bottom", "x9", "row 9"), ("wrapped", "x7", "row 7")] {
        let (_app, mut page) = open().await;
        page.click(verb).await;
        page.click(button).await;
        assert_eq!(page.alerts(), [said]);
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Bordered {
    rows: Vec<u32>,
}

#[derive(Event)]
enum Border {
    Bottom,
    Top,
    Again,
}

impl Page for Bordered {
    type Event = Border;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (panel().id("rows").body(html! { "head" @for row in &self.rows { (Mixed::plain(*row)) } "tail" }))
            (button("bottom").id("bottom").postback(ui.on(Border::bottom())))
            (button("top").id("top").postback(ui.on(Border::top())))
            (button("again").id("again").postback(ui.on(Border::again())))
        }
    }

    async fn event(&mut self, border: Border, cx: &mut Cx<'_, Self>) -> Result {
        let count = self.rows.len() as u32;
        match border {
            Border::Bottom => {
                let row = 10 * count + 9;
                self.rows.push(row);
                cx.insert_bottom("rows", Mixed::plain(row));
            }
            Border::Top => {
                let row = 8 * 10_u32.pow(count);
                self.rows.insert(0, row);
                cx.insert_top("rows", Mixed::plain(row));
            }
            Border::Again => cx.refresh(),
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_was_inserted_beside_text_is_put_right_by_the_next_refresh() {
    let app = TestApp::new().page::<Bordered>("/");
    for (verb, rows) in [("bottom", "head9tail"), ("top", "head8tail")] {
        let mut page = app.open("/").await;
        page.click(verb).await;
        page.click("again").await;
        assert_eq!(page.text("rows"), rows, "{verb} into an empty element");
        page.click("bottom").await;
        page.click("top").await;
        page.click("again").await;
        let shown = page.text("rows");
        assert!(shown.starts_with("head8") && shown.ends_with("9tail"), "{shown}");
    }
}
