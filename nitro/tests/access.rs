//! Who may see a page: login, logout, rights that end, and where visitors are sent.

use maud::html;
use nitro::{
    prelude::*,
    test::{Frame, TestApp},
};

#[derive(Default, Serialize, Deserialize)]
struct Login;

#[derive(Event)]
enum Ask {
    Enter {
        #[source]
        user: String,
    },
    Note {
        #[source]
        user: String,
    },
}

impl Page for Login {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (textbox(Ask::user).label("Name"))
            (button("Login").id("login").postback(ui.on(Ask::enter())))
            (button("Note").id("note").postback(ui.on(Ask::note())))
            (span().id("who").text(ui.user().unwrap_or_default()))
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        match ask {
            Ask::Enter { user } => {
                cx.login(&user).await?;
                cx.session().set("greeting", &format!("Hello {user}"))?;
                let to = Url::local(cx.query("to")).unwrap_or(url!("/home"));
                cx.redirect(to)
            }
            Ask::Note { user } => cx.session().set("note", &user),
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Home {
    clicks: u32,
}

#[derive(Event)]
enum Act {
    Click,
    Logout,
    LogoutHere,
}

impl Page for Home {
    type Event = Act;
    const ACCESS: Access = Access::User;

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        match cx.session().get::<String>("ban")?.as_deref() {
            Some("denied") => Err(Error::Denied),
            Some("away") => cx.redirect(url!("/login")),
            _ if cx.find_param("for") == Some("boss") && cx.user().as_deref() != Some("boss") => {
                Err(Error::Denied)
            }
            _ => Ok(()),
        }
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (span().id("who").text(ui.user().unwrap_or_default()))
            (span().id("clicks").text(self.clicks.to_string()))
            (button("Click").id("click").postback(ui.on(Act::click())))
            (button("Logout").id("logout").postback(ui.on(Act::logout())))
            (button("Stay").id("stay").postback(ui.on(Act::logout_here())))
        }
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(greeting) = cx.session().get::<String>("greeting")? {
            cx.alert(greeting);
        }
        Ok(())
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Click => {
                self.clicks += 1;
                cx.refresh();
                Ok(())
            }
            Act::Logout => {
                cx.logout();
                cx.redirect(url!("/login"))
            }
            Act::LogoutHere => {
                cx.logout();
                Ok(())
            }
        }
    }
}

/// Changes what `Home` is allowed to, from another window of the same browser.
#[derive(Default, Serialize, Deserialize)]
struct Admin;

#[derive(Event)]
enum Rights {
    Ban(String),
}

impl Page for Admin {
    type Event = Rights;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (button("Deny").id("deny").postback(ui.on(Rights::ban("denied".into()))))
            (button("Away").id("away").postback(ui.on(Rights::ban("away".into()))))
            (span().id("who").text(ui.user().unwrap_or_default()))
        }
    }

    async fn event(&mut self, rights: Rights, cx: &mut Cx<'_, Self>) -> Result {
        let Rights::Ban(how) = rights;
        cx.session().set("ban", &how)
    }
}

fn app() -> TestApp {
    TestApp::new()
        .page::<Login>("/login")
        .page::<Home>("/home")
        .page::<Home>("/home/{for}")
        .page::<Admin>("/admin")
        .login_path("/login")
}

#[tokio::test]
async fn a_visitor_logs_in_and_arrives_where_they_wanted_to_go() {
    let app = app();
    let mut page = app.open("/home").await;
    assert_eq!(page.path(), "/login?to=%2Fhome");
    let before = page.visitor().cookie();
    page.fill("user", " Ann ");
    page.press("Login").await;
    assert_eq!((page.path(), page.text("who").as_str()), ("/home", "Ann"));
    assert_ne!(page.visitor().cookie(), before, "the session has another id");
    page.click("click").await;
    assert_eq!(page.text("clicks"), "1");
}

#[tokio::test]
async fn a_login_ends_the_old_session_and_its_other_pages() {
    let app = app();
    let mut other = app.open("/login").await;
    other.fill("user", "kept");
    other.click("note").await;
    let mut page = app.open("/login").await;
    let old = page.visitor().cookie();
    page.fill("user", "Ann");
    page.click("login").await;
    assert_eq!(other.frame().await, Frame::Closed(4401));
    other.reconnect().await;
    assert_eq!(other.closed(), Some(4401), "its token is of the session that ended");
    other.reload().await;
    assert_eq!(other.text("who"), "Ann");

    let thief = app.visitor();
    thief.set_cookie(old);
    let stolen = thief.open("/home").await;
    assert_eq!(stolen.path(), "/login?to=%2Fhome", "the cookie from before the login is nobody's");
}

