//! What programs see: records and processes as JSON, and problems that say where they are.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody, to_bytes},
    http::{HeaderName, HeaderValue, Request, StatusCode, header},
    response::Response,
};
use bpe::Engine;
use form::Form;
use form::process::{ProcessForm, Processes};
use hyper::body::{Frame, SizeHint};
use n2o::{Clock, Dispatch, Keys, Limits, Node, Random};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{App, rest::Rest};

use crate::leave::{Answer, FILE, LABELS};

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask", write = ["clerk"])]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    #[form(range = 1..=30)]
    days: u32,
}

struct Api {
    node: Node,
    router: Router,
}

impl Api {
    async fn open() -> Self {
        let store = kvs::Store::open("memory:").await.unwrap();
        let random = Random::seeded(1);
        let keys = Keys::random(&random);
        let node = Node::new(store, keys, Limits::default(), Clock::default(), random);
        let engine = Engine::builder(node.store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        Processes::new(engine)
            .form("ask", ProcessForm::record::<Ask>("ask"))
            .form("answer", ProcessForm::variables::<Answer>().about::<Ask>("ask"))
            .operators(&["manager"])
            .start(&node);
        let router = App::new(node.clone()).rest(Rest::new().record::<Ask>()).router();
        Api { node, router }
    }

    fn token(&self, user: &str, role: &str) -> String {
        self.node.bearer(user, &[role.to_owned()], Duration::from_secs(60))
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value, Response<()>) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        (parts.status, json, Response::from_parts(parts, ()))
    }

    async fn call(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value, Response<()>) {
        self.call_over(None, token, method, path, body).await
    }

