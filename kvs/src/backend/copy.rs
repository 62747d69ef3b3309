//! Writing a whole store into a new file: what a backup, a restore and a compaction have in common. The
//! file gets its name when it is complete and on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::redb::{Builder, Database, Durability, backends::FileBackend};

use super::{
    Rows,
    disk::{self, Locked},
    guard::{convert, guarded},
    redb::TABLE,
    seal::Seal,
};
use crate::{
    error::{Error, Result},
    place,
};

pub(crate) struct Copy {
    database: Database,
    place: String,
    making: PathBuf,
    path: PathBuf,
}

impl Copy {
    /// Begins a file that is to be called `path`. What a killed process left of such a file is removed when
    /// nothing is in it, and else an error; while another one is at work on it, this one does not begin.
    pub(crate) fn create(path: &Path, cache: usize) -> Result<Self> {
        let place = path.display().to_string();
        let fail = |error| Error::io(&place, error);
        let making = place::making(path);
        if let Some(folder) = path.parent() {
            disk::make_folder(folder).map_err(fail)?;
        }
        place::make_way(&making)?;
        // Locked while it is made, so that another copy does not take its place.
        let file = disk::private().read(true).write(true).create_new(true).open(&making);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::Underway { what: format!("another copy into {}", making.display()) }
            }
            _ => fail(error),
        })?;
        let open = || -> std::result::Result<Database, ::redb::Error> {
            let file = FileBackend::new(file)?;
            let database = Builder::new().set_cache_size(cache).create_with_backend(file)?;
            let txn = database.begin_write()?;
            txn.open_table(TABLE)?;
            txn.commit()?;
            Ok(database)
        };
        let database = open().map_err(|error| {
            // Only what is half made goes: nothing but this process can have it by now.
            let _ = fs::remove_file(&making);
            convert(&place, error)
        })?;
        Ok(Self { database, place, making, path: path.to_owned() })
    }

    /// Adds rows, which must come in key order.
    pub(crate) fn add(&mut self, rows: &Rows) -> Result<()> {
        guarded(&self.place, || {
            let mut txn = self.database.begin_write()?;
            txn.set_durability(Durability::None).map_err(|_| ::redb::StorageError::DatabaseClosed)?;
            let mut table = txn.open_table(TABLE)?;
            for (key, value) in rows.iter() {
                table.insert(key, value)?;
            }
            drop(table);
            txn.commit()?;
            Ok(())
        })
    }

    /// Puts everything on disk, packs it, seals it as of commit `at`, and gives the file its name: in the
    /// place of the file that has it when `replace`, else only when no file has it. It answers the file's
    /// length, and the file itself, locked since before it had its name.
    pub(crate) fn finish(self, at: u64, replace: bool) -> Result<(u64, Arc<Locked>)> {
        let making = self.making.clone();
        self.finished(at, replace).inspect_err(|_| {
            // Nothing half done is left, least of all on a disk that is full.
            let _ = fs::remove_file(&making);
        })
    }

    fn finished(self, at: u64, replace: bool) -> Result<(u64, Arc<Locked>)> {
        let Self { mut database, place, making, path } = self;
        guarded(&place, || {
            let txn = database.begin_write()?;
            txn.commit()?;
            while database.compact()? {}
            drop(database);
            disk::sync(&fs::File::open(&making)?)?;
            Ok(())
        })?;
        // Until now the database had it locked. Whoever wants the name may look at it just now, and finds that it holds
        // something.
        let disk = disk::lock(&making).map_err(|error| match error {
            Error::Locked { .. } => {
                Error::Underway { what: format!("another copy into {}", making.display()) }
            }
            error => error,
        })?;
        let name = || {
            let seal = Seal::of(&*disk, at)?;
            if replace {
                // The seal of an older file of this name must not stand beside the new one.
                Seal::remove(&path)?;
                disk::rename(&making, &path)?;
            } else {
                disk::name(&making, &path)?;
            }
            Ok(seal)
        };
        let seal = name().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::Occupied { path: path.clone() },
            _ => Error::io(&place, error),
        })?;
        // The name means this file now, and whoever goes on must go on with it: nothing is an error any more.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Err(error) = seal.write(&path) {
            tracing::warn!(store.path = %place, error = %error, "the new file has no seal");
        }
        if let Err(error) = disk::sync_folder(folder.unwrap_or(Path::new("."))) {
            tracing::warn!(store.path = %place, error = %error, "a power cut may take the new file's name away");
        }
        Ok((seal.length(), disk))
    }

    /// Gives the file up.
    pub(crate) fn discard(self) {
        drop(self.database);
        // Whatever is left of it holds nothing.
        let _ = fs::remove_file(&self.making);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ::redb::StorageBackend;

    use super::*;
    use crate::{Options, backend::redb::Redb, key, value::Value};

    #[test]
    fn what_a_killed_copy_left_makes_way_with_a_word_only_when_nothing_is_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("store.redb"), folder.path().join("other.redb"));
        let (making, left) = (place::making(&path), place::making(&other));
        let begun = |number: u32| {
            let mut copy = Copy::create(&path, 64 << 10).expect("it is begun");
            for step in 0..number {
                let mut rows = Rows::default();
                for row in 0..500 {
                    let key = key::record("t", &format!("{step:04}-{row:04}"));
                    rows.push(&key, &Value { bytes: &[7; 500], ..Value::default() }.seal(&key));
                }
                copy.add(&rows).expect("it is added");
            }
            copy
        };
        // What a kill leaves: as far as the file was written, in order or not.
        for steps in [0, 1, 20] {
            let copy = begun(steps);
            fs::copy(&making, &left).expect("it is copied");
            copy.discard();
            Copy::create(&other, 64 << 10).expect("it makes way").discard();
        }
        for nothing in ["an empty file", "an empty store"] {
            fs::write(&left, "").expect("it is written");
            if nothing == "an empty store" {
                drop(Redb::open(&path, &Options::new()).expect("a store"));
                fs::rename(&path, &left).expect("it is moved");
            }
            Copy::create(&other, 64 << 10).unwrap_or_else(|error| panic!("{nothing}: {error}")).discard();
        }
        // Complete but for its name, or nothing of ours.
        begun(3).finish(1, false).expect("it is finished");
        fs::rename(&path, &left).expect("it is moved");
        for (content, words) in [(None, "a copy as of commit"), (Some("a letter"), "no copy")] {
            if let Some(content) = content {
                fs::write(&left, content).expect("it is written");
            }
            let before = fs::read(&left).expect("it is read");
            let error = Copy::create(&other, 64 << 10).err().expect("it stays");
            assert!(matches!(error, Error::Leftover { .. }) && error.to_string().contains(words), "{error}");
            assert_eq!(fs::read(&left).expect("it is read"), before);
        }
        // While it is being made nobody else begins.
        let copy = begun(1);
        let error = Copy::create(&path, 64 << 10).err().expect("another is at work");
        assert!(matches!(error, Error::Underway { .. }), "{error}");
        copy.discard();
    }

    /// A disk that remembers how it was after each call that changed it: what a kill can leave.
    #[derive(Debug, Default)]
    struct Left {
        disk: ::redb::backends::InMemoryBackend,
        images: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl Left {
        fn note(&self) -> io::Result<()> {
            let mut image = vec![0; self.disk.len()? as usize];
            self.disk.read(0, &mut image)?;
            self.images.lock().expect("no panic").push(image);
            Ok(())
        }
    }

    impl StorageBackend for Left {
        fn len(&self) -> io::Result<u64> {
            self.disk.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.disk.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.disk.set_len(len)?;
            self.note()
        }

        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.disk.write(offset, data)?;
            self.note()
        }
    }

    #[test]
    fn what_a_kill_left_at_any_write_before_the_first_commit_makes_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let making = folder.path().join("store.redb.new");
        for careful in [false, true] {
            let images = Arc::new(Mutex::new(Vec::new()));
            let disk = Left { images: images.clone(), ..Left::default() };
            let database = Builder::new().create_with_backend(disk).expect("it is made");
            if careful {
                crate::format::create(&database, &Options::new()).expect("it has its table");
            } else {
                let txn = database.begin_write().expect("a transaction");
                txn.open_table(TABLE).expect("its table");
                txn.commit().expect("it is committed");
            }
            drop(database);
            let images = std::mem::take(&mut *images.lock().expect("no panic"));
            assert!(images.len() > 5, "{}", images.len());
            for (number, image) in images.iter().enumerate() {
                fs::write(&making, image).expect("it is written");
                place::make_way(&making).unwrap_or_else(|error| panic!("{careful}, image {number}: {error}"));
                assert!(!making.exists());
            }
        }
        // What had its commits and lost its header, or a part of it, is damaged, not empty.
        let path = folder.path().join("whole.redb");
        let mut copy = Copy::create(&path, 64 << 10).expect("it is begun");
        let (mut rows, key) = (Rows::default(), key::record("t", "a"));
        rows.push(&key, &Value::default().seal(&key));
        copy.add(&rows).expect("it is added");
        copy.finish(1, false).expect("it is finished");
        let whole = fs::read(&path).expect("it is read");
        for (from, to) in [(0, 320), (0, 9), (64, 320), (0, 4096), (4096, whole.len())] {
            let mut image = whole.clone();
            image[from..to].fill(0);
            fs::write(&making, &image).expect("it is written");
            let error = place::make_way(&making).expect_err("it stays");
            assert!(matches!(error, Error::Leftover { .. }), "{from}..{to}: {error}");
            assert_eq!(fs::read(&making).expect("it is read"), image);
        }
    }
}
