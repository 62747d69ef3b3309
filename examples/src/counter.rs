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

    fn title(&self, cx: &Cx) -> String {
        String::from(text(cx.lang()).counter)
    }

    fn render(&self, cx: &Cx) -> Markup {
        let t = text(cx.lang());
        html! {
            (bar(cx, &html! {}))
            main class="narrow counter" {
                h1 { (t.counter) }
                (output().id("n").class("tally").text(self.n.to_string()))
                (button(t.more).id("inc").class("primary").postback(Press::inc()).repeat())
            }
        }
    }

    async fn event(&mut self, press: Press, cx: &mut Cx) -> Result {
        let Press::Inc = press;
        self.n += 1;
        cx.refresh();
        Ok(())
    }
}
