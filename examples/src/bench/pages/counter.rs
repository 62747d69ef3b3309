//! A number that grows: the least that a page can do.

use maud::html;
use nitro::prelude::*;

/// The change is named, or with `REFRESH` the page is rendered again and the difference is found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Counter<const REFRESH: bool> {
    n: u64,
}

#[derive(Debug, Event)]
pub(super) enum Press {
    Inc,
}

impl<const REFRESH: bool> Page for Counter<REFRESH> {
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
        if REFRESH {
            cx.refresh();
        } else {
            cx.set("n", self.n.to_string());
        }
        Ok(())
    }
}
