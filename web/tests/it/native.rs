//! Forms that a browser sends itself: the same event as over a socket, once, and for nobody else.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use maud::html;
use n2o::{Clock, Keys, Limits, Node, Random};
use nitro::prelude::*;
use tower::ServiceExt;
use web::App;

#[derive(Default, Serialize, Deserialize)]
struct Guests {
    said: Vec<String>,
}

#[derive(Event)]
enum Act {
    Come {
        table: u32,
        #[source]
        name: String,
        #[source]
        seats: u32,
        #[source]
        vegan: bool,
        #[source]
        note: String,
    },
}

impl Page for Guests {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (form().id("f").postback(ui.on(Act::come(7))).body(html! {
                (textbox("name").label("Name"))
                (textbox("seats").label("Seats"))
                (checkbox("vegan").label("Vegan"))
                (textarea("note").label("Note"))
                (submit("Come"))
            }))
            @for said in &self.said { p { (said) } }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        let Act::Come { table, name, seats, vegan, note } = act;
        match &*name {
            "nobody" => return Err(Error::user("Nobody may not come.")),
            "away" => return cx.redirect(url!("/elsewhere")),
            "shy" => cx.error("name", "Say it <aloud>."),
            _ => {}
        }
        self.said.push(format!("{name} at {table} with {seats}, {vegan}, {note:?}"));
        cx.alert("Welcome.");
        cx.refresh();
        Ok(())
    }
}

async fn router() -> Router {
    let random = Random::default();
    let store = kvs::Store::open("memory:").await.expect("store");
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
    App::new(node).page::<Guests>("/guests").router()
}

/// A browser that has no script: what it shows, and its cookie.
struct Browser {
    router: Router,
    cookie: String,
    status: StatusCode,
    html: String,
    location: String,
}

impl Browser {
    async fn open() -> Self {
        let (cookie, html, location) = <(String, String, String)>::default();
        let mut browser = Browser { router: router().await, cookie, status: StatusCode::OK, html, location };
        browser.ask(Request::get("/guests").body(Body::empty()).expect("a request")).await;
        browser
    }

    async fn ask(&mut self, mut request: Request<Body>) {
        if !self.cookie.is_empty() {
            request.headers_mut().insert(header::COOKIE, self.cookie.parse().expect("a cookie"));
        }
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Some((cookie, _)) = text(header::SET_COOKIE).split_once(';') {
            cookie.clone_into(&mut self.cookie);
        }
        self.status = parts.status;
        text(header::LOCATION).clone_into(&mut self.location);
        let bytes = to_bytes(body, 1 << 20).await.expect("a body");
        self.html = String::from_utf8_lossy(&bytes).into_owned();
    }

    /// The value of the form's own input.
    fn hidden(&self) -> String {
        let (_, rest) = self.html.split_once("name=\"n2o\" value=\"").expect("the form's own input");
        rest.split_once('"').expect("its end").0.to_owned()
    }

    fn form(&self, hidden: &str, fields: &str, origin: Option<&str>) -> Request<Body> {
        let mut request = Request::post("/guests")
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let hidden = hidden.replace(' ', "+").replace('!', "%21").replace('*', "%2A");
        request.body(Body::from(format!("{fields}&n2o={hidden}"))).expect("a request")
    }

    async fn submit(&mut self, fields: &str) {
        let request = self.form(&self.hidden(), fields, Some("http://localhost"));
        self.ask(request).await;
    }
}

