//! What an application declares once: layout, head, icon, files; and who is signed in, in routes of its own.

use axum::{Router, routing};
use maud::html;
use n2o::Limits;
use nitro::{prelude::*, test::TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use web::{App, User};

use crate::served::{self, connect};

/// Signs a visitor in as `/enter/{user}`.
#[derive(Default, Serialize, Deserialize)]
struct Enter;

impl Page for Enter {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let user = cx.param("user").to_owned();
        cx.login_as(&user, &["clerk"]).await?;
        cx.redirect(url!("/"))
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! {}
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Home {
    times: u32,
}

#[derive(Event)]
enum Act {
    More,
}

impl Page for Home {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { main { (span().id("times").text(self.times.to_string())) (button("More").id("more").postback(ui.on(Act::more()))) } }
    }

    async fn event(&mut self, Act::More: Act, cx: &mut Cx<'_, Self>) -> Result {
        self.times += 1;
        cx.refresh();
        Ok(())
    }
}

/// A bar with the user's name, and a foot.
fn around(cx: &n2o::Cx, content: &Markup) -> Markup {
    html! {
        header { (span().id("who").text(cx.user().unwrap_or_default())) nav { (link("Home", url!("/")).id("home")) } }
        (content)
        footer { "foot" }
    }
}

fn app(app: App) -> Router {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let own = Router::new()
        .route(
            "/whoami",
            routing::get(async |user: User| format!("{} {}", user.name(), user.has_role("clerk"))),
        )
        .route(
            "/maybe",
            routing::get(async |user: Option<User>| {
                user.map_or("nobody".into(), |user| user.name().to_owned())
            }),
        )
        .route(
            "/write",
            routing::post(async |user: User| format!("{} wrote, proven: {}", user.name(), user.is_proven())),
        );
    app.page::<Home>("/")
        .page::<Enter>("/enter/{user}")
        .layout(around)
        .head(&html! { meta name="description" content="A & B"; })
        .icon("mark.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
        .files("/files", folder)
        .router()
        .merge(own)
}

/// The answer to a request with these lines in its head.
async fn ask(address: &str, request: &str, lines: &str) -> String {
    let mut client = connect(address).await;
    let head = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n");
    client.write_all(head.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Signs in, and answers the line with the cookie.
async fn sign_in(address: &str) -> String {
    let cookie = |answer: &str| {
        let set = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
        format!("Cookie: {}\r\n", set.split(';').next().expect("its value"))
    };
    let answer = ask(address, "GET /enter/ann", "").await;
    let to = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a way");
    cookie(&ask(address, &format!("GET {to}"), &cookie(&answer)).await)
}

#[tokio::test]
async fn an_own_route_knows_who_is_signed_in() {
    served::with(Limits::default(), app, async |address| {
        assert!(ask(&address, "GET /whoami", "").await.starts_with("HTTP/1.1 401 "), "nobody");
        assert!(ask(&address, "GET /maybe", "").await.ends_with("nobody"));
        let cookie = sign_in(&address).await;
        let answer = ask(&address, "GET /whoami", &cookie).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ann true"), "{answer}");
        assert!(ask(&address, "GET /maybe", &cookie).await.ends_with("ann"));
        // A cookie alone writes nothing.
        for foreign in ["", "Sec-Fetch-Site: cross-site\r\n", "Origin: http://evil.example\r\n"] {
            let answer =
                ask(&address, "POST /write", &format!("{cookie}{foreign}Content-Length: 0\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{foreign}: {answer}");
        }
        let own = format!("{cookie}Sec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n");
        assert!(ask(&address, "POST /write", &own).await.ends_with("ann wrote, proven: false"));
    })
    .await;
}

#[tokio::test]
async fn files_of_a_folder_are_served_and_nothing_beside_it() {
    served::with(Limits::default(), app, async |address| {
        let answer = ask(&address, "GET /files/own.rs", "").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("fn files_of_a_folder"), "{answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "the headers of every answer");
        assert!(answer.contains("last-modified: "), "browsers can ask whether it has changed");
        for path in [
            "/files/",
            "/files/none.rs",
            "/files/../main.rs",
            "/files/..%2f..%2fCargo.toml",
            "/files/%2e%2e/%2e%2e/Cargo.toml",
            "/files/.hidden",
            "/files/%2Egit/config",
            "/files//etc/passwd",
            "/files/own.rs%00.svg",
        ] {
            let answer = ask(&address, &format!("GET {path}"), "").await;
            assert!(!answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_path_that_files_cannot_have_is_told_at_the_start() {
    let refused = |path: &'static str| {
        let app = App::new(TestApp::new().node()).page::<Home>("/shop/{name}");
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| app.files(path, ".").router())).is_err()
    };
    for path in ["", "/", "files", "/{name}", "/a?b", "/*", "/shop"] {
        assert!(refused(path), "{path:?}");
    }
    for path in ["/files", "/files/", "/sho", "/shop2"] {
        assert!(!refused(path), "{path:?}");
    }
}

#[tokio::test]
async fn layout_head_and_icon_are_those_of_every_page() {
    served::with(Limits::default(), app, async |address| {
        let answer = ask(&address, "GET /", "").await;
        assert!(answer.contains("<meta name=\"description\" content=\"A &amp; B\">"), "{answer}");
        let icon = answer.split("<link rel=\"icon\" type=\"image/svg+xml\" href=\"").nth(1).expect("an icon");
        let icon = icon.split('"').next().expect("its address");
        let file = ask(&address, &format!("GET {icon}"), "").await;
        assert!(file.contains("content-type: image/svg+xml") && file.ends_with("svg'/>"), "{file}");
        assert!(answer.contains("<footer>foot</footer>"), "{answer}");
    })
    .await;
    // What stands around the page is compared with it.
    let app = TestApp::new().page::<Home>("/").page::<Enter>("/enter/{user}");
    app.node().provide(nitro::Layout(around));
    let visitor = app.visitor();
    visitor.open("/enter/ann").await;
    let mut page = visitor.open("/").await;
    assert_eq!(page.text("who"), "ann");
    page.click("more").await;
    assert_eq!((page.text("times").as_str(), page.changes().lines().count()), ("1", 1), "{}", page.changes());
}
