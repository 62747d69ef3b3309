//! A mistake in an event that is used: it is told once, not again wherever the event is used.

use maud::html;
use nitro::prelude::*;

#[derive(Event)]
enum Ask {
    Enter {
        #[source]
        user: String,
    },
    Name(#[source] String),
}

#[derive(Default, Serialize, Deserialize)]
struct Login;

impl Page for Login {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox(Ask::user).label("Name"))
            (button("Enter").postback(ui.on(Ask::enter())))
            (button("Name").postback(ui.on(Ask::name())))
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        match ask {
            Ask::Enter { user } => cx.login(&user).await,
            Ask::Name(_) => Ok(()),
        }
    }
}

fn main() {}
