//! One flipped bit, or a cut, anywhere in a closed store: it is detected, or it changes nothing.

use std::{fs, path::Path, sync::Once};

use kvs::{From, Options, Store};

use crate::common::{Note, note, put};

/// What the store holds, or the error that says it is damaged.
async fn content(path: &Path, options: Options) -> kvs::Result<(Vec<Note>, Vec<(u64, u64)>, u64)> {
    let store = Store::open_with(&format!("redb:{}", path.display()), options).await?;
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
    let expected = content(&path, Options::new()).await.unwrap();
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
        match content(&damaged, Options::new()).await {
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
    let _ = content(&damaged, Options::new().verify(false)).await;
    assert!(content(&damaged, Options::new()).await.is_err());
}
