//! The first page: what there is.

use maud::html;
use nitro::prelude::*;

use crate::{frame::bar, text::text};

/// The first page.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Home;

/// What the visitor can do.
#[derive(Debug, Event)]
pub(crate) enum Leave {
    /// Log out.
    Logout,
}

impl Page for Home {
    type Event = Leave;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        String::from("N2O")
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        let end = html! {
            @if let Some(user) = ui.user() {
                span class="who" { (t.logged_in) " " b { bdi { (user) } } }
                (button(t.logout).id("logout").class("quiet").postback(ui.on(Leave::logout())))
            }
        };
        html! {
            (bar(ui, &end))
            main class="wide" {
                div class="hero" {
                    h1 { "N2O for Rust" }
                    p class="lead" { (t.lead) }
                }
                nav class="cards" {
                    a class="card" href="/chat/lobby" { h2 { (t.chat) } p { (t.chat_lead) } code { "/chat/lobby" } }
                    a class="card" href="/desk" { h2 { (t.desk) } p { (t.desk_lead) } code { "/desk" } }
                    a class="card" href="/login" { h2 { (t.login) } p { (t.login_lead) } code { "/login" } }
                    a class="card" href="/counter" { h2 { (t.counter) } p { (t.counter_lead) } code { "/counter" } }
                }
            }
        }
    }

    async fn event(&mut self, leave: Leave, cx: &mut Cx<'_, Self>) -> Result {
        let Leave::Logout = leave;
        cx.logout();
        cx.redirect(url!("/"))
    }
}
