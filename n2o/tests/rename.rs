//! Other names for accounts: why one is needed, who gives it, and what stays.

use std::{borrow::Cow, time::Duration};

use n2o::{AccountLimits, Accounts, Clock, Dispatch, Error, Keys, Limits, Node, Random, Tries};
use serde::{Deserialize, Serialize};

async fn node() -> Node {
    let (random, store) = (Random::seeded(1), kvs::Store::open("memory:").await.expect("store"));
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000), random)
}

fn visitor(node: &Node) -> Dispatch {
    Dispatch::new(node, node.sessions().create(), node.page_id(), "/", Vec::new(), "en")
}

fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::User(text) | Error::Later(text)) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

fn accounts() -> Accounts {
    let many = Tries::new(1_000, Duration::from_secs(1));
    Accounts::new(AccountLimits {
        stranger: many,
        strangers: many,
        address: many,
        ..AccountLimits::default()
    })
}

/// An account as it was stored before names had keys and rules.
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

/// Accounts of old, all with the password of the one that was made today.
async fn old(node: &Node, accounts: &Accounts, names: &[&str]) {
    let mut cx = visitor(node);
    accounts.register(&mut cx, "giver", "correct horse").await.expect("registered");
    cx.commit().await.expect("commit");
    let mut txn = node.store().txn();
    let hash = txn.get::<Old>("giver").await.expect("the store").expect("the account").hash;
    for name in names {
        txn.put(&Old { name: (*name).to_owned(), hash: hash.clone() }).expect("put");
    }
    txn.commit().await.expect("commit");
}

async fn right(accounts: &Accounts, cx: &mut Dispatch, name: &str) -> Option<String> {
    accounts.verify(cx, name, "correct horse").await.expect("asked")
}

#[tokio::test]
async fn an_account_whose_name_is_not_allowed_any_more_is_renamed_with_its_password() {
    let (node, accounts) = (node().await, accounts());
    let names = [("m\u{430}x", "\u{430} (U+0430)"), ("ann\u{200b}", "U+200B"), ("System", "for the system")];
    old(&node, &accounts, &names.map(|(name, _)| name)).await;
    for (number, (name, why)) in names.into_iter().enumerate() {
        let mut cx = visitor(&node);
        let found = right(&accounts, &mut cx, name).await.expect("the password is right");
        let answer = told(cx.login(&found).await);
        assert!(answer.contains("not allowed any more") && answer.contains("administrators"), "{answer}");
        assert!(answer.contains(why), "{answer}");
        // Who has not given the password is told the rule for new names, and nothing of the account.
        assert!(!told(visitor(&node).login(name).await).contains("account"));
        let (mut cx, new) = (visitor(&node), format!("new {number}"));
        assert_eq!(accounts.rename(&mut cx, name, "a guess", &new).await.expect("asked"), None);
        let renamed = accounts.rename(&mut cx, name, "correct horse", &new).await.expect("asked");
        assert_eq!(renamed.as_deref(), Some(&*new));
        cx.login(&new).await.expect("a name of today");
        assert!(cx.is_proven());
        cx.commit().await.expect("commit");
        let mut cx = visitor(&node);
        assert_eq!(right(&accounts, &mut cx, name).await, None, "it has the new name only");
        assert_eq!(right(&accounts, &mut cx, &new).await.as_deref(), Some(&*new));
    }
}

#[tokio::test]
async fn the_sentence_is_said_in_ukrainian_too() {
    let (node, accounts) = (node().await, accounts());
    old(&node, &accounts, &["m\u{430}x"]).await;
    let mut cx = Dispatch::new(&node, node.sessions().create(), node.page_id(), "/", Vec::new(), "uk");
    let found = right(&accounts, &mut cx, "m\u{430}x").await.expect("right");
    let answer = told(cx.login(&found).await);
    let administrators = "\u{430}\u{434}\u{43c}\u{456}\u{43d}\u{456}\u{441}\u{442}\u{440}\u{430}\u{442}\u{43e}\u{440}\u{456}\u{432}";
    assert!(answer.contains(administrators) && answer.contains("(U+0430)"), "{answer}");
}

