//! Guests where names count: a visitor may take the name of somebody to whom tasks and rates belong.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use bpe::Engine;
use form::Form;
use form::process::{Inbox, ProcessForm, Processes, Work};
use n2o::{Limits, Node};
use nitro::{
    prelude::*,
    test::{TestApp, Visitor},
};
use serde_json::Value;
use tower::ServiceExt;
use web::{App, rest::Rest};

use crate::leave::{Answer, Enter, FILE, LABELS};

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask")]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    days: u32,
}

/// Logs a visitor in as `/prove/{user}/{role}`, as somebody who has proven who they are.
#[derive(Default, Serialize, Deserialize)]
struct Prove;

impl Page for Prove {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (user, role) = (cx.param("user").to_owned(), cx.param("role").to_owned());
        cx.login_proven(&user, &[&role]).await?;
        cx.redirect(url!("/tasks"))
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        maud::html! {}
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
    async fn open(is_for_proven: bool, limits: Limits) -> Self {
        let app = TestApp::new()
            .limits(limits)
            .page::<Enter>("/enter/{user}/{roles}")
            .page::<Prove>("/prove/{user}/{role}")
            .page::<Inbox>("/tasks")
            .page::<Work>("/processes/{process}/start");
        let node: Node = app.node();
        let engine = Engine::builder(node.store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        Processes::new(engine)
            .form("ask", ProcessForm::record::<Ask>("ask"))
            .form("answer", ProcessForm::variables::<Answer>())
            .for_proven(is_for_proven)
            .start(&node);
        let router = App::new(node).rest(Rest::new().record::<Ask>()).router();
        Office { app, router }
    }

    async fn call(&self, method: Method, path: &str, by: (header::HeaderName, &str)) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header(by.0, by.1);
        let request = request.header("sec-fetch-site", "same-origin").body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// What somebody is answered who asks for their tasks: on the page, with the cookie, and with a token.
    async fn asks(&self, visitor: &Visitor) -> [u16; 4] {
        let status = |page: bool| if page { 200 } else { 403 };
        let page = status(visitor.try_open("/tasks").await.is_ok());
        let start = status(visitor.try_open("/processes/leave/start").await.is_ok());
        let cookie = format!("n2o={}", visitor.cookie());
        let (rest, _) = self.call(Method::GET, "/api/tasks", (header::COOKIE, &cookie)).await;
        let (_, token) = self.call(Method::POST, "/api/token", (header::COOKIE, &cookie)).await;
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        let (borne, _) = self.call(Method::GET, "/api/tasks", (header::AUTHORIZATION, &bearer)).await;
        [page, start, rest, borne]
    }
}

async fn enters(app: &TestApp, path: &str) -> Visitor {
    let visitor = app.visitor();
    // It ends at the tasks, which may be closed to them.
    drop(visitor.try_open(path).await);
    visitor
}

#[tokio::test]
async fn processes_for_proven_users_are_closed_to_guests_of_the_same_name() {
    for (is_for_proven, guests) in [(false, 200), (true, 403)] {
        let office = Office::open(is_for_proven, Limits::default()).await;
        let (guest, holder) = (
            enters(&office.app, "/enter/olena/clerk").await,
            enters(&office.app, "/prove/olena/clerk").await,
        );
        assert_eq!(office.asks(&guest).await, [guests; 4], "{is_for_proven}");
        assert_eq!(office.asks(&holder).await, [200; 4], "{is_for_proven}");
    }
}

#[tokio::test]
async fn a_guest_uses_nothing_up_of_the_rate_of_another_user() {
    let limits = Limits { visit_rate: 1, visit_burst: 2, ..Limits::default() };
    let office = Office::open(false, limits).await;
    let (guest, holder) =
        (enters(&office.app, "/enter/olena/clerk").await, enters(&office.app, "/prove/olena/clerk").await);
    let list =
        async |by: (header::HeaderName, &str)| office.call(Method::GET, "/api/records/ask", by).await.0;
    let cookies = [&guest, &holder].map(|visitor| format!("n2o={}", visitor.cookie()));
    for expected in [200, 200, 429] {
        assert_eq!(list((header::COOKIE, &cookies[0])).await, expected);
    }
    // The holder has one, with the session and with tokens.
    assert_eq!(list((header::COOKIE, &cookies[1])).await, 200);
    let token = office.app.node().bearer("olena", &[], Duration::from_secs(60));
    let bearer = format!("Bearer {token}");
    for expected in [200, 429] {
        assert_eq!(list((header::AUTHORIZATION, &bearer)).await, expected);
    }
}
