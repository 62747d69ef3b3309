//! Login: as a guest with a name and a room, or with an account and a password.

use std::sync::LazyLock;

use maud::html;
use n2o::Accounts;
use nitro::prelude::*;

use crate::{chat, frame::bar, text::text};

// One for all pages: it holds the brake on guessing.
static ACCOUNTS: LazyLock<Accounts> = LazyLock::new(Accounts::default);

/// The login page.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Why the account has to be renamed whose password was given.
    rename: String,
}

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
    /// Give an account another name and enter with it.
    Rename {
        /// The account's name.
        #[source]
        account: String,
        /// Its password.
        #[source]
        password: String,
        /// Its new name.
        #[source]
        renamed: String,
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

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        String::from(text(ui.lang()).login)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let (t, renames) = (text(ui.lang()), !self.rename.is_empty());
        let fields = html! {
            (textbox(Ask::account).label(t.account).required().attr(attr::AUTOCOMPLETE, "username"))
            (password(Ask::password).label(t.password).hint(t.password_hint).required()
                .attr(attr::AUTOCOMPLETE, "current-password"))
            (panel().id("rename").hidden(!renames).body(html! {
                p class="lead" role="alert" { (self.rename) }
                (textbox(Ask::renamed).label(t.new_name).attr(attr::AUTOCOMPLETE, "username"))
            }))
            div class="actions" {
                @if renames {
                    (submit(t.rename).class("primary"))
                    (button(t.sign_in).id("sign-in").postback(ui.on(Ask::sign_in())))
                } @else {
                    (submit(t.sign_in).class("primary"))
                    (button(t.register).id("register").postback(ui.on(Ask::register())))
                }
            }
        };
        // Enter does what the page has come to offer.
        let asked = if renames { Ask::rename() } else { Ask::sign_in() };
        html! {
            (bar(ui, &html! {}))
            main class="narrow" {
                section class="panel" {
                    h1 { (t.who) }
                    p class="lead" { (t.guest_lead) }
                    (textbox(Ask::user).label(t.name).required().attr(attr::AUTOCOMPLETE, "nickname")
                        .attr(attr::AUTOFOCUS, ""))
                    (textbox(Ask::room).label(t.room).hint(t.room_hint).value(wanted_room(ui)))
                    div class="actions" { (button(t.login).id("login").class("primary").postback(ui.on(Ask::enter()))) }
                }
                section class="panel" {
                    h2 { (t.or_account) }
                    p class="lead" { (t.account_lead) }
                    (form().id("account-form").postback(ui.on(asked)).body(fields))
                }
            }
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        let t = text(cx.lang());
        match ask {
            Ask::Enter { user, room } => {
                let room = room.trim();
                if !room.is_empty() && !chat::is_room(room) {
                    cx.error("room", t.no_room);
                    return Ok(());
                }
                let to = if room == wanted_room(cx) { after(cx) } else { chat::path(room) };
                shown(enter(cx, &user, to).await, "user", cx).map(drop)
            }
            Ask::SignIn { account, password } => {
                match shown(ACCOUNTS.verify(cx, &account, &password).await, "account", cx)? {
                    Some(Some(name)) => {
                        let to = after(cx);
                        match enter(cx, &name, to).await {
                            // A name that was allowed once.
                            Err(Error::User(why)) => self.offer(why.into_owned(), cx),
                            entered => return entered,
                        }
                    }
                    Some(None) => cx.error("password", t.wrong),
                    None => {}
                }
                Ok(())
            }
            Ask::Rename { account, password, renamed } => {
                match shown(ACCOUNTS.rename(cx, &account, &password, &renamed).await, "renamed", cx)? {
                    Some(Some(name)) => {
                        let to = after(cx);
                        return enter(cx, &name, to).await;
                    }
                    Some(None) => cx.error("password", t.wrong),
                    None => {}
                }
                Ok(())
            }
            Ask::Register { account, password } => {
                let fits =
                    (Accounts::MIN_PASSWORD..=Accounts::MAX_PASSWORD).contains(&password.chars().count());
                let at = if fits { "account" } else { "password" };
                if shown(ACCOUNTS.register(cx, &account, &password).await, at, cx)?.is_none() {
                    return Ok(());
                }
                let to = after(cx);
                enter(cx, &account, to).await
            }
        }
    }
}

