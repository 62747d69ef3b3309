//! An event that no handler treats.

use maud::html;
use nitro::prelude::*;

#[derive(Default, Serialize, Deserialize)]
struct Login;

#[derive(Event)]
enum Ask {
    Enter,
    Leave,
}

impl Page for Login {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (button("Enter").postback(ui.on(Ask::enter()))) }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        match ask {
            Ask::Enter => cx.redirect(url!("/")),
        }
    }
}

fn main() {}
