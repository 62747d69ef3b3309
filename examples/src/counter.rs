//! A counter: the smallest page there is.

use maud::html;
use nitro::prelude::*;

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

    fn title(&self, _: &Cx) -> String {
        String::from("Counter")
    }

    fn render(&self, _: &Cx) -> Markup {
        html! {
            main {
                h1 { "Counter" }
                p { "Pressed " (span().id("n").text(self.n.to_string())) " times." }
                (button("More").id("inc").postback(Press::inc()).repeat())
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
