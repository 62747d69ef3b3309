//! Components: placed many times, heard by their owner, reached by their own seals only.

use maud::html;
use nitro::{Component, prelude::*, test::TestApp};

/// A form for one name, which says when it was saved.
#[derive(Default, Serialize, Deserialize)]
struct Card {
    name: String,
    #[serde(skip)]
    loaded: bool,
}

struct Saved(String);

#[derive(Event)]
enum Edit {
    Save {
        #[source]
        name: String,
        #[source]
        age: u8,
    },
    Forget,
}

impl Component for Card {
    type Event = Edit;
    type Said = Saved;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, _: &mut Cx<'_, Self>) -> Result {
        self.loaded = true;
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox("name").label("Name").value(&*self.name))
            (textbox("age").label("Age"))
            (span().id("state").text(format!("{} {}", self.name, self.loaded)))
            (button("Save").id("save").postback(ui.on(Edit::save())))
            (button("Forget").id("forget").postback(ui.on(Edit::forget())))
        }
    }

    async fn event(&mut self, edit: Edit, cx: &mut Cx<'_, Self>) -> Result {
        match edit {
            Edit::Save { name, age } => {
                cx.set("age", "");
                cx.say(Saved(format!("{name} {age}")));
                self.name = name;
            }
            Edit::Forget => self.name.clear(),
        }
        cx.refresh();
        Ok(())
    }
}

/// A part for the boss only.
#[derive(Default, Serialize, Deserialize)]
struct Safe;

#[derive(Event)]
enum Use {
    Open,
}

