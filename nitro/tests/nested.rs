//! Components in components: what one far inside does, hears and shows comes through those around it.

use maud::html;
use nitro::{Component, page_id, prelude::*, test::TestApp};

/// The innermost: a list of its own, which grows by verbs and by refresh.
#[derive(Default, Serialize, Deserialize)]
struct Note {
    lines: Vec<String>,
    heard: u32,
}

#[derive(Event)]
enum Write {
    Add {
        #[source]
        text: String,
    },
    Verb,
    Drop(u32),
    Tell,
    Fail,
}

impl Note {
    fn line(ui: &Ui<'_, Self>, number: usize, text: &str) -> El<'static> {
        let number = number as u32;
        li().id(format!("line{number}")).body(html! {
            (text) (button("x").id(format!("x{number}")).postback(ui.on(Write::drop(number))))
        })
    }
}

impl Component for Note {
    type Event = Write;
    type Said = String;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg("news");
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let rows = |item: &(usize, String)| (item.0, item.1.clone());
        html! {
            label for=(page_id("text")) { "Text" }
            (textbox("text").attr(attr::ARIA_DESCRIBEDBY, "hint"))
            (span().id("hint").text("What is to be done"))
            @for (id, act) in [("add", Write::add()), ("verb", Write::verb()), ("tell", Write::tell()), ("fail", Write::fail())] {
                (button(id).id(id).postback(ui.on(act)))
            }
            (span().id("heard").text(self.heard.to_string()))
            (ul().id("lines").body(html! { @for (number, text) in self.lines.iter().enumerate() { (Note::line(ui, number, text)) } }))
            (ol().id("kept").rows(self.lines.iter().cloned().enumerate(), rows, |(_, text)| li().text(text.as_str())))
            (nitro::memo("sum", self.lines.len(), || p().text(self.lines.len().to_string())))
        }
    }

    async fn event(&mut self, write: Write, cx: &mut Cx<'_, Self>) -> Result {
        match write {
            Write::Add { text } => {
                cx.say(text.clone());
                self.lines.push(text);
                cx.set("text", "");
            }
            Write::Verb => {
                let line = Note::line(&cx.ui(), self.lines.len(), "by verb");
                cx.insert_bottom("lines", line);
                self.lines.push("by verb".into());
                return Ok(());
            }
            Write::Drop(number) => drop(self.lines.remove(number as usize)),
            Write::Tell => {
                cx.send("news", 1_u32);
                return Ok(());
            }
            Write::Fail => {
                self.lines.clear();
                cx.set("hint", "gone");
                return Err(Error::user("no"));
            }
        }
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.heard += message.read::<u32>().copied().unwrap_or_default();
        cx.refresh();
        Ok(())
    }
}

/// Holds a note, and hears nothing of its own.
#[derive(Default, Serialize, Deserialize)]
struct Shelf {
    note: Child<Note>,
    count: u32,
}

#[derive(Event)]
enum Count {
    Heard(String),
}

impl Component for Shelf {
    type Event = Count;
    type Said = String;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Count> {
        Children::none().child("note", &mut self.note, Count::Heard)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (span().id("count").text(self.count.to_string())) (ui.place(&self.note)) }
    }

    async fn event(&mut self, Count::Heard(text): Count, cx: &mut Cx<'_, Self>) -> Result {
        self.count += 1;
        cx.say(format!("shelf: {text}"));
        Ok(())
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Room {
    slot: Slot<Shelf>,
    shelves: Keyed<String, Shelf>,
    log: Vec<String>,
}

#[derive(Event)]
enum Act {
    Open,
    Shut,
    Empty,
    Heard(String),
}

impl Page for Room {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Act> {
        let children = Children::none().slot("slot", &mut self.slot, Act::Heard);
        children.keyed("shelf", &mut self.shelves, |key, text| Act::Heard(format!("{key}: {text}")))
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (button("Open").id("open").postback(ui.on(Act::open())))
            (button("Shut").id("shut").postback(ui.on(Act::shut())))
            (button("Empty").id("empty").postback(ui.on(Act::empty())))
            @if let Some(shelf) = self.slot.get() { (ui.place(shelf)) }
            (ui.place_all(&self.shelves))
            (span().id("log").text(self.log.join(", ")))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Open => {
                self.slot.open(Shelf::default());
                // A key is any text.
                for key in ["a", "b c\"<", &"long".repeat(40)] {
                    self.shelves.open(key.to_owned(), Shelf::default());
                }
            }
            Act::Shut => drop(self.slot.close()),
            Act::Empty => self.shelves = Keyed::default(),
            Act::Heard(text) => self.log.push(text),
        }
        cx.refresh();
        Ok(())
    }
}

async fn opened() -> nitro::test::TestPage {
    let mut page = TestApp::new().page::<Room>("/").open("/").await;
    page.click("open").await;
    assert_eq!(page.error(), None);
    page
}

#[tokio::test]
async fn what_is_said_far_inside_is_heard_by_each_owner() {
    let mut page = opened().await;
    for (way, heard) in [("slot", "shelf: hi"), ("shelf.a", "a: shelf: hi")] {
        page.fill(&format!("{way}.note.text"), "hi");
        page.click(&format!("{way}.note.add")).await;
        assert_eq!(page.error(), None);
        assert_eq!(page.text(&format!("{way}.count")), "1", "the one between them shows it");
        assert!(page.text("log").ends_with(heard), "{}", page.text("log"));
        assert_eq!(page.text(&format!("{way}.note.sum")), "1");
        assert_eq!(page.value(&format!("{way}.note.text")), "");
    }
    // What was not on the way is not sent.
    page.fill("slot.note.text", "again");
    page.click("slot.note.add").await;
    assert!(!page.changes().contains("shelf."), "{}", page.changes());
}

