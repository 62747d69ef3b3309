//! The pages that load tools drive. They are what the comparisons with other frameworks need, and no examples
//! of how to write a page.

use std::sync::LazyLock;

use maud::{Markup, html};
use n2o::Limits;
use nitro::prelude::*;
use web::App;

/// The ids and labels of the form's fields, which in a form of the real world would stand in the program.
static FIELDS: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| (0..60).map(|field| (format!("f{field}"), format!("Field {field}"))).collect());
/// Rows of the list when it is opened.
const ROWS: u64 = 1_000;
/// The row that is touched.
const TOUCHED: u64 = 500;
/// The topic of the room.
const ROOM: &str = "/bench/room";

/// Adds the pages to an application.
pub fn pages(app: App) -> App {
    app.page::<Counter>("/bench/counter")
        .page::<Form>("/bench/form")
        .page::<List>("/bench/list")
        .page::<Room>(ROOM)
}

/// Bounds under which a load tool is not taken for an attacker.
#[must_use]
pub fn limits() -> Limits {
    const MANY: u32 = 1_000_000;
    // The load comes from one address, and the file limit is set for it.
    Limits {
        rate: MANY,
        burst: MANY,
        connections: 100_000,
        connections_by_client: 100_000,
        connections_by_session: 100_000,
        requests_by_client: 100_000,
        visit_rate: MANY,
        visit_burst: MANY,
        client_rate: MANY,
        client_burst: MANY,
        socket_bytes: 1 << 30,
        waiting: 100_000,
        session_pages: 100_000,
        session_bytes: 1 << 30,
        session_work: MANY,
        address_work: MANY,
        ..Limits::default()
    }
}

/// A number that grows: the least that a page can do. The change is named.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counter {
    n: u64,
}

#[derive(Debug, Event)]
enum Press {
    Inc,
}

impl Page for Counter {
    type Event = Press;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.n.to_string()))
            (button("More").id("inc").postback(Press::inc()).repeat())
        }
    }

    async fn event(&mut self, press: Press, cx: &mut Cx<'_, Self>) -> Result {
        let Press::Inc = press;
        self.n += 1;
        cx.set("n", self.n.to_string());
        Ok(())
    }
}

/// A form whose fields all change at once. The page is rendered again and the difference is found.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Form {
    round: u64,
}

#[derive(Debug, Event)]
enum Ask {
    Recalc,
}

impl Page for Form {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {
            @for (number, (id, label)) in (0..).zip(FIELDS.iter()) {
                (textbox(id).label(label).value(self.value(number)))
            }
            (button("Recalculate").id("recalc").postback(Ask::recalc()).repeat())
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        let Ask::Recalc = ask;
        self.round += 1;
        cx.refresh();
        Ok(())
    }
}

impl Form {
    /// Six digits that differ from round to round.
    fn value(&self, field: u64) -> String {
        (100_000 + (self.round * 7_919 + field * 104_729) % 900_000).to_string()
    }
}

/// A long list of which the page remembers only how it differs from the one that was opened. The changes are named.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    appended: u64,
    touched: u64,
}

#[derive(Debug, Event)]
enum Change {
    Append,
    Touch,
}

impl Page for List {
    type Event = Change;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        let rows = html! {
            @for number in 0..ROWS + self.appended { (self.row(number)) }
        };
        html! {
            (button("Append").id("append").postback(Change::append()).repeat())
            (button("Touch").id("touch").postback(Change::touch()).repeat())
            table { (tbody().id("rows").body(rows)) }
        }
    }

    async fn event(&mut self, change: Change, cx: &mut Cx<'_, Self>) -> Result {
        match change {
            Change::Append => {
                self.appended += 1;
                cx.insert_bottom("rows", self.row(ROWS + self.appended - 1));
            }
            Change::Touch => {
                self.touched += 1;
                cx.update(format!("r{TOUCHED}"), self.row(TOUCHED));
            }
        }
        Ok(())
    }
}

impl List {
    fn row(&self, number: u64) -> El<'static> {
        let times = if number == TOUCHED { self.touched } else { 0 };
        tr().id(format!("r{number}")).body(html! { td { (number) } td { "Row" } td { (times) } })
    }
}

/// A room in which everybody sees what anybody says, and nothing is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Room;

#[derive(Debug, Event)]
enum Speak {
    Send {
        #[source]
        message: String,
    },
}

/// What was said.
#[derive(Debug, Serialize, Deserialize)]
struct Said(String);

impl Page for Room {
    type Event = Speak;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg(ROOM);
        Ok(())
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {
            div id="log" {}
            (textbox(Speak::message).label("Message"))
            (button("Send").id("send").postback(Speak::send()).repeat())
        }
    }

    async fn event(&mut self, speak: Speak, cx: &mut Cx<'_, Self>) -> Result {
        let Speak::Send { message } = speak;
        cx.send(ROOM, Said(message));
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(Said(text)) = message.read() {
            cx.insert_bottom("log", html! { p { (text) } });
        }
        Ok(())
    }
}
