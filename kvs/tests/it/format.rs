//! Files that released versions wrote: they open, and hold what they held. `fixtures/0.1.redb` was written
//! by `write_a_store_for_the_fixtures`, which is run by name when a version is released.

use std::{env, fs, path::Path};

use kvs::{From, Index, IndexKey, Query, Record, Store};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Partner {
    code: String,
    name: String,
    credit: i64,
    tags: Vec<String>,
    note: Option<String>,
}

impl Record for Partner {
    const TABLE: &'static str = "partner";
    const VERSION: u16 = 3;
    const INDEXES: &'static [Index<Self>] =
        &[Index::many("tag", |partner| partner.tags.iter().map(IndexKey::of).collect())];
    fn id(&self) -> std::borrow::Cow<'_, str> {
        (&self.code).into()
    }
}

fn partner(number: i64) -> Partner {
    Partner {
        code: format!("p{number}"),
        name: "\u{41a}\u{438}\u{457}\u{432}".to_owned(),
        credit: -number,
        tags: vec!["all".to_owned(), format!("t{}", number % 3)],
        note: (number % 2 == 0).then(|| "even".to_owned()),
    }
}

/// Writes the file that `KVS_FIXTURE` names.
#[tokio::test]
async fn write_a_store_for_the_fixtures() {
    let Ok(path) = env::var("KVS_FIXTURE") else { return };
    let store = Store::open(&format!("redb:{path}")).await.unwrap();
    let mut txn = store.txn();
    txn.chain("/audit").unwrap();
    for number in 0..10 {
        txn.put(&partner(number)).unwrap();
        txn.append("/erp/partners", &partner(number)).unwrap();
        txn.append("/audit", &(number, "put")).unwrap();
    }
    assert_eq!(txn.seq("invoice").await.unwrap(), 1);
    txn.save("printer", &kvs::Cursor::after("/erp/partners", 4)).unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.txn();
    txn.remove("/erp/partners", 2).await.unwrap();
    txn.commit().await.unwrap();
    store.compact(|_| ()).await.unwrap();
}

#[tokio::test]
async fn files_of_released_versions_are_read() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folder = tempfile::tempdir().unwrap();
    for version in ["0.1"] {
        let path = folder.path().join(version);
        fs::copy(fixtures.join(format!("{version}.redb")), &path).unwrap();
        let store = Store::open(&format!("redb:{}", path.display())).await.unwrap();
        let mut txn = store.txn();
        for number in 0..10 {
            assert_eq!(txn.get::<Partner>(&format!("p{number}")).await.unwrap(), Some(partner(number)));
        }
        let found = txn.find::<Partner>("tag", Query::is(IndexKey::of("t1")), 99).await.unwrap();
        assert_eq!(found, [partner(1), partner(4), partner(7)]);
        let entries: Vec<(u64, Partner)> = txn.feed("/erp/partners", From::Start, 99).await.unwrap();
        assert_eq!(entries.len(), 9);
        assert_eq!(txn.load("printer").await.unwrap().unwrap().position(), 4);
        assert_eq!(txn.seq("invoice").await.unwrap(), 2);
        let head = store.verify("/audit", None).await.unwrap();
        assert_eq!(head.position, 10);
        assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);
    }
}
