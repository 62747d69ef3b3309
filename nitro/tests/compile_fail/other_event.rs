//! An event of another component, and one that was bound to none.

use maud::html;
use nitro::prelude::*;

#[derive(Event)]
enum Mine {
    Go,
}

#[derive(Event)]
enum Other {
    Go,
}

#[derive(Default, Serialize, Deserialize)]
struct Home;

impl Page for Home {
    type Event = Mine;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (button("Go").postback(ui.on(Other::go())))
            (button("Go").postback(Mine::go()))
        }
    }

    async fn event(&mut self, Mine::Go: Mine, cx: &mut Cx<'_, Self>) -> Result {
        cx.update("b", button("Go").id("b").postback(cx.on(Other::go())));
        Ok(())
    }
}

fn main() {}
