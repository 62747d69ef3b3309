//! Markup for another place than the document, such as an e-mail, is made without marks and seals.

use maud::html;
use nitro::{detached, prelude::*, test::TestApp};

#[derive(Default, Serialize, Deserialize)]
struct Order {
    sent: Vec<String>,
}

#[derive(Event)]
enum Act {
    Send,
}

fn mail() -> Markup {
    html! {
        (panel().id("total").body(html! { "Total " (strong().id("sum").text("12.50")) }))
        (button("Pay").id("pay").postback(Act::send()))
    }
}

impl Page for Order {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        // Markup that is made while the page renders is no part of the page either.
        let length = detached(mail).0.len();
        html! {
            (panel().id("log").body(html! { (span().id("length").text(length.to_string())) }))
            (span().id("mail").text(self.sent.concat()))
            (button("Send").id("send").postback(Act::send()))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let Act::Send = act;
        self.sent.push(detached(mail).into_string());
        // What goes into the document is marked as ever, also what is made afterwards.
        let again = format!("again{}", self.sent.len());
        cx.insert_bottom("log", panel().body(html! { (button("Again").id(again).postback(Act::send())) }));
        cx.set("mail", self.sent.concat());
        Ok(())
    }
}

#[tokio::test]
async fn a_mail_has_no_marks_and_the_page_is_what_it_was() {
    const MAIL: &str = "<div id=\"total\">Total <strong id=\"sum\">12.50</strong></div><button id=\"pay\" type=\"button\">Pay</button>";
    let app = TestApp::new().page::<Order>("/order");
    let mut page = app.open("/order").await;
    assert_eq!(page.text("length"), MAIL.len().to_string());
    page.click("send").await;
    assert_eq!(page.text("mail"), MAIL);
    page.click("again1").await;
    assert_eq!(page.text("mail"), MAIL.repeat(2));
}
