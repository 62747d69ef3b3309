//! The frame around the desk's pages: the bar with its ways, and the way to a role for who has none.

use maud::html;
use nitro::{Component, prelude::*};

use super::text::text;
use crate::frame::avatar;

/// The roles of the desk.
pub(super) const ROLES: [&str; 3] = ["clerk", "manager", "storekeeper"];

/// A page of the framework in the desk's frame.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Framed<C: Component + Default>(C);

impl<C: Component + Default> Page for Framed<C> {
    type Event = C::Event;
    // Who has no role is shown where to get one, instead of being refused.
    const ACCESS: Access = Access::Anyone;

    fn declare() {
        C::declare();
    }

    fn children(&mut self) -> Children<'_, C::Event> {
        self.0.children()
    }

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        format!("{} - N2O", self.0.title(&ui.lend()))
    }

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if !ROLES.iter().any(|role| cx.has_role(role)) {
            let to = cx.path().to_owned();
            return cx.redirect(url!("/desk?to={to}"));
        }
        if let Access::Role(role) = C::ACCESS
            && !cx.has_role(role)
        {
            return Err(Error::Denied);
        }
        self.0.authorize(&mut cx.lend()).await
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.0.load(&mut cx.lend()).await
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.0.init(&mut cx.lend()).await
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { div class="desk" { (bar(ui)) (self.0.render(&ui.lend())) } }
    }

    async fn event(&mut self, event: C::Event, cx: &mut Cx<'_, Self>) -> Result {
        self.0.event(event, &mut cx.lend()).await
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        self.0.info(message, &mut cx.lend()).await
    }
}

/// The bar on top of the desk.
fn bar(cx: &n2o::Cx) -> Markup {
    let t = text(cx.lang());
    let path = cx.path().split(['?', '/']).nth(1).unwrap_or_default();
    let way = |to: &'static str, label: &'static str| {
        // Who comes to the orders looks for the latest.
        let how = if to == "orders" { "?sort=number&down=true" } else { "" };
        html! { a href=(format!("/{to}{how}")) aria-current=[(path == to).then_some("page")] { (label) } }
    };
    let role = ROLES.iter().find(|role| cx.has_role(role)).map_or("", |role| t.role(role));
    html! {
        header class="bar" {
            (link("N2O", url!("/")).class("brand").attr(attr::ARIA_LABEL, t.home))
            nav class="ways" aria-label=(t.desk) {
                (way("orders", t.orders))
                @if !cx.has_role("storekeeper") { (way("clients", t.clients)) (way("board", t.board)) }
                (way("tasks", t.tasks))
                @if !cx.has_role("clerk") { (way("todo", t.todo)) }
                (way("processes", t.processes))
            }
            @if let Some(user) = cx.user() {
                a class="who" href="/desk" title=(t.change) { (avatar(&user)) b { bdi { (user) } } span class="role" { (role) } }
            }
        }
    }
}
