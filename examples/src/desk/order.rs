//! The card of an order: the generated one, and the way to its process.

use form::{Card, Do};
use maud::html;
use nitro::prelude::*;

use super::{record::Order, text::text};

/// The card of an order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OrderCard {
    card: Card<Order>,
    #[serde(skip)]
    instance: String,
}

impl OrderCard {
    async fn follow(&mut self, cx: &mut Cx) -> Result {
        let id = cx.param("id").to_owned();
        self.instance = cx.kvs().get::<Order>(&id).await?.map(|order| order.instance).unwrap_or_default();
        Ok(())
    }
}

impl Page for OrderCard {
    type Event = Do;
    const ACCESS: Access = <Card<Order> as Page>::ACCESS;

    fn title(&self, cx: &Cx) -> String {
        self.card.title(cx)
    }

    async fn authorize(&mut self, cx: &mut Cx) -> Result {
        if cx.query("do") == "create" {
            // A new order begins with its process.
            return cx.redirect(url!("/processes/order/start"));
        }
        self.card.authorize(cx).await
    }

    async fn load(&mut self, cx: &mut Cx) -> Result {
        self.card.load(cx).await?;
        self.follow(cx).await
    }

    async fn init(&mut self, cx: &mut Cx) -> Result {
        self.card.init(cx).await
    }

    fn render(&self, cx: &Cx) -> Markup {
        let (t, instance) = (text(cx.lang()), &self.instance);
        html! {
            (self.card.render(cx))
            @if !instance.is_empty() {
                nav class="beside" { (link(t.show_process, url!("/instances/{instance}")).id("f.process").class("button")) }
            }
        }
    }

    async fn event(&mut self, event: Do, cx: &mut Cx) -> Result {
        self.card.event(event, cx).await
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx) -> Result {
        self.card.info(message, cx).await?;
        self.follow(cx).await
    }
}
