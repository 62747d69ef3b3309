//! Events that read inputs whose names are known at run time only.

use maud::html;
use nitro::{Inputs, prelude::*, test::TestApp};

#[derive(Default, Serialize, Deserialize)]
struct Survey {
    told: String,
    shut: bool,
}

#[derive(Event)]
enum Act {
    Send {
        number: u8,
        #[source]
        title: String,
        #[source]
        form: Inputs,
    },
    Shut,
}

const QUESTIONS: [&str; 2] = ["name", "agree"];

impl Page for Survey {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox(Act::title).attr(attr::ARIA_LABEL, "Input"))
            (textbox("name").attr(attr::ARIA_LABEL, "Input").disabled(self.shut))
            (checkbox("agree").attr(attr::ARIA_LABEL, "Input"))
            (textbox("other").attr(attr::ARIA_LABEL, "Input"))
            (span().id("told").text(self.told.clone()))
            (button("Send").postback(ui.on(Act::send(7).reads(QUESTIONS))))
            (button("Shut").postback(ui.on(Act::shut())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Send { number, title, form } => {
                let told =
                    form.iter().map(|(name, _)| format!("{name}={}", form.text(name).unwrap_or_default()));
                self.told = format!("{number} {title}: {}", told.collect::<Vec<_>>().join(" "));
            }
            Act::Shut => self.shut = true,
        }
        cx.refresh();
        Ok(())
    }
}

#[tokio::test]
async fn what_is_read_is_said_where_the_event_is_bound() {
    let app = TestApp::new().page::<Survey>("/");
    let mut page = app.open("/").await;
    page.fill("title", "T");
    page.fill("name", "Ann");
    page.check("agree", true);
    page.press("Send").await;
    assert_eq!(page.text("told"), "7 T: name=Ann agree=true");

    page.press("Shut").await;
    page.press("Send").await;
    assert_eq!(page.text("told"), "7 T: agree=true", "a disabled input has no value");
}

#[tokio::test]
async fn the_client_does_not_choose_what_is_read() {
    let app = TestApp::new().page::<Survey>("/");
    let mut page = app.open("/").await;
    let id = page
        .html()
        .split("id=\"")
        .find_map(|rest| rest.contains(">Send<").then(|| rest.split('"').next().unwrap().to_owned()));
    let bound = page.bound(&id.unwrap());
    assert_eq!(bound.sources, ["title", "name", "agree"]);
    let text = |text: &'static str| n2o::Value::Text(text.into());
    for values in [vec![], vec![text("T"), text("Ann")], vec![text("T"), text("Ann"), text("x"), text("y")]] {
        page.force(&bound, &values).await;
        assert_eq!(page.error_code(), Some(2), "{values:?}");
    }
    page.force(&bound, &[text("T"), text("Ann"), n2o::Value::List(vec!["a".into(), "b".into()])]).await;
    assert_eq!(page.text("told"), "7 T: name=Ann agree=a");
}
