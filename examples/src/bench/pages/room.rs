//! A room in which everybody sees what anybody says, and nothing is stored.

use maud::html;
use nitro::prelude::*;

/// The topic of the room.
const ROOM: &str = "/bench/room";

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Room;

#[derive(Debug, Event)]
pub(super) enum Speak {
    Send {
        #[source]
        message: String,
    },
}

/// What was said.
#[derive(Debug, Serialize, Deserialize)]
struct Said(String);

impl Page for Room {
    type Event = Speak;
    const ACCESS: Access = Access::Anyone;

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg(ROOM);
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            div id="log" {}
            (textbox(Speak::message).label("Message"))
            (button("Send").id("send").postback(ui.on(Speak::send())).repeat())
        }
    }

    async fn event(&mut self, speak: Speak, cx: &mut Cx<'_, Self>) -> Result {
        let Speak::Send { message } = speak;
        cx.send(ROOM, Said(message));
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(Said(text)) = message.read() {
            cx.insert_bottom("log", html! { p { (text) } });
        }
        Ok(())
    }
}
