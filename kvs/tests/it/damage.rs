//! One flipped bit, or a cut, anywhere in a closed store: it is detected when it is read, or it changes
//! nothing. What is not read is found by `check`, and by the check in the background.

use std::{fs, path::Path, sync::Once};

use kvs::{Error, From, Options, Store, Trouble};

use crate::common::{Note, note, put};

type Content = (Vec<Note>, Vec<(u64, u64)>, u64);

/// What the store holds, or the error that says it is damaged.
async fn content(store: &Store) -> kvs::Result<Content> {
    let mut txn = store.txn();
    let notes = txn.range::<Note>("", None, 9_999).await?;
    for note in &notes {
        let alone = txn.get::<Note>(&note.id).await?;
        assert_eq!(alone.as_ref(), Some(note), "a record is found alone as in its range");
    }
    let feed = txn.feed::<u64>("/f", From::Start, 9_999).await?;
    let count = txn.count("/f").await?;
    Ok((notes, feed, count))
}

async fn open(path: &Path, options: Options) -> kvs::Result<Store> {
    Store::open_with(&format!("redb:{}", path.display()), options).await
}

/// What it holds. What cannot be read must be found by `check`, too.
async fn checked(path: &Path) -> kvs::Result<Content> {
    let store = open(path, Options::new()).await?;
    let found = content(&store).await;
    let whole = store.check(|_| ()).await.is_ok_and(|report| report.wrong == 0);
    assert!(found.is_ok() || !whole, "what cannot be read is found by check: {found:?}");
    found
}

fn quiet() {
    // Damaged pages make redb panic, which the store turns into an error.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|location| location.file().contains("redb-")) {
                usual(info);
            }
        }));
    });
}

#[tokio::test]
async fn a_bit_flipped_or_a_cut_at_a_thousand_places_is_detected_or_harmless() {
    quiet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    {
        let store = Store::open(&format!("redb:{}", path.display())).await.unwrap();
        for batch in 0..20 {
            let notes: Vec<_> = (0..20).map(|n| note(&format!("{:04}", batch * 20 + n), n)).collect();
            put(&store, &notes).await;
            let mut txn = store.txn();
            for number in 0..20u64 {
                txn.append("/f", &number).unwrap();
            }
            txn.commit().await.unwrap();
        }
    }
    let clean = fs::read(&path).unwrap();
    let seal = fs::read(path.with_extension("redb.seal")).unwrap();
    let expected = checked(&path).await.unwrap();
    let used = clean.chunks(4096).filter(|page| page.iter().any(|byte| *byte != 0)).count();
    let (mut detected, mut harmless) = (0, 0);
    let mut random = 0x2545_f491_4f6c_dd1du64;
    for round in 0..1_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut image = clean.clone();
        let place = (random % image.len() as u64) as usize;
        if round % 4 == 3 {
            image.truncate(place);
        } else {
            image[place] ^= 1 << (random >> 40 & 7);
        }
        let damaged = folder.path().join("damaged.redb");
        fs::write(&damaged, &image).unwrap();
        // Every other time the seal is lost, too, and the pages must speak for themselves.
        if round % 2 == 0 {
            fs::write(damaged.with_extension("redb.seal"), &seal).unwrap();
        } else {
            let _ = fs::remove_file(damaged.with_extension("redb.seal"));
        }
        match checked(&damaged).await {
            Err(error) => {
                assert!(
                    error.to_string().contains("damaged.redb"),
                    "round {round}: it names the file: {error}"
                );
                detected += 1;
            }
            Ok(found) => {
                assert_eq!(found, expected, "round {round}: wrong data, place {place}");
                harmless += 1;
            }
        }
    }
    println!("{detected} detected, {harmless} harmless; {used} of {} pages in use", clean.len() / 4096);
    assert!(detected > 250, "every cut is detected, and some flips: {detected}");

    // Unverified, what is left can still be read, or is an error; it never panics.
    let mut image = clean.clone();
    let middle = image.len() / 3;
    image[middle..middle + 100_000].fill(0x5a);
    let damaged = folder.path().join("damaged.redb");
    fs::write(&damaged, &image).unwrap();
    if let Ok(store) = open(&damaged, Options::new().verify(false)).await {
        let _ = content(&store).await;
    }
    assert!(checked(&damaged).await.is_err());
}