    /// Calls over the version of an entity tag.
    async fn call_over(
        &self,
        tag: Option<&HeaderValue>,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value, Response<()>) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

#[tokio::test]
async fn records_are_made_read_changed_and_guarded() {
    let api = Api::open().await;
    let clerk = api.token("olena", "clerk");
    let (status, problem, response) =
        api.call(&clerk, "POST", "/api/records/ask", json!({ "days": 60, "evil": 1 })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let errors = problem["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    assert_eq!(fields, ["days", "evil"], "{problem}");

    let (status, made, response) = api.call(&clerk, "POST", "/api/records/ask", json!({ "days": 6 })).await;
    assert_eq!((status, &made["days"]), (StatusCode::CREATED, &json!(6)));
    let path = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let (status, _, _) = api.call(&clerk, "PATCH", &path, json!({ "days": 7 })).await;
    assert_eq!(status, StatusCode::PRECONDITION_REQUIRED, "without the version nothing is changed");
    let (_, list, _) = api.call(&clerk, "GET", "/api/records/ask", Value::Null).await;
    assert_eq!(list["total"], 1);
    // A role that may not write, and somebody who is not known.
    let other = api.token("eve", "guest");
    let (status, _, _) = api.call(&other, "POST", "/api/records/ask", json!({ "days": 6 })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _, _) = api.call("forged", "GET", &path, Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _, _) =
        api.call(&clerk, "POST", "/api/records/ask", json!({ "days": "x".repeat(100_000) })).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_process_is_started_and_its_task_done_once() {
    let api = Api::open().await;
    let (clerk, manager) = (api.token("olena", "clerk"), api.token("max", "manager"));
    let (status, problem, _) = api.call(&clerk, "POST", "/api/processes/leave", json!({ "days": 0 })).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("days")));
    let (status, _, _) = api.call(&manager, "POST", "/api/processes/leave", json!({ "days": 3 })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "the start is in the clerk's lane");
    let (status, _, response) = api.call(&clerk, "POST", "/api/processes/leave", json!({ "days": 3 })).await;
    assert_eq!(status, StatusCode::CREATED);
    let instance = response.headers()[header::LOCATION].to_str().unwrap().to_owned();

    let (_, tasks, _) = api.call(&clerk, "GET", "/api/tasks", Value::Null).await;
    assert_eq!(tasks["rows"], json!([]));
    let (_, tasks, _) = api.call(&manager, "GET", "/api/tasks", Value::Null).await;
    let task = format!("/api/tasks/{}", tasks["rows"][0]["id"].as_str().unwrap());
    let granted = json!({ "granted": true });
    assert_eq!(api.call(&clerk, "POST", &task, granted.clone()).await.0, StatusCode::NOT_FOUND);
    // It is done over what was read of its record, or not at all.
    assert_eq!(api.call(&clerk, "GET", &task, Value::Null).await.0, StatusCode::NOT_FOUND);
    let (_, shown, read) = api.call(&manager, "GET", &task, Value::Null).await;
    assert_eq!(shown["about"]["record"]["days"], 3, "{shown}");
    let (status, problem, _) = api.call(&manager, "POST", &task, granted.clone()).await;
    assert_eq!((status, &problem["type"]), (StatusCode::PRECONDITION_REQUIRED, &json!("urn:n2o:version")));
    let any = HeaderValue::from_static("*");
    let (status, _, _) =
        api.call_over(Some(&any), &clerk, "PATCH", "/api/records/ask/1", json!({ "days": 30 })).await;
    assert_eq!(status, StatusCode::OK);
    let tag = read.headers().get(header::ETAG);
    let (status, problem, _) = api.call_over(tag, &manager, "POST", &task, granted.clone()).await;
    assert_eq!((status, &problem["current"]["days"]), (StatusCode::PRECONDITION_FAILED, &json!(30)));
    let (_, _, read) = api.call(&manager, "GET", &task, Value::Null).await;
    let tag = read.headers().get(header::ETAG);
    assert_eq!(api.call_over(tag, &manager, "POST", &task, granted.clone()).await.0, StatusCode::NO_CONTENT);
    let again = api.call_over(tag, &manager, "POST", &task, granted).await;
    assert_eq!(again.0, StatusCode::NOT_FOUND, "it is done once");
    let (_, ended, _) = api.call(&manager, "GET", &instance, Value::Null).await;
    assert_eq!((&ended["state"], &ended["variables"]["granted"]), (&json!("Completed"), &json!(true)));
    let (_, ended, _) = api.call(&clerk, "GET", &instance, Value::Null).await;
    assert!(ended.get("variables").is_none(), "variables are for operators: {ended}");
}

#[tokio::test]
async fn a_record_that_begins_with_a_process_is_never_made_without_it() {
    let mut api = Api::open().await;
    api.router = App::new(api.node.clone()).rest(Rest::new().started::<Ask>("leave")).router();
    let (clerk, manager) = (api.token("olena", "clerk"), api.token("max", "manager"));
    let (status, _, _) = api.call(&clerk, "POST", "/api/records/ask", json!({ "days": 0 })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _, _) = api.call(&manager, "POST", "/api/records/ask", json!({ "days": 3 })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, made, response) = api.call(&clerk, "POST", "/api/records/ask", json!({ "days": 3 })).await;
    assert_eq!((status, &made["record"]), (StatusCode::CREATED, &json!("1")));
    let instance = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let (_, instance, _) = api.call(&manager, "GET", &instance, Value::Null).await;
    assert_eq!((&instance["state"], &instance["variables"]["ask"]["days"]), (&json!("Active"), &json!(3)));
    let (_, list, _) = api.call(&clerk, "GET", "/api/records/ask", Value::Null).await;
    assert_eq!(list["total"], json!(1), "what failed has made no record");
    let (status, ask, _) = api.call(&clerk, "GET", "/api/records/ask/1", Value::Null).await;
    assert_eq!((status, &ask["days"]), (StatusCode::OK, &json!(3)));
}

#[tokio::test]
async fn a_cookie_alone_writes_nothing() {
    const OURS: &str = "http://shop.example";
    let api = Api::open().await;
    let sessions = api.node.sessions();
    let session = sessions.create();
    let page = api.node.page_id();
    let mut cx = Dispatch::new(&api.node, Arc::clone(&session), page, "/", Vec::new(), "en");
    cx.login_as("olena", &["clerk"]).await.unwrap();
    let ticket = cx.ticket("/").await.unwrap().unwrap();
    cx.commit().await.unwrap();
    let cookie = format!("n2o={}", sessions.trade(&session, &ticket.0).await.unwrap().0);
    let ask = |site: &'static str| {
        Request::post("/api/records/ask")
            .header(header::COOKIE, cookie.as_str())
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(r#"{"days":3}"#))
            .unwrap()
    };
    assert_eq!(api.send(ask("cross-site")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(api.send(ask("same-site")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(api.send(ask("same-origin")).await.0, StatusCode::CREATED);
    // What was sent twice is no browser's word.
    let mut twice = ask("same-origin");
    twice.headers_mut().append("sec-fetch-site", HeaderValue::from_static("cross-site"));
    assert_eq!(api.send(twice).await.0, StatusCode::FORBIDDEN);
    // Site and origin that do not agree are no browser's word either.
    for (site, origin) in
        [("same-origin", "https://evil.example"), ("cross-site", OURS), ("same-site", OURS), ("none", OURS)]
    {
        let mut both = ask(site);
        both.headers_mut().append(header::HOST, HeaderValue::from_static("shop.example"));
        both.headers_mut().append(header::ORIGIN, HeaderValue::from_static(origin));
        assert_eq!(api.send(both).await.0, StatusCode::FORBIDDEN, "{site} {origin}");
    }
    // A browser that says nothing of the site is asked for the origin.
    let mut bare = ask("same-origin");
    bare.headers_mut().remove("sec-fetch-site");
    assert_eq!(api.send(bare).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_parameter_that_a_list_does_not_have_is_refused_and_not_ignored() {
    let api = Api::open().await;
    let clerk = api.token("olena", "clerk");
    for path in [
        "/api/instances?before=zzz",
        "/api/instances?after=a&after=b",
        "/api/instances?after=a&page=2",
        "/api/records/ask?page=0",
        "/api/records/ask?page=abc",
        "/api/records/ask?limit=0",
        "/api/records/ask?city=",
        "/api/records/ask?sort=nope",
        "/api/records/ask?days=many",
        "/api/records/ask?page=1&page=2",
    ] {
        let (status, problem, _) = api.call(&clerk, "GET", path, Value::Null).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::BAD_REQUEST, &json!("urn:n2o:malformed")),
            "{path}"
        );
    }
    assert_eq!(api.call(&clerk, "GET", "/api/instances?after=a", Value::Null).await.0, StatusCode::OK);
    for days in [6, 7, 7] {
        api.call(&clerk, "POST", "/api/records/ask", json!({ "days": days })).await;
    }
    let path = "/api/records/ask?days=7&limit=1&page=2&sort=-number";
    let (status, list, _) = api.call(&clerk, "GET", path, Value::Null).await;
    let rows = list["rows"].as_array().unwrap();
    assert_eq!(
        (status, &list["total"], rows.len(), &rows[0]["days"]),
        (StatusCode::OK, &json!(2), 1, &json!(7))
    );
}

#[tokio::test]
async fn a_version_comes_with_each_write_and_a_write_that_changes_nothing_is_none() {
    let api = Api::open().await;
    let clerk = api.token("olena", "clerk");
    let tag = |response: &Response<()>| response.headers()[header::ETAG].to_str().unwrap().to_owned();
    let (_, _, made) = api.call(&clerk, "POST", "/api/records/ask", json!({ "days": 6 })).await;
    let path = made.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let patch = async |tag: &str, body: Value| {
        let request = Request::patch(&path)
            .header(header::AUTHORIZATION, format!("Bearer {clerk}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, tag);
        api.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let first = tag(&made);
    let (status, _, changed) = patch(&first, json!({ "days": 7 })).await;
    let second = tag(&changed);
    assert!(status == StatusCode::OK && first != second, "{first} {second}");
    for nothing in [json!({}), json!({ "days": 7 })] {
        let (status, _, same) = patch(&second, nothing).await;
        assert_eq!((status, tag(&same)), (StatusCode::OK, second.clone()));
    }
    let (_, _, read) = api.call(&clerk, "GET", &path, Value::Null).await;
    assert_eq!(tag(&read), second);
    assert_eq!(patch(&first, json!({ "days": 8 })).await.0, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_long_is_not_waited_for() {
    let api = Api::open().await;
    let request = Request::post("/api/records/ask")
        .header(header::AUTHORIZATION, format!("Bearer {}", api.token("olena", "clerk")))
        .header(header::CONTENT_TYPE, "application/json");
    let (status, problem, _) = api.send(request.body(Body::new(Announced)).unwrap()).await;
    assert_eq!((status.as_u16(), &problem["type"]), (413, &json!("urn:n2o:too-large")));
}

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = FRAGILE_LABELS, table = "fragile", write = ["clerk"])]
struct Fragile {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    #[form(check = is_whole(part))]
    part: String,
}

const FRAGILE_LABELS: form::Labels =
    form::Labels::new("key|en\nfragile|Fragile\nnumber|Number\npart|Part\npart.check|It is whole.");

fn is_whole(part: &str) -> bool {
    assert_ne!(part, "broken", "a fault of the application");
    true
}

#[tokio::test]
async fn a_panic_of_the_application_is_an_incident_and_no_lost_connection() {
    let store = kvs::Store::open("memory:").await.unwrap();
    let random = Random::seeded(1);
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
    let router = App::new(node.clone()).rest(Rest::new().record::<Fragile>()).router();
    let api = Api { node, router };
    let clerk = api.token("olena", "clerk");
    let (status, problem, _) =
        api.call(&clerk, "POST", "/api/records/fragile", json!({ "part": "broken" })).await;
    assert_eq!((status.as_u16(), &problem["type"]), (500, &json!("urn:n2o:failed")));
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.starts_with("incident ")), "{problem}");
    assert!(!problem.to_string().contains("application"), "{problem}");
    let (status, ..) = api.call(&clerk, "POST", "/api/records/fragile", json!({ "part": "whole" })).await;
    assert_eq!(status, StatusCode::CREATED);
}

/// A body of which only the length comes.
struct Announced;

impl HttpBody for Announced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        panic!("nobody reads it")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(20 << 20)
    }
}

#[tokio::test]
async fn preconditions_methods_and_ids_are_read_as_their_standard_has_them() {
    let api = Api::open().await;
    let clerk = api.token("olena", "clerk");
    let (_, _, made) = api.call(&clerk, "POST", "/api/records/ask", json!({ "days": 6 })).await;
    let path = made.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let tag = made.headers()[header::ETAG].to_str().unwrap().to_owned();
    let ask = async |method: &str, path: &str, name: HeaderName, value: &str| {
        let request = Request::builder().method(method).uri(path).header(name, value);
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {clerk}"))
            .header(header::CONTENT_TYPE, "application/json");
        api.send(request.body(Body::from("{}")).unwrap()).await
    };
    for (method, name, value, expected) in [
        ("GET", header::IF_NONE_MATCH, tag.clone(), 304),
        ("HEAD", header::IF_NONE_MATCH, tag.clone(), 304),
        ("GET", header::IF_NONE_MATCH, format!("\"0\", W/{tag}"), 304),
        ("GET", header::IF_NONE_MATCH, String::from("*"), 304),
        ("GET", header::IF_NONE_MATCH, String::from("\"0\""), 200),
        ("GET", header::IF_NONE_MATCH, tag.replacen('"', "\"+", 1), 200),
        ("GET", header::IF_NONE_MATCH, String::from("7"), 400),
        ("PATCH", header::IF_MATCH, tag.trim_matches('"').to_owned(), 400),
        ("PATCH", header::IF_MATCH, format!("W/{tag}"), 412),
        ("PATCH", header::IF_MATCH, String::from("\"of another\""), 412),
        ("PATCH", header::IF_MATCH, String::new(), 412),
        ("PATCH", header::IF_MATCH, format!("\"0\", {tag}"), 200),
        ("PATCH", header::IF_MATCH, String::from("*"), 200),
        ("PATCH", header::ACCEPT, String::from("*/*"), 428),
    ] {
        let (status, body, response) = ask(method, &path, name, &value).await;
        assert_eq!(status.as_u16(), expected, "{method} {value:?}: {body}");
        if expected == 304 {
            assert_eq!((body, response.headers()[header::ETAG].to_str().unwrap()), (Value::Null, &*tag));
        }
    }
    let (status, body, _) = ask("GET", "/api/records/ask/%ff", header::ACCEPT, "*/*").await;
    assert_eq!((status, &body["type"]), (StatusCode::NOT_FOUND, &json!("urn:n2o:not-found")));
    for (method, path, allowed) in [
        ("PUT", path.as_str(), "DELETE"),
        ("DELETE", "/api/records/ask", "POST"),
        ("GET", "/api/token", "POST"),
    ] {
        let (status, body, response) = ask(method, path, header::ACCEPT, "*/*").await;
        assert_eq!((status.as_u16(), &body["type"]), (405, &json!("urn:n2o:method")), "{method} {path}");
        let allow = response.headers()[header::ALLOW].to_str().unwrap();
        assert!(allow.contains(allowed), "{allow}");
    }
    let (status, ..) = ask("DELETE", &path, header::IF_MATCH, "*").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}
