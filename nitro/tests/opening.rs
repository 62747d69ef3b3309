//! When components are loaded and begun: in the turn in which they are opened, and as soon as their visitor may.

use maud::html;
use nitro::{Component, prelude::*, test::TestApp};

/// Says as soon as it begins that the next is to be opened.
#[derive(Default, Serialize, Deserialize)]
struct Door {
    number: u32,
    #[serde(skip)]
    loaded: bool,
}

impl Component for Door {
    type Event = Never;
    type Said = u32;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, _: &mut Cx<'_, Self>) -> Result {
        self.loaded = true;
        Ok(())
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.say(self.number + 1);
        Ok(())
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { (span().id("state").text(format!("{} {}", self.number, self.loaded))) }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

/// For the boss only.
#[derive(Default, Serialize, Deserialize)]
struct Safe {
    loads: u32,
}

impl Component for Safe {
    type Event = Never;
    type Said = Never;
    const ACCESS: Access = Access::Role("boss");

    async fn load(&mut self, _: &mut Cx<'_, Self>) -> Result {
        self.loads += 1;
        Ok(())
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { (span().id("loads").text(self.loads.to_string())) }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

#[derive(Default, Serialize, Deserialize)]
struct House {
    most: u32,
    doors: Keyed<u32, Door>,
    safe: Child<Safe>,
}

#[derive(Event)]
enum Act {
    In,
    Roles(bool),
    Open(u32),
    Next(u32),
}

impl Page for House {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Act> {
        let doors = Children::none().keyed("door", &mut self.doors, |_, next| Act::Next(next));
        doors.child("safe", &mut self.safe, silent)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            @for (id, act) in [
                ("in", Act::r#in()), ("rise", Act::roles(true)), ("fall", Act::roles(false)),
                ("three", Act::open(3)), ("endless", Act::open(u32::MAX)),
            ] { (button(id).id(id).postback(ui.on(act))) }
            (ui.place_all(&self.doors))
            (ui.place(&self.safe))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::In => cx.login("ann").await?,
            Act::Roles(rises) => cx.set_roles(if rises { &["boss"] } else { &[] })?,
            Act::Open(most) => {
                self.most = most;
                self.doors.open(0, Door::default());
            }
            Act::Next(number) if number < self.most => {
                self.doors.open(number, Door { number, ..Door::default() });
            }
            Act::Next(_) => return Ok(()),
        }
        cx.refresh();
        Ok(())
    }
}

#[tokio::test]
async fn what_is_opened_by_what_was_heard_is_loaded_in_the_same_turn() {
    let mut page = TestApp::new().page::<House>("/").open("/").await;
    page.click("three").await;
    assert_eq!(page.error(), None);
    let state = |number: u32| page.text(&format!("door.{number}.state"));
    assert_eq!([0, 1, 2].map(state), ["0 true", "1 true", "2 true"]);
}

#[tokio::test]
async fn components_that_open_each_other_without_end_are_a_failure() {
    let mut page = TestApp::new().page::<House>("/").open("/").await;
    page.click("endless").await;
    assert!(page.error().is_some());
    page.click("three").await;
    assert_eq!((page.error(), page.text("door.2.state").as_str()), (None, "2 true"), "and the page lives on");
}

#[tokio::test]
async fn a_component_is_loaded_as_soon_as_the_visitor_may_see_it() {
    let mut page = TestApp::new().page::<House>("/").open("/").await;
    page.click("in").await;
    assert!(!page.has("safe.loads"));
    for loads in ["1", "1"] {
        page.click("rise").await;
        assert_eq!((page.error(), page.text("safe.loads").as_str()), (None, loads));
        page.click("fall").await;
        assert!(!page.has("safe.loads"));
    }
}
