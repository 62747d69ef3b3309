//! Accounts: right and wrong passwords, names, and the brake on guessing.

use std::{borrow::Cow, time::Duration};

use n2o::{AccountLimits, Accounts, Clock, Dispatch, Error, Keys, Limits, Node, Random, Tries};
use serde::{Deserialize, Serialize};

async fn node() -> Node {
    let (random, store) = (Random::seeded(1), kvs::Store::open("memory:").await.expect("store"));
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000), random)
}

async fn cx() -> Dispatch {
    visitor(&node().await, None)
}

/// A new browser, at an address.
fn visitor(node: &Node, address: Option<&str>) -> Dispatch {
    let session = node.sessions().create();
    at(Dispatch::new(node, session, node.page_id(), "/", Vec::new(), "en"), address)
}

fn at(cx: Dispatch, address: Option<&str>) -> Dispatch {
    cx.from_address(address.map(|address| address.parse().expect("an address")))
}

fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::User(text) | Error::Later(text)) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_opens_with_its_password_only() {
    let (accounts, mut cx) = (Accounts::default(), cx().await);
    accounts.register(&mut cx, " Ann ", "correct horse").await.expect("registered");
    cx = cx.commit().await.expect("commit");
    assert_eq!(
        accounts.verify(&mut cx, "ANN", "correct horse").await.expect("asked"),
        Some(String::from("Ann"))
    );
    assert_eq!(accounts.verify(&mut cx, "Ann", "correct hors").await.expect("asked"), None);
    assert_eq!(accounts.verify(&mut cx, "Bob", "correct horse").await.expect("asked"), None);
    assert_eq!(told(accounts.register(&mut cx, "aNN", "another one").await), "This name is taken.");
}

#[tokio::test]
async fn what_cannot_be_an_account_is_told_before_anything_is_hashed() {
    let (accounts, mut cx) = (Accounts::default(), cx().await);
    for name in ["", "  ", &"x".repeat(65)] {
        let answer = told(accounts.register(&mut cx, name, "long enough").await);
        assert_eq!(answer, "A name has 1 to 64 characters.");
    }
    for (name, character) in [
        ("a\u{7}b", " U+0007 "),
        ("ann\u{200b}", " U+200B "),
        ("ann\u{2000}lee", " U+2000 "),
        ("ann \u{2116} 1", " \u{2116} (U+2116) "),
        ("\u{410}nn", " n (U+006E) "),
    ] {
        let answer = told(accounts.register(&mut cx, name, "long enough").await);
        assert!(answer.starts_with("A name is written with") && answer.contains(character), "{answer}");
    }
    assert!(told(accounts.register(&mut cx, "System", "long enough").await).contains("for the system"));
    assert_eq!(accounts.hashed(), 0);
}

