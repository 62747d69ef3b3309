//! A page that does not say who may see it.

use maud::html;
use nitro::prelude::*;

#[derive(Default, Serialize, Deserialize)]
struct Home;

impl Page for Home {
    type Event = Never;

    fn render(&self, _: &Cx) -> Markup {
        html! {}
    }

    async fn event(&mut self, event: Never, _: &mut Cx) -> Result {
        match event {}
    }
}

fn main() {}
