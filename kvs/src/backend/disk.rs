//! The file under a redb store: its folder, its name, and its lock. Not the format of the file, which is redb's.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    ops::Bound,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
};

use ::redb::{StorageBackend, backends::FileBackend};
use rustix::fs::{CWD, RenameFlags, SeekFrom};

use super::{guard::convert, note::Note};
use crate::{
    error::{Error, Result},
    format,
    options::Options,
    place,
};

/// Opens the file, makes its folder, and locks it for this process.
pub(crate) fn open(path: &Path) -> Result<(Arc<Locked>, Note)> {
    let place = path.display().to_string();
    let fail = |error| Error::io(&place, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder).map_err(fail)?;
    if !path.exists() {
        let making = place::making(path);
        place::make_way(&making)?;
        make(path, &making, folder).map_err(|error| convert(&place, error))?;
    }
    let disk = lock(path)?;
    warn(path);
    let note = Note::write(path).map_err(fail)?;
    Ok((disk, note))
}

/// Opens a file that is there, for this process alone.
pub(crate) fn lock(path: &Path) -> Result<Arc<Locked>> {
    let place = path.display().to_string();
    let fail = |error| Error::io(&place, error);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(fail)?;
    Ok(Arc::new(Locked::new(file, path, false)?))
}

/// Opens a file that is there to read it, beside others who do. It need not be writable.
pub(crate) fn look(path: &Path) -> Result<Arc<Locked>> {
    let file = File::open(path).map_err(|error| Error::io(&path.display().to_string(), error))?;
    Ok(Arc::new(Locked::new(file, path, true)?))
}

/// A file that this process alone may use or, with others, read, until it is dropped. It is unlocked then, not only closed: a
/// lock lasts as long as anybody has the descriptor, and a child process has it, too, until it runs its
/// own program.
#[derive(Debug)]
pub(crate) struct Locked {
    file: FileBackend,
    identity: Identity,
    /// The same file, for what `file` has no call for.
    system: File,
}

/// Device and inode: what tells one file from another, whatever their names.
pub(crate) type Identity = (u64, u64);

pub(crate) fn identity(found: &fs::Metadata) -> Identity {
    (found.dev(), found.ino())
}

impl Locked {
    fn new(file: File, path: &Path, shared: bool) -> Result<Self> {
        let place = path.display().to_string();
        let found = file.metadata().map_err(|error| Error::io(&place, error))?;
        if found.is_dir() {
            return Err(Error::io(&place, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let identity = identity(&found);
        let system = file.try_clone().map_err(|error| Error::io(&place, error))?;
        let file = FileBackend::new(file).map_err(|error| Error::corrupt(&place, error.to_string()))?;
        let (from, to) = (Bound::Unbounded, Bound::Unbounded);
        let locked =
            if shared { file.try_lock_shared_range(from, to) } else { file.try_lock_range(from, to) };
        match locked {
            Ok(true) | Err(::redb::BackendError::Unsupported) => Ok(Self { file, identity, system }),
            Ok(false) => Err(Error::Locked { path: path.to_owned(), holder: Note::holder(path) }),
            Err(error) => Err(Error::io(&place, error.into())),
        }
    }

    /// Which file it is, whatever its name means by now.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Has the system forget what it remembers of the file, so that it is read from the disk. A file system
    /// that keeps everything in memory need not.
    pub(crate) fn forget(&self) {
        let _ = rustix::fs::fadvise(&self.system, 0, None, rustix::fs::Advice::DontNeed);
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // The system unlocks it as well, later.
        let _ = self.file.close();
    }
}

impl StorageBackend for Locked {
    /// Asks where the file ends, not for its metadata: Linux gives a file whose times were read a new time at
    /// the next write, and the next sync writes that to the disk, too.
    fn len(&self) -> io::Result<u64> {
        // Nobody reads or writes at the cursor that this moves.
        Ok(rustix::fs::seek(&self.system, SeekFrom::End(0))?)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }
}

/// Makes an empty store under another name, and gives it its own when it is whole and on disk: a crash
/// leaves a store or none.
fn make(path: &Path, making: &Path, folder: &Path) -> std::result::Result<(), ::redb::Error> {
    let file = private().read(true).write(true).create_new(true).open(making)?;
    let disk = FileBackend::new(file.try_clone()?)?;
    let database = ::redb::Builder::new().create_with_backend(disk)?;
    format::create(&database, &Options::new())?;
    drop(database);
    sync(&file)?;
    rename(making, path)?;
    sync_folder(folder)?;
    Ok(())
}

/// Puts a file's content on disk.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    step("sync the file")?;
    file.sync_all()
}

/// Gives a file that is on disk its name; it lasts when the folder is synced.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step("rename")?;
    fs::rename(from, to)
}

/// Gives a file that is on disk a name that no file has, or fails with `AlreadyExists`.
pub(crate) fn name(from: &Path, to: &Path) -> io::Result<()> {
    let renamed = step("name").and_then(|()| {
        rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from)
    });
    match renamed.map_err(|error| (error.kind(), error)) {
        // File systems that cannot do that can keep the name from others by an empty file.
        Err((ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied, _)) => {
            private().write(true).create_new(true).open(to)?;
            rename(from, to).inspect_err(|_| {
                let _ = fs::remove_file(to);
            })
        }
        renamed => renamed.map_err(|(_, error)| error),
    }
}

