//! Messages between pages, and who is present.

use maud::html;
use n2o::Limits;
use nitro::{
    prelude::*,
    test::{Frame, TestApp},
};
use tokio::sync::Notify;

/// Lets the handlers go that hold.
static GATE: Notify = Notify::const_new();

#[derive(Default, Serialize, Deserialize)]
struct Room {
    seen: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Said(String);

#[derive(Event)]
enum Act {
    Say {
        #[source]
        words: String,
    },
    Flood(u32),
    Leave,
    Fail,
    Hold,
}

impl Page for Room {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (ul().id("said"))
            (span().id("here").text(ui.present(ui.param("room")).join(" ")))
            (textbox(Act::words).attr(attr::ARIA_LABEL, "Input"))
            (button("Say").id("say").postback(ui.on(Act::say())))
            (button("Flood").id("flood").postback(ui.on(Act::flood(5))))
            (button("Much").id("much").postback(ui.on(Act::flood(300))))
            (button("Leave").id("leave").postback(ui.on(Act::leave())))
            (button("Fail").id("fail").postback(ui.on(Act::fail())))
            (button("Hold").id("hold").postback(ui.on(Act::hold())))
        }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (room, name) = (cx.param("room").to_owned(), cx.query("as").to_owned());
        if name.is_empty() {
            cx.reg(&room);
        } else {
            cx.join(&room, &name);
        }
        Ok(())
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let room = cx.param("room").to_owned();
        match act {
            Act::Say { words } => cx.send(&room, Said(words)),
            Act::Flood(count) => (0..count).for_each(|n| cx.send(&room, Said(n.to_string()))),
            Act::Leave => cx.unreg(&room),
            Act::Fail => {
                cx.send(&room, Said("never".into()));
                return Err(Error::user("No."));
            }
            Act::Hold => GATE.notified().await,
        }
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(Said(words)) = message.read() {
            if words == "break" {
                self.seen += 100;
                cx.insert_bottom("said", li().text("half"));
                return Err(Error::other("broken"));
            }
            self.seen += 1;
            cx.insert_bottom("said", li().id(format!("s{}", self.seen)).text(words));
        }
        if message.read::<Presence>().is_some() {
            cx.set("here", cx.present(message.topic()).join(" "));
        }
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Room>("/room/{room}")
}

#[tokio::test]
async fn what_is_said_reaches_everyone_in_the_room_and_nobody_else() {
    let app = app();
    let mut ann = app.open("/room/a").await;
    let mut bob = app.visitor().open("/room/a").await;
    let mut eve = app.visitor().open("/room/b").await;
    ann.fill("words", "hello <b>");
    ann.click("say").await;
    ann.push().await;
    bob.push().await;
    assert_eq!(bob.changes(), r#"insert_bottom said <li id="s1">hello &lt;b&gt;</li>"#);
    assert_eq!((ann.text("said"), bob.text("said")), ("hello <b>".into(), "hello <b>".into()));
    eve.fill("words", "alone");
    eve.click("say").await;
    eve.push().await;
    assert_eq!((eve.text("said"), app.node().registry().count("a")), ("alone".into(), 2));
}

#[tokio::test]
async fn messages_come_in_the_order_they_were_sent() {
    let app = app();
    let mut ann = app.open("/room/a").await;
    let mut bob = app.open("/room/a").await;
    ann.click("flood").await;
    for _ in 0..5 {
        bob.push().await;
    }
    assert_eq!(bob.text("said"), "01234");
}

#[tokio::test]
async fn what_a_failed_handler_sent_was_never_sent() {
    let app = app();
    let mut ann = app.open("/room/a").await;
    let mut bob = app.open("/room/a").await;
    ann.click("fail").await;
    ann.fill("words", "then");
    ann.click("say").await;
    bob.push().await;
    assert_eq!(bob.text("said"), "then");
}

#[tokio::test]
async fn who_left_hears_nothing() {
    let app = app();
    let mut ann = app.open("/room/a").await;
    let bob = app.open("/room/a").await;
    ann.click("leave").await;
    assert_eq!(app.node().registry().count("a"), 1);
    drop(bob);
    while app.node().registry().count("a") > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_that_fails_leaves_the_page_as_it_was() {
    let app = app();
    let mut ann = app.open("/room/a").await;
    ann.fill("words", "break");
    ann.click("say").await;
    ann.fill("words", "next");
    ann.click("say").await;
    ann.push().await;
    assert_eq!(ann.text("said"), "next");
    assert!(ann.has("s1"), "the number that the broken message took was given back");
}

#[tokio::test]
async fn presence_counts_people_and_not_windows() {
    let app = app();
    let mut ann = app.open("/room/a?as=Ann").await;
    assert_eq!(ann.text("here"), "Ann");
    let visitor = app.visitor();
    let bob = visitor.open("/room/a?as=Bob").await;
    let again = visitor.open("/room/a?as=Bob").await;
    ann.push().await;
    assert_eq!(ann.text("here"), "Ann Bob");
    drop(bob);
    drop(again);
    ann.push().await;
    assert_eq!(ann.text("here"), "Ann", "told once, when the last window went");
}

#[tokio::test]
async fn presence_ends_with_the_connection_only_after_a_while() {
    let app = app();
    let mut bob = app.visitor().open("/room/a?as=Bob").await;
    bob.drop_connection();
    let ann = app.open("/room/a?as=Ann").await;
    assert_eq!(app.node().registry().present("a"), ["Ann", "Bob"]);
    bob.reconnect().await;
    assert_eq!(app.node().registry().present("a"), ["Ann", "Bob"]);
    drop(ann);
}

#[tokio::test]
async fn who_does_not_keep_up_is_closed_and_comes_back() {
    let app = app();
    let mut ann = app.open("/room/a").await;
    let mut bob = app.open("/room/a").await;
    ann.click("leave").await;
    bob.send("hold");
    ann.click("much").await;
    GATE.notify_one();
    assert!(matches!(bob.frame().await, Frame::Answer { .. }));
    assert_eq!(bob.frame().await, Frame::Closed(1013), "300 messages are more than an inbox holds");
    assert_eq!(bob.text("said"), "");
    bob.reconnect().await;
    ann.fill("words", "back");
    ann.click("say").await;
    bob.push().await;
    assert_eq!(bob.text("said"), "back");
}

/// No time passes while they come, however long it takes to open so many pages here.
#[tokio::test(start_paused = true)]
async fn a_crowd_that_comes_one_by_one_is_told_of_together() {
    const PEOPLE: usize = 200;
    let limits = Limits { presence: std::time::Duration::from_secs(1), ..Limits::default() };
    let app = app().limits(limits);
    let mut pages = Vec::new();
    for number in 0..PEOPLE {
        pages.push(app.open(&format!("/room/a?as=n{number:03}")).await);
    }
    let (mut frames, mut bytes) = (0, 0);
    for page in &mut pages {
        // The last one of all stands at the end of everyone's list.
        while !page.text("here").ends_with("n199") {
            page.push().await;
            (frames, bytes) = (frames + 1, bytes + page.changes().len());
        }
        assert_eq!(page.text("here").split(' ').count(), PEOPLE);
    }
    // One by one it would be 19,900 frames and 10 MB.
    assert!(frames < 10 * PEOPLE && bytes < 2_000_000, "{frames} frames, {bytes} bytes");
}
