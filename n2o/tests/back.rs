//! A clock that is set back two days: nobody is refused, and nothing is kept for ever.

use std::{sync::Arc, time::Duration};

use n2o::{Accounts, Clock, Dispatch, Keys, Limits, Node, Random, Rate, Rates, Repeats, Token};

const TWO_DAYS: Duration = Duration::from_hours(48);
const NOW: u64 = 1_000_000_000_000;

async fn node() -> Node {
    let store = kvs::Store::open("memory:").await.expect("a store");
    let random = Random::seeded(1);
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(NOW), random)
}

#[tokio::test]
async fn sessions_tokens_and_seals_go_on() {
    let node = node().await;
    let session = node.sessions().create();
    let page = Token { page: node.page_id(), path: String::from("/") };
    let (cookie, token) = (node.sessions().cookie(&session), node.token(&session, &page));
    let bearer = node.bearer("ann", &[], Duration::from_secs(60));
    let mut cx = Dispatch::new(&node, Arc::clone(&session), page.page, "/", Vec::new(), "en");
    let seal = cx.pickle("button", 0, 7, b"x").expect("a seal");
    cx.login("ann").await.expect("a name");
    let ticket = cx.ticket("/").await.expect("the store").expect("a ticket");
    cx = cx.commit().await.expect("the store");
    node.clock().set_back(TWO_DAYS);
    assert!(!node.sessions().is_expired(&session));
    assert!(node.read_token(&session, &token).is_ok());
    assert!(node.read_bearer(&bearer).is_ok());
    assert!(cx.depickle("button", &seal, |_| Some(7)).is_ok());
    let (signed_in, _) = node.sessions().trade(&session, &ticket.0).await.expect("the ticket is good");
    let found = node.sessions().open(&signed_in).await.expect("the store").expect("signed in");
    assert_eq!(found.user().as_deref(), Some("ann"));
    // What a session is made of now has its usual limits again.
    assert!(node.sessions().open(&cookie).await.expect("the store").is_none(), "it was traded");
    node.clock().advance(TWO_DAYS + Limits::default().session_age + Duration::from_secs(1));
    assert!(node.sessions().open(&signed_in).await.expect("the store").is_none(), "none lasts for ever");
}

#[tokio::test]
async fn who_may_try_may_try() {
    let node = node().await;
    let accounts = Accounts::default();
    let mut cx = Dispatch::new(&node, node.sessions().create(), node.page_id(), "/", Vec::new(), "en");
    accounts.register(&mut cx, "ann", "a long password").await.expect("a new account");
    cx = cx.commit().await.expect("the store");
    assert!(accounts.verify(&mut cx, "ann", "a wrong password").await.expect("a try").is_none());
    node.clock().set_back(TWO_DAYS);
    for _ in 0..9 {
        accounts.verify(&mut cx, "ann", "a wrong password").await.expect("a try");
    }
    assert!(accounts.verify(&mut cx, "ann", "a long password").await.expect("a try").is_some());
}

#[test]
fn a_brake_is_let_go_and_then_brakes_as_ever() {
    let back = u64::try_from(TWO_DAYS.as_millis()).expect("it fits");
    let mut rate = Rate::every(60_000, 10);
    for _ in 0..10 {
        assert!(rate.allow(NOW));
    }
    assert!(!rate.allow(NOW));
    assert!(rate.is_calm(NOW - back));
    for _ in 0..10 {
        assert!(rate.allow(NOW - back));
    }
    assert!(!rate.allow(NOW - back), "and not more than that");
    let rates = Rates::new(Rate::every(60_000, 1), 1);
    assert!(rates.allow(&"ann", NOW));
    assert!(rates.allow(&"bob", NOW - back), "the place of one who is braked no more is free");
    let repeats = Repeats::new(60_000);
    assert_eq!(repeats.tell(NOW), Some(0));
    assert_eq!(repeats.tell(NOW - back), Some(0));
}