#[tokio::test]
async fn lists_verbs_and_references_work_at_any_depth() {
    let mut page = opened().await;
    assert!(page.html().contains("<label for=\"slot.note.text\">"), "{}", page.html());
    assert!(page.html().contains("aria-describedby=\"slot.note.hint\""), "{}", page.html());
    page.click("shelf.a.note.verb").await;
    page.click("shelf.a.note.verb").await;
    assert_eq!(page.text("shelf.a.note.lines"), "by verbxby verbx");
    page.click("shelf.a.note.x0").await;
    assert_eq!((page.error(), page.text("shelf.a.note.lines").as_str()), (None, "by verbx"));
    assert_eq!(page.text("shelf.a.note.kept"), "by verb", "rows that are kept");
    assert_eq!(page.text("slot.note.kept"), "");
}

#[tokio::test]
async fn a_message_that_only_the_innermost_hears_is_shown() {
    let mut page = opened().await;
    page.click("slot.note.tell").await;
    page.push().await;
    assert_eq!((page.text("slot.note.heard").as_str(), page.text("shelf.a.note.heard").as_str()), ("1", "1"));
}

#[tokio::test]
async fn a_handler_that_fails_far_inside_leaves_nothing() {
    let mut page = opened().await;
    page.fill("slot.note.text", "kept");
    page.click("slot.note.add").await;
    page.click("slot.note.fail").await;
    assert!(page.error().is_some());
    assert_eq!(page.text("slot.note.hint"), "What is to be done");
    page.fill("slot.note.text", "on");
    page.click("slot.note.add").await;
    assert_eq!((page.error(), page.text("slot.note.sum").as_str()), (None, "2"));
}

#[tokio::test]
async fn a_slot_that_was_shut_and_opened_refuses_what_was_sealed_before() {
    let mut page = opened().await;
    let old = page.bound("slot.note.add");
    page.click("shut").await;
    assert!(!page.html().contains("slot.note"), "{}", page.html());
    page.force(&old, &[n2o::Value::Text("x".into())]).await;
    assert!(page.error().is_some());
    page.click("open").await;
    page.force(&old, &[n2o::Value::Text("x".into())]).await;
    assert!(page.error().is_some(), "it is another one now");
    assert_eq!(page.text("slot.note.sum"), "0");
}

#[tokio::test]
async fn a_restart_in_between_loses_nothing() {
    let mut page = opened().await;
    page.fill("shelf.a.note.text", "kept");
    page.click("shelf.a.note.add").await;
    page.drop_connection();
    page.reconnect().await;
    page.fill("shelf.a.note.text", "more");
    page.click("shelf.a.note.add").await;
    assert_eq!((page.error(), page.text("shelf.a.note.sum").as_str()), (None, "2"));
}

#[tokio::test]
async fn ways_of_any_length_work_and_are_ids() {
    let mut page = opened().await;
    // The inputs of the three shelves by key, in the order of the page: two of the keys do not fit into an id.
    let html = page.html();
    let of = |part: &str| {
        let ids = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next());
        ids.filter(|id| id.ends_with(part)).map(str::to_owned).collect::<Vec<_>>()
    };
    let (texts, adds) = (of(".text"), of(".add"));
    assert_eq!((texts.len(), adds.len()), (4, 4), "{texts:?}");
    for (text, add) in texts.iter().zip(&adds) {
        assert!(text.len() <= n2o::MAX_ID, "{text}");
        page.fill(text, "typed");
        page.click(add).await;
        assert_eq!(page.error(), None, "{add}");
    }
    assert_eq!(page.text("log").matches("typed").count(), 4, "{}", page.text("log"));
}

#[tokio::test]
async fn what_is_closed_leaves_its_topics() {
    let app = TestApp::new().page::<Room>("/").page::<News>("/news");
    let mut page = app.open("/").await;
    for _ in 0..3 {
        page.click("open").await;
        page.click("shut").await;
        page.click("empty").await;
    }
    // Nobody in the page hears it any more, and neither does the page.
    let mut news = app.open("/news").await;
    news.click("tell").await;
    assert_eq!(news.text("readers"), "0");
    page.click("open").await;
    news.click("tell").await;
    assert_eq!(news.text("readers"), "1");
    page.push().await;
    assert_eq!(page.text("shelf.a.note.heard"), "1");
}

/// Tells the news, and how many pages heard of them.
#[derive(Default, Serialize, Deserialize)]
struct News {
    readers: usize,
}

#[derive(Event)]
enum Spread {
    Tell,
}

impl Page for News {
    type Event = Spread;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (button("tell").id("tell").postback(ui.on(Spread::tell()))) (span().id("readers").text(self.readers.to_string())) }
    }

    async fn event(&mut self, Spread::Tell: Spread, cx: &mut Cx<'_, Self>) -> Result {
        self.readers = cx.node().registry().count("news");
        cx.send("news", 1_u32);
        cx.refresh();
        Ok(())
    }
}
