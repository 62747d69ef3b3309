//! What inputs hold becomes what an event declares, or an error at the input and no handler call.

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Form {
    off: bool,
}

#[derive(Event)]
enum Act {
    Save {
        #[source]
        name: String,
        #[source]
        age: u8,
        #[source]
        height: Option<i32>,
        #[source]
        agree: bool,
        #[source]
        size: Size,
    },
    Many {
        #[source]
        tags: Vec<String>,
        #[source]
        colour: Option<String>,
    },
    Keep {
        #[source]
        note: String,
    },
    Toggle,
}

#[derive(Debug)]
struct Size(char);

impl std::str::FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "s" => Ok(Size('s')),
            "m" => Ok(Size('m')),
            _ => Err("There is no such size."),
        }
    }
}

impl Page for Form {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let sizes = [("s", "Small"), ("m", "Medium"), ("xl", "Huge")];
        html! {
            (textbox(Act::name).label("Name").required())
            (number(Act::age).label("Age"))
            (number(Act::height).label("Height"))
            (checkbox(Act::agree).label("I agree"))
            (select(Act::size, "s", sizes).label("Size"))
            (textbox(Act::note).label("Note").disabled(self.off).value("given"))
            (select(Act::tags, "", [("a", "A"), ("b", "B")]).attr(attr::MULTIPLE, "").label("Tags"))
            (radio_group(Act::colour, "Colour", "", [("red", "Red"), ("blue", "Blue")]))
            (button("Save").id("save").postback(ui.on(Act::save())))
            (button("Many").id("many").postback(ui.on(Act::many())))
            (button("Keep").id("keep").postback(ui.on(Act::keep())))
            (button("Off").id("off").postback(ui.on(Act::toggle())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Save { name, age, height, agree, size } => {
                cx.alert(format!("{name} {age} {height:?} {agree} {}", size.0));
            }
            Act::Many { tags, colour } => cx.alert(format!("{tags:?} {colour:?}")),
            Act::Keep { note } => cx.alert(format!("note {note:?}")),
            Act::Toggle => {
                self.off = !self.off;
                cx.refresh();
            }
        }
        Ok(())
    }
}

async fn open() -> TestPage {
    TestApp::new().page::<Form>("/").open("/").await
}

fn fill(page: &mut TestPage) {
    page.fill("name", "Ann");
    page.fill("age", "42");
}

#[tokio::test]
async fn values_arrive_in_their_types() {
    let mut page = open().await;
    fill(&mut page);
    page.click("save").await;
    page.fill("height", "-170");
    page.check("agree", true);
    page.fill("size", "m");
    page.click("save").await;
    assert_eq!(page.alerts(), ["Ann 42 None false s", "Ann 42 Some(-170) true m"]);
}

#[tokio::test]
async fn what_is_missing_is_told_at_its_input() {
    let mut page = open().await;
    page.click("save").await;
    assert_eq!(
        page.changes(),
        concat!(
            "set name.e \"Please fill in this field.\"\n",
            "attr name \"aria-invalid\" \"true\"\n",
            "set age.e \"Please fill in this field.\"\n",
            "attr age \"aria-invalid\" \"true\"\n",
            "focus name"
        )
    );
    assert!(page.alerts().is_empty(), "the handler did not run");
    assert_eq!(page.error(), None);
}

#[tokio::test]
async fn what_does_not_parse_is_told_at_its_input() {
    let mut page = open().await;
    fill(&mut page);
    for (age, message) in
        [("x", "Please enter a number."), ("256", "Please enter a number."), ("-1", "Please enter a number.")]
    {
        page.fill("age", age);
        page.click("save").await;
        assert_eq!(page.text("age.e"), message, "{age}");
        assert_eq!(page.value("age"), age, "what was typed stays");
    }
    page.fill("age", "1");
    page.fill("size", "xl");
    page.click("save").await;
    assert_eq!((page.text("size.e").as_str(), page.text("age.e").as_str()), ("There is no such size.", ""));
    assert!(page.alerts().is_empty());
}

#[tokio::test]
async fn an_error_goes_when_the_next_event_reads_inputs() {
    let mut page = open().await;
    page.click("save").await;
    page.click("off").await;
    assert_eq!(
        page.text("name.e"),
        "Please fill in this field.",
        "an event that reads nothing says nothing of it"
    );
    fill(&mut page);
    page.click("save").await;
    assert_eq!((page.text("name.e").as_str(), page.text("age.e").as_str()), ("", ""));
    assert_eq!(page.attr("name", "aria-invalid"), None);
    assert_eq!(page.alerts().len(), 1);
}

#[tokio::test]
async fn several_choices_and_none() {
    let mut page = open().await;
    page.click("many").await;
    page.fill("tags", "b");
    page.fill("colour", "blue");
    page.click("many").await;
    assert_eq!(page.alerts(), ["[] None", "[\"b\"] Some(\"blue\")"]);
    let bound = page.bound("many");
    let both = n2o::Value::List(vec!["a".into(), "b".into()]);
    page.force(&bound, &[both, n2o::Value::Null]).await;
    assert_eq!(page.alerts()[2], "[\"a\", \"b\"] None");
}

#[tokio::test]
async fn a_disabled_input_is_not_read() {
    let mut page = open().await;
    page.click("keep").await;
    let bound = page.bound("keep");
    page.click("off").await;
    page.force(&bound, &[n2o::Value::Text("forced".into())]).await;
    assert_eq!(page.alerts(), ["note \"given\"", "note \"\""]);
}

#[tokio::test]
async fn values_of_a_wrong_number_or_kind_never_reach_a_handler() {
    use n2o::Value::{Bool, List, Null, Text, TooLong};
    let mut page = open().await;
    let bound = page.bound("save");
    let good = [Text("Ann".into()), Text("1".into()), Null, Bool(true), Text("s".into())];
    for count in 0..5 {
        page.force(&bound, &good[..count]).await;
        assert_eq!(page.error_code(), Some(2), "{count} values");
    }
    let mut more = good.to_vec();
    more.push(Null);
    page.force(&bound, &more).await;
    assert_eq!(page.error_code(), Some(2));
    for wrong in [Null, Bool(true), Text("1e3".into()), Text("\u{661}".into()), List(vec![]), TooLong] {
        let mut values = good.to_vec();
        values[1] = wrong.clone();
        page.force(&bound, &values).await;
        assert_ne!(page.text("age.e"), "", "{wrong:?}");
    }
    for wrong in [Text("yes".into()), Text("TRUE".into()), List(vec!["true".into(), "x".into()])] {
        let mut values = good.to_vec();
        values[3] = wrong.clone();
        page.force(&bound, &values).await;
        assert!(page.alerts().is_empty() || wrong == List(vec!["true".into(), "x".into()]), "{wrong:?}");
    }
    page.force(&bound, &good).await;
    assert_eq!(page.alerts().last().map(String::as_str), Some("Ann 1 None true s"));
}

#[tokio::test]
async fn errors_speak_the_visitors_language() {
    let app = TestApp::new().lang("uk").page::<Form>("/");
    let mut page = app.open("/").await;
    page.click("save").await;
    assert_eq!(page.text("name.e"), "Заповніть це поле.");
}