#[tokio::test]
async fn a_damaged_page_takes_only_its_own_records_and_is_named_by_whoever_meets_it() {
    quiet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    {
        let store = open(&path, Options::new()).await.unwrap();
        for batch in 0..20 {
            put(&store, &(0..50).map(|n| note(&format!("{:04}", batch * 50 + n), n)).collect::<Vec<_>>())
                .await;
        }
        // Newly written, every page is used once.
        store.compact(|_| ()).await.unwrap();
    }
    let mut image = fs::read(&path).unwrap();
    // The record itself, not the rows that refer to it.
    let mark = b"\x01note\0\x010500";
    let found: Vec<_> = (0..image.len() - mark.len()).filter(|at| image[*at..].starts_with(mark)).collect();
    for place in &found {
        image[place + 2] ^= 4;
    }
    fs::write(&path, &image).unwrap();

    // Slow, the check in the background has no part in it yet.
    let store = open(&path, Options::new().scrub(1)).await.unwrap();
    store.pause_scrub(true);
    let error = store.get::<Note>("0500").await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("store.redb") && said.contains("record \"0500\" of table \"note\""), "{said}");
    assert!(said.contains("kvs --unverified dump"), "it says what to do: {said}");
    assert!(matches!(store.get::<Note>("0500").await, Err(Error::Corrupt { .. })), "and says it again");
    let mut whole = 0;
    for number in 0..1_000u32 {
        let id = format!("{number:04}");
        match store.get::<Note>(&id).await {
            Ok(found) => {
                assert_eq!(found, Some(note(&id, u64::from(number % 50))));
                whole += 1;
            }
            Err(error) => assert!(error.to_string().contains(&id), "{error}"),
        }
    }
    assert!(whole > 800, "the others are served: {whole}");
    assert!(store.scrubbed().pages > 0, "pages that did not match are counted");
    // Others are written, and what touches the damaged page is refused; then others are written again.
    put(&store, &[note("0001", 7)]).await;
    let mut txn = store.txn();
    txn.put(&note("0500", 1)).unwrap();
    assert!(matches!(txn.commit().await.unwrap_err(), Error::Corrupt { .. }));
    put(&store, &[note("0002", 7)]).await;
    assert!(store.check(|_| ()).await.unwrap().wrong > 0, "check finds it");
    drop(store);

    // And so does the check in the background, on both sides of the page.
    let store = open(&path, Options::new().scrub(u64::MAX)).await.unwrap();
    while !store.scrubbed().done {
        tokio::task::yield_now().await;
    }
    let scrubbed = store.scrubbed();
    // The key is in the log of what was changed, too.
    assert!(scrubbed.wrong > 0 && scrubbed.wrong <= found.len() as u64, "{scrubbed:?}");
    assert!(scrubbed.problems[0].place.contains("note"), "{scrubbed:?}");
    assert!(scrubbed.rows > 800, "{scrubbed:?}");
}

/// The lines of a dump, sorted.
fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A closed store whose records and entries were written, changed, deleted and cut, and its dump.
async fn lived(path: &Path) -> (Vec<String>, u64) {
    let store = Store::open(&format!("redb:{}", path.display())).await.unwrap();
    for batch in 0..40u64 {
        let notes: Vec<_> = (0..20).map(|n| note(&format!("{:04}", batch * 20 + n), n)).collect();
        put(&store, &notes).await;
        let mut txn = store.txn();
        for number in 0..20u64 {
            txn.append("/f", &number).unwrap();
        }
        if batch % 5 == 4 {
            let again = format!("{:04}", batch * 20);
            txn.put(&Note { text: format!("changed in {batch}"), ..note(&again, batch) }).unwrap();
            txn.delete::<Note>(&format!("{:04}", batch * 20 + 1));
        }
        if batch == 30 {
            txn.put(&Note { text: "long ".repeat(20_000), ..note("long", 1) }).unwrap();
            txn.cut("/f", 30).unwrap();
        }
        txn.seq("invoice").await.unwrap();
        txn.commit().await.unwrap();
    }
    let mut dumped = Vec::new();
    store.dump(&mut dumped, |_| ()).await.unwrap();
    (lines(&dumped), dumped.len() as u64)
}

