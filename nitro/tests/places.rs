//! A failure says where it happened, in debug builds: in the browser and in the log.

use std::sync::{Arc, Mutex, PoisonError};

use maud::html;
use nitro::{prelude::*, test::TestApp};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Default, Serialize, Deserialize)]
struct Fragile {
    n: u32,
}

#[derive(Event)]
enum Act {
    Panic,
    Fail,
    Parse,
    OrFail,
    Forget,
}

impl Page for Fragile {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (button("Panic").id("panic").postback(ui.on(Act::panic())))
            (button("Fail").id("fail").postback(ui.on(Act::fail())))
            (button("Parse").id("parse").postback(ui.on(Act::parse())))
            (button("OrFail").id("or_fail").postback(ui.on(Act::or_fail())))
            (button("Forget").id("forget").postback(ui.on(Act::forget())))
            (button("Other").id("other").postback(ui.on(Act::forget())))
            (span().id("n").text(self.n.to_string()))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Panic => panic!("the secret reason"),
            Act::Fail => Err(Error::other("the secret reason")),
            Act::Parse => "no number".parse::<u8>().map(|_| ()).map_err(Error::other),
            Act::OrFail => Err("the secret reason").or_fail(),

            Act::Forget => {
                self.n += 1;
                if self.n == 2 {
                    cx.refresh();
                }
                Ok(())
            }
        }
    }
}

/// The log, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

fn line(of: &str) -> usize {
    include_str!("places.rs").lines().position(|line| line.contains(of)).expect("it is there") + 1
}

#[tokio::test]
async fn a_failed_handler_says_where() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).expect("the first");
    let app = TestApp::new().page::<Fragile>("/");
    let mut page = app.open("/").await;
    for (id, event, at) in [
        ("panic", "Panic", "Act::Panic => panic!"),
        ("fail", "Fail", "Act::Fail => Err("),
        ("or_fail", "OrFail", "Act::OrFail => Err("),
    ] {
        page.click(id).await;
        let told = page.error().expect(id).to_owned();
        let place = format!(
            "places::Fragile, element {id:?} made at nitro/tests/places.rs:{}",
            line(&format!("(button(\"{event}\")"))
        );
        let place = format!("{place}, event `{event}`, at nitro/tests/places.rs:{}", line(at));
        assert!(told.contains(&format!("[{place}]")), "{told}\nlacks {place}");
        assert!(!told.contains("secret"), "{told}");
        let written = String::from_utf8(log.0.lock().expect("log").clone()).expect("text");
        let place = place.replace('"', "\\\"");
        assert!(written.contains(&place) || written.contains(&place.replace("\\\"", "\"")), "{written}");
        assert!(written.contains("the secret reason"), "{written}");
    }
    // An error that is wrapped by a function has the page, the element and the event only.
    page.click("parse").await;
    let told = page.error().expect("parse");
    assert!(told.contains("places::Fragile, element \"parse\"") && told.contains("event `Parse`"), "{told}");

    // A handler that changes what its page looks like, and sends nothing, is told of once.
    for id in ["forget", "forget", "forget", "other"] {
        page.click(id).await;
        assert_eq!(page.error(), None);
    }
    let written = String::from_utf8(log.0.lock().expect("log").clone()).expect("text");
    assert_eq!(written.matches("is `cx.refresh()` missing?").count(), 1, "{written}");
    assert!(written.contains("event `Forget` the page looks otherwise"), "{written}");

    // A page that is taken up again is sent as a whole: nobody has forgotten anything.
    app.restart().await;
    page.reconnect().await;
    page.click("forget").await;
    let written = String::from_utf8(log.0.lock().expect("log").clone()).expect("text");
    assert_eq!(written.matches("is `cx.refresh()` missing?").count(), 1, "{written}");
}
