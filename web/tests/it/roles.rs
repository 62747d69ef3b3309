//! Roles come from one place: what a login gave holds on pages, in forms, around processes and over REST,
//! and nothing else does.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use bpe::Engine;
use form::process::{Inbox, ProcessForm, Processes, Work};
use form::{Form, Who};
use nitro::{
    prelude::*,
    test::{TestApp, Visitor},
};
use tower::ServiceExt;
use web::{App, rest::Rest};

use crate::leave::{Answer, Enter, FILE, LABELS};

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask", read = ["clerk"], write = ["clerk"])]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    #[form(range = 1..=30)]
    days: u32,
}

/// Gives the visitor the role of a clerk in one of several ways, as `/get/{how}`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Get;

impl Page for Get {
    type Event = Never;
    const ACCESS: Access = Access::User;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        match cx.param("how") {
            "given" => cx.set_roles(&["clerk"]),
            "taken" => cx.set_roles(&[]),
            // As a form's session value was once read.
            _ => cx.session().set("roles", &["clerk"]),
        }
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        maud::html! {}
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

/// A page for clerks, or with `false` one that says what a form sees.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Desk<const CLOSED: bool>;

impl<const CLOSED: bool> Page for Desk<CLOSED> {
    type Event = Never;
    const ACCESS: Access = if CLOSED { Access::Role("clerk") } else { Access::User };

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let who = Who::of(ui);
        maud::html! { (span().id("clerk").text(who.is_any(&[String::from("clerk")]).to_string())) }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

struct Office {
    app: TestApp,
    router: Router,
}

impl Office {
    async fn open() -> Self {
        let app = TestApp::new()
            .page::<Enter>("/enter/{user}/{roles}")
            .page::<Get>("/get/{how}")
            .page::<Desk<true>>("/desk")
            .page::<Desk<false>>("/form")
            .page::<Inbox>("/tasks")
            .page::<Work>("/processes/{process}/start");
        let node = app.node();
        let engine = Engine::builder(node.store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        Processes::new(engine)
            .form("ask", ProcessForm::record::<Ask>("ask"))
            .form("answer", ProcessForm::variables::<Answer>())
            .start(&node);
        let router = App::new(node.clone()).rest(Rest::new().record::<Ask>()).router();
        Office { app, router }
    }

    /// Where the visitor is a clerk: on pages, in forms, to start a process, over REST.
    async fn asks(&self, visitor: &Visitor) -> [bool; 4] {
        let page = visitor.try_open("/desk").await.is_ok();
        let form = visitor.open("/form").await.text("clerk") == "true";
        let start = visitor.try_open("/processes/leave/start").await.is_ok();
        let cookie = format!("n2o={}", visitor.cookie());
        let request = Request::get("/api/records/ask").header(header::COOKIE, cookie);
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        [page, form, start, answer.status() == StatusCode::OK]
    }
}

#[tokio::test]
async fn pages_forms_processes_and_rest_agree_on_who_has_a_role() {
    let office = Office::open().await;
    for (role, how, clerk) in [
        ("clerk", None, true),
        ("guest", None, false),
        ("guest", Some("session-value"), false),
        ("guest", Some("given"), true),
        ("clerk", Some("taken"), false),
    ] {
        let visitor = office.app.visitor();
        visitor.open(&format!("/enter/olena/{role}")).await;
        if let Some(how) = how {
            visitor.open(&format!("/get/{how}")).await;
        }
        assert_eq!(office.asks(&visitor).await, [clerk; 4], "{role} {how:?}");
    }
}