#[tokio::test]
async fn a_form_that_the_browser_sends_runs_the_same_event() {
    let mut browser = Browser::open().await;
    assert!(browser.html.contains(" method=\"post\""), "{}", browser.html);
    assert!(browser.html.contains("<noscript>"), "{}", browser.html);
    browser.submit("name=Ann+%3Cb%3E&seats=2&vegan=on&note=a%0D%0Ab").await;
    assert_eq!(browser.status, StatusCode::OK);
    let line = "Ann &lt;b&gt; at 7 with 2, true, &quot;a\\nb&quot;</p>";
    assert!(browser.html.contains(line), "{}", browser.html);
    assert!(browser.html.contains("class=\"alert\"") && browser.html.contains(">Welcome.</output>"));
    // From there it goes on, with or without the script, which learns what the document contains.
    assert!(browser.html.contains("data-n=\"1\" data-a=\"1\">"), "{}", browser.html);
    browser.submit("name=Bob&seats=1&note=").await;
    assert!(
        browser.html.contains(line) && browser.html.contains("Bob at 7 with 1, false"),
        "{}",
        browser.html
    );
    assert!(browser.html.contains("data-a=\"2\">"), "{}", browser.html);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_event() {
    let mut browser = Browser::open().await;
    let hidden = browser.hidden();
    for _ in 0..3 {
        let request = browser.form(&hidden, "name=Ann&seats=2&note=", Some("http://localhost"));
        browser.ask(request).await;
        assert_eq!(browser.status, StatusCode::OK);
        assert_eq!(browser.html.matches("Ann at 7").count(), 1, "{}", browser.html);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_where_it_is_and_nothing_is_lost() {
    let mut browser = Browser::open().await;
    browser.submit("name=Ann&seats=many&vegan=on&note=%3C%2Ftextarea%3E").await;
    assert!(browser.html.contains("role=\"alert\">Please enter a number.</small>"), "{}", browser.html);
    assert!(browser.html.contains("value=\"Ann\"") && browser.html.contains("value=\"many\""));
    assert!(browser.html.contains("&lt;/textarea&gt;</textarea>") && browser.html.contains(" checked"));
    browser.submit("name=shy&seats=1&note=").await;
    assert!(browser.html.contains(">Say it &lt;aloud&gt;.</small>"), "{}", browser.html);
    browser.submit("name=nobody&seats=1&note=x").await;
    assert!(browser.html.contains(">Nobody may not come.</output>"), "{}", browser.html);
    assert!(browser.html.contains("value=\"nobody\""), "{}", browser.html);
    browser.submit("name=away&seats=1&note=").await;
    assert_eq!((browser.status, &*browser.location), (StatusCode::SEE_OTHER, "/elsewhere"));
}

#[tokio::test]
async fn nobody_else_can_send_it() {
    let mut browser = Browser::open().await;
    let hidden = browser.hidden();
    let fields = "name=Ann&seats=2&note=";
    for origin in [None, Some("null"), Some("https://evil.example"), Some("http://localhost.evil.example")] {
        let request = browser.form(&hidden, fields, origin);
        browser.ask(request).await;
        assert_eq!(browser.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    // Another session, with a page of this one.
    let mut other = Browser::open().await;
    other.router = browser.router.clone();
    other.ask(Request::get("/guests").body(Body::empty()).expect("a request")).await;
    let request = other.form(&hidden, fields, Some("http://localhost"));
    other.ask(request).await;
    assert_eq!(other.status, StatusCode::GONE);
    // A seal of nothing, a page that is not there, and what is no form of ours.
    let parts: Vec<_> = hidden.split(' ').collect();
    for (form, status) in [
        (format!("{} 0 f AAAA {}", parts[0], parts[4..].join(" ")), StatusCode::OK),
        (format!("{} 0 gone {}", parts[0], parts[3..].join(" ")), StatusCode::OK),
        (hidden.replacen(' ', "x ", 1), StatusCode::GONE),
        (String::from("x"), StatusCode::METHOD_NOT_ALLOWED),
        (format!("{} 7 {}", parts[0], parts[2..].join(" ")), StatusCode::GONE),
    ] {
        let mut browser = Browser {
            html: String::new(),
            location: String::new(),
            cookie: browser.cookie.clone(),
            router: browser.router.clone(),
            status: StatusCode::OK,
        };
        let request = browser.form(&form, fields, Some("http://localhost"));
        browser.ask(request).await;
        assert_eq!(browser.status, status, "{form}");
        assert!(!browser.html.contains("Ann at 7"), "{form}");
    }
    let long = browser.form(&hidden, &format!("name={}", "x".repeat(600_000)), Some("http://localhost"));
    browser.ask(long).await;
    assert_eq!(browser.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_form_that_was_sent_is_not_done_again_with_other_values_and_says_so() {
    let mut browser = Browser::open().await;
    let hidden = browser.hidden();
    let send = |browser: &Browser, fields: &str| browser.form(&hidden, fields, Some("http://localhost"));
    for fields in ["name=Ann&seats=2&note=", "name=Eve&seats=3&note=x"] {
        let request = send(&browser, fields);
        browser.ask(request).await;
        assert_eq!(browser.status, StatusCode::OK);
    }
    assert!(browser.html.contains("Ann at 7") && !browser.html.contains("Eve at 7"), "{}", browser.html);
    assert!(browser.html.contains(">This form was sent before,"), "{}", browser.html);
    assert!(
        browser.html.contains("value=\"Eve\"") && browser.html.contains("value=\"3\""),
        "{}",
        browser.html
    );
    // The document that says so can be sent.
    browser.submit("name=Eve&seats=3&note=x").await;
    assert!(browser.html.contains("Eve at 7 with 3"), "{}", browser.html);
    // The same holds after a fault.
    let hidden = browser.hidden();
    let send = |browser: &Browser, fields: &str| browser.form(&hidden, fields, Some("http://localhost"));
    for fields in ["name=Bob&seats=many&note=", "name=Bob&seats=5&note="] {
        let request = send(&browser, fields);
        browser.ask(request).await;
    }
    assert!(browser.html.contains(">This form was sent before,") && browser.html.contains("value=\"5\""));
}

#[tokio::test]
async fn what_reading_a_form_takes_is_bounded_by_what_it_has() {
    let mut browser = Browser::open().await;
    let hidden = browser.hidden();
    let head = hidden.rsplitn(5, ' ').last().expect("token, number, form and seal").to_owned();
    let values = |count: usize| (0..count).map(|at| format!("a{at}=&")).collect::<String>();
    let many = |name: &str, count: usize| format!("{name}=&").repeat(count);
    let cases = [
        // One value read again and again, several values, and more values than an event may have.
        (format!("{head}{}", " b".repeat(4_000)), many("a", 4_000)),
        (format!("{head}{}", " *a".repeat(500)), many("a", 2_000)),
        (format!("{head} *a a !a"), many("a", 3)),
        (format!("{head}{}", (0..600).map(|at| format!(" a{at}")).collect::<String>()), values(600)),
        (format!("{head} *a"), many("a", 40_000)),
    ];
    for (hidden, fields) in cases {
        let request = browser.form(&hidden, fields.trim_end_matches('&'), Some("http://localhost"));
        browser.ask(request).await;
        assert_eq!(browser.status, StatusCode::PAYLOAD_TOO_LARGE, "{:.60}", hidden);
    }
}
