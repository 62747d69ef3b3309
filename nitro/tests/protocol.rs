//! A protocol of an application beside the page, as a test speaks it.

use maud::html;
use n2o::{Dispatch, Event as Message, Format, Later, Protocol, Value};
use nitro::{
    prelude::*,
    test::{Frame, TestApp},
};

/// Adds what it is told, and answers the sum.
#[derive(Default)]
struct Tally(u64);

impl Protocol for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn claims(&self) -> &'static [u8] {
        &[16]
    }

    fn event<'a>(&'a mut self, message: &'a Message<'a>, cx: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async move {
            let [Value::Text(number)] = &message.values[..] else {
                return Err(Error::Refused("a tally is told a number"));
            };
            self.0 += number.parse::<u64>().map_err(|_| Error::user("That is not a number."))?;
            cx.reply(self.0.to_string());
            Ok(())
        })
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Home;

#[derive(Event)]
enum Act {
    Press,
}

impl Page for Home {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (button("Press").id("press").postback(ui.on(Act::press()))) }
    }

    async fn event(&mut self, _: Act, cx: &mut Cx<'_, Self>) -> Result {
        cx.alert("Pressed.");
        Ok(())
    }
}

#[tokio::test]
async fn a_test_speaks_a_protocol_of_the_application() {
    let app = TestApp::new().page::<Home>("/");
    app.node().protocol(|| Box::<Tally>::default()).expect("a free kind");
    let mut page = app.open("/").await;
    let told =
        |seq: u64, sum: &'static str| Frame::Reply { kind: 16, seq, values: vec![Value::Text(sum.into())] };
    assert_eq!(page.message(16, &[Value::Text("2".into())]).await, told(1, "2"));
    page.click("press").await;
    assert_eq!(page.alerts(), ["Pressed."]);
    assert_eq!(page.message(16, &[Value::Text("3".into())]).await, told(3, "5"));
    let frame = page.message(16, &[Value::Text("many".into())]).await;
    assert!(
        matches!(&frame, Frame::Error { seq: 4, text, .. } if text == "That is not a number."),
        "{frame:?}"
    );
    // It is another document, and another tally.
    page.speak(Format::Json).await;
    assert_eq!(page.message(16, &[Value::Text("1".into())]).await, told(1, "1"));
}