impl Component for Safe {
    type Event = Use;
    type Said = Never;
    const ACCESS: Access = Access::Role("boss");

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (button("Open").id("open").postback(ui.on(Use::open()))) }
    }

    async fn event(&mut self, _: Use, cx: &mut Cx<'_, Self>) -> Result {
        cx.alert("open");
        Ok(())
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Desk {
    first: Child<Card>,
    cards: Keyed<u32, Card>,
    safe: Child<Safe>,
    log: Vec<String>,
}

#[derive(Event)]
enum Act {
    Open(u32),
    Close(u32),
    Heard(String),
    In,
    Out,
}

impl Page for Desk {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Act> {
        Children::none()
            .child("first", &mut self.first, |Saved(name)| Act::Heard(name))
            .keyed("cards", &mut self.cards, |key, Saved(name)| Act::Heard(format!("{key}: {name}")))
            .child("safe", &mut self.safe, silent)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (ui.place(&self.first))
            (ui.place_all(&self.cards))
            (ui.place(&self.safe))
            (span().id("log").text(self.log.join(", ")))
            (button("Open 7").id("open7").postback(ui.on(Act::open(7))))
            (button("Open 8").id("open8").postback(ui.on(Act::open(8))))
            (button("Close 7").id("close7").postback(ui.on(Act::close(7))))
            (button("In").id("in").postback(ui.on(Act::r#in())))
            (button("Out").id("out").postback(ui.on(Act::out())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Open(key) => {
                // What is written to the store is saved at once, and the page with it.
                cx.kvs().append("/opened", &key)?;
                self.cards.open(key, Card::default());
            }
            Act::Close(key) => _ = self.cards.close(&key),
            Act::Heard(what) => self.log.push(what),
            Act::In => cx.login_as("ann", &["boss"]).await?,
            Act::Out => cx.login_as("ann", &[]).await?,
        }
        cx.refresh();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Desk>("/").page::<Desk>("/other")
}

#[tokio::test]
async fn two_forms_of_one_type_do_not_clash_and_their_owner_hears_them() {
    let mut page = app().open("/").await;
    page.click("open7").await;
    page.fill("first.name", "Ann");
    page.fill("first.age", "7");
    page.fill("cards.7.name", "Bo");
    page.fill("cards.7.age", "9");
    page.click("cards.7.save").await;
    assert_eq!(page.error(), None);
    assert_eq!(page.text("cards.7.state"), "Bo true");
    assert_eq!(page.text("first.state"), " true");
    assert_eq!(page.text("log"), "7: Bo 9");
    page.click("first.save").await;
    assert_eq!(page.text("first.state"), "Ann true");
    assert_eq!(page.text("log"), "7: Bo 9, Ann 7");
    page.click("cards.7.forget").await;
    assert_eq!((page.text("cards.7.state"), page.text("first.state")), (" true".into(), "Ann true".into()));
}

#[tokio::test]
async fn what_does_not_fit_is_shown_at_the_inputs_of_the_component() {
    let mut page = app().open("/").await;
    page.click("open7").await;
    page.fill("cards.7.name", "Bo");
    page.fill("cards.7.age", "old");
    page.click("cards.7.save").await;
    assert_ne!(page.text("cards.7.age.e"), "");
    assert_eq!(page.focused(), "cards.7.age");
    assert_eq!(page.text("first.age.e"), "");
    page.fill("cards.7.age", "9");
    page.click("cards.7.save").await;
    assert_eq!((page.text("cards.7.age.e"), page.text("log")), (String::new(), "7: Bo 9".into()));
}

#[tokio::test]
async fn a_card_opened_again_under_its_key_refuses_the_old_seal() {
    let mut page = app().open("/").await;
    page.click("open7").await;
    let old = page.bound("cards.7.forget");
    page.click("close7").await;
    page.click("open7").await;
    page.force(&old, &[]).await;
    assert!(page.error().is_some());
    page.click("cards.7.forget").await;
    assert_eq!(page.error(), None);
}

#[tokio::test]
async fn a_seal_of_one_component_does_not_run_in_another() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("open7").await;
    page.click("open8").await;
    let seven = page.bound("cards.7.forget");
    let mut eight = page.bound("cards.8.forget");
    eight.seal = seven.seal;
    page.force(&eight, &[]).await;
    assert!(page.error().is_some());
    let mut other = page.visitor().open("/other").await;
    let mut first = page.bound("first.forget");
    other.force(&first, &[]).await;
    assert!(other.error().is_some());
    first.seal = page.bound("open8").seal;
    page.force(&first, &[]).await;
    assert!(page.error().is_some());
}

#[tokio::test]
async fn what_the_visitor_may_not_use_is_not_shown() {
    let page = app().open("/").await;
    assert!(!page.has("safe.open"));
}

#[tokio::test]
async fn only_what_was_touched_is_sent_again() {
    let mut page = app().open("/").await;
    page.click("open7").await;
    page.fill("first.name", "Ann");
    page.fill("first.age", "7");
    page.click("first.save").await;
    assert!(!page.changes().contains("cards.7"), "{}", page.changes());
}

#[tokio::test]
async fn a_component_outlives_a_restart_with_its_seals() {
    let app = app();
    let mut page = app.open("/").await;
    page.click("open7").await;
    page.fill("cards.7.name", "Bo");
    page.fill("cards.7.age", "9");
    page.click("cards.7.save").await;
    page.click("open8").await;
    let old = page.bound("cards.7.forget");
    page.drop_connection();
    app.restart().await;
    page.reconnect().await;
    assert_eq!((page.text("cards.7.state"), page.text("log")), ("Bo true".into(), "7: Bo 9".into()));
    page.force(&old, &[]).await;
    assert_eq!((page.error(), page.text("cards.7.state")), (None, " true".into()));
}

/// A part that hears one topic, and may be shut.
#[derive(Default, Serialize, Deserialize)]
struct Ear {
    topic: String,
    heard: u32,
}

impl Component for Ear {
    type Event = Use;
    type Said = Never;
    const ACCESS: Access = Access::Anyone;

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let shut = cx.session().get::<bool>("shut")?.unwrap_or_default();
        if shut { Err(Error::Denied) } else { Ok(()) }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg(&self.topic);
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("heard").text(self.heard.to_string()))
            (button("Open").id("open").postback(ui.on(Use::open())))
        }
    }

    async fn event(&mut self, _: Use, cx: &mut Cx<'_, Self>) -> Result {
        cx.send(&self.topic, 1_u32);
        Ok(())
    }

    async fn info(&mut self, _: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.heard += 1;
        cx.refresh();
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Ears {
    left: Child<Ear>,
    right: Child<Ear>,
}

impl Default for Ears {
    fn default() -> Self {
        let ear = |topic: &str| Child::new(Ear { topic: topic.to_owned(), heard: 0 });
        Ears { left: ear("left"), right: ear("right") }
    }
}

#[derive(Event)]
enum Shut {
    Shut,
}

impl Page for Ears {
    type Event = Shut;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Shut> {
        Children::none().child("left", &mut self.left, silent).child("right", &mut self.right, silent)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (ui.place(&self.left)) (ui.place(&self.right))
            (button("Shut").id("shut").postback(ui.on(Shut::shut())))
        }
    }

    async fn event(&mut self, _: Shut, cx: &mut Cx<'_, Self>) -> Result {
        cx.session().set("shut", &true)
    }
}

#[tokio::test]
async fn a_message_comes_to_the_component_that_asked_for_it() {
    let mut page = TestApp::new().page::<Ears>("/").open("/").await;
    page.send("left.open");
    page.answer().await;
    page.push().await;
    assert_eq!((page.text("left.heard"), page.text("right.heard")), ("1".into(), "0".into()));
}

#[tokio::test]
async fn rights_are_asked_on_the_way_to_a_component() {
    let mut page = TestApp::new().page::<Ears>("/").open("/").await;
    page.click("shut").await;
    assert_eq!(page.error(), None);
    page.click("left.open").await;
    assert!(page.error().is_some());
}

/// Two components with a choice each, of which one must not clear the other's.
#[derive(Default, Serialize, Deserialize)]
struct Choices;

impl Component for Choices {
    type Event = Never;
    type Said = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        radio_group("kind", "Kind", "new", [("new", "New"), ("old", "Old")]).render()
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Pair {
    left: Child<Choices>,
    right: Child<Choices>,
}

impl Page for Pair {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Never> {
        Children::none().child("left", &mut self.left, silent).child("right", &mut self.right, silent)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (ui.place(&self.left)) (ui.place(&self.right)) }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

#[tokio::test]
async fn radio_buttons_of_two_components_are_two_groups() {
    let page = TestApp::new().page::<Pair>("/").open("/").await;
    let html = page.html();
    for name in ["left.kind", "right.kind"] {
        assert_eq!(html.matches(&format!(r#"name="{name}" value"#)).count(), 2, "{html}");
    }
}
