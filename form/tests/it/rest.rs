//! The functions for REST: the same rules and rights over JSON.

use form::{
    Records, Who,
    rest::{self, Answer, Call},
};
use kvs::{Store, Txn};
use serde_json::{Value, json};

use crate::app::{Client, ada, app, read};

fn call<'a>(txn: &'a mut Txn, who: &'a Who) -> Call<'a> {
    Call { txn, who, lang: "en", now: 1_767_225_600_000 }
}

fn clerk() -> Who {
    Who::new("eve", &["clerk"])
}

/// The status, the body of a reply, and the faults of a problem.
fn told(answer: &Answer) -> (u16, Value, Vec<String>) {
    match answer.as_ref().unwrap() {
        Ok(reply) => (reply.status, reply.body.clone(), vec![]),
        Err(problem) => {
            let faults = problem.errors.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.code));
            (problem.status, problem.current.clone().unwrap_or_default(), faults.collect())
        }
    }
}

async fn store(clients: Vec<Client>) -> Store {
    app(clients).await.1
}

#[tokio::test]
async fn a_record_is_made_read_changed_and_deleted() {
    let store = store(vec![]).await;
    let who = clerk();
    let mut txn = store.txn();
    let body = json!({ "code": "AB-0001", "name": "Ada", "since": "2020-02-29" });
    let made = rest::create(Records::of::<Client>(), call(&mut txn, &who), &body).await.unwrap().unwrap();
    txn.commit().await.unwrap();
    assert_eq!(
        (made.status, made.id.as_deref(), &made.body["credit"]),
        (201, Some("AB-0001"), &json!("0.00"))
    );
    assert!(made.body.get("notes").is_none());
    assert_eq!(made.changed.unwrap().1.who, "eve");

    let mut txn = store.txn();
    let got = rest::get(Records::of::<Client>(), call(&mut txn, &who), "AB-0001").await.unwrap().unwrap();
    assert_eq!(got.body["name"], "Ada");
    let change = json!({ "tel": "+380441234567", "credit": got.body["credit"] });
    let answer = rest::update(
        Records::of::<Client>(),
        call(&mut txn, &who),
        "AB-0001",
        got.version.map(rest::Match::from).as_ref(),
        &change,
    )
    .await;
    assert_eq!(told(&answer).0, 200);
    txn.commit().await.unwrap();

    let mut txn = store.txn();
    let answer = rest::update(
        Records::of::<Client>(),
        call(&mut txn, &who),
        "AB-0001",
        got.version.map(rest::Match::from).as_ref(),
        &change,
    )
    .await;
    let (status, current, _) = told(&answer);
    assert_eq!((status, &current["tel"]), (412, &json!("+380441234567")), "{answer:?}");
    let answer = rest::update(Records::of::<Client>(), call(&mut txn, &who), "AB-0001", None, &change).await;
    assert_eq!(told(&answer).0, 428);
    assert_eq!(
        told(
            &rest::delete(
                Records::of::<Client>(),
                call(&mut txn, &who),
                "AB-0001",
                got.version.map(rest::Match::from).as_ref()
            )
            .await
        )
        .0,
        403
    );
    let manager = Who::new("max", &["manager"]);
    let version = rest::get(Records::of::<Client>(), call(&mut txn, &manager), "AB-0001")
        .await
        .unwrap()
        .unwrap()
        .version;
    assert_eq!(
        told(
            &rest::delete(
                Records::of::<Client>(),
                call(&mut txn, &manager),
                "AB-0001",
                version.map(rest::Match::from).as_ref()
            )
            .await
        )
        .0,
        204
    );
    txn.commit().await.unwrap();
    assert!(read(&store, "AB-0001").await.is_none());
    assert_eq!(
        told(&rest::get(Records::of::<Client>(), call(&mut store.txn(), &who), "AB-0001").await).0,
        404
    );
}

#[tokio::test]
async fn bad_bodies_are_told_where_they_are_bad() {
    let store = store(vec![ada()]).await;
    let (who, mut txn) = (clerk(), store.txn());
    let body = json!({
        "code": "x", "name": "A", "mail": 7, "tel": "+380441234567", "kind": "king", "since": "2026-02-30",
        "credit": "5", "notes": "mine", "colour": "red", "active": "perhaps", "discount": 5
    });
    let answer = rest::create(Records::of::<Client>(), call(&mut txn, &who), &body).await;
    let expected = [
        "active: type",
        "code: pattern",
        "colour: unknown",
        "credit: fixed",
        "discount: fixed",
        "kind: choice",
        "mail: type",
        "name: short",
        "notes: unknown",
        "since: date",
    ];
    assert_eq!(told(&answer).2, expected);
    let long = json!({ "code": "AB-0002", "name": "x".repeat(100_000) });
    let answer = rest::create(Records::of::<Client>(), call(&mut txn, &who), &long).await;
    assert_eq!(told(&answer), (422, Value::Null, vec!["name: long".to_owned()]));
    for body in [json!(null), json!([1]), json!("x")] {
        assert_eq!(told(&rest::create(Records::of::<Client>(), call(&mut txn, &who), &body).await).0, 422);
    }
    let same = json!({ "code": "AB-0001", "name": "Ada" });
    assert_eq!(told(&rest::create(Records::of::<Client>(), call(&mut txn, &who), &same).await).0, 409);
    assert!(!txn.wrote());
}

#[tokio::test]
async fn a_problem_is_what_the_rfc_says() {
    let store = store(vec![]).await;
    let (who, mut txn) = (clerk(), store.txn());
    let problem = rest::create(Records::of::<Client>(), call(&mut txn, &who), &json!({ "name": "Ada" }))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        serde_json::to_value(&problem).unwrap(),
        json!({
            "type": "urn:n2o:invalid", "title": "the values are not valid", "status": 422,
            "detail": "The values are not valid; see the fields.",
            "errors": [{ "field": "code", "code": "required", "message": "Please fill in this field." }]
        })
    );
}

#[tokio::test]
async fn a_list_is_asked_for_by_an_address() {
    let bob = Client { code: "AB-0002".into(), name: "Bob".into(), kind: "vip".into(), ..ada() };
    let store = store(vec![ada(), bob]).await;
    let (who, mut txn) = (clerk(), store.txn());
    let mut list = async |pairs: &[(&str, &str)]| {
        let query = rest::query(Records::of::<Client>(), &who, "en", pairs.iter().copied()).unwrap();
        let reply = rest::list(Records::of::<Client>(), call(&mut txn, &who), &query).await.unwrap().unwrap();
        let names = reply.body["rows"].as_array().unwrap().iter().map(|row| row["name"].clone());
        names.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&[("sort", "-name")]).await, ["Bob", "Ada"]);
    assert_eq!(list(&[("kind", "vip")]).await, ["Bob"]);
    assert_eq!(list(&[("text", "ADA 2020")]).await, ["Ada", "Bob"]);
    assert_eq!(list(&[("text", "secret")]).await, Vec::<String>::new());
    assert_eq!(list(&[("page", "9")]).await, Vec::<String>::new());
}