#[tokio::test]
async fn every_row_that_no_damage_touched_is_saved_and_the_others_are_counted() {
    quiet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let (expected, _) = lived(&path).await;
    let clean = fs::read(&path).unwrap();
    let save = async |image: &[u8]| {
        let damaged = folder.path().join("damaged.redb");
        fs::write(&damaged, image).unwrap();
        let mut saved = Vec::new();
        let told = Store::salvage(&damaged, &mut saved, |_| ()).await.unwrap();
        assert_eq!(fs::read(&damaged).unwrap(), image, "the damaged file is evidence");
        (lines(&saved), told)
    };
    let (whole, told) = save(&clean).await;
    assert_eq!(
        (whole, told.lines.damaged, told.places.len()),
        (expected.clone(), 0, 0),
        "nothing is damaged"
    );

    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for round in 0..12 {
        let mut image = clean.clone();
        let mut flipped = Vec::new();
        while flipped.len() < 200 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let place = (random % image.len() as u64) as usize;
            // Only where something is: most of a small file is empty.
            if image[place / 4096 * 4096..][..4096].iter().any(|byte| *byte != 0) {
                image[place] ^= 1 << (random >> 40 & 7);
                flipped.push(place);
            }
        }
        let (saved, told) = save(&image).await;
        // Where the log, the tree and the count are all damaged, a deleted row may come back; no other does.
        let back: Vec<_> = saved.iter().filter(|line| !expected.contains(line)).collect();
        for line in &back {
            let id = line.split(r#""id":""#).nth(1).and_then(|id| id.get(..4)?.parse::<u64>().ok());
            let deleted = id.is_some_and(|id| id % 100 == 81);
            assert!(deleted, "round {round}: what was never the present state: {line}");
        }
        let missing: Vec<_> = expected.iter().filter(|line| !saved.contains(line)).collect();
        // A flip costs at most the row that it is in, and a table of ends between two rows, both.
        assert!(missing.len() <= 200, "round {round}: {} rows for 200 flips", missing.len());
        let told_of = told.lines.damaged as usize;
        assert!(
            told_of <= missing.len() && told_of + back.len() >= missing.len(),
            "round {round}: {:?} {missing:?}",
            told.places
        );
        // What is not there any more had a flip within it, or in the table at the head of its page that says
        // where rows end.
        for line in missing {
            let Some(text) = line.split(r#""text":""#).nth(1).and_then(|text| text.split('"').next()) else {
                continue;
            };
            let id = line.split(r#""id":""#).nth(1).and_then(|id| id.split('"').next()).unwrap();
            if text.len() < 100 {
                assert!(hit(&clean, id, text, &flipped), "round {round}: {line} was not damaged");
            }
        }
    }
}

/// Whether one of the places is in a copy of the record with this text, or in the head of its page.
fn hit(image: &[u8], id: &str, text: &str, places: &[usize]) -> bool {
    let key = [b"\x01note\0\x01", id.as_bytes()].concat();
    let found = image.windows(text.len()).enumerate().filter(|(_, bytes)| *bytes == text.as_bytes());
    let mut found = found.map(|(at, _)| at);
    found.any(|at| {
        let page = at / 4096 * 4096;
        let rows = usize::from(u16::from_le_bytes([image[page + 2], image[page + 3]]));
        // The envelope and the other fields are shorter than that.
        let (own, head) = (at.saturating_sub(80)..at + text.len() + 80, page..page + 4 + 8 * rows);
        // A page has its keys first, and its values behind them.
        let key = image[page..page + 4096].windows(key.len()).position(|bytes| *bytes == key);
        let key = key.map_or(page..page, |at| page + at..page + at + id.len() + 7);
        places.iter().any(|place| own.contains(place) || head.contains(place) || key.contains(place))
    })
}

#[tokio::test]
async fn a_store_whose_head_is_gone_is_saved_from_its_pages() {
    quiet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let (expected, _) = lived(&path).await;
    let mut image = fs::read(&path).unwrap();
    image[..4096].fill(0x5a);
    fs::write(&path, &image).unwrap();
    let mut saved = Vec::new();
    let told = Store::salvage(&path, &mut saved, |_| ()).await.unwrap();
    assert_eq!((lines(&saved), told.lines.damaged), (expected, 0), "{:?}", told.places);
}

#[tokio::test]
async fn the_command_that_the_message_names_saves_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let (expected, _) = lived(&path).await;
    let mut image = fs::read(&path).unwrap();
    let place = image.windows(9).rposition(|bytes| bytes == b"note 0400").unwrap();
    image[place] ^= 1;
    // Every copy, old pages too: the row is gone.
    while let Some(place) = image.windows(9).position(|bytes| bytes == b"note 0400") {
        image[place] ^= 1;
    }
    fs::write(&path, &image).unwrap();
    let url = format!("redb:{}", path.display());
    let kvs = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kvs")).args(args).output().unwrap();
        (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, _, said) = kvs(&["get", &url, "note", "0400"]);
    assert!(status == Some(1) && said.contains("kvs --unverified dump"), "{said}");
    let file = folder.path().join("saved.jsonl").display().to_string();
    let (status, _, said) = kvs(&["--unverified", "dump", &url, &file]);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains(r#"record "0400" of table "note" is damaged"#), "{said}");
    let saved = lines(&fs::read(&file).unwrap());
    assert_eq!(
        saved,
        expected.iter().filter(|line| !line.contains("note 0400")).cloned().collect::<Vec<_>>()
    );
    let (status, out, _) = kvs(&["--unverified", "dump", &url]);
    assert_eq!((status, lines(&out)), (Some(3), saved));
    let loaded = format!("redb:{}", folder.path().join("loaded.redb").display());
    assert_eq!(kvs(&["load", &loaded, &file]).0, Some(0));
}

/// Turns a bit in every copy of what begins so.
fn flip(path: &Path, mark: &[u8]) {
    let mut image = fs::read(path).unwrap();
    let found: Vec<_> = (0..image.len() - mark.len()).filter(|at| image[*at..].starts_with(mark)).collect();
    assert!(!found.is_empty());
    for place in found {
        image[place + mark.len() - 1] ^= 4;
    }
    fs::write(path, &image).unwrap();
}

/// Commits so many times, each by itself.
async fn commits(store: &Store, count: u64) {
    for number in 0..count {
        let mut txn = store.txn();
        txn.behind();
        txn.append("/f", &number).unwrap();
        txn.commit().await.unwrap_or_else(|error| panic!("commit {number}: {error}"));
    }
}

#[tokio::test]
async fn damage_in_an_old_page_of_the_change_log_refuses_no_commit() {
    quiet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    // The log is trimmed when commit 1,024 is passed, and again at 2,048.
    let options = || Options::new().history(100).scrub(1);
    let store = open(&path, options()).await.unwrap();
    commits(&store, 1_020).await;
    drop(store);
    flip(&path, &[&[4][..], &300u64.to_be_bytes()].concat());
    let store = open(&path, options()).await.unwrap();
    store.pause_scrub(true);
    commits(&store, 1_100).await;
    assert_eq!(store.txn().count("/f").await.unwrap(), 2_120);
}

#[tokio::test]
async fn damage_is_part_of_the_health_whoever_finds_it() {
    quiet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    {
        let store = open(&path, Options::new()).await.unwrap();
        for batch in 0..10 {
            put(&store, &(0..50).map(|n| note(&format!("{:04}", batch * 50 + n), n)).collect::<Vec<_>>())
                .await;
        }
    }
    flip(&path, b"note 0250");
    let damaged = async |store: &Store| {
        let trouble = store.health().await.trouble;
        assert!(matches!(trouble, None | Some(Trouble::Damage(1..))), "{trouble:?}");
        trouble.is_some()
    };
    // A reader, by the sum of the page.
    let store = open(&path, Options::new().scrub(0)).await.unwrap();
    assert!(!damaged(&store).await, "nobody has met it");
    store.get::<Note>("0250").await.unwrap_err();
    assert!(damaged(&store).await, "a page was refused");
    drop(store);
    // The check in the background, by the sum of the row.
    let store = open(&path, Options::new().verify(false).scrub(u64::MAX)).await.unwrap();
    while !store.scrubbed().done {
        tokio::task::yield_now().await;
    }
    assert_eq!((store.scrubbed().pages, damaged(&store).await), (0, true));
}
