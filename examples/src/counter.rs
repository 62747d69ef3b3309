//! A counter: the smallest page there is.

use maud::html;
use nitro::prelude::*;

use crate::{frame::bar, text::text};

/// Counts clicks, for one visitor, as long as the page is open.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counter {
    n: u64,
}

/// What the visitor can do.
#[derive(Debug, Event)]
pub(crate) enum Press {
    /// One more.
    Inc,
}

impl Page for Counter {
    type Event = Press;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        String::from(text(ui.lang()).counter)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        html! {
            (bar(ui, &html! {}))
            main class="narrow counter" {
                h1 { (t.counter) }
                (output().id("n").class("tally").text(self.n.to_string()))
                (button(t.more).id("inc").class("primary").postback(ui.on(Press::inc())).repeat())
            }
        }
    }

    async fn event(&mut self, press: Press, cx: &mut Cx<'_, Self>) -> Result {
        let Press::Inc = press;
        self.n += 1;
        cx.refresh();
        Ok(())
    }
}