#[tokio::test]
async fn values_of_the_session_outlive_a_login_and_not_a_logout() {
    let app = app();
    let mut page = app.open("/login").await;
    let mut admin = app.open("/admin").await;
    admin.click("deny").await;
    page.fill("user", "Ann");
    page.click("login").await;
    assert_eq!(page.error(), Some("access denied"), "set before the login, known after it");
    let mut page = app.open("/admin").await;
    assert_eq!(page.text("who"), "Ann");
    page.leave();

    let visitor = app.visitor();
    let mut page = visitor.open("/login").await;
    page.fill("user", "Bob");
    page.click("login").await;
    page.click("logout").await;
    assert_eq!((page.path(), page.text("who").as_str()), ("/login", ""));
    page.fill("user", "Bob");
    page.click("login").await;
    assert_eq!(page.path(), "/home");
}

#[tokio::test]
async fn a_logout_closes_the_other_pages_and_kills_the_cookie() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    let cookie = page.visitor().cookie();
    let mut other = app.open("/home").await;
    page.click("logout").await;
    assert_eq!(page.path(), "/login");
    assert_eq!(other.frame().await, Frame::Closed(4401));
    let thief = app.visitor();
    thief.set_cookie(cookie);
    assert_eq!(thief.open("/home").await.path(), "/login?to=%2Fhome");
    app.restart().await;
    assert_eq!(thief.open("/home").await.path(), "/login?to=%2Fhome", "also after a restart");
}

#[tokio::test]
async fn a_logout_counts_also_when_the_browser_does_not_follow() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    let mut other = app.open("/home").await;
    page.stay();
    page.click("logout").await;
    assert_eq!(other.frame().await, Frame::Closed(4401));
    page.click("click").await;
    assert_eq!((page.closed(), page.text("clicks").as_str()), (Some(4401), "0"));
    assert_eq!(app.open("/home").await.path(), "/login?to=%2Fhome");
}

#[tokio::test]
async fn a_logout_without_a_redirect_leaves_the_page() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    page.click("stay").await;
    assert_eq!(page.path(), "/login?to=%2Fhome");
}

#[tokio::test]
async fn a_name_has_to_be_one() {
    let app = app();
    let mut page = app.open("/login").await;
    for name in ["", "  ", &"x".repeat(65)] {
        page.fill("user", name);
        page.click("login").await;
        assert_eq!(
            (page.error(), page.path()),
            (Some("A name has 1 to 64 characters."), "/login"),
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn a_page_may_be_denied() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    assert!(matches!(app.try_open("/home/boss").await, Err(Error::Denied)));
    assert!(matches!(app.try_open("/nowhere").await, Err(Error::NotFound)));
    assert!(app.try_open("/home/ann").await.is_ok());
}

#[tokio::test]
async fn a_right_that_ended_since_ends_the_page_at_its_next_connection() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    let mut admin = app.open("/admin").await;
    admin.click("deny").await;
    app.restart().await;
    page.send("click");
    page.reconnect().await;
    assert_eq!((page.closed(), page.text("clicks").as_str()), (Some(4403), "0"));
    page.reconnect().await;
    assert_eq!(page.closed(), Some(4403));
}

#[tokio::test]
async fn a_page_that_sends_away_shows_and_does_nothing_more() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    let bound = page.bound("click");
    let mut admin = app.open("/admin").await;
    admin.click("away").await;
    app.restart().await;
    page.stay();
    page.send("click");
    page.reconnect().await;
    assert_eq!(
        (page.changes(), page.error_code(), page.text("clicks").as_str()),
        (String::new(), Some(2), "0")
    );
    page.force(&bound, &[]).await;
    assert_eq!(page.error_code(), Some(2), "a client that does not go cannot do anything");
    page.go("/home").await;
    assert_eq!(page.path(), "/login");
}

#[tokio::test]
async fn a_session_ends_when_nobody_acts_and_heartbeats_are_no_action() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    for _ in 0..20 {
        app.advance(std::time::Duration::from_hours(1));
        page.click("click").await;
    }
    assert_eq!((page.closed(), page.text("clicks").as_str()), (None, "20"));
    for _ in 0..13 {
        app.advance(std::time::Duration::from_hours(1));
        page.ping(0);
        if page.frame().await == Frame::Closed(4401) {
            break;
        }
    }
    assert_eq!(page.closed(), Some(4401));
    page.reload().await;
    assert_eq!(page.path(), "/login?to=%2Fhome");
}

#[tokio::test]
async fn a_session_ends_at_its_age_whatever_happens() {
    let app = app();
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.click("login").await;
    for _ in 0..14 * 3 {
        app.advance(std::time::Duration::from_hours(8));
        page.go("/home").await;
        page.click("click").await;
    }
    assert_eq!(page.path(), "/home");
    app.advance(std::time::Duration::from_hours(8));
    page.go("/home").await;
    assert_eq!(page.path(), "/login?to=%2Fhome");
}

#[tokio::test]
async fn a_token_of_another_session_opens_nothing() {
    let app = app();
    let mut page = app.open("/login").await;
    page.drop_connection();
    page.visitor().set_cookie(app.visitor().open("/login").await.visitor().cookie());
    page.reconnect().await;
    assert_eq!(page.closed(), Some(4401));
    page.visitor().set_cookie("");
    page.reconnect().await;
    assert_eq!(page.closed(), Some(4401));
}
