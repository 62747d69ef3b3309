//! A handler that writes: a counter that is a record of the store.

use std::borrow::Cow;

use kvs::Record;
use maud::html;
use nitro::prelude::*;

/// How often a page was pressed.
#[derive(Debug, Serialize, Deserialize)]
struct Presses {
    page: String,
    n: u64,
}

impl Record for Presses {
    const TABLE: &'static str = "bench presses";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.page)
    }
}

/// Writes one record at each event.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Written {
    n: u64,
}

#[derive(Debug, Event)]
pub(super) enum Press {
    Inc,
}

impl Page for Written {
    type Event = Press;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("n").text(self.n.to_string()))
            (button("More").id("inc").postback(ui.on(Press::inc())).repeat())
        }
    }

    async fn event(&mut self, press: Press, cx: &mut Cx<'_, Self>) -> Result {
        let Press::Inc = press;
        self.n += 1;
        let record = Presses { page: cx.page().to_string(), n: self.n };
        cx.kvs().put(&record)?;
        cx.set("n", self.n.to_string());
        Ok(())
    }
}
