//! Stores that earlier versions wrote: they open, hold what they held, are written to, and open again.
//! `fixtures/v1` was written by the last version before stores said which version they have;
//! `write_the_fixtures` writes such a folder, and is run by name when the format gets a new version.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use kvs::{Error, From, Index, IndexKey, Options, Query, Record, Store};
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
    const INDEXES: &'static [Index<Self>] = &[
        Index::many("tag", |partner| partner.tags.iter().map(IndexKey::of).collect()),
        Index::unique("credit", |partner| vec![IndexKey::of(partner.credit)]),
    ];
    fn id(&self) -> std::borrow::Cow<'_, str> {
        (&self.code).into()
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Visit {
    id: String,
}

impl Record for Visit {
    const TABLE: &'static str = "visit";
    fn id(&self) -> std::borrow::Cow<'_, str> {
        (&self.id).into()
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

async fn fill(store: &Store) {
    let mut txn = store.txn();
    txn.chain("/audit").unwrap();
    for number in 0..10 {
        txn.put(&partner(number)).unwrap();
        txn.append("/erp/partners", &partner(number)).unwrap();
        txn.append("/audit", &(number, "put")).unwrap();
    }
    let year_9999 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_370_764_800);
    txn.put_until(&Visit { id: "v\0zero".into() }, year_9999).unwrap();
    assert_eq!(txn.seq("invoice").await.unwrap(), 1);
    txn.save("printer", &kvs::Cursor::after("/erp/partners", 4)).unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.txn();
    txn.remove("/erp/partners", 2).await.unwrap();
    txn.cut("/erp/partners", 2).unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.txn();
    txn.delete::<Partner>("p9");
    txn.commit().await.unwrap();
}

/// Writes a store of each kind into the folder that `KVS_FIXTURES` names.
#[tokio::test]
async fn write_the_fixtures() {
    let Ok(folder) = env::var("KVS_FIXTURES") else { return };
    let at = |name: &str| Path::new(&folder).join(name);
    fs::create_dir_all(&folder).unwrap();
    {
        let store = Store::open(&url(&at("closed.redb"))).await.unwrap();
        fill(&store).await;
        store.backup(&at("backup.redb"), |_| ()).await.unwrap();
        store.dump(fs::File::create(at("dump.jsonl")).unwrap(), |_| ()).await.unwrap();
    }
    // As a kill leaves it: everything is written, nothing is closed.
    let store = Store::open(&url(&at("open.redb"))).await.unwrap();
    fill(&store).await;
    fs::copy(at("open.redb"), at("killed.redb")).unwrap();
    drop(store);
    for left in ["open.redb", "open.redb.seal"] {
        fs::remove_file(at(left)).unwrap();
    }
}

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

fn fixtures(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

/// A fixture in a folder where it may be written to, with its seal.
fn copy(folder: &Path, version: &str, name: &str) -> String {
    let path = folder.join(format!("{version}-{name}"));
    fs::copy(fixtures(version).join(name), &path).unwrap();
    let seal = fixtures(version).join(format!("{name}.seal"));
    if seal.exists() {
        fs::copy(seal, folder.join(format!("{version}-{name}.seal"))).unwrap();
    }
    url(&path)
}

/// Reads everything that `fill` wrote; `loaded` says that it came by way of a dump, after which indexes are
/// still to be built and positions begin anew.
async fn read(store: &Store, loaded: bool) {
    let mut txn = store.txn();
    for number in 0..9 {
        assert_eq!(txn.get::<Partner>(&format!("p{number}")).await.unwrap(), Some(partner(number)));
    }
    assert_eq!(txn.get::<Partner>("p9").await.unwrap(), None);
    assert_eq!(txn.count_of::<Partner>().await.unwrap(), 9);
    assert!(txn.get::<Visit>("v\0zero").await.unwrap().is_some(), "it has not expired");
    if !loaded {
        let found = txn.find::<Partner>("tag", Query::is(IndexKey::of("t1")), 99).await.unwrap();
        assert_eq!(found, [partner(1), partner(4), partner(7)]);
        let found = txn.find_one::<Partner>("credit", IndexKey::of(-5i64)).await.unwrap();
        assert_eq!(found, Some(partner(5)));
    }
    let entries: Vec<(u64, Partner)> = txn.feed("/erp/partners", From::Start, 99).await.unwrap();
    assert_eq!(entries.len(), 8);
    assert_eq!(entries[0], (if loaded { 1 } else { 3 }, partner(2)));
    assert_eq!(txn.count("/erp/partners").await.unwrap(), 8);
    assert_eq!(txn.load("printer").await.unwrap().unwrap().position(), 4);
    let head = store.verify("/audit", None).await.unwrap();
    assert_eq!(head.position, 10);
    assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);
}

