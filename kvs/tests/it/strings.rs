//! Any text is an id, a path, a value and a name: lists of texts that break things elsewhere.

use std::{env, fs, path::Path};

use kvs::{From, Index, IndexKey, Record, Store};
use serde::{Deserialize, Serialize};

use crate::common::each;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Text(String);

impl Record for Text {
    const TABLE: &'static str = "text";
    const INDEXES: &'static [Index<Self>] = &[
        Index::unique("whole", |text| vec![IndexKey::of(&text.0)]),
        Index::many("words", |text| IndexKey::words(&text.0)),
    ];
    fn id(&self) -> std::borrow::Cow<'_, str> {
        (&self.0).into()
    }
}

/// Stores every text in every place a text can be in, and finds it again.
async fn keep(store: Store, mut texts: Vec<String>) {
    texts.sort();
    texts.dedup();
    let mut txn = store.txn();
    for text in &texts {
        txn.put(&Text(text.clone())).unwrap();
        txn.append(text, text).unwrap();
        txn.append("/all", text).unwrap();
        txn.save(text, &kvs::Cursor::after(text, 1)).unwrap();
    }
    txn.commit().await.unwrap();

    let all: Vec<Text> = store.txn().range("", None, usize::MAX).await.unwrap();
    assert_eq!(all.iter().map(|text| &text.0).collect::<Vec<_>>(), texts.iter().collect::<Vec<_>>());
    for text in &texts {
        let mut txn = store.txn();
        assert_eq!(txn.get::<Text>(text).await.unwrap().unwrap().0, *text);
        let entries: Vec<(u64, String)> = txn.feed(text, From::Start, 9).await.unwrap();
        assert_eq!(entries, [(1, text.clone())]);
        let found = txn.find_one::<Text>("whole", IndexKey::of(text)).await.unwrap();
        assert_eq!(found.unwrap().0, *text);
        assert_eq!(txn.load(text).await.unwrap().unwrap().feed(), text);
    }
    assert_eq!(store.txn().count("/all").await.unwrap(), texts.len() as u64);
    assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);

    let mut dumped = Vec::new();
    store.dump(&mut dumped, |_| ()).await.unwrap();
    let loaded = Store::open("memory:").await.unwrap();
    loaded.load(&*dumped, |_| ()).await.unwrap();
    loaded.reindex::<Text>(|_| ()).await.unwrap();
    assert_eq!(loaded.txn().range::<Text>("", None, usize::MAX).await.unwrap(), all);
}

#[tokio::test]
async fn texts_that_break_things_elsewhere_are_kept() {
    let long = "\u{1f980}".repeat(1024);
    let texts = [
        "",
        " ",
        "\0",
        "\0\0",
        "a\0b",
        "\u{1}",
        "/",
        "//",
        "/a/../b",
        "..",
        "%2f",
        "\\",
        "'",
        "\"",
        "'; drop table kvs; --",
        "\u{feff}",
        "\u{202e}abc",
        "\u{10ffff}",
        "\u{fffd}",
        "e\u{301}",
        "\u{e9}",
        "\u{456}\u{457}",
        "\r\n",
        "NULL",
        "true",
        "0",
        "-1",
        "1e309",
        "$cbor",
        "{\"$cbor\":\"00\"}",
        &"x".repeat(4096),
        &"x".repeat(4095),
        &long,
        &"\0".repeat(1365),
    ];
    each(async |store| keep(store, texts.map(str::to_owned).to_vec()).await).await;
}

#[tokio::test]
async fn the_shared_corpus_of_texts_is_kept() {
    let Some(folder) = env::var_os("N2O_SHARED") else { return };
    let path = Path::new(&folder).join("corpora/strings/naughty.jsonl");
    let lines = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let texts: Vec<String> = lines
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["s"].as_str().unwrap().to_owned()
        })
        .filter(|text| text.len() <= 4096)
        .collect();
    assert!(texts.len() > 100, "{} has {} texts", path.display(), texts.len());
    each(async |store| keep(store, texts.clone()).await).await;
}
