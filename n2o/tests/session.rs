//! Session cookies: authentic by themselves, and good for nothing when a bit of them changes.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use n2o::{Clock, Cx, Keys, Limits, Node, Random, SealError, Session, Token};

async fn node(seed: u64) -> Node {
    let store = kvs::Store::open("memory:").await.expect("a store");
    let random = Random::seeded(seed);
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000_000), random)
}

async fn is_good(node: &Node, cookie: &str) -> bool {
    node.sessions().open(cookie).await.expect("the store").is_some()
}

#[tokio::test]
async fn every_other_cookie_is_refused() {
    let node = node(1).await;
    let cookie = node.sessions().cookie(&node.sessions().create());
    assert!(is_good(&node, &cookie).await);
    let bytes = URL_SAFE_NO_PAD.decode(&cookie).expect("base64url");
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_good(&node, &URL_SAFE_NO_PAD.encode(&forged)).await, "bit {bit}");
    }
    let alphabet = (b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"-_=+/ \0");
    for byte in alphabet {
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            if forged[at] != byte {
                forged[at] = byte;
                let forged = String::from_utf8(forged).expect("ASCII");
                assert!(!is_good(&node, &forged).await, "{forged}");
            }
        }
    }
    for forged in
        ["", &cookie[1..], &cookie[..49], &format!("{cookie}A"), &format!("{cookie}="), &"A".repeat(50)]
    {
        assert!(!is_good(&node, forged).await, "{forged}");
    }
    let other = self::node(2).await;
    assert!(!is_good(&other, &cookie).await, "of a node with other keys");
}

#[tokio::test]
async fn a_page_token_is_of_one_session_and_expires() {
    let node = node(1).await;
    let (ann, bob) = (node.sessions().create(), node.sessions().create());
    let page = Token { page: node.page_id(), path: String::from("/chat/a?b=c") };
    let token = node.token(&ann, &page);
    assert_eq!(node.read_token(&ann, &token), Ok(page));
    assert_eq!(node.read_token(&bob, &token), Err(SealError::Refused));
    let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64url");
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            node.read_token(&ann, &URL_SAFE_NO_PAD.encode(&forged)),
            Err(SealError::Refused),
            "bit {bit}"
        );
    }
    node.clock().advance(Duration::from_hours(24));
    assert!(node.read_token(&ann, &token).is_ok());
    node.clock().advance(Duration::from_secs(1));
    assert_eq!(node.read_token(&ann, &token), Err(SealError::Expired));
}

#[tokio::test]
async fn seals_for_one_purpose_are_good_for_no_other() {
    let node = node(1).await;
    let session = node.sessions().create();
    let page = node.page_id();
    let cx = Cx::new(&node, Arc::clone(&session), page, "/", Vec::new(), "en");
    let seal = cx.pickle("button", 0, 7, page.as_bytes());
    assert!(cx.depickle("button", &seal, |_| Some(7)).is_ok());
    assert!(cx.depickle("other", &seal, |_| Some(7)).is_err());
    assert!(cx.depickle("button", &seal, |_| Some(8)).is_err(), "of another kind");
    assert!(cx.depickle("button", &seal, |_| None).is_err(), "of no kind");
    let open = |session: &Arc<Session>, page| {
        Cx::new(&node, Arc::clone(session), page, "/", Vec::new(), "en")
            .depickle("button", &seal, |_| Some(7))
            .is_ok()
    };
    assert!(open(&session, page));
    assert!(!open(&node.sessions().create(), page), "of another session, were the page the same");
    assert!(!open(&session, node.page_id()), "of another page");
    assert!(node.read_token(&session, &URL_SAFE_NO_PAD.encode(&seal)).is_err(), "an event is no page token");
    // Long enough to be read as a ticket, if it were opened as one.
    let token = node.token(&session, &Token { page, path: String::from("/a/long/path") });
    let token = URL_SAFE_NO_PAD.decode(token).expect("base64url");
    assert!(cx.depickle("", &token, |_| Some(7)).is_err(), "a page token is no event");
    assert!(node.sessions().trade(&session, &URL_SAFE_NO_PAD.encode(&token)).await.is_err(), "and no ticket");
}

#[tokio::test]
async fn a_ticket_is_of_one_session_and_short_lived() {
    let node = node(1).await;
    let (ann, bob) = (node.sessions().create(), node.sessions().create());
    let mut cx = Cx::new(&node, Arc::clone(&ann), node.page_id(), "/", Vec::new(), "en");
    cx.login("Ann").await.expect("a name");
    let ticket = cx.ticket("/home").await.expect("a ticket").expect("a login");
    cx.commit().await.expect("the store");
    assert!(node.sessions().trade(&bob, &ticket.0).await.is_err(), "whoever steals it has no use of it");
    let (cookie, to) = node.sessions().trade(&ann, &ticket.0).await.expect("traded");
    assert_eq!(to, "/home");
    let session = node.sessions().open(&cookie).await.expect("the store").expect("a session");
    assert_eq!(session.user().as_deref(), Some("Ann"));
    assert!(ann.ended());

    let mut cx = Cx::new(&node, Arc::clone(&bob), node.page_id(), "/", Vec::new(), "en");
    cx.login("Bob").await.expect("a name");
    let ticket = cx.ticket("/").await.expect("a ticket").expect("a login");
    cx.commit().await.expect("the store");
    node.clock().advance(Duration::from_secs(61));
    assert!(node.sessions().trade(&bob, &ticket.0).await.is_err(), "too late");
}

#[tokio::test]
async fn a_session_without_values_costs_the_store_nothing() {
    let node = node(1).await;
    let session = node.sessions().create();
    let cookie = node.sessions().cookie(&session);
    drop(session);
    assert!(is_good(&node, &cookie).await);
    node.clock().advance(Limits::default().session_age);
    assert!(is_good(&node, &cookie).await);
    node.clock().advance(Duration::from_secs(1));
    assert!(!is_good(&node, &cookie).await);
}
