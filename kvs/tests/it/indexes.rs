//! Indexes: unique, many-valued, composite, by words; own writes in place; added to a table in use.

use std::borrow::Cow;

use kvs::{Error, Index, IndexKey, Query, Record, Store};
use serde::{Deserialize, Serialize};

use crate::common::each;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct User {
    id: String,
    mail: Option<String>,
    city: String,
    age: i32,
    tags: Vec<String>,
    about: String,
}

impl Record for User {
    const TABLE: &'static str = "user";
    const INDEXES: &'static [Index<Self>] = &[
        Index::unique("mail", |user| user.mail.iter().map(IndexKey::of).collect()),
        Index::many("city-age", |user| vec![IndexKey::of(&user.city).and(user.age)]),
        Index::many("tag", |user| user.tags.iter().map(IndexKey::of).collect()),
        Index::many("about", |user| IndexKey::words(&user.about)),
    ];
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

fn user(id: &str, city: &str, age: i32) -> User {
    User {
        id: id.to_owned(),
        mail: Some(format!("{id}@example.org")),
        city: city.to_owned(),
        age,
        tags: vec!["all".to_owned(), format!("t{}", age % 2)],
        about: format!("I live in {city}"),
    }
}

async fn save(store: &Store, users: &[User]) {
    let mut txn = store.txn();
    for user in users {
        txn.put(user).unwrap();
    }
    txn.commit().await.unwrap();
}

async fn found(store: &Store, index: &str, query: Query) -> Vec<String> {
    let users = store.txn().find::<User>(index, query, 99).await.unwrap();
    users.into_iter().map(|user| user.id).collect()
}

