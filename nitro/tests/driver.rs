//! What a test asks of a page that cannot be done fails at the line of the test.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, catch_unwind},
};

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

#[derive(Default, Serialize, Deserialize)]
struct Plain;

impl Page for Plain {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox("shut").attr(attr::ARIA_LABEL, "Shut").disabled(true))
            (span().id("plain").text("plain"))
        }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

thread_local! {
    static AT: RefCell<String> = RefCell::default();
}

#[tokio::test]
async fn a_failure_is_at_the_line_of_the_test() {
    panic::set_hook(Box::new(|info| {
        let file = info.location().map(|at| at.file().to_owned());
        AT.set(file.unwrap_or_default());
    }));
    let mut page = TestApp::new().page::<Plain>("/").open("/").await;
    type Deed = fn(&mut TestPage);
    let deeds: [(&str, Deed); 12] = [
        ("click of nothing", |page| drop(page.click("nowhere"))),
        ("click of a span", |page| drop(page.click("plain"))),
        ("press of nothing", |page| drop(page.press("Nowhere"))),
        ("send", |page| page.send("shut")),
        ("fill of nothing", |page| page.fill("nowhere", "x")),
        ("fill of what is disabled", |page| page.fill("shut", "x")),
        ("check", |page| page.check("nowhere", true)),
        ("text", |page| drop(page.text("nowhere"))),
        ("value", |page| drop(page.value("nowhere"))),
        ("attr", |page| drop(page.attr("nowhere", "x").map(str::to_owned))),
        ("is_enabled", |page| assert!(page.is_enabled("nowhere"))),
        ("bound", |page| drop(page.bound("plain"))),
    ];
    let places = deeds.map(|(name, deed)| {
        AT.set(String::from("nowhere"));
        assert!(catch_unwind(AssertUnwindSafe(|| deed(&mut page))).is_err());
        (name, AT.take())
    });
    let _ = panic::take_hook();
    for (name, at) in places {
        assert!(at.ends_with("tests/driver.rs"), "{name} fails in {at}");
    }
}
