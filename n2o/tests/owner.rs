//! Whom something belongs to that is kept for a user: a guest who takes a name is not the account of that name.

use std::{sync::Arc, time::Duration};

use n2o::{Accounts, Clock, Dispatch, Keys, Limits, Node, Owner, Random, Session};

async fn node() -> Node {
    let (random, store) = (Random::seeded(1), kvs::Store::open("memory:").await.expect("store"));
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000), random)
}

fn page(node: &Node, session: &Arc<Session>) -> Dispatch {
    Dispatch::new(node, Arc::clone(session), node.page_id(), "/", Vec::new(), "en")
}

/// Ends the handler, and answers the session that the browser goes on with.
async fn follow(node: &Node, mut cx: Dispatch) -> Arc<Session> {
    let ticket = cx.ticket("/").await.expect("the store").expect("a login");
    let cx = cx.commit().await.expect("the store");
    let (cookie, _) = node.sessions().trade(cx.session_handle(), &ticket.0).await.expect("traded");
    node.sessions().open(&cookie).await.expect("the store").expect("a session")
}

async fn guest(node: &Node, session: &Arc<Session>, name: &str) -> Arc<Session> {
    let mut cx = page(node, session);
    cx.login(name).await.expect("a name");
    assert_eq!(cx.owner().map(|owner| owner.is_proven()), Some(cx.is_proven()), "in the handler, too");
    follow(node, cx).await
}

async fn holder(node: &Node, accounts: &Accounts, session: &Arc<Session>) -> Arc<Session> {
    let mut cx = page(node, session);
    let name = accounts.verify(&mut cx, "ann", "correct horse").await.expect("asked").expect("right");
    assert!(!cx.is_proven(), "nobody is logged in");
    cx.login(&name).await.expect("a name");
    assert!(cx.is_proven());
    follow(node, cx).await
}

async fn registered(node: &Node, accounts: &Accounts) -> Arc<Session> {
    let mut cx = page(node, &node.sessions().create());
    accounts.register(&mut cx, " Ann ", "correct horse").await.expect("registered");
    cx.login(" Ann ").await.expect("a name");
    follow(node, cx).await
}

#[tokio::test]
async fn a_guest_is_not_the_account_whose_name_they_take() {
    let (node, accounts) = (node().await, Accounts::default());
    let ann = registered(&node, &accounts).await;
    let again = holder(&node, &accounts, &node.sessions().create()).await;
    assert_eq!(
        (ann.owner(), ann.user().as_deref()),
        (Some(Owner::Account(String::from("ann"))), Some("Ann"))
    );
    assert_eq!(again.owner(), ann.owner(), "in another browser");
    let first = guest(&node, &node.sessions().create(), "Ann").await;
    let second = guest(&node, &node.sessions().create(), "Ann").await;
    let owners = [&ann, &first, &second].map(|session| session.owner().expect("a user").to_string());
    assert!(owners[0] != owners[1] && owners[0] != owners[2] && owners[1] != owners[2], "{owners:?}");
    assert!(page(&node, &ann).is_proven() && !page(&node, &first).is_proven());
    assert_eq!(node.sessions().create().owner(), None, "nobody's");
}

#[tokio::test]
async fn a_guest_who_gives_the_same_name_again_goes_on() {
    let node = node().await;
    let first = guest(&node, &node.sessions().create(), "Bob").await;
    let owner = first.owner();
    let again = guest(&node, &first, "Bob").await;
    assert_eq!(again.owner(), owner);
    let other = guest(&node, &again, "Rob").await;
    let back = guest(&node, &other, "Bob").await;
    assert!(other.owner() != owner && back.owner() != owner, "another user came between");
}

#[tokio::test]
async fn a_login_without_proof_does_not_renew_one() {
    let (node, accounts) = (node().await, Accounts::default());
    let ann = registered(&node, &accounts).await;
    let mut cx = page(&node, &ann);
    cx.session().set("code", &7).expect("set");
    cx.commit().await.expect("the store");
    let again = guest(&node, &ann, "Ann").await;
    assert!(!page(&node, &again).is_proven());
    assert_eq!(
        page(&node, &again).session().get::<u32>("code").expect("a number"),
        None,
        "what was kept of the proven user is gone"
    );
}

#[tokio::test]
async fn who_has_proven_to_be_somebody_has_not_proven_to_be_somebody_else() {
    let (node, accounts) = (node().await, Accounts::default());
    let ann = registered(&node, &accounts).await;
    let bob = guest(&node, &ann, "Bob").await;
    assert!(!page(&node, &bob).is_proven());
    let ann = guest(&node, &bob, "Ann").await;
    assert!(!page(&node, &ann).is_proven(), "the password was another user's to forget");
    let mut cx = page(&node, &node.sessions().create());
    accounts.verify(&mut cx, "Ann", "correct horse").await.expect("asked").expect("right");
    cx.login("Bob").await.expect("a name");
    assert!(!cx.is_proven());
    cx.login("Ann").await.expect("a name");
    assert!(cx.is_proven());
    cx = cx.rollback();
    cx.login("Ann").await.expect("a name");
    assert!(!cx.is_proven(), "the handler that was given the password has failed");
}

#[tokio::test]
async fn nothing_but_a_right_password_proves_anybody() {
    let (node, accounts) = (node().await, Accounts::default());
    registered(&node, &accounts).await;
    let mut cx = page(&node, &node.sessions().create());
    assert_eq!(accounts.verify(&mut cx, "Ann", "a guess").await.expect("asked"), None);
    for name in ["owner", "proven", "account"] {
        cx.session().set(name, &Owner::Account(String::from("ann"))).expect("set");
    }
    cx.login("Ann").await.expect("a name");
    assert!(!cx.is_proven());
    let guest = follow(&node, cx).await;
    assert!(!page(&node, &guest).is_proven());
    // One handler is given the password, and the next one logs in.
    let mut cx = page(&node, &node.sessions().create());
    accounts.verify(&mut cx, "Ann", "correct horse").await.expect("asked").expect("right");
    cx = cx.commit().await.expect("the store");
    cx.login("Ann").await.expect("a name");
    assert!(!cx.is_proven());
}

#[tokio::test]
async fn an_application_proves_users_by_means_of_its_own() {
    let node = node().await;
    let mut owners = Vec::new();
    for _ in 0..2 {
        let mut cx = page(&node, &node.sessions().create());
        cx.login_proven(" Ann ", &["clerk"]).await.expect("a name");
        let session = follow(&node, cx).await;
        assert_eq!((session.user().as_deref(), session.roles()), (Some("Ann"), vec![String::from("clerk")]));
        owners.push(session.owner());
    }
    assert_eq!(owners, [Some(Owner::User(String::from("Ann"))), Some(Owner::User(String::from("Ann")))]);
}

#[tokio::test]
async fn a_bearer_token_says_for_whom_it_is() {
    let node = node().await;
    let life = Duration::from_secs(60);
    let own = node.read_bearer(&node.bearer("ann", &[String::from("clerk")], life)).expect("ours");
    assert_eq!((own.user.as_str(), own.owner.is_proven()), ("ann", true));
    let guest = n2o::Bearer { owner: Owner::Guest(String::from("7")), ..own };
    assert_eq!(node.read_bearer(&node.bearer_of(&guest, life)), Ok(guest));
}
