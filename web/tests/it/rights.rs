//! Rights around processes: to start, to see an instance, its variables and what a task is about.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use bpe::Engine;
use form::Form;
use form::process::{Inbox, ProcessForm, Processes, Work};
use nitro::{prelude::*, test::TestApp};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{App, rest::Rest};

use crate::leave::{Answer, Enter, FILE, LABELS};

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask", read = ["clerk", "writer"], write = ["writer"])]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    #[form(range = 1..=30)]
    days: u32,
}

struct Desk {
    app: TestApp,
    router: Router,
}

impl Desk {
    async fn open(operators: &[&str]) -> Self {
        let app = TestApp::new()
            .page::<Enter>("/enter/{user}/{roles}")
            .page::<Inbox>("/tasks")
            .page::<Work>("/tasks/{task}");
        let node = app.node();
        let engine = Engine::builder(node.store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        Processes::new(engine)
            .form("ask", ProcessForm::record::<Ask>("ask"))
            .form("answer", ProcessForm::variables::<Answer>().about::<Ask>("ask"))
            .operators(operators)
            .start(&node);
        let router = App::new(node.clone()).rest(Rest::new().record::<Ask>()).router();
        Desk { app, router }
    }

    async fn call(&self, roles: &[&str], method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(roles, method, path, "application/json", body).await
    }

    async fn send(
        &self,
        roles: &[&str],
        method: &str,
        path: &str,
        kind: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let token = self.app.node().bearer("olena", &roles, Duration::from_secs(60));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, kind);
        let request = request.body(Body::from(body.to_string())).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn started(&self) -> String {
        let (status, made) =
            self.call(&["clerk", "writer"], "POST", "/api/processes/leave", json!({ "days": 3 })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        format!("/api/instances/{}", made["id"].as_str().unwrap())
    }
}

#[tokio::test]
async fn a_start_takes_the_lane_and_the_right_to_write_its_record() {
    let desk = Desk::open(&["manager"]).await;
    for roles in [&["clerk"], &["writer"]] {
        let (status, _) = desk.call(roles, "POST", "/api/processes/leave", json!({ "days": 3 })).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{roles:?}");
    }
    let mut txn = desk.app.node().store().txn();
    assert_eq!(
        (txn.count_of::<Ask>().await.unwrap(), txn.count_of::<bpe::Instance>().await.unwrap()),
        (0, 0)
    );
    desk.started().await;
}

#[tokio::test]
async fn an_instance_is_seen_by_those_who_take_part() {
    let desk = Desk::open(&["boss"]).await;
    let instance = desk.started().await;
    // Olena began it; so that she does not see it as such, the others are asked in another name.
    let mut txn = desk.app.node().store().txn();
    let id = instance.rsplit_once('/').unwrap().1;
    let mut kept: bpe::Instance = txn.get(id).await.unwrap().unwrap();
    kept.by = Some("somebody".to_owned());
    txn.put(&kept).unwrap();
    txn.commit().await.unwrap();
    for (role, seen, whole) in
        [("guest", false, false), ("clerk", true, false), ("manager", true, false), ("boss", true, true)]
    {
        let (status, shown) = desk.call(&[role], "GET", &instance, Value::Null).await;
        assert_eq!(status, if seen { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{role}");
        assert_eq!(shown.get("variables").is_some(), whole, "{role}: {shown}");
        let (_, list) = desk.call(&[role], "GET", "/api/instances", Value::Null).await;
        assert_eq!(list["rows"].as_array().unwrap().len(), usize::from(seen), "{role}: {list}");
    }
}

#[tokio::test]
async fn without_operators_nobody_is_one() {
    let desk = Desk::open(&[]).await;
    let instance = desk.started().await;
    let (status, shown) = desk.call(&["manager"], "GET", &instance, Value::Null).await;
    assert_eq!((status, shown.get("variables")), (StatusCode::OK, None));
}

#[tokio::test]
async fn a_task_shows_what_it_is_about_to_those_who_may_see_it() {
    let desk = Desk::open(&["boss"]).await;
    desk.started().await;
    let (_, tasks) = desk.call(&["manager"], "GET", "/api/tasks", Value::Null).await;
    let task = format!("/tasks/{}", tasks["rows"][0]["id"].as_str().unwrap());
    for (roles, about) in [("manager", false), ("manager-clerk", true)] {
        let visitor = desk.app.visitor();
        visitor.open(&format!("/enter/max/{roles}")).await;
        let page = visitor.open(&task).await;
        assert_eq!(page.html().contains("class=\"about\""), about, "{roles}: {}", page.html());
    }
}

#[tokio::test]
async fn a_token_is_not_renewed_by_itself_and_a_body_is_json() {
    let desk = Desk::open(&["boss"]).await;
    let (status, _) = desk.call(&["writer"], "POST", "/api/token", Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let body = json!({ "days": 3 });
    let (status, _) = desk.send(&["writer"], "POST", "/api/records/ask", "text/plain", body).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "which a form of another site could send");
}
