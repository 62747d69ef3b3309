//! The README's example, word for word, and what it does.

use maud::html;
use nitro::prelude::*;

/// Any type that can be read from text.
type Room = String;

#[derive(Default, Serialize, Deserialize)]
struct Login;

#[rustfmt::skip]
#[derive(Event)]
enum Ask {
    Enter { #[source] user: String, #[source] room: Room },
}

impl Page for Login {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {
            h1 { "Who are you?" }
            (textbox("user").label("Name").required())
            (textbox("room").label("Room"))
            (button("Login").postback(Ask::enter()))
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        let Ask::Enter { user, room } = ask;
        cx.login(&user).await?;
        cx.session().set("room", &room)?;
        cx.redirect(url!("/chat/{room}"))
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Chat;

impl Page for Chat {
    type Event = Never;
    const ACCESS: Access = Access::User;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (p().id("who").text(format!("{} in {}", ui.user().unwrap_or_default(), ui.param("room")))) }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

#[tokio::test]
async fn logs_in() {
    let app = nitro::test::TestApp::new().page::<Login>("/login").page::<Chat>("/chat/{room}");
    let mut page = app.open("/login").await;
    page.fill("user", "Ann");
    page.fill("room", "a/b");
    page.press("Login").await;
    assert_eq!(page.path(), "/chat/a%2Fb");
    assert_eq!(page.text("who"), "Ann in a/b");
}
