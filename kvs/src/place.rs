//! What stands beside a store's file: the mark that there is one, leftovers of killed processes, and the
//! copy that is made when the file has lost its name. Not the file itself, see `backend::disk`.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use redb::StorageBackend;

use crate::{
    backend::{Backend, aside::Aside, disk, redb::Redb, tree},
    backup::copy_to_file,
    error::{Error, Result},
    options::Options,
};

/// What the mark says to who finds it.
const MARK: &str = "Here is a kvs store. When its file is missing, it was lost: restore a backup.\n";

/// How many rescued files may stand beside a store.
const RESCUES: u32 = 10_000;

/// The name of a file into which the store is rescued.
fn rescue_name(store: &Path, number: u32) -> PathBuf {
    beside(store, &format!(".rescued-{number}"))
}

/// The newest file into which the store was rescued, if there is one.
fn newest_rescue(store: &Path) -> Option<PathBuf> {
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = rescue_name(Path::new(store.file_name()?), 0).to_str()?.strip_suffix('0')?.to_owned();
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbers = names.filter_map(|name| name.strip_prefix(&prefix)?.parse().ok());
    numbers.max().map(|number: u32| rescue_name(store, number))
}

/// The name of a file beside the store.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Refuses a store that is missing where there was one, or empty.
pub(crate) fn expect(store: &Path) -> Result<()> {
    let missing =
        |found| Err(Error::Missing { path: store.to_owned(), found, rescued: newest_rescue(store) });
    match fs::metadata(store) {
        Ok(found) if found.is_file() && found.len() == 0 => missing("is empty"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A store that was closed by an older version left a seal, and no mark.
            let was = [".id", ".seal"].iter().any(|mark| beside(store, mark).exists());
            if was || newest_rescue(store).is_some() { missing("is missing") } else { Ok(()) }
        }
        // Whoever opens it is told.
        Err(_) => Ok(()),
    }
}

/// Makes way for a new store on purpose.
pub(crate) fn clear(store: &Path) -> Result<()> {
    if expect(store).is_err() {
        let fail = |error| Error::io(&store.display().to_string(), error);
        for name in [store.to_owned(), beside(store, ".seal")] {
            match fs::remove_file(name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Puts the mark beside a store that has just been opened, and removes what a killed process left.
pub(crate) fn settle(store: &Path) -> Result<()> {
    let fail = |error| Error::io(&store.display().to_string(), error);
    let mark = beside(store, ".id");
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&mark) {
        Ok(mut file) => {
            file.write_all(MARK.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
            let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty());
            disk::sync_folder(folder.unwrap_or(Path::new("."))).map_err(fail)?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(fail(error)),
    }
    if let Some(rescued) = newest_rescue(store) {
        tracing::warn!(
            store.path = %store.display(), rescued = %rescued.display(),
            "a store was rescued beside this one, when its file had been lost: if it is the one that is wanted, stop, and move it \
             to the store's name; else move it away"
        );
    }
    // This process has the store: whoever began to write it anew is gone. What may hold something stays.
    if let Err(error) = make_way(&making(store)) {
        tracing::warn!(error = %error, "something was left beside the store; it serves all the same");
    }
    Ok(())
}

/// The name that a file has until it is complete.
pub(crate) fn making(path: &Path) -> PathBuf {
    beside(path, ".new")
}

/// Removes what a killed process left under the name of a file in the making, when it holds nothing, and says
/// so in the log. Anything else stays, and is an error.
pub(crate) fn make_way(making: &Path) -> Result<()> {
    if fs::symlink_metadata(making).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(());
    }
    let fail = |error| Error::io(&making.display().to_string(), error);
    let file = disk::lock(making).map_err(|error| match error {
        Error::Locked { .. } => Error::Underway { what: format!("another copy into {}", making.display()) },
        error => error,
    })?;
    let found = match held(&file, making) {
        Ok(None) => {
            fs::remove_file(making).map_err(fail)?;
            tracing::warn!(
                path = %making.display(),
                "what a copy that was broken off had begun was removed; nothing was in it"
            );
            return Ok(());
        }
        Ok(Some(at)) => format!("it is a copy as of commit {at} that was broken off, or another's store"),
        Err(_) => "it is no copy that was broken off, or a damaged one".to_owned(),
    };
    Err(Error::Leftover { path: making.to_owned(), found })
}

/// The last commit of a store, if it has anything. Rows are copied in one commit, which is the last thing
/// that is done to a copy but for its name: before it there are none.
fn held(file: &Arc<disk::Locked>, path: &Path) -> Result<Option<u64>> {
    let place = path.display().to_string();
    let options = Options::new().looks(true);
    let aside = Arc::new(Aside::new(file.clone()));
    let held = Redb::open_disk(aside, (*place).into(), &options).and_then(|store| store.holds());
    match held {
        Err(Error::Corrupt { .. }) if is_begun(&**file).map_err(|error| Error::io(&place, error))? => {
            Ok(None)
        }
        held => held,
    }
}

/// Says whether a file that cannot be opened was only begun: redb makes it longer first, then writes its header, and
/// the first commit can be read when all pages of it are there.
fn is_begun(file: &dyn StorageBackend) -> io::Result<bool> {
    if tree::is_begun(&tree::read(file)?) {
        return Ok(true);
    }
    let (length, mut offset, mut buffer) = (file.len()?, 0, vec![0; 64 << 10]);
    while offset < length {
        let step = &mut buffer[..(length - offset).min(64 << 10) as usize];
        file.read(offset, step)?;
        if !tree::is_zero(step) {
            return Ok(false);
        }
        offset += step.len() as u64;
    }
    Ok(true)
}

/// Copies the content of a store whose file has lost its name into a file beside it, or, where that fails,
/// into the folder for temporary files, and says so in the log.
pub(crate) fn rescue(backend: &Arc<dyn Backend>, store: &Path, why: &Error) {
    let name = store.file_name().unwrap_or_default();
    for place in [store.to_owned(), std::env::temp_dir().join(name)] {
        let Some(to) = (1..RESCUES).map(|n| rescue_name(&place, n)).find(|to| !to.exists()) else {
            continue;
        };
        match copy(backend, &to) {
            Ok(()) => {
                let to = to.display();
                tracing::error!(error = %why, rescued = %to, "the store was closed without its file; what it had is in the rescued one: move it to the store's name");
                return;
            }
            Err(error) => tracing::error!(error = %error, "the store could not be rescued into a file"),
        }
    }
}

/// The copying is asynchronous, and whoever closes the store may be in a runtime already.
fn copy(backend: &Arc<dyn Backend>, to: &Path) -> Result<()> {
    let fail = |error| Error::io("a thread", error);
    let (backend, to) = (backend.clone(), to.to_owned());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(fail)?;
        runtime.block_on(async {
            let snapshot = backend.snapshot().await?;
            copy_to_file(&*snapshot, &to, 0, |_| ()).await.map(drop)
        })
    };
    let thread = thread::Builder::new().name("kvs-rescue".to_owned()).spawn(work).map_err(fail)?;
    thread.join().unwrap_or(Err(Error::Closed))
}
