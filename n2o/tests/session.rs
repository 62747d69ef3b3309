//! Session cookies: authentic by themselves, and good for nothing when a bit of them changes.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use n2o::{
    Clock, Dispatch, EVENT, Error, Event, Keys, Later, Limits, Node, Protocol, Random, SealError, Session,
    Token,
};

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
        ["", &cookie[1..], &cookie[..70], &format!("{cookie}A"), &format!("{cookie}="), &"A".repeat(71)]
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
    let cx = Dispatch::new(&node, Arc::clone(&session), page, "/", Vec::new(), "en");
    let seal = cx.pickle("button", 0, 7, page.as_bytes()).expect("sealed");
    assert!(cx.depickle("button", &seal, |_| Some(7)).is_ok());
    assert!(cx.depickle("other", &seal, |_| Some(7)).is_err());
    assert!(cx.depickle("button", &seal, |_| Some(8)).is_err(), "of another kind");
    assert!(cx.depickle("button", &seal, |_| None).is_err(), "of no kind");
    let open = |session: &Arc<Session>, page| {
        Dispatch::new(&node, Arc::clone(session), page, "/", Vec::new(), "en")
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
    let mut cx = Dispatch::new(&node, Arc::clone(&ann), node.page_id(), "/", Vec::new(), "en");
    cx.login("Ann").await.expect("a name");
    let ticket = cx.ticket("/home").await.expect("a ticket").expect("a login");
    cx.commit().await.expect("the store");
    assert!(node.sessions().trade(&bob, &ticket.0).await.is_err(), "whoever steals it has no use of it");
    let (cookie, to) = node.sessions().trade(&ann, &ticket.0).await.expect("traded");
    assert_eq!(to, "/home");
    let session = node.sessions().open(&cookie).await.expect("the store").expect("a session");
    assert_eq!(session.user().as_deref(), Some("Ann"));
    assert!(ann.ended());

    let mut cx = Dispatch::new(&node, Arc::clone(&bob), node.page_id(), "/", Vec::new(), "en");
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

fn cx(node: &Node, session: &Arc<Session>) -> Dispatch {
    Dispatch::new(node, Arc::clone(session), node.page_id(), "/", Vec::new(), "en")
}

/// Logs in, as the browser's next session.
async fn login(node: &Node, session: &Arc<Session>, user: &str, roles: &[&str]) -> Arc<Session> {
    let mut cx = cx(node, session);
    cx.login_as(user, roles).await.expect("a name");
    follow(node, session, cx).await
}

/// Commits, and follows the ticket.
async fn follow(node: &Node, session: &Arc<Session>, mut cx: Dispatch) -> Arc<Session> {
    let ticket = cx.ticket("/").await.expect("a ticket").expect("a change");
    cx.commit().await.expect("the store");
    let (cookie, _) = node.sessions().trade(session, &ticket.0).await.expect("traded");
    node.sessions().open(&cookie).await.expect("the store").expect("a session")
}

async fn set(node: &Node, session: &Arc<Session>, name: &str, value: &str) {
    let mut cx = cx(node, session);
    cx.session().set(name, value).expect("set");
    cx.commit().await.expect("the store");
}

fn value(node: &Node, session: &Arc<Session>, name: &str) -> Option<String> {
    cx(node, session).session().get(name).expect("a text")
}

#[tokio::test]
async fn values_go_with_the_user_that_they_were_kept_of() {
    let node = node(1).await;
    let anonymous = node.sessions().create();
    set(&node, &anonymous, "basket", "apples").await;
    let ann = login(&node, &anonymous, "Ann", &["clerk"]).await;
    assert_eq!(value(&node, &ann, "basket").as_deref(), Some("apples"), "a visitor who gives a name");
    set(&node, &ann, "proven", "yes").await;
    let again = login(&node, &ann, "Ann", &[]).await;
    assert_eq!(value(&node, &again, "proven").as_deref(), Some("yes"), "the same user");
    assert_eq!(again.roles(), Vec::<String>::new(), "roles are those of the login");

    for other in ["Bob", "ann", "Ann B"] {
        let ann = login(&node, &node.sessions().create(), "Ann", &["clerk"]).await;
        set(&node, &ann, "proven", "yes").await;
        let mut cx = cx(&node, &ann);
        cx.session().set("before", "set for the next").expect("set");
        cx.login_as(other, &[]).await.expect("a name");
        assert_eq!(cx.session().get::<String>("proven").expect("a text"), None, "within the handler already");
        cx.session().set("after", "set after").expect("set");
        assert_eq!(cx.session().get::<String>("after").expect("a text").as_deref(), Some("set after"));
        let bob = follow(&node, &ann, cx).await;
        assert_eq!(bob.user().as_deref(), Some(other));
        assert_eq!((value(&node, &bob, "proven"), bob.roles()), (None, Vec::new()), "{other}");
        assert_eq!(value(&node, &bob, "after").as_deref(), Some("set after"));
        assert_eq!(value(&node, &bob, "before").as_deref(), Some("set for the next"));
    }
}

#[tokio::test]
async fn a_login_carries_no_more_values_than_a_session_may_have() {
    let node = node(1).await;
    let session = node.sessions().create();
    set(&node, &session, "kept", &"x".repeat(60_000)).await;
    for (length, fits) in [(5_000, true), (6_000, false)] {
        let mut page = cx(&node, &session);
        page.login("ann").await.expect("a name");
        page.session().set("given", &"y".repeat(length)).expect("a value");
        match page.ticket("/").await {
            Ok(ticket) => assert!(fits && ticket.is_some(), "{length}"),
            Err(Error::TooLarge { size, limit, .. }) => assert!(!fits && size > limit, "{length}"),
            other => panic!("{length}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_login_that_sends_nobody_away_changes_nothing_of_the_session() {
    let node = node(1).await;
    let ann = login(&node, &node.sessions().create(), "Ann", &["clerk"]).await;
    let mut cx = cx(&node, &ann);
    cx.login_as("Bob", &["manager"]).await.expect("a name");
    cx.session().set("proven", "yes").expect("set");
    cx.commit().await.expect("the store");
    assert_eq!((ann.user().as_deref(), ann.roles()), (Some("Ann"), vec![String::from("clerk")]));
    assert_eq!(value(&node, &ann, "proven"), None, "what was meant for Bob");
}

#[tokio::test]
async fn roles_are_changed_for_all_pages_and_by_a_handler_that_ends_well() {
    let node = node(1).await;
    let anonymous = node.sessions().create();
    assert!(cx(&node, &anonymous).set_roles(&["clerk"]).is_err(), "nobody has no roles");
    let ann = login(&node, &anonymous, "Ann", &["clerk"]).await;
    let mut cx = cx(&node, &ann);
    cx.set_roles(&["manager", "clerk"]).expect("a user");
    assert!(cx.has_role("manager"));
    cx = cx.rollback();
    assert!(!cx.has_role("manager"));
    cx.set_roles(&["manager"]).expect("a user");
    assert!(!self::cx(&node, &ann).has_role("manager"), "not yet");
    cx = cx.commit().await.expect("the store");
    assert!(self::cx(&node, &ann).has_role("manager") && !self::cx(&node, &ann).has_role("clerk"));
    let cookie = node.sessions().cookie(&ann);
    drop((cx, ann));
    let ann = node.sessions().open(&cookie).await.expect("the store").expect("a session");
    assert_eq!(ann.roles(), ["manager"], "read from the store");
}

#[tokio::test]
async fn a_ticket_works_once() {
    let node = node(1).await;
    for out in [false, true] {
        let mut session = node.sessions().create();
        if out {
            session = login(&node, &session, "Ann", &[]).await;
        }
        let mut cx = cx(&node, &session);
        if out {
            cx.logout();
        } else {
            cx.login("Ann").await.expect("a name");
        }
        let ticket = cx.ticket("/home").await.expect("a ticket").expect("a change");
        assert!(node.sessions().trade(&session, &ticket.0).await.is_err(), "not before it is on disk");
        cx.commit().await.expect("the store");
        let old = node.sessions().known(&node.sessions().cookie(&session)).expect("the browser's cookie");
        let (one, two) =
            tokio::join!(node.sessions().trade(&session, &ticket.0), node.sessions().trade(&old, &ticket.0));
        assert_eq!(
            [one.is_ok(), two.is_ok()].iter().filter(|traded| **traded).count(),
            1,
            "at the same moment"
        );
        for refused in [one, two, node.sessions().trade(&session, &ticket.0).await] {
            assert!(matches!(refused, Ok(_) | Err(Error::Seal(SealError::Refused))), "{refused:?}");
        }
        assert!(node.sessions().trade(&old, &ticket.0).await.is_err());
    }
}

#[tokio::test]
async fn a_session_ends_when_its_idle_time_is_over_to_the_second() {
    let node = node(1).await;
    let idle = Limits::default().session_idle;
    let ann = login(&node, &node.sessions().create(), "Ann", &[]).await;
    let cookie = node.sessions().cookie(&ann);
    // Asking for a page is an action; half a minute after the last one, of which the store is not told.
    for _ in 0..3 {
        node.clock().advance(Duration::from_secs(30));
        node.wait(Box::new(Mute), cx(&node, &ann));
    }
    node.clock().advance(idle);
    assert!(is_good(&node, &cookie).await);
    node.clock().advance(Duration::from_secs(1));
    assert!(!is_good(&node, &cookie).await);
    assert!(ann.ended());
}

#[tokio::test]
async fn an_action_on_another_node_keeps_a_session() {
    let node = node(1).await;
    let other = Node::new(
        node.store().clone(),
        node.keys().clone(),
        Limits::default(),
        node.clock().clone(),
        Random::seeded(7),
    );
    let idle = Limits::default().session_idle;
    let ann = login(&node, &node.sessions().create(), "Ann", &[]).await;
    let cookie = node.sessions().cookie(&ann);
    node.clock().advance(idle);
    let there = other.sessions().open(&cookie).await.expect("the store").expect("the session");
    set(&other, &there, "note", "was there").await;
    node.clock().advance(idle);
    assert!(is_good(&node, &cookie).await);
    node.clock().advance(Duration::from_secs(1));
    assert!(!is_good(&node, &cookie).await);
}

#[tokio::test]
async fn the_store_has_a_hash_of_the_session_s_id_only() {
    let node = node(1).await;
    let ann = login(&node, &node.sessions().create(), "Ann", &["clerk"]).await;
    set(&node, &ann, "note", "here").await;
    let mut cx = cx(&node, &ann);
    cx.login("Ann").await.expect("a name");
    let ticket = cx.ticket("/").await.expect("a ticket").expect("a login");
    cx.commit().await.expect("the store");
    let mut secrets = Vec::new();
    let cookies =
        [node.sessions().cookie(&ann), node.sessions().trade(&ann, &ticket.0).await.expect("traded").0];
    for cookie in cookies {
        let bytes = URL_SAFE_NO_PAD.decode(&cookie).expect("base64url");
        let random = &bytes[5..21];
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        // An array of small numbers is how bytes are written without care.
        let numbers = random.iter().flat_map(|byte| if *byte < 24 { vec![*byte] } else { vec![0x18, *byte] });
        secrets.push(numbers.collect());
        secrets.extend([
            random.to_vec(),
            hex.into_bytes(),
            URL_SAFE_NO_PAD.encode(random).into_bytes(),
            cookie.into(),
        ]);
    }
    let (mut seen, mut txn) = (0, node.store().txn());
    for table in ["session", "ticket", "page", "account"] {
        for row in txn.range_raw(table, "", None, 100).await.expect("the store") {
            let values = [row.bytes.as_slice(), row.id.as_bytes()];
            for secret in &secrets {
                let found = values.iter().any(|value| value.windows(secret.len()).any(|part| part == secret));
                assert!(!found, "in the table {table}");
            }
            seen += 1;
        }
    }
    assert!(seen > 0, "there are records to look at");
}

/// A page that says nothing.
struct Mute;

impl Protocol for Mute {
    fn name(&self) -> &'static str {
        "page"
    }

    fn claims(&self) -> &'static [u8] {
        &[EVENT]
    }

    fn event<'a>(&'a mut self, _: &'a Event<'a>, _: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn logins_have_a_rate_by_session_and_by_network() {
    let node = node(1).await;
    let login = async |session: &Arc<Session>, address: &str| {
        let cx = Dispatch::new(&node, Arc::clone(session), node.page_id(), "/", Vec::new(), "en");
        let mut cx = cx.from_address(Some(address.parse().expect("an address")));
        cx.login("Ann").await.is_ok()
    };
    let session = node.sessions().create();
    for _ in 0..10 {
        assert!(login(&session, "203.0.113.7").await);
    }
    assert!(!login(&session, "203.0.113.7").await, "ten at once");
    assert!(login(&node.sessions().create(), "203.0.113.7").await, "of each session");
    node.clock().advance(Duration::from_secs(6));
    assert!(login(&session, "203.0.113.7").await);
    for number in 0..600 {
        assert!(login(&node.sessions().create(), &format!("2001:db8::{number:x}")).await, "{number}");
    }
    assert!(!login(&node.sessions().create(), "2001:db8::ffff").await, "600 at once from a network");
    assert!(login(&node.sessions().create(), "2001:db8:0:1::1").await, "of each network");
}

#[tokio::test]
async fn a_second_login_takes_the_place_of_one_that_was_not_followed() {
    let node = node(1).await;
    let session = node.sessions().create();
    let login = async || {
        let mut cx = Dispatch::new(&node, Arc::clone(&session), node.page_id(), "/", Vec::new(), "en");
        cx.login("Ann").await.expect("a name");
        let ticket = cx.ticket("/").await.expect("a ticket").expect("a login");
        cx.commit().await.expect("the store");
        ticket.0
    };
    let (first, second) = (login().await, login().await);
    assert!(node.sessions().trade(&session, &first).await.is_err(), "one successor, the latest");
    assert!(node.sessions().trade(&session, &second).await.is_ok());
}
