//! Accounts: right and wrong passwords, names, and the brake on guessing.

use n2o::{Accounts, Clock, Cx, Error, Keys, Limits, Node, Random};

async fn cx() -> Cx {
    let (random, store) = (Random::seeded(1), kvs::Store::open("memory:").await.expect("store"));
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000), random);
    let session = node.sessions().create();
    Cx::new(&node, session, node.page_id(), "/", Vec::new(), "en")
}

fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::User(text)) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_opens_with_its_password_only() {
    let (accounts, mut cx) = (Accounts::default(), cx().await);
    accounts.register(&mut cx, " Ann ", "correct horse").await.expect("registered");
    cx.commit().await.expect("commit");
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
    for name in ["", "  ", "a\u{7}b", &"x".repeat(65)] {
        assert_eq!(
            told(accounts.register(&mut cx, name, "long enough").await),
            "A name has 1 to 64 characters."
        );
    }
    for password in ["", "seven77", &"x".repeat(1025)] {
        let answer = told(accounts.register(&mut cx, "Ann", password).await);
        assert_eq!(answer, "A password has at least 8 characters.");
    }
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
    cx.node().clock().advance(std::time::Duration::from_secs(60));
    assert_eq!(accounts.verify(&mut cx, "Ann", "a guess").await.expect("asked"), None);
    assert_eq!(told(accounts.verify(&mut cx, "Ann", "a guess").await), braked);
}
