//! A list of records and two forms in one page, as components with events of their own.

use form::List;
use maud::html;
use nitro::{Component, prelude::*};

use crate::app::{Client, ada, app, open};

/// A form that says what was typed.
#[derive(Default, Serialize, Deserialize)]
struct Note;

#[derive(Event)]
enum Write {
    Send {
        #[source]
        text: String,
    },
}

impl Component for Note {
    type Event = Write;
    type Said = String;
    const ACCESS: Access = Access::User;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (textbox("text").label("Text").required()) (button("Send").id("send").postback(ui.on(Write::send()))) }
    }

    async fn event(&mut self, Write::Send { text }: Write, cx: &mut Cx<'_, Self>) -> Result {
        cx.set("text", "");
        cx.say(text);
        Ok(())
    }
}

// begin
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Held {
    clients: Child<List<Client>>,
    praise: Child<Note>,
    blame: Child<Note>,
    said: Vec<String>,
}
#[derive(Event)]
pub(crate) enum Heard {
    Said(String),
}
impl Page for Held {
    type Event = Heard;
    const ACCESS: Access = Access::User;
    fn children(&mut self) -> Children<'_, Heard> {
        Children::none()
            .child("clients", &mut self.clients, silent)
            .child("praise", &mut self.praise, |text| Heard::Said(format!("+{text}")))
            .child("blame", &mut self.blame, |text| Heard::Said(format!("-{text}")))
    }
    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (ui.place(&self.clients)) (ui.place(&self.praise)) (ui.place(&self.blame)) (span().id("said").text(self.said.join(" "))) }
    }
    async fn event(&mut self, Heard::Said(text): Heard, cx: &mut Cx<'_, Self>) -> Result {
        self.said.push(text);
        cx.refresh();
        Ok(())
    }
}
// end

#[test]
fn the_page_has_at_most_30_lines() {
    let lines = include_str!("held.rs").lines().skip_while(|line| *line != "// begin").skip(1);
    assert!(lines.take_while(|line| *line != "// end").count() <= 30);
}

#[tokio::test]
async fn a_list_and_two_forms_stand_on_one_page() {
    let (app, _) = app(vec![ada(), Client { name: "Bo".into(), code: "BB-0001".into(), ..ada() }]).await;
    let mut page = open(&app.page::<Held>("/held"), "eve", "clerk", "/held").await;
    assert_eq!(page.text("clients.f.total"), "Found: 2");
    page.fill("clients.f.text", "bo");
    page.click("clients.f.text").await;
    assert_eq!((page.error(), page.text("clients.f.total").as_str()), (None, "Found: 1"));
    page.fill("blame.text", "slow");
    page.click("blame.send").await;
    page.fill("praise.text", "kind");
    page.click("praise.send").await;
    assert_eq!(page.text("said"), "-slow +kind");
    assert_eq!(page.text("clients.f.total"), "Found: 1");
    assert!(!page.changes().contains("clients"), "{}", page.changes());
}
