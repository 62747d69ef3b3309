//! What HTTP sees: documents, headers, cookies, files, notices, and the checks in front of the socket.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use maud::html;
use n2o::{Clock, Keys, Limits, Node, Random};
use nitro::prelude::*;
use tower::ServiceExt;
use web::App;

#[derive(Default, Serialize, Deserialize)]
struct Hello;

#[derive(Event)]
enum Act {
    Enter {
        #[source]
        user: String,
    },
}

impl Page for Hello {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        String::from("</title><script>")
    }

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        match cx.param("name") {
            "denied" => Err(Error::Denied),
            "gone" => Err(Error::NotFound),
            "told" => Err(Error::user("Not <today>.")),
            "later" => Err(Error::later("Come <again>.")),
            "failed" => Err(Error::other("the secret reason")),
            "panic" => panic!("the secret reason"),
            "away" => cx.redirect(url!("/hello/there")),
            _ => Ok(()),
        }
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            h1 { (ui.param("name")) }
            (textbox("user").label("Name"))
            (button("Enter").id("enter").postback(ui.on(Act::enter())))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let Act::Enter { user } = act;
        cx.login(&user).await
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Private;

impl Page for Private {
    type Event = Never;
    const ACCESS: Access = Access::User;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { p { "private" } }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

async fn app() -> App {
    let random = Random::default();
    let store = kvs::Store::open("memory:").await.expect("store");
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
    App::new(node)
        .page::<Hello>("/hello/{name}")
        .page::<Private>("/private/{what}")
        .login("/hello/login")
        .style("a.css", "p{}")
}

async fn router() -> Router {
    app().await.router()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.expect("body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Request::get(path).body(Body::empty()).expect("request")).await
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let router = router().await;
    for path in ["/hello/ann", "/nowhere", "/live", "/ready", "/hello/failed", "/n2o/session?t=x", "/ws"] {
        let answer = get(&router, path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(
            policy.contains("require-trusted-types-for 'script'; trusted-types n2o;"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
}

#[tokio::test]
async fn a_document_escapes_what_came_from_the_address_and_the_page() {
    let answer = get(&router().await, "/hello/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>"), "{}", answer.text);
    assert!(answer.text.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"), "{}", answer.text);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn the_cookie_is_set_once_and_as_strictly_as_the_connection_allows() {
    let plain = router().await;
    let first = get(&plain, "/hello/ann").await;
    let cookie = first.header(header::SET_COOKIE).to_owned();
    assert!(cookie.starts_with("n2o="), "{cookie}");
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age="), "{cookie}");
    let value = cookie.split(';').next().expect("value").to_owned();
    let request = Request::get("/hello/ann").header(header::COOKIE, format!("a=b; {value}; c=d"));
    let again = ask(&plain, request.body(Body::empty()).expect("request")).await;
    assert_eq!(again.header(header::SET_COOKIE), "", "the browser has a good one");
    let forged = Request::get("/hello/ann")
        .header(header::COOKIE, "n2o=AWsBaoXWUZzyQRaqMc1uzQjK-faXLtkyQiN6ZYalzFlDBA0w5A");
    let forged = ask(&plain, forged.body(Body::empty()).expect("request")).await;
    assert!(forged.header(header::SET_COOKIE).starts_with("n2o="), "a foreign cookie is replaced");

    let secure = app().await.secure(true).router();
    let answer = get(&secure, "/hello/ann").await;
    let cookie = answer.header(header::SET_COOKIE);
    assert!(cookie.starts_with("__Host-n2o=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(answer.header(header::STRICT_TRANSPORT_SECURITY).starts_with("max-age="));
}

#[tokio::test]
async fn what_is_no_page_is_told_in_the_visitors_language_and_without_reasons() {
    let router = router().await;
    for (path, status, text) in [
        ("/nowhere", StatusCode::NOT_FOUND, "There is no such page."),
        ("/hello/gone", StatusCode::NOT_FOUND, "There is no such page."),
        ("/hello/%FF", StatusCode::NOT_FOUND, "There is no such page."),
        ("/hello/", StatusCode::NOT_FOUND, "There is no such page."),
        ("/hello/told", StatusCode::BAD_REQUEST, "Not &lt;today&gt;."),
        ("/hello/later", StatusCode::TOO_MANY_REQUESTS, "Come &lt;again&gt;."),
        ("/hello/failed", StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong. Incident"),
        ("/hello/panic", StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong. Incident"),
        ("/n2o/session?t=forged", StatusCode::GONE, "This link has expired."),
    ] {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text.contains(text), "{path}: {}", answer.text);
        assert!(!answer.text.contains("secret"), "{path}: {}", answer.text);
    }
    let request = Request::get("/nowhere").header(header::ACCEPT_LANGUAGE, "de-DE, uk;q=0.8, en;q=0.5");
    let answer = ask(&router, request.body(Body::empty()).expect("request")).await;
    assert!(
        answer.text.contains("lang=\"uk\"") && answer.text.contains("Такої сторінки немає."),
        "{}",
        answer.text
    );
    let long = get(&router, &format!("/hello/{}", "a".repeat(3000))).await;
    assert_eq!(long.status, StatusCode::URI_TOO_LONG);
    let put = ask(&router, Request::put("/hello/ann").body(Body::empty()).expect("request")).await;
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_visitor_without_a_login_is_sent_to_it_and_knows_the_way_back() {
    let router = router().await;
    let answer = get(&router, "/private/a?b=c&d").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "/hello/login?to=%2Fprivate%2Fa%3Fb%3Dc%26d");
    let away = get(&router, "/hello/away").await;
    assert_eq!((away.status, away.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/hello/there"));
}

#[tokio::test]
async fn files_are_named_by_their_hash_and_never_change() {
    let router = router().await;
    let page = get(&router, "/hello/ann").await.text;
    for (begin, kind) in [
        ("<script type=\"module\" src=\"", "text/javascript"),
        ("<link rel=\"stylesheet\" href=\"", "text/css"),
    ] {
        let path = page.split_once(begin).and_then(|(_, rest)| rest.split_once('"')).expect("a file").0;
        let plain = get(&router, path).await;
        assert!(plain.header(header::CONTENT_TYPE).starts_with(kind), "{path}");
        assert!(plain.header(header::CACHE_CONTROL).contains("immutable"), "{path}");
    }
    let script = page.split_once("src=\"").and_then(|(_, rest)| rest.split_once('"')).expect("the script").0;
    for (accepted, coding) in
        [("br, gzip", "br"), ("gzip, deflate", "gzip"), ("br;q=0, gzip", "gzip"), ("deflate", "")]
    {
        let request = Request::get(script).header(header::ACCEPT_ENCODING, accepted);
        let answer = ask(&router, request.body(Body::empty()).expect("request")).await;
        assert_eq!(answer.header(header::CONTENT_ENCODING), coding, "{accepted}");
    }
    assert_eq!(get(&router, script).await.text, web::SCRIPT);
    // The script names its modules as they are served.
    for (name, text) in web::MODULES {
        let named = format!("\"./{}-", name.trim_end_matches(".js"));
        let hash = web::SCRIPT.split_once(&named).and_then(|(_, rest)| rest.split_once('"')).expect(name).0;
        let module = get(&router, &format!("/n2o/{}{hash}", &named[3..])).await;
        assert_eq!((module.status, &*module.text), (StatusCode::OK, text), "{name}");
        assert!(module.header(header::CACHE_CONTROL).contains("immutable"), "{name}");
    }
}

#[tokio::test]
async fn a_report_of_a_browser_is_taken_and_bounded() {
    let router = router().await;
    let report = |len| Request::post("/n2o/csp").body(Body::from("x".repeat(len))).expect("request");
    assert_eq!(ask(&router, report(100)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&router, report(1 << 20)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
#[should_panic(expected = "the route \"/p/:id\" cannot be: a parameter is written `{name}`")]
async fn a_route_that_leads_nowhere_stops_the_start() {
    let _ = app().await.page::<Hello>("/p/:id");
}

#[tokio::test]
#[should_panic(expected = "the page at \"/api/{name}\" would not be seen: REST has all paths below /api")]
async fn a_page_below_rest_stops_the_start() {
    let _ = app().await.page::<Hello>("/api/{name}").rest(web::rest::Rest::new()).router();
}

/// In a debug build, which tests are.
#[tokio::test]
async fn a_page_that_cannot_be_opened_says_where() {
    let router = router().await;
    for (path, of) in
        [("/hello/panic", "panic!(\"the secret"), ("/hello/failed", "Error::other(\"the secret")]
    {
        let line = include_str!("http.rs").lines().position(|line| line.contains(of)).expect(path) + 1;
        let answer = get(&router, path).await;
        let place = format!("Hello, at web/tests/it/http.rs:{line}]");
        assert!(answer.text.contains(&place), "{place}: {}", answer.text);
    }
}

#[tokio::test]
#[should_panic(expected = "expected the name of a file, such as \"app.css\"; got \"body { color: red }\"")]
async fn a_style_sheet_in_the_place_of_its_name_stops_the_start() {
    drop(app().await.style("body { color: red }", "app.css"));
}

#[tokio::test]
#[should_panic(expected = "expected a kind such as \"image/svg+xml\" of \"icon.svg\"; got \"<svg>\"")]
async fn an_icon_in_the_place_of_its_kind_stops_the_start() {
    drop(app().await.icon("icon.svg", "<svg>", b"image/svg+xml"));
}