#[tokio::test]
async fn a_password_that_is_too_long_is_told_so_in_both_languages() {
    let accounts = Accounts::default();
    for (lang, short, long) in [
        ("en", "A password has at least 8 characters.", "A password has at most 1,024 characters."),
        (
            "uk",
            "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{43c}\u{430}\u{454} \u{449}\u{43e}\u{43d}\u{430}\u{439}\u{43c}\u{435}\u{43d}\u{448}\u{435} 8 \u{437}\u{43d}\u{430}\u{43a}\u{456}\u{432}.",
            "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{43c}\u{430}\u{454} \u{449}\u{43e}\u{43d}\u{430}\u{439}\u{431}\u{456}\u{43b}\u{44c}\u{448}\u{435} 1024 \u{437}\u{43d}\u{430}\u{43a}\u{438}.",
        ),
    ] {
        let (node, before) = (node().await, accounts.hashed());
        let mut cx = Dispatch::new(&node, node.sessions().create(), node.page_id(), "/", Vec::new(), lang);
        for password in ["", "seven77", &"\u{444}".repeat(7)] {
            assert_eq!(told(accounts.register(&mut cx, "Ann", password).await), short);
        }
        for password in ["x".repeat(1025), "\u{444}".repeat(1025)] {
            assert_eq!(told(accounts.register(&mut cx, "Ann", &password).await), long);
        }
        assert_eq!(accounts.hashed(), before);
        for (name, password) in [("Ann", "x".repeat(1024)), ("Bob", "\u{444}".repeat(1024))] {
            accounts.register(&mut cx, name, &password).await.expect("characters are counted, not bytes");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_nobody_s() {
    let (accounts, mut cx) = (Accounts::default(), cx().await);
    assert_eq!(accounts.verify(&mut cx, &"x".repeat(65), "long enough").await.expect("asked"), None);
}

#[tokio::test]
async fn guessing_is_braked_for_the_account_and_forgiven_with_time() {
    let (accounts, mut cx) = (Accounts::default(), cx().await);
    for _ in 0..10 {
        assert_eq!(accounts.verify(&mut cx, "Ann", "a guess").await.expect("asked"), None);
    }
    let braked = "Too many tries. Please wait a minute.";
    assert_eq!(told(accounts.verify(&mut cx, "ann", "a guess").await), braked);
    assert_eq!(accounts.verify(&mut cx, "Bob", "a guess").await.expect("asked"), None, "another account");
    cx.node().clock().advance(Duration::from_secs(60));
    assert_eq!(accounts.verify(&mut cx, "Ann", "a guess").await.expect("asked"), None);
    assert_eq!(told(accounts.verify(&mut cx, "Ann", "a guess").await), braked);
}

/// At nine o'clock.
#[tokio::test]
async fn an_office_behind_one_address_signs_in_at_the_same_moment() {
    let (accounts, node) = (Accounts::default(), node().await);
    owner(&accounts, &node).await;
    let people = (0..30).map(|n| {
        let (accounts, mut cx) = (accounts.clone(), visitor(&node, Some("203.0.113.1")));
        let name = if n == 0 { String::from("Ann") } else { format!("user{n}") };
        let visit = async move { accounts.verify(&mut cx, &name, "correct horse").await };
        node.tasks().spawn("visitor", visit)
    });
    let people: Vec<_> = people.collect();
    for (n, visit) in people.into_iter().enumerate() {
        let name = visit.await.expect("no panic").expect("nobody is told to come again");
        assert_eq!(name.is_some(), n == 0);
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const BRAKED: &str = "Too many tries. Please wait a minute.";

/// Few tries, because a test has to hash them.
fn tight() -> AccountLimits {
    AccountLimits {
        known: Tries::new(2, MINUTE),
        stranger: Tries::new(2, MINUTE),
        strangers: Tries::new(5, Duration::from_secs(20)),
        address: Tries::new(8, MINUTE),
        registrations: Tries::new(3, MINUTE),
        registrations_of_browser: Tries::new(2, MINUTE),
        ..AccountLimits::default()
    }
}

/// Registers Ann from a browser at home.
async fn owner(accounts: &Accounts, node: &Node) -> Dispatch {
    let mut owner = visitor(node, Some("192.0.2.1"));
    accounts.register(&mut owner, "Ann", "correct horse").await.expect("registered");
    owner = owner.commit().await.expect("commit");
    owner
}

async fn right(accounts: &Accounts, cx: &mut Dispatch) -> Option<String> {
    accounts.verify(cx, "Ann", "correct horse").await.expect("asked")
}

/// Tries until the brake holds, and answers how many tries that took.
async fn guess(accounts: &Accounts, cx: &mut Dispatch, name: &str) -> u32 {
    for tries in 0..1_000 {
        match accounts.verify(cx, name, "a guess").await {
            Ok(right) => assert_eq!(right, None),
            Err(Error::Later(text)) => {
                assert_eq!(text, BRAKED);
                return tries;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("no brake")
}

#[tokio::test]
async fn strangers_do_not_lock_the_owner_out() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    let mut owner = owner(&accounts, &node).await;
    for n in 0..5 {
        guess(&accounts, &mut visitor(&node, Some(&format!("203.0.113.{n}"))), "Ann").await;
    }
    assert_eq!(right(&accounts, &mut owner).await.as_deref(), Some("Ann"), "the browser that registered");
    let same =
        node.sessions().open(&node.sessions().cookie(owner.session_handle())).await.expect("the store");
    let away = Dispatch::new(&node, same.expect("it"), node.page_id(), "/", Vec::new(), "en");
    let mut away = at(away, Some("198.51.100.7"));
    assert_eq!(right(&accounts, &mut away).await.as_deref(), Some("Ann"), "the same browser elsewhere");
    let mut other = visitor(&node, Some("192.0.2.1"));
    assert_eq!(right(&accounts, &mut other).await.as_deref(), Some("Ann"), "another browser at home");
    let mut stranger = visitor(&node, Some("203.0.113.99"));
    assert_eq!(told(accounts.verify(&mut stranger, "Ann", "correct horse").await), BRAKED, "strangers wait");
}

#[tokio::test]
async fn a_browser_is_known_again_after_its_session_has_ended() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    let owner = owner(&accounts, &node).await;
    let cookie = node.sessions().cookie(owner.session_handle());
    node.sessions().end(owner.session_handle()).await.expect("ended");
    guess(&accounts, &mut visitor(&node, Some("203.0.113.1")), "Ann").await;
    guess(&accounts, &mut visitor(&node, Some("203.0.113.2")), "Ann").await;
    guess(&accounts, &mut visitor(&node, Some("203.0.113.3")), "Ann").await;
    assert!(node.sessions().open(&cookie).await.expect("the store").is_none());
    let after = node.sessions().create_after(&cookie);
    assert_ne!(node.sessions().cookie(&after)[..28], cookie[..28], "another session");
    let mut cx = at(Dispatch::new(&node, after, node.page_id(), "/", Vec::new(), "en"), Some("198.51.100.8"));
    assert_eq!(right(&accounts, &mut cx).await.as_deref(), Some("Ann"));
    // A cookie that is not authentic names no browser.
    let forged = node.sessions().create_after(&format!("{}A", &cookie[..70]));
    let mut cx =
        at(Dispatch::new(&node, forged, node.page_id(), "/", Vec::new(), "en"), Some("198.51.100.9"));
    assert_eq!(told(accounts.verify(&mut cx, "Ann", "correct horse").await), BRAKED);
}

#[tokio::test]
async fn a_browser_in_use_is_not_forgotten_for_others() {
    let (accounts, node) = (Accounts::new(AccountLimits { remembered: 2, ..tight() }), node().await);
    let mut owner = visitor(&node, None);
    accounts.register(&mut owner, "Ann", "correct horse").await.expect("registered");
    owner = owner.commit().await.expect("commit");
    let mut once = None;
    for _ in 0..2 {
        assert!(right(&accounts, &mut owner).await.is_some());
        owner = owner.commit().await.expect("commit");
        let mut other = visitor(&node, None);
        assert!(right(&accounts, &mut other).await.is_some());
        other = other.commit().await.expect("commit");
        once.get_or_insert(other);
        node.clock().advance(MINUTE);
    }
    for n in 0..5 {
        guess(&accounts, &mut visitor(&node, Some(&format!("203.0.113.{n}"))), "Ann").await;
    }
    assert_eq!(right(&accounts, &mut owner).await.as_deref(), Some("Ann"), "the browser in use");
    let mut once = once.expect("the first of the others");
    assert_eq!(told(accounts.verify(&mut once, "Ann", "correct horse").await), BRAKED, "it was forgotten");
}

#[tokio::test]
async fn a_known_browser_is_braked_for_itself() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    let mut owner = owner(&accounts, &node).await;
    assert_eq!(guess(&accounts, &mut owner, "Ann").await, 2);
    node.clock().advance(Duration::from_secs(60));
    assert_eq!(right(&accounts, &mut owner).await.as_deref(), Some("Ann"));
    assert_eq!(guess(&accounts, &mut owner, "Ann").await, 2, "forgiven by the right password");
    // A known address does not use up the tries of a known browser, which is what it is told by.
    let mut home = visitor(&node, Some("192.0.2.1"));
    assert_eq!(guess(&accounts, &mut home, "Ann").await, 2);
    node.clock().advance(Duration::from_secs(60));
    assert_eq!(right(&accounts, &mut owner).await.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn one_account_tried_through_many_addresses_is_braked_in_all() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    owner(&accounts, &node).await;
    let mut tries = 0;
    for n in 0..9 {
        tries += guess(&accounts, &mut visitor(&node, Some(&format!("203.0.113.{n}"))), "Ann").await;
    }
    assert_eq!(tries, 5);
    node.clock().advance(Duration::from_secs(20));
    assert_eq!(
        guess(&accounts, &mut visitor(&node, Some("203.0.113.200")), "Ann").await,
        1,
        "one in 20 seconds"
    );
}

#[tokio::test]
async fn what_one_address_is_refused_takes_nothing_from_other_strangers() {
    let (accounts, node) =
        (Accounts::new(AccountLimits { address: Tries::new(99, MINUTE), ..tight() }), node().await);
    owner(&accounts, &node).await;
    let mut stranger = visitor(&node, Some("203.0.113.1"));
    for _ in 0..9 {
        guess(&accounts, &mut stranger, "Ann").await;
    }
    let mut new = visitor(&node, Some("198.51.100.1"));
    assert_eq!(right(&accounts, &mut new).await.as_deref(), Some("Ann"), "the owner's new browser");
}

#[tokio::test]
async fn many_accounts_tried_from_one_address_are_braked_in_all() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    for n in 0..8 {
        // A new browser each time, in one network of IPv6.
        let mut cx = visitor(&node, Some(&format!("2001:db8::{n}")));
        assert_eq!(accounts.verify(&mut cx, &format!("user{n}"), "a guess").await.expect("asked"), None);
    }
    let mut cx = visitor(&node, Some("2001:db8::ffff:1"));
    assert_eq!(told(accounts.verify(&mut cx, "Bob", "a guess").await), BRAKED);
    let mut other = visitor(&node, Some("2001:db8:0:1::1"));
    assert_eq!(accounts.verify(&mut other, "Bob", "a guess").await.expect("asked"), None, "another network");
    let mut old = visitor(&node, Some("::ffff:192.0.2.9"));
    assert_eq!(accounts.verify(&mut old, "Bob", "a guess").await.expect("asked"), None, "IPv4, written so");
}

#[tokio::test]
async fn accounts_that_know_an_address_are_not_tried_from_it_without_a_brake() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    let office = || visitor(&node, Some("192.0.2.1"));
    for n in 0..10 {
        // Each has signed in at the office.
        let mut cx = visitor(&node, Some(&format!("198.51.100.{n}")));
        accounts.register(&mut cx, &format!("user{n}"), "correct horse").await.expect("registered");
        cx.commit().await.expect("commit");
        let mut cx = office();
        let name = accounts.verify(&mut cx, &format!("user{n}"), "correct horse").await;
        assert!(name.expect("ten right passwords use up no tries").is_some());
        cx.commit().await.expect("commit");
    }
    for n in 0..8 {
        let wrong = accounts.verify(&mut office(), &format!("user{n}"), "a guess").await;
        assert_eq!(wrong.expect("as many as strangers of one address have"), None);
    }
    assert_eq!(told(accounts.verify(&mut office(), "user8", "a guess").await), BRAKED);
    node.clock().advance(MINUTE);
    for _ in 0..3 {
        let own = accounts.verify(&mut office(), "user9", "correct horse").await.expect("asked");
        assert!(own.is_some(), "the try that is left comes back");
    }
    assert_eq!(guess(&accounts, &mut office(), "user8").await, 1, "and forgives none at others");
}

#[tokio::test]
async fn where_no_address_is_known_the_browser_takes_its_place() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    assert_eq!(guess(&accounts, &mut visitor(&node, None), "Ann").await, 2);
    assert_eq!(guess(&accounts, &mut visitor(&node, None), "Ann").await, 2, "another browser");
    assert_eq!(guess(&accounts, &mut visitor(&node, None), "Ann").await, 1);
    assert_eq!(guess(&accounts, &mut visitor(&node, None), "Ann").await, 0, "and all of them");
}

#[tokio::test]
async fn an_account_and_none_take_the_same_work_and_the_same_words() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    owner(&accounts, &node).await;
    let mut answers = Vec::new();
    for (n, name) in ["Ann", "ann", "Nobody", "ann\u{200b}", "\u{410}nn", "-", ""].into_iter().enumerate() {
        let mut cx = visitor(&node, Some(&format!("203.0.113.{n}")));
        let before = accounts.hashed();
        answers.push(format!("{:?}", accounts.verify(&mut cx, name, "a guess").await));
        assert_eq!(accounts.hashed() - before, 1, "{name:?}");
    }
    for (name, address) in [("Ann", "198.51.100.1"), ("Nobody", "198.51.100.2")] {
        let mut cx = visitor(&node, Some(address));
        assert_eq!(guess(&accounts, &mut cx, name).await, 2, "{name:?}");
        let before = accounts.hashed();
        assert_eq!(told(accounts.verify(&mut cx, name, "correct horse").await), BRAKED);
        assert_eq!(accounts.hashed(), before, "refused before anything is hashed");
    }
    answers.dedup();
    assert_eq!(answers, ["Ok(None)"]);
}

#[tokio::test]
async fn registrations_are_braked_by_browser_and_by_address() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    let mut made = 0;
    let mut register = async |cx: &mut Dispatch| {
        made += 1;
        accounts.register(cx, &format!("user{made}"), "long enough").await
    };
    let braked = "Many accounts were made from here just now. Please wait a minute.";
    let mut cx = visitor(&node, None);
    for _ in 0..2 {
        register(&mut cx).await.expect("registered");
    }
    assert_eq!(told(register(&mut cx).await), braked);
    for _ in 0..3 {
        register(&mut visitor(&node, Some("203.0.113.1"))).await.expect("registered");
    }
    assert_eq!(told(register(&mut visitor(&node, Some("203.0.113.1"))).await), braked);
    register(&mut visitor(&node, Some("203.0.113.2"))).await.expect("registered");
    node.clock().advance(Duration::from_secs(60));
    register(&mut visitor(&node, Some("203.0.113.1"))).await.expect("registered");
    assert_eq!(accounts.hashed(), 7, "the braked ones were not hashed");
}

#[tokio::test]
async fn taken_names_are_not_found_out_faster_than_accounts_are_made() {
    let (accounts, node) = (Accounts::new(tight()), node().await);
    owner(&accounts, &node).await;
    let hashed = accounts.hashed();
    let braked = "Many accounts were made from here just now. Please wait a minute.";
    let mut cx = visitor(&node, Some("203.0.113.1"));
    for _ in 0..2 {
        assert_eq!(told(accounts.register(&mut cx, "Ann", "long enough").await), "This name is taken.");
    }
    assert_eq!(told(accounts.register(&mut cx, "Ann", "long enough").await), braked, "the browser");
    let mut other = visitor(&node, Some("203.0.113.1"));
    assert_eq!(told(accounts.register(&mut other, "Ann", "long enough").await), "This name is taken.");
    let mut other = visitor(&node, Some("203.0.113.1"));
    assert_eq!(told(accounts.register(&mut other, "Ann", "long enough").await), braked, "the address");
    assert_eq!(accounts.hashed(), hashed);
}

#[tokio::test]
async fn names_that_look_alike_are_taken_together() {
    let (accounts, node) = (Accounts::new(lenient()), node().await);
    let taken = "This name is taken.";
    for (first, others) in [
        ("Stra\u{df}e", ["STRASSE", "strasse", "Stra\u{1e9e}e"]),
        ("scope", ["\u{455}\u{441}\u{43e}\u{440}\u{435}", "SCOPE", "Scope"]),
        ("Ian", ["lan", "ian", "IAN"]),
        ("max", ["rnax", "MAX", "Max"]),
    ] {
        let mut cx = visitor(&node, None);
        accounts.register(&mut cx, first, "correct horse").await.expect("registered");
        cx = cx.commit().await.expect("commit");
        for other in others {
            assert_eq!(told(accounts.register(&mut cx, other, "correct horse").await), taken, "{other}");
        }
    }
    let mut cx = visitor(&node, None);
    let name = accounts.verify(&mut cx, "STRASSE", "correct horse").await.expect("asked");
    assert_eq!(name.as_deref(), Some("Stra\u{df}e"), "signed in by the name in other letters");
    let alike = accounts.verify(&mut cx, "lan", "correct horse").await.expect("asked");
    assert_eq!(alike, None, "and not by one that only looks so");
}

fn lenient() -> AccountLimits {
    let many = Tries::new(1_000, Duration::from_secs(1));
    AccountLimits {
        stranger: many,
        strangers: many,
        address: many,
        registrations: many,
        registrations_of_browser: many,
        ..AccountLimits::default()
    }
}

/// An account as it was stored before names had keys.
#[derive(Serialize, Deserialize)]
struct Old {
    name: String,
    hash: String,
}

impl kvs::Record for Old {
    const TABLE: &'static str = "account";

    fn id(&self) -> Cow<'_, str> {
        Cow::Owned(self.name.to_lowercase())
    }
}