#[tokio::test]
async fn records_are_found_by_what_they_declare() {
    each(async |store| {
        save(
            &store,
            &[user("a", "Kyiv", 30), user("b", "Kyiv", -5), user("c", "Lviv", 20), user("d", "Kyi", 1)],
        )
        .await;
        assert_eq!(found(&store, "mail", Query::is(IndexKey::of("b@example.org"))).await, ["b"]);
        assert_eq!(found(&store, "city-age", Query::starts(IndexKey::of("Kyiv"))).await, ["b", "a"]);
        assert_eq!(found(&store, "city-age", Query::starts(IndexKey::prefix("Ky"))).await, ["d", "b", "a"]);
        let range = Query::between(IndexKey::of("Kyiv").and(0), IndexKey::of("Kyiv").and(31));
        assert_eq!(found(&store, "city-age", range).await, ["a"]);
        assert_eq!(found(&store, "tag", Query::is(IndexKey::of("all"))).await, ["a", "b", "c", "d"]);
        assert_eq!(found(&store, "about", Query::is(IndexKey::of(IndexKey::fold("KYIV")))).await, ["a", "b"]);
        assert!(found(&store, "tag", Query::is(IndexKey::of("al"))).await.is_empty());
        let page = store.txn().find::<User>("tag", Query::is(IndexKey::of("all")), 3).await.unwrap();
        assert_eq!(page.len(), 3);

        // A change takes the record out of where it was.
        save(&store, &[User { mail: None, ..user("a", "Odesa", 30) }]).await;
        assert!(found(&store, "mail", Query::is(IndexKey::of("a@example.org"))).await.is_empty());
        assert_eq!(found(&store, "city-age", Query::starts(IndexKey::of("Kyiv"))).await, ["b"]);
        let mut txn = store.txn();
        txn.delete::<User>("b");
        txn.commit().await.unwrap();
        assert!(found(&store, "city-age", Query::starts(IndexKey::of("Kyiv"))).await.is_empty());
        let error = store.txn().find::<User>("nothing", Query::is(IndexKey::of("x")), 1).await.unwrap_err();
        assert!(matches!(error, Error::NoIndex { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_unique_key_has_one_holder_and_can_be_handed_over() {
    each(async |store| {
        save(&store, &[user("a", "x", 1), user("b", "x", 2)]).await;
        let mut txn = store.txn();
        txn.put(&User { mail: Some("a@example.org".into()), ..user("c", "x", 3) }).unwrap();
        let error = txn.commit().await.unwrap_err();
        assert!(
            matches!(&error, Error::Taken { index, holder, .. } if index == "mail" && holder == "a"),
            "{error}"
        );

        let (a, b) = (user("a", "x", 1), user("b", "x", 2));
        save(&store, &[User { mail: b.mail.clone(), ..a.clone() }, User { mail: a.mail, ..b }]).await;
        assert_eq!(found(&store, "mail", Query::is(IndexKey::of("a@example.org"))).await, ["b"]);
        let b = store.txn().find_one::<User>("mail", IndexKey::of("b@example.org")).await.unwrap();
        assert_eq!(b.unwrap().id, "a");
    })
    .await;
}

#[tokio::test]
async fn own_writes_are_found_in_place_and_what_was_found_is_read() {
    each(async |store| {
        save(&store, &[user("a", "Kyiv", 1), user("b", "Kyiv", 2), user("c", "Kyiv", 3)]).await;
        let mut txn = store.txn();
        txn.delete::<User>("a");
        txn.put(&user("b", "Kyiv", 9)).unwrap();
        txn.put(&user("d", "Kyiv", 2)).unwrap();
        txn.put(&user("e", "Lviv", 2)).unwrap();
        let kyiv = txn.find::<User>("city-age", Query::starts(IndexKey::of("Kyiv")), 9).await.unwrap();
        assert_eq!(kyiv.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["d", "c", "b"]);
        let kyiv = txn.find::<User>("city-age", Query::starts(IndexKey::of("Kyiv")), 2).await.unwrap();
        assert_eq!(kyiv.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["d", "c"]);
        // One more in Kyiv, and the question would be answered differently.
        save(&store, &[user("f", "Kyiv", 5)]).await;
        assert!(txn.commit().await.unwrap_err().is_conflict());
    })
    .await;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plain {
    id: String,
    city: String,
}

impl Record for Plain {
    const TABLE: &'static str = "place";
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Indexed {
    id: String,
    city: String,
}

impl Record for Indexed {
    const TABLE: &'static str = "place";
    const INDEXES: &'static [Index<Self>] = &[Index::many("city", |place| vec![IndexKey::of(&place.city)])];
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_added_to_a_table_in_use() {
    each(async |store| {
        let mut txn = store.txn();
        for number in 0..1_000 {
            txn.put(&Plain { id: format!("{number:04}"), city: format!("c{}", number % 10) }).unwrap();
        }
        txn.commit().await.unwrap();
        let query = || Query::is(IndexKey::of("c3"));
        let error = store.txn().find::<Indexed>("city", query(), 1).await.unwrap_err();
        assert!(matches!(error, Error::NotIndexed { table: "place", index: "city" }), "{error}");

        let others = store.clone();
        let mut busy = tokio::task::JoinSet::new();
        busy.spawn(async move {
            for number in (0..1_000).step_by(7) {
                let mut txn = others.txn();
                txn.put(&Indexed { id: format!("{number:04}"), city: "c3".to_owned() }).unwrap();
                txn.commit().await.unwrap();
            }
        });
        let mut seen = 0;
        store.reindex::<Indexed>(|looked| seen = looked).await.unwrap();
        busy.join_all().await;
        assert_eq!(seen, 1_000);
        let found = store.txn().find::<Indexed>("city", query(), 9_999).await.unwrap();
        let all = store.txn().range::<Indexed>("", None, 9_999).await.unwrap();
        assert_eq!(found.len(), all.iter().filter(|place| place.city == "c3").count());
        assert_eq!(store.reindex::<Indexed>(|_| ()).await.unwrap(), 0, "it is built already");

        // Code that does not know the index takes the table out of it again.
        let mut txn = store.txn();
        txn.put(&Plain { id: "0001".to_owned(), city: "c3".to_owned() }).unwrap();
        txn.commit().await.unwrap();
        assert!(matches!(
            store.txn().find::<Indexed>("city", query(), 1).await,
            Err(Error::NotIndexed { .. })
        ));
    })
    .await;
}

/// The places of before, in an index whose keys are made in another way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Anew {
    id: String,
    city: String,
}

impl Record for Anew {
    const TABLE: &'static str = "place";
    const INDEXES: &'static [Index<Self>] =
        &[Index::many("city", |place: &Self| vec![IndexKey::of(place.city.to_uppercase())]).version(|| 2)];
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_another_version_is_built_anew() {
    each(async |store| {
        let mut txn = store.txn();
        for number in 0..600 {
            txn.put(&Indexed { id: format!("{number:04}"), city: format!("c{}", number % 10) }).unwrap();
        }
        txn.commit().await.unwrap();
        let find = async || store.txn().find::<Anew>("city", Query::is(IndexKey::of("C3")), 9_999).await;
        assert!(matches!(find().await, Err(Error::NotIndexed { table: "place", index: "city" })));
        assert_eq!(store.reindex_if_needed::<Anew>().await.unwrap(), 600);
        assert_eq!(find().await.unwrap().len(), 60);
        let before = store.txn().find::<Indexed>("city", Query::is(IndexKey::of("c3")), 1).await;
        assert!(
            matches!(before, Err(Error::NotIndexed { .. })),
            "the version before does not find by other keys"
        );
        assert_eq!(store.reindex_if_needed::<Anew>().await.unwrap(), 0);
    })
    .await;
}