/// Writes to it in every place, so that old rows and new ones stand side by side.
async fn write(store: &Store) {
    let mut txn = store.txn();
    txn.put(&Partner { name: "new".to_owned(), ..partner(3) }).unwrap();
    txn.append("/erp/partners", &partner(20)).unwrap();
    txn.append("/audit", &(20, "put")).unwrap();
    assert_eq!(txn.seq("invoice").await.unwrap(), 2);
    txn.update("/erp/partners", 5, &partner(44)).await.unwrap();
    txn.commit().await.unwrap();
}

async fn written(store: &Store, last: u64) {
    let mut txn = store.txn();
    assert_eq!(txn.get::<Partner>("p3").await.unwrap().unwrap().name, "new");
    assert_eq!(txn.get::<Partner>("p4").await.unwrap(), Some(partner(4)));
    assert_eq!(txn.entry::<Partner>("/erp/partners", 5).await.unwrap(), Some(partner(44)));
    assert_eq!(txn.entry::<Partner>("/erp/partners", last).await.unwrap(), Some(partner(20)));
    assert_eq!(store.verify("/audit", None).await.unwrap().position, 11);
    assert_eq!(txn.seq("invoice").await.unwrap(), 3);
    assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);
}

#[tokio::test]
async fn a_store_of_each_version_closed_killed_or_backed_up_is_read_written_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["v1", "v2"] {
        for name in ["closed.redb", "killed.redb", "backup.redb"] {
            let url = copy(folder.path(), version, name);
            let store = Store::open(&url).await.unwrap_or_else(|error| panic!("{version}/{name}: {error}"));
            read(&store, false).await;
            drop(store);
            let store = Store::open(&url).await.unwrap();
            write(&store).await;
            drop(store);
            // Compacted, it is copied row by row.
            let store = Store::open(&url).await.unwrap();
            written(&store, 11).await;
            store.compact(|_| ()).await.unwrap();
            written(&store, 11).await;
            drop(store);
            written(&Store::open(&url).await.unwrap(), 11).await;
        }
    }
}

#[tokio::test]
async fn a_dump_of_each_version_is_loaded() {
    for version in ["v1", "v2"] {
        let store = Store::open("memory:").await.unwrap();
        let dump = fs::File::open(fixtures(version).join("dump.jsonl")).unwrap();
        store.load(std::io::BufReader::new(dump), |_| ()).await.unwrap();
        read(&store, true).await;
        write(&store).await;
        written(&store, 9).await;
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_version_1_on_a_server_are_read_and_written() {
    let server = crate::server::Server::shared();
    let url = server.fresh();
    let database = url.rsplit('/').next().unwrap();
    server.psql(database, &fs::read_to_string(fixtures("v1").join("postgres.sql")).unwrap()).unwrap();
    let store = Store::open(&url).await.unwrap();
    read(&store, false).await;
    write(&store).await;
    drop(store);
    let store = Store::open(&url).await.unwrap();
    written(&store, 11).await;
    drop(store);
    // What a newer version wrote is refused.
    let row: String =
        kvs_row(b"\0format", &3u32.to_le_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let newer = format!("update kvs set v = '\\x{row}' where k = '\\x00666f726d6174' returning 1");
    assert!(server.psql(database, &newer).unwrap().starts_with('1'), "its first commit gave it the row");
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, Error::Newer { version: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_with_words_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.redb");
    let table = redb::TableDefinition::<&[u8], &[u8]>::new("kvs");
    // The row of FORMAT.md, of version 3.
    let row = kvs_row(b"\0format", &3u32.to_le_bytes());
    {
        let database = redb::Database::create(&path).unwrap();
        let txn = database.begin_write().unwrap();
        txn.open_table(table).unwrap().insert(&b"\0format"[..], &*row).unwrap();
        txn.commit().unwrap();
    }
    for options in [Options::new(), Options::new().verify(false)] {
        let error = Store::open_with(&url(&path), options).await.unwrap_err();
        assert!(matches!(error, Error::Newer { version: 3, known: 2, .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains("newer.redb") && said.contains("version 3"), "{said}");
    }
    let database = redb::Database::open(&path).unwrap();
    let table = redb::ReadableDatabase::begin_read(&database).unwrap().open_table(table).unwrap();
    assert_eq!(table.get(&b"\0format"[..]).unwrap().unwrap().value(), row);
}

/// A value under its key, as FORMAT.md describes it.
fn kvs_row(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut row = vec![0; 4];
    row.extend(0u64.to_le_bytes());
    row.push(0x80);
    row.extend(0u16.to_le_bytes());
    row.extend(bytes);
    let sum = twox_hash::XxHash3_64::oneshot_with_seed(twox_hash::XxHash3_64::oneshot(key), &row[4..]) as u32;
    row[..4].copy_from_slice(&sum.to_le_bytes());
    row
}
