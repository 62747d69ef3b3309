//! A page whose events were not derived.

use maud::html;
use nitro::prelude::*;

#[derive(Default, Serialize, Deserialize)]
struct Home;

enum Ask {
    Enter,
}

impl Page for Home {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {}
    }

    async fn event(&mut self, ask: Ask, _: &mut Cx<'_, Self>) -> Result {
        match ask {
            Ask::Enter => Ok(()),
        }
    }
}

fn main() {}