impl Login {
    /// Offers to rename the account.
    fn offer(&mut self, why: String, cx: &mut Cx<'_, Self>) {
        self.rename = why;
        cx.refresh();
        cx.focus("renamed");
    }
}

async fn enter<C>(cx: &mut Cx<'_, C>, name: &str, to: Url) -> Result {
    cx.login(name).await?;
    cx.redirect(to)
}

/// Shows what the user can mend at the input where it can be mended. That they are to come again later is said
/// of the page, and of no input.
fn shown<T, C>(done: Result<T>, input: &'static str, cx: &mut Cx<'_, C>) -> Result<Option<T>> {
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
fn after(cx: &n2o::Cx) -> Url {
    Url::local(cx.query("to")).unwrap_or_else(|| chat::path(""))
}

/// The room in the address that the visitor wanted, when there is one that can be shown.
fn wanted_room(cx: &n2o::Cx) -> String {
    let room = cx.query("to").strip_prefix("/chat/").unwrap_or_default();
    let plain = room.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    String::from(if plain { room } else { "" })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use nitro::test::{TestApp, TestPage};
    use tokio::sync::Mutex;

    use super::*;

    const UNPAINTED: Option<&str> = None;

    /// Held by a test while it signs in: sessions of test apps have the same ids, and all apps of a process share
    /// the accounts' brake.
    static ALONE: Mutex<()> = Mutex::const_new(());

    fn app() -> TestApp {
        TestApp::new().page::<Login>("/login").page::<chat::Chat>("/chat/{room}")
    }

    async fn asks(page: &mut TestPage, account: &str, password: &str, button: &str) {
        page.fill("account", account);
        page.fill("password", password);
        page.click(button).await;
    }

    #[tokio::test]
    async fn who_is_to_come_again_later_has_given_nothing_wrong() {
        let _alone = ALONE.lock().await;
        let mut page = app().open("/login").await;
        for _ in 0..10 {
            asks(&mut page, "Nobody of all", "a guess at it", "account-form").await;
            assert_eq!(page.text("password.e"), text("en").wrong);
        }
        page.reload().await;
        asks(&mut page, "Nobody of all", "a guess at it", "account-form").await;
        assert_eq!(page.error(), Some("Too many tries. Please wait a minute."));
        for input in ["account", "password"] {
            assert_eq!(page.attr(input, "aria-invalid"), UNPAINTED, "{input}");
            assert_eq!(page.text(&format!("{input}.e")), "");
        }
        // What is wrong is still said where it is.
        asks(&mut page, "ann\u{2116}", "long enough", "register").await;
        assert_eq!(page.attr("account", "aria-invalid"), Some("true"));
        assert!(page.text("account.e").contains("\u{2116} (U+2116)"), "{}", page.text("account.e"));
    }

    #[derive(Serialize, Deserialize)]
    struct Old {
        name: String,
        hash: String,
    }

    impl kvs::Record for Old {
        const TABLE: &'static str = "account";

        fn id(&self) -> Cow<'_, str> {
            Cow::Owned(self.name.to_lowercase())
        }
    }

    #[tokio::test]
    async fn an_account_of_old_is_renamed_by_its_holder() {
        let _alone = ALONE.lock().await;
        let app = app();
        let mut page = app.open("/login").await;
        asks(&mut page, "giver", "correct horse", "register").await;
        let (store, name) = (app.node().store().clone(), String::from("m\u{430}x"));
        let mut txn = store.txn();
        let hash = txn.get::<Old>("giver").await.unwrap().unwrap().hash;
        txn.put(&Old { name: name.clone(), hash }).unwrap();
        txn.commit().await.unwrap();
        let mut page = app.open("/login").await;
        assert!(!page.is_visible("rename"));
        asks(&mut page, &name, "correct horse", "account-form").await;
        assert!(
            page.is_visible("rename") && page.text("rename").contains("\u{430} (U+0430)"),
            "{}",
            page.html()
        );
        page.fill("renamed", "giver");
        page.click("account-form").await;
        assert_eq!(page.text("renamed.e"), "This name is taken.");
        page.fill("renamed", "max");
        page.click("account-form").await;
        assert_eq!(page.path(), "/chat/lobby");
    }
}
