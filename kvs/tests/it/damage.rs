//! One flipped bit, or a cut, anywhere in a closed store: it is detected when it is read, or it changes
//! nothing. What is not read is found by `check`, and by the check in the background.

use std::{fs, path::Path, sync::Once};

use kvs::{Error, From, Options, Store};

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
    assert!(said.contains("kvs dump"), "it says what to do: {said}");
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
    assert!(store.check(|_| ()).await.is_err(), "check finds it");
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
