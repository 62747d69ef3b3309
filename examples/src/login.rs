//! Login: as a guest with a name and a room, or with an account and a password.

use std::sync::LazyLock;

use maud::html;
use n2o::Accounts;
use nitro::prelude::*;

use crate::{chat, frame::bar, text::text};

// One for all pages: it holds the brake on guessing.
static ACCOUNTS: LazyLock<Accounts> = LazyLock::new(Accounts::default);

/// The session's value that says whether the user has proven who they are.
pub(crate) const PROVEN: &str = "proven";

/// The login page.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Login;

/// What the visitor can do.
#[derive(Debug, Event)]
pub(crate) enum Ask {
    /// Enter as a guest.
    Enter {
        /// The name that others will see.
        #[source]
        user: String,
        /// The room to enter.
        #[source]
        room: String,
    },
    /// Enter with an account.
    SignIn {
        /// The account's name.
        #[source]
        account: String,
        /// Its password.
        #[source]
        password: String,
    },
    /// Make an account and enter with it.
    Register {
        /// The account's name.
        #[source]
        account: String,
        /// Its password.
        #[source]
        password: String,
    },
}

impl Page for Login {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, cx: &Cx) -> String {
        String::from(text(cx.lang()).login)
    }

    fn render(&self, cx: &Cx) -> Markup {
        let t = text(cx.lang());
        let fields = html! {
            (textbox(Ask::account).label(t.account).required().attr(attr::AUTOCOMPLETE, "username"))
            (password(Ask::password).label(t.password).hint(t.password_hint).required()
                .attr(attr::AUTOCOMPLETE, "current-password"))
            div class="actions" {
                (submit(t.sign_in).class("primary"))
                (button(t.register).id("register").postback(Ask::register()))
            }
        };
        html! {
            (bar(cx, &html! {}))
            main class="narrow" {
                section class="panel" {
                    h1 { (t.who) }
                    p class="lead" { (t.guest_lead) }
                    (textbox(Ask::user).label(t.name).required().attr(attr::AUTOCOMPLETE, "nickname")
                        .attr(attr::AUTOFOCUS, ""))
                    (textbox(Ask::room).label(t.room).hint(t.room_hint).value(wanted_room(cx)))
                    div class="actions" { (button(t.login).id("login").class("primary").postback(Ask::enter())) }
                }
                section class="panel" {
                    h2 { (t.or_account) }
                    p class="lead" { (t.account_lead) }
                    (form().id("account-form").postback(Ask::sign_in()).body(fields))
                }
            }
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx) -> Result {
        let t = text(cx.lang());
        match ask {
            Ask::Enter { user, room } => {
                let room = room.trim();
                if !room.is_empty() && !chat::is_room(room) {
                    cx.error("room", t.no_room);
                    return Ok(());
                }
                let to = if room == wanted_room(cx) { after(cx) } else { chat::path(room) };
                enter(cx, "user", &user, false, to).await
            }
            Ask::SignIn { account, password } => {
                match shown(ACCOUNTS.verify(cx, &account, &password).await, "account", cx)? {
                    Some(Some(name)) => {
                        let to = after(cx);
                        enter(cx, "account", &name, true, to).await
                    }
                    Some(None) => {
                        cx.error("password", t.wrong);
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
            Ask::Register { account, password } => {
                let fits =
                    (Accounts::MIN_PASSWORD..=Accounts::MAX_PASSWORD).contains(&password.chars().count());
                let at = if fits { "account" } else { "password" };
                if shown(ACCOUNTS.register(cx, &account, &password).await, at, cx)?.is_none() {
                    return Ok(());
                }
                let to = after(cx);
                enter(cx, "account", &account, true, to).await
            }
        }
    }
}

async fn enter(cx: &mut Cx, input: &'static str, name: &str, proven: bool, to: Url) -> Result {
    if shown(cx.login(name).await, input, cx)?.is_none() {
        return Ok(());
    }
    cx.session().set(PROVEN, &proven)?;
    cx.redirect(to)
}

/// Shows what the user can mend at the input where it can be mended.
fn shown<T>(done: Result<T>, input: &'static str, cx: &mut Cx) -> Result<Option<T>> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(Error::User(text)) => {
            cx.error(input, text);
            cx.focus(input);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Where the visitor wanted to go before the login came between.
fn after(cx: &Cx) -> Url {
    Url::local(cx.query("to")).unwrap_or_else(|| chat::path(""))
}

/// The room in the address that the visitor wanted, when there is one that can be shown.
fn wanted_room(cx: &Cx) -> String {
    let room = cx.query("to").strip_prefix("/chat/").unwrap_or_default();
    let plain = room.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    String::from(if plain { room } else { "" })
}