#[tokio::test]
async fn accounts_of_old_still_sign_in_and_keep_their_names() {
    let node = node().await;
    let accounts = Accounts::new(lenient());
    let mut cx = visitor(&node, None);
    accounts.register(&mut cx, "Giver", "correct horse").await.expect("registered");
    let node = self::node().await;
    let accounts = Accounts::new(lenient());
    let hash = cx.kvs().get::<Old>("giver").await.expect("the store").expect("the account").hash;
    let mut txn = node.store().txn();
    for name in ["Ann", "Stra\u{df}e", "ann\u{200b}", "Zo\u{eb}"] {
        txn.put(&Old { name: name.to_owned(), hash: hash.clone() }).expect("put");
    }
    txn.commit().await.expect("commit");
    for (typed, name) in [
        ("ann", "Ann"),
        ("Stra\u{df}e", "Stra\u{df}e"),
        ("stra\u{df}e", "Stra\u{df}e"),
        ("Zo\u{eb}", "Zo\u{eb}"),
        ("ann\u{200b}", "ann\u{200b}"),
    ] {
        let mut cx = visitor(&node, None);
        let found = accounts.verify(&mut cx, typed, "correct horse").await.expect("asked");
        assert_eq!(found.as_deref(), Some(name), "{typed}");
        cx = cx.commit().await.expect("commit");
        assert!(accounts.verify(&mut cx, typed, "correct horse").await.expect("asked").is_some(), "again");
    }
    for name in ["STRASSE", "ANN", "Zoe\u{308}"] {
        let answer = told(accounts.register(&mut visitor(&node, None), name, "correct horse").await);
        assert_eq!(answer, "This name is taken.", "{name}");
    }
}
