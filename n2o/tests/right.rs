//! Right passwords: many who sign in at the same moment, and what a loop of them costs.

use std::borrow::Cow;

use n2o::{Accounts, Clock, Dispatch, Error, Keys, Limits, Node, Random};
use serde::{Deserialize, Serialize};

async fn node() -> Node {
    let (random, store) = (Random::seeded(1), kvs::Store::open("memory:").await.expect("store"));
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000), random)
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

/// Registers Ann from a browser at home.
async fn owner(accounts: &Accounts, node: &Node) -> Dispatch {
    let mut owner = visitor(node, Some("192.0.2.1"));
    accounts.register(&mut owner, "Ann", "correct horse").await.expect("registered");
    owner.commit().await.expect("commit")
}

async fn right(accounts: &Accounts, cx: &mut Dispatch) -> Option<String> {
    accounts.verify(cx, "Ann", "correct horse").await.expect("asked")
}

const BRAKED: &str = "Too many tries. Please wait a minute.";

#[tokio::test]
async fn people_who_share_an_account_sign_in_at_the_same_moment() {
    let (accounts, node) = (Accounts::default(), node().await);
    owner(&accounts, &node).await;
    let people: Vec<_> = (0..12)
        .map(|n| {
            let (accounts, mut cx) = (accounts.clone(), visitor(&node, Some(&format!("203.0.113.{n}"))));
            node.tasks().spawn("visitor", async move {
                let name = accounts.verify(&mut cx, "Ann", "correct horse").await?.expect("right");
                cx.login(&name).await?;
                cx.session().set("seen", &true)?;
                cx.kvs().put(&Visit(n))?;
                cx.commit().await.map(drop)
            })
        })
        .collect();
    for visit in people {
        visit.await.expect("no panic").expect("no conflict");
    }
}

/// An office that nobody knows yet, at nine o'clock: nobody's right password is a guess because others wait.
#[tokio::test]
async fn twenty_people_of_one_new_address_sign_in_at_the_same_moment() {
    let (accounts, node) = (Accounts::default(), node().await);
    owner(&accounts, &node).await;
    let all = async |password: &'static str| {
        let people = (0..30).map(|_| {
            let (accounts, mut cx) = (accounts.clone(), visitor(&node, Some("203.0.113.1")));
            node.tasks().spawn("visitor", async move {
                accounts.verify(&mut cx, "Ann", password).await.map(|name| name.is_some())
            })
        });
        let people: Vec<_> = people.collect();
        let mut answers = Vec::new();
        for person in people {
            answers.push(person.await.expect("no panic").map_err(|error| told(Err::<(), _>(error))));
        }
        answers
    };
    let count = |answers: &[Result<bool, String>], answer: Result<bool, String>| {
        answers.iter().filter(|known| **known == answer).count()
    };
    let answers = all("correct horse").await;
    // Two are hashed at a time: the last of them may be one too many.
    let let_in = count(&answers, Ok(true));
    assert!((20..=21).contains(&let_in), "{answers:?}");
    assert_eq!(count(&answers, Err(BRAKED.to_owned())), 30 - let_in, "{answers:?}");

    // Guesses are as many as ever, however many come at once.
    node.clock().advance(std::time::Duration::from_hours(1));
    let (accounts, before) = (&accounts, accounts.hashed());
    let answers = all("a wrong guess").await;
    assert_eq!(count(&answers, Ok(false)), 10, "{answers:?}");
    assert_eq!(accounts.hashed() - before, 10, "the others cost nothing");
}

/// What a handler writes beside its sign-in.
#[derive(Debug, Serialize, Deserialize)]
struct Visit(u32);

impl kvs::Record for Visit {
    const TABLE: &'static str = "visit";

    fn id(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }
}

#[tokio::test]
async fn right_passwords_in_a_loop_are_refused_before_they_are_hashed() {
    let (accounts, node) = (Accounts::default(), node().await);
    let mut cx = owner(&accounts, &node).await;
    let before = accounts.hashed();
    for _ in 0..10 {
        assert!(right(&accounts, &mut cx).await.is_some(), "as many as logins of a session");
    }
    for _ in 0..30 {
        let answer = told(accounts.verify(&mut cx, "Ann", "correct horse").await);
        assert_eq!(answer, BRAKED);
    }
    assert_eq!(accounts.hashed() - before, 10);
    assert!(cx.login("Ann").await.is_ok() && cx.is_proven(), "the right one was counted once");
}

#[tokio::test]
async fn right_passwords_through_new_browsers_of_one_address_are_braked() {
    let (accounts, node) = (Accounts::default(), node().await);
    owner(&accounts, &node).await;
    let visit = async |address| {
        let mut cx = visitor(&node, Some(address));
        accounts.verify(&mut cx, "Ann", "correct horse").await
    };
    let mut let_in = 0;
    for _ in 0..30 {
        let_in += u32::from(visit("203.0.113.1").await.is_ok());
    }
    assert_eq!(let_in, 20);
    assert!(visit("203.0.113.2").await.is_ok(), "another address has its own");
}

#[tokio::test]
async fn guests_of_an_address_use_up_nothing_that_accounts_need() {
    let (accounts, node) = (Accounts::default(), node().await);
    owner(&accounts, &node).await;
    for _ in 0..600 {
        visitor(&node, Some("203.0.113.7")).login("guest").await.expect("600 at once");
    }
    assert!(visitor(&node, Some("203.0.113.7")).login("guest").await.is_err());
    let mut cx = visitor(&node, Some("203.0.113.7"));
    assert!(right(&accounts, &mut cx).await.is_some() && cx.login("Ann").await.is_ok() && cx.is_proven());
    assert!(visitor(&node, Some("203.0.113.7")).login_proven("Max", &[]).await.is_ok());
    assert!(visitor(&node, Some("203.0.113.8")).login("guest").await.is_ok());
}

#[tokio::test]
async fn guests_of_a_network_begin_to_keep_so_many_records() {
    let node = node().await;
    let guest = async |address| {
        let mut cx = visitor(&node, Some(address));
        cx.login("guest").await.expect("a guest");
        cx
    };
    let guests = [guest("2001:db8::1").await, guest("2001:db8::2").await];
    let kept = (0..1_000).filter(|n| guests[n % 2].may_keep()).count();
    assert_eq!(kept, 500);
    assert!(guest("2001:db8:0:1::1").await.may_keep(), "those of another one");
    let mut user = visitor(&node, Some("2001:db8::3"));
    user.login_proven("Max", &[]).await.expect("a user");
    assert!((0..1_000).all(|_| user.may_keep()));
    node.clock().advance(std::time::Duration::from_secs(10));
    assert!(guests[0].may_keep() && !guests[0].may_keep());
}
