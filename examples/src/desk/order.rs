//! The card of an order: the generated one, and the way to its process.

use form::{Card, Do};
use maud::html;
use nitro::{Component, prelude::*};

use super::{record::Order, text::text};

/// The card of an order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OrderCard {
    card: Card<Order>,
    #[serde(skip)]
    instance: String,
}

impl OrderCard {
    async fn follow(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let id = cx.param("id").to_owned();
        self.instance = cx.kvs().get::<Order>(&id).await?.map(|order| order.instance).unwrap_or_default();
        Ok(())
    }
}

impl Page for OrderCard {
    type Event = Do;
    const ACCESS: Access = <Card<Order> as Component>::ACCESS;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        self.card.title(&ui.lend())
    }

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if cx.query("do") == "create" {
            // A new order begins with its process.
            return cx.redirect(url!("/processes/order/start"));
        }
        self.card.authorize(&mut cx.lend()).await
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.card.load(&mut cx.lend()).await?;
        self.follow(cx).await
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.card.init(&mut cx.lend()).await
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let (t, instance) = (text(ui.lang()), &self.instance);
        html! {
            (self.card.render(&ui.lend()))
            @if !instance.is_empty() {
                nav class="beside" { (link(t.show_process, url!("/instances/{instance}")).id("f.process").class("button")) }
            }
        }
    }

    async fn event(&mut self, event: Do, cx: &mut Cx<'_, Self>) -> Result {
        self.card.event(event, &mut cx.lend()).await
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.card.info(message, &mut cx.lend()).await?;
        self.follow(cx).await
    }
}