#[cfg(not(test))]
pub(crate) fn step(_: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use tests::step;

/// How a file of the store is made: for its owner only.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder and those above it that are missing, for their owner only. What was made is on disk.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    for made in missing {
        sync_folder(made.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Says when others than its owner may read a store. It may be meant, so it is no error.
fn warn(path: &Path) {
    #[cfg(unix)]
    if let Ok(found) = fs::metadata(path) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            tracing::warn!(
                store.path = %path.display(),
                store.mode = format!("{mode:o}"),
                "others than its owner may get at the store: `chmod 600` it"
            );
        }
    }
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    step("sync the folder")?;
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::{
        Options,
        backend::{Backend, copy::Copy, redb::Redb},
        health::Condition,
        key,
        value::Value,
    };

    thread_local! {
        static STEPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
        static FAILS: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Notes what is done to files, in order, and fails where it is to.
    pub(crate) fn step(what: &'static str) -> io::Result<()> {
        STEPS.with_borrow_mut(|steps| steps.push(what));
        if FAILS.get() == Some(what) {
            Err(io::Error::new(ErrorKind::Unsupported, "injected"))
        } else {
            Ok(())
        }
    }

    fn commit(store: &Redb, number: u64) {
        let row = |key: Vec<u8>| {
            let stored = Value { version: number, ..Value::default() }.seal(&key);
            (key, Some(stored))
        };
        let changes = [row(key::record("t", &number.to_string())), row(key::log(number))];
        let batch = store.begin().expect("a batch");
        batch.commit(changes.into(), number, true).expect("a commit");
    }

    #[test]
    fn a_compaction_that_fails_behind_its_renaming_goes_on_with_the_new_file_and_loses_no_commit() {
        for fault in ["write the seal", "sync the folder", "remove the seal"] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("store.redb");
            let store = Arc::new(Redb::open(&path, &Options::new()).expect("a store"));
            let open: Arc<dyn Backend> = store.clone();
            let condition = Condition::new(Some(path.clone()), &open);
            drop(open);
            commit(&store, 1);
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let reader = runtime.block_on(store.snapshot()).expect("a snapshot");
            FAILS.set(Some(fault));
            let compacted = condition.replacing(|| store.compact(&mut |_| ()), || store.identity());
            FAILS.set(None);
            compacted.unwrap_or_else(|error| panic!("{fault}: the name means the new file: {error}"));
            assert!(condition.look_now().is_none(), "{fault}: the name means the open file");
            let read = runtime.block_on(reader.get(&key::record("t", "1"))).expect("the old file is read");
            assert!(read.is_some(), "{fault}");
            commit(&store, 2);
            drop((reader, store));
            let store = Redb::open(&path, &Options::new()).expect("a store");
            let batch = store.begin().expect("a batch");
            for number in ["1", "2"] {
                let found = batch.get(&key::record("t", number)).expect("it is read");
                assert!(found.is_some(), "{fault}: commit {number}");
            }
        }
    }

    #[test]
    fn a_stranger_that_took_the_name_during_a_compaction_that_failed_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        let store: Arc<dyn Backend> = Arc::new(Redb::open(&path, &Options::new()).expect("a store"));
        let condition = Condition::new(Some(path.clone()), &store);
        let work = || -> Result<()> {
            fs::rename(&path, folder.path().join("moved.redb")).expect("it is moved");
            fs::write(&path, "a stranger's").expect("it is written");
            Err(Error::Closed)
        };
        condition.replacing(work, || store.identity()).expect_err("it failed");
        let found = condition.look_now();
        assert!(matches!(found, Some(Error::Gone { found: "was replaced", .. })), "{found:?}");
    }

    #[test]
    fn a_file_is_on_disk_before_it_has_its_name_and_an_old_seal_is_gone_before_that() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        STEPS.take();
        let store = Redb::open(&path, &Options::new()).expect("a store");
        assert_eq!(STEPS.take(), ["sync the file", "rename", "sync the folder"]);
        drop(store);
        assert_eq!(STEPS.take(), ["write the seal"]);
        let store = Redb::open(&path, &Options::new()).expect("a store");
        assert_eq!(STEPS.take(), ["remove the seal", "sync the folder"]);
        store.compact(&mut |_| ()).expect("it is compacted");
        let steps = STEPS.take();
        let expected = ["sync the file", "rename", "write the seal", "sync the folder"];
        assert_eq!(steps[..4], expected, "{steps:?}");
        assert_eq!(steps[4..], ["remove the seal", "sync the folder"], "{steps:?}");
    }

    #[test]
    fn a_copy_needs_no_links_takes_no_name_that_is_taken_and_is_whole_or_not_there() {
        for fault in [None, Some("name"), Some("sync the folder"), Some("write the seal")] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("store.redb");
            let copy = || {
                let copy = Copy::create(&path, 1 << 20).expect("it is begun");
                FAILS.set(fault);
                let done = copy.finish(0, false).map(drop);
                FAILS.set(None);
                done
            };
            copy().unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            Redb::open(&path, &Options::new()).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            fs::write(&path, "another's").expect("it is written");
            let error = copy().expect_err("the name is taken");
            assert!(matches!(error, Error::Occupied { .. }), "{fault:?}: {error}");
            assert_eq!(fs::read(&path).expect("it is read"), b"another's", "{fault:?}");
            let rest = fs::read_dir(&folder).expect("the folder").flatten().map(|entry| entry.file_name());
            let rest: Vec<_> = rest.filter(|name| name.to_string_lossy().ends_with(".new")).collect();
            assert!(rest.is_empty(), "{fault:?}: {rest:?}");
        }
        // Where only the renaming fails, nothing has the name.
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        fs::write(folder.path().join("made"), "").expect("it is written");
        FAILS.set(Some("name"));
        name(&folder.path().join("gone"), &path).expect_err("there is nothing to rename");
        FAILS.set(None);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_made_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/store.redb");
        let store = Redb::open(&path, &Options::new()).expect("a store");
        let mode = |name: &str| {
            fs::metadata(folder.path().join(name)).expect("it is there").permissions().mode() & 0o777
        };
        for (name, expected) in [("a", 0o700), ("a/b", 0o700), ("a/b/store.redb", 0o600)] {
            assert_eq!(mode(name), expected, "{name}");
        }
        assert_eq!(mode("a/b/store.redb.lock"), 0o600);
        store.compact(&mut |_| ()).expect("it is compacted");
        assert_eq!(mode("a/b/store.redb"), 0o600, "compacted");
        drop(store);
        assert_eq!(mode("a/b/store.redb.seal"), 0o600);
        // One that others may read is opened all the same, with a warning.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("its mode");
        Redb::open(&path, &Options::new()).expect("a store");
    }

    #[test]
    fn many_may_read_a_file_at_once_and_nobody_else_has_it_meanwhile() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        fs::write(&path, "").expect("it is written");
        let readers = [look(&path).expect("one reads"), look(&path).expect("another reads")];
        let error = lock(&path).expect_err("it is read");
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        drop(readers);
        let _owner = lock(&path).expect("nobody reads");
        let error = look(&path).expect_err("it may be written");
        assert!(matches!(error, Error::Locked { .. }), "{error}");
    }

    /// What a child process does between its beginning and its own program: it has the descriptor.
    #[test]
    fn a_file_that_is_closed_is_free_at_once_though_a_copy_of_its_descriptor_is_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        let file = File::create_new(&path).expect("a file");
        let copy = file.try_clone().expect("a copy");
        let held = Locked::new(file, &path, false).expect("the lock");
        let rival = lock(&path).expect_err("it is held");
        assert!(matches!(rival, Error::Locked { .. }), "{rival}");
        drop(held);
        lock(&path).expect("it is free");
        drop(copy);
    }
}
