//! A seal is good for one session, page, element and content, for a time, and while the element can be used.

use std::time::Duration;

use maud::html;
use nitro::{
    prelude::*,
    test::{Bound, Frame, TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Safe {
    disabled: bool,
    gone: bool,
    presses: u32,
}

#[derive(Event)]
enum Act {
    Press(u32),
    Other(u32),
    Disable,
    Remove,
}

impl Page for Safe {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.presses.to_string()))
            @if !self.gone { (button("One").id("one").postback(ui.on(Act::press(1))).disabled(self.disabled)) }
            (button("Two").id("two").postback(ui.on(Act::press(2))))
            (button("Other").id("other").postback(ui.on(Act::other(1))))
            (button("Disable").id("disable").postback(ui.on(Act::disable())))
            (button("Remove").id("remove").postback(ui.on(Act::remove())))
            (span().id("free").text("not bound"))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Press(by) => self.presses += by,
            Act::Other(by) => self.presses += 100 * by,
            Act::Disable => self.disabled = true,
            Act::Remove => self.gone = true,
        }
        cx.refresh();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Safe>("/").page::<Safe>("/second")
}

/// Fires what is not this page's, and demands that it is refused and nothing happened.
async fn refused(page: &mut TestPage, bound: &Bound, why: &str) {
    let before = page.text("n");
    assert!(page.force(bound, &[]).await.is_empty(), "{why}");
    assert_eq!(page.error_code(), Some(2), "{why}");
    assert_eq!(page.error(), Some("This could not be done here any more. Please try again."), "{why}");
    assert_eq!(page.text("n"), before, "{why}");
}

#[tokio::test]
async fn a_seal_moved_elsewhere_is_refused() {
    let app = app();
    let mut page = app.open("/").await;
    let one = page.bound("one");
    let stranger = app.visitor().open("/").await;
    refused(&mut page, &stranger.bound("one"), "of another session").await;
    let twin = app.open("/").await;
    refused(&mut page, &twin.bound("one"), "of another page of the same path and session").await;
    let second = app.open("/second").await;
    refused(&mut page, &second.bound("one"), "of another path").await;
    for target in ["two", "other", "free", "n", "", "nobody"] {
        let moved = Bound { target: target.to_owned(), ..one.clone() };
        refused(&mut page, &moved, target).await;
    }
    page.click("one").await;
    assert_eq!(page.text("n"), "1", "the page goes on");
}

#[tokio::test]
async fn every_flipped_bit_is_refused_alike() {
    let patient = n2o::Limits { burst: 10_000, ..n2o::Limits::default() };
    let mut page = app().limits(patient).open("/").await;
    let one = page.bound("one");
    for bit in 0..one.seal.len() * 8 {
        let mut forged = one.clone();
        forged.seal[bit / 8] ^= 1 << (bit % 8);
        refused(&mut page, &forged, &format!("bit {bit}")).await;
    }
    for len in 0..one.seal.len() {
        let forged = Bound { seal: one.seal[..len].to_vec(), ..one.clone() };
        refused(&mut page, &forged, &format!("length {len}")).await;
    }
    let two = page.bound("two");
    for cut in 0..one.seal.len() {
        let seal = [&one.seal[..cut], &two.seal[cut..]].concat();
        if seal != two.seal {
            refused(&mut page, &Bound { seal, ..one.clone() }, &format!("spliced at {cut}")).await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_used_cannot_be_fired() {
    let mut page = app().open("/").await;
    let one = page.bound("one");
    page.click("disable").await;
    refused(&mut page, &one, "disabled").await;
    let now = page.bound("one");
    refused(&mut page, &now, "disabled, with the seal that it has now").await;
    page.click("remove").await;
    refused(&mut page, &one, "removed").await;
    refused(&mut page, &now, "removed").await;
}

#[tokio::test]
async fn an_old_seal_is_refused_and_a_fresh_one_follows() {
    let app = app();
    let mut page = app.open("/").await;
    app.advance(Duration::from_hours(24));
    page.click("one").await;
    assert_eq!(page.text("n"), "1", "good to the last second");
    app.advance(Duration::from_secs(1));
    page.click("two").await;
    assert_eq!(page.error_code(), Some(3));
    assert_eq!(page.text("n"), "1");
    page.click("two").await;
    assert_eq!((page.error(), page.text("n").as_str()), (None, "3"), "the push brought fresh seals");
}

#[tokio::test]
async fn a_frame_sent_ten_times_is_one_event() {
    let mut page = app().open("/").await;
    let one = page.bound("one");
    let frame = page.event(1, &one, &[]);
    (0..10).for_each(|_| page.raw(frame.clone()));
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(page.frame().await);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the same answer to all: {answers:?}");
    assert!(matches!(&answers[0], Frame::Answer { seq: 1, ops } if ops.len() == 1), "{answers:?}");
    assert_eq!(page.text("n"), "1");
}

#[tokio::test]
async fn an_event_out_of_order_closes_the_connection() {
    for seq in [2, 3, 1_000] {
        let mut page = app().open("/").await;
        page.raw(page.event(seq, &page.bound("one"), &[]));
        assert_eq!(page.frame().await, Frame::Closed(4400), "{seq}");
    }
}

#[tokio::test]
async fn malformed_frames_close_the_connection() {
    for frame in [&b""[..], b"\xff", b"\x80", b"\x82\x09\x00", b"\x9f\xff", b"[0,0]", b"\x82\x00\xf9\x00\x00"]
    {
        let mut page = app().open("/").await;
        page.raw(frame);
        assert_eq!(page.frame().await, Frame::Closed(4400), "{frame:02x?}");
    }
}

#[tokio::test]
#[should_panic(expected = "\"one\" is disabled")]
async fn the_driver_does_not_click_what_a_user_could_not() {
    let mut page = app().open("/").await;
    page.click("disable").await;
    page.click("one").await;
}

#[tokio::test]
#[should_panic(expected = "no element has the id \"three\"; / has [\"n\", \"one\", \"two\"")]
async fn the_driver_says_what_is_there() {
    app().open("/").await.click("three").await;
}
