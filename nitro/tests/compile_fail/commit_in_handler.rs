//! A handler that commits by itself, which would outlive its failure.

use maud::html;
use nitro::prelude::*;

#[derive(Default, Serialize, Deserialize)]
struct Home;

#[derive(Event)]
enum Ask {
    Save,
}

impl Page for Home {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (button("Save").postback(ui.on(Ask::save()))) }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        let Ask::Save = ask;
        cx.kvs().append("/log", &1)?;
        cx.commit().await?;
        Err(Error::user("It failed."))
    }
}

fn main() {}
