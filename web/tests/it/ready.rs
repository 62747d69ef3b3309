//! What `/ready` tells: the truth, in words that are fit for strangers.

use std::time::{Duration, Instant};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use n2o::{Clock, Keys, Limits, Node, Random};
use tower::ServiceExt;
use web::App;

async fn ready(router: &Router) -> (u16, String) {
    let request = Request::get("/ready").header("host", "localhost").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_server_whose_store_cannot_be_relied_upon_is_not_ready_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = kvs::Store::open(&format!("redb:{}", path.display())).await.unwrap();
    let random = Random::seeded(1);
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
    let router = App::new(node.clone()).router();
    assert_eq!(ready(&router).await, (200, String::from("ready")));
    let away = folder.path().join("away.redb");
    for (from, to, expected) in [(&path, &away, 503), (&away, &path, 200)] {
        std::fs::rename(from, to).unwrap();
        let started = Instant::now();
        let text = loop {
            let (status, text) = ready(&router).await;
            if status == expected {
                break text;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{status} {text}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(expected == 503, text.contains("deleted, moved, replaced"), "{text}");
        assert!(!text.contains('/') && !text.contains("store.redb"), "for strangers: {text}");
    }
    let stopped = node.stop().await;
    assert!(stopped);
    assert_eq!(ready(&router).await, (503, String::from("stopping")));
}