#[tokio::test]
async fn nothing_of_an_account_is_lost_with_its_name() {
    let (node, tight) = (node().await, Tries::new(2, Duration::from_secs(60)));
    let accounts = Accounts::new(AccountLimits { strangers: tight, ..AccountLimits::default() });
    let mut home = visitor(&node);
    accounts.register(&mut home, "Ann", "correct horse").await.expect("registered");
    home.login("Ann").await.expect("a name");
    let owner = home.owner();
    home = home.commit().await.expect("commit");
    let mut cx = visitor(&node);
    accounts.rename(&mut cx, "Ann", "correct horse", "Anna").await.expect("asked").expect("renamed");
    cx.login("Anna").await.expect("a name");
    assert_eq!(cx.owner(), owner, "what is kept for her is found");
    cx.commit().await.expect("commit");
    // Strangers are braked; the browser that the account knew by its old name is still known.
    for _ in 0..2 {
        assert_eq!(accounts.verify(&mut visitor(&node), "Anna", "a guess").await.expect("asked"), None);
    }
    told(accounts.verify(&mut visitor(&node), "Anna", "correct horse").await);
    assert_eq!(right(&accounts, &mut home, "Anna").await.as_deref(), Some("Anna"));
    // Both names are hers: nobody else gets the old one, and she may have it again.
    for name in ["Ann", "ANN", "Anna"] {
        let taken = told(accounts.register(&mut visitor(&node), name, "correct horse").await);
        assert_eq!(taken, "This name is taken.", "{name}");
    }
    let back = accounts.rename(&mut home, "Anna", "correct horse", "Ann").await.expect("asked");
    assert_eq!(back.as_deref(), Some("Ann"));
    home.login("Ann").await.expect("a name");
    assert_eq!(home.owner(), owner);
    home = home.commit().await.expect("commit");
    assert_eq!(right(&accounts, &mut home, "ann").await.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn a_name_of_another_account_is_not_given() {
    let (node, accounts) = (node().await, accounts());
    for name in ["Ian", "Bob"] {
        let mut cx = visitor(&node);
        accounts.register(&mut cx, name, "correct horse").await.expect("registered");
        cx.commit().await.expect("commit");
    }
    let mut cx = visitor(&node);
    accounts.rename(&mut cx, "Bob", "correct horse", "Rob").await.expect("asked").expect("renamed");
    cx.commit().await.expect("commit");
    for name in ["Ian", "lan", "IAN", "Bob", "B0B", "Rob"] {
        let mut cx = visitor(&node);
        accounts.register(&mut cx, "Eve", "correct horse").await.expect("registered");
        let answer = told(accounts.rename(&mut cx, "Eve", "correct horse", name).await);
        assert_eq!(answer, "This name is taken.", "{name}");
        let answer = told(accounts.rename_by_right(&mut cx, "Eve", name).await);
        assert_eq!(answer, "This name is taken.", "{name}");
    }
    let mut cx = visitor(&node);
    let answer = told(accounts.rename(&mut cx, "Rob", "correct horse", "R\u{43e}b").await);
    assert!(answer.contains("one script"), "{answer}");
    // Its own name in other letters.
    let own = accounts.rename(&mut cx, "rob", "correct horse", "ROB").await.expect("asked");
    assert_eq!(own.as_deref(), Some("ROB"));
}

#[tokio::test]
async fn an_administrator_renames_without_the_password() {
    let (node, accounts) = (node().await, accounts());
    old(&node, &accounts, &["m\u{430}x"]).await;
    let mut admin = visitor(&node);
    assert_eq!(accounts.rename_by_right(&mut admin, "nobody", "Max").await.expect("asked"), None);
    let new = accounts.rename_by_right(&mut admin, "m\u{430}x", "max").await.expect("asked");
    assert_eq!(new.as_deref(), Some("max"), "although the old name looks like it");
    admin.login("max").await.expect("a name");
    assert!(!admin.is_proven(), "who renames an account is not its holder");
    admin = admin.rollback();
    assert_eq!(
        accounts.rename_by_right(&mut admin, "m\u{430}x", "max").await.expect("asked").as_deref(),
        Some("max")
    );
    admin.commit().await.expect("commit");
    assert_eq!(right(&accounts, &mut visitor(&node), "max").await.as_deref(), Some("max"));
}

#[tokio::test]
async fn names_are_not_gathered_by_renaming() {
    let (node, accounts) = (node().await, accounts());
    let mut cx = visitor(&node);
    accounts.register(&mut cx, "Ann", "correct horse").await.expect("registered");
    for name in ["Anna", "Annie", "Nan", "Nancy"] {
        let before = if name == "Anna" { "Ann" } else { "current" };
        let old = cx.user().unwrap_or_else(|| before.to_owned());
        accounts.rename(&mut cx, &old, "correct horse", name).await.expect("asked").expect("renamed");
        cx.login(name).await.expect("a name");
    }
    let answer = told(accounts.rename(&mut cx, "Nancy", "correct horse", "Hannah").await);
    assert_eq!(answer, "Many accounts were made from here just now. Please wait a minute.");
}
