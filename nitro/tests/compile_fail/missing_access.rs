//! A page that does not say who may see it.

use maud::html;
use nitro::prelude::*;

#[derive(Default, Serialize, Deserialize)]
struct Home;

impl Page for Home {
    type Event = Never;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {}
    }

    async fn event(&mut self, event: Never, _: &mut Cx<'_, Self>) -> Result {
        match event {}
    }
}

fn main() {}
