//! What is wrong with a page is told where it is rendered, in debug builds and tests.

use maud::html;
use nitro::{prelude::*, test::TestApp};

#[derive(Default, Serialize, Deserialize)]
struct Wrong;

#[derive(Event)]
enum Act {
    Say {
        #[source]
        text: String,
    },
}

impl Page for Wrong {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let twice = ui.param("what") == "twice";
        html! {
            (button("Say").id("say").postback(Act::say()))
            @if twice { (textbox("text")) (textbox("text")) }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let Act::Say { text } = act;
        cx.alert(text);
        Ok(())
    }
}

#[tokio::test]
#[should_panic(expected = "the id \"text\" is on the page twice")]
async fn an_id_that_is_there_twice() {
    TestApp::new().page::<Wrong>("/{what}").open("/twice").await;
}

#[tokio::test]
#[should_panic(expected = "the event of element \"say\" reads the input \"text\", which is not on the page")]
async fn a_source_without_its_input() {
    TestApp::new().page::<Wrong>("/{what}").open("/none").await;
}
