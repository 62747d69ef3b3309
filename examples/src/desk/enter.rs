//! The desk's entrance: a name and a role. It is a demo; a real desk would ask who gives the role.

use maud::html;
use nitro::prelude::*;

use super::{frame::ROLES, text::text};
use crate::frame::bar;

/// The entrance.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Enter;

/// What a visitor can do.
#[derive(Debug, Event)]
pub(crate) enum Ask {
    /// Take a place at the desk.
    Sit {
        /// The role.
        role: String,
        /// The name.
        #[source]
        name: String,
    },
}

impl Page for Enter {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        format!("{} - N2O", text(ui.lang()).desk)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        html! {
            (bar(ui, &html! {}))
            main class="narrow" {
                section class="panel" {
                    h1 { (t.desk) }
                    p class="lead" { (t.desk_lead) }
                    (textbox(Ask::name).label(t.name).required().value(ui.user().unwrap_or_default())
                        .attr(attr::AUTOCOMPLETE, "nickname").attr(attr::AUTOFOCUS, ""))
                    p class="lead" { (t.enter_as) }
                    div class="actions roles" {
                        @for role in ROLES {
                            (button(t.role(role)).id(role).class("primary").postback(ui.on(Ask::sit(role.to_owned()))))
                        }
                    }
                    ul class="hints" {
                        @for role in ROLES { li { b { (t.role(role)) } " " (t.does(role)) } }
                    }
                }
            }
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        let Ask::Sit { role, name } = ask;
        // The role is sealed into its button, so that it is one of those offered.
        match cx.login_as(&name, &[&role]).await {
            Ok(()) => {}
            Err(Error::User(text)) => {
                cx.error("name", text);
                cx.focus("name");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let first = if role == "clerk" { url!("/orders?sort=number&down=true") } else { url!("/tasks") };
        cx.redirect(Url::local(cx.query("to")).unwrap_or(first))
    }
}
