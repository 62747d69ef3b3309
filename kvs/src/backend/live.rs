//! One opening of a redb file: its database, and what is known of its pages. Not what is done with it, see
//! `redb`.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ::redb::{Builder, Database, ReadableDatabase, StorageBackend};

use super::{
    fence::{Fence, Gate, Medium},
    guard::{Handle, careful, guarded},
    pages::{Pages, Sums},
    redb::TABLE,
    seal::Seal,
    tree,
    view::{Shelf, View},
};
use crate::{
    error::{Error, Result},
    format,
    key::{self, Span},
    options::Options,
};

pub(super) struct Live {
    pub(super) database: Handle,
    pub(super) shelf: Shelf,
    pub(super) gate: Gate,
    sums: Arc<Sums>,
    /// Whether the file says which version of the format it has; one written before there was such a row
    /// gets it with its first commit.
    pub(super) versioned: AtomicBool,
}

impl Live {
    pub(super) fn open(
        disk: &Arc<Medium>,
        place: &Arc<str>,
        options: &Options,
        path: Option<&Path>,
    ) -> Result<(Self, View)> {
        let (fence, gate) = Fence::new(disk.clone());
        let opened = guarded(place, || {
            let header = tree::read(&fence)?;
            let sealed = path.and_then(Seal::read).filter(|_| options.verify);
            let fresh = header.is_empty();
            // What is checked here does not grow with the file: its header, whose slot in force holds the
            // sums of the first pages. Every other page is verified when it is read.
            let fits = sealed.is_none_or(|seal| seal.fits(&header, fence.len().unwrap_or_default()));
            let (pages, sums) = Pages::new(fence, options.verify && !tree::uncertain(&header));
            let repaired = Arc::new(AtomicBool::new(false));
            let repairing = repaired.clone();
            let mut database = Builder::new()
                .set_cache_size(options.cache)
                .set_repair_callback(move |_| repairing.store(true, Ordering::Relaxed))
                .create_with_backend(pages)?;
            let repaired = repaired.load(Ordering::Relaxed);
            // A repair has looked at every page. A header that is not as it was closed is reason to.
            let sound = fresh || fits || repaired || database.check_integrity()?;
            sums.set_strict(options.verify);
            if fresh {
                format::create(&database, options)?;
            } else if repaired && sound {
                // So that the next crash needs no repair of the whole.
                settle(&database, options)?;
            }
            Ok((Handle::new(database), sound, sealed, sums))
        });
        let opened = opened.and_then(|opened| {
            gate.check().map_err(|error| Error::io(place, error))?;
            Ok(opened)
        });
        let (database, sound, sealed, sums) = opened.inspect_err(|_| gate.close())?;
        let (shelf, versioned) = (Shelf::default(), AtomicBool::new(false));
        let live = Self { database, shelf, gate, sums, versioned };
        let mut view = live.view(place).inspect_err(|_| live.gate.close())?;
        let version = view.read(key::FORMAT).and_then(|stored| format::known(place, stored.as_deref()));
        live.versioned.store(version.inspect_err(|_| live.gate.close())?, Ordering::Relaxed);
        // Damage to a page no commit refers to is harmless; a repair that gave up a commit is not.
        if !sound || sealed.is_some_and(|seal| seal.at != view.at) {
            live.gate.close();
            let detail =
                "it is not as it was closed (if it was replaced on purpose, remove the .seal beside it)";
            return Err(Error::corrupt(&**place, detail));
        }
        if let Some(path) = path.filter(|_| !options.looks) {
            Seal::remove(path).map_err(|error| Error::io(place, error))?;
        }
        disk.look();
        view.header = disk.header();
        Ok((live, view))
    }

    /// Gives it up, and keeps it for those who read it.
    pub(super) fn shelve(self) {
        self.gate.leave(None);
        let _ = self.shelf.set(self.database);
    }

    /// The newest state, which is that of commit `at`.
    pub(super) fn view_at(&self, place: &Arc<str>, at: u64) -> Result<View> {
        let table = guarded(place, || Ok(self.database.get()?.begin_read()?.open_table(TABLE)?))?;
        let (place, sums, _shelf) = (place.clone(), self.sums.clone(), self.shelf.clone());
        Ok(View { at, header: None, gate: self.gate.clone(), table, place, sums, _shelf })
    }

    /// The newest state, whichever commit it is of: that of the last row of the log.
    fn view(&self, place: &Arc<str>) -> Result<View> {
        let mut view = self.view_at(place, 0)?;
        if let Some(last) = view.rows(&Span::prefix(vec![key::LOG]), true, 1)?.last() {
            view.at = key::position(last);
        }
        Ok(view)
    }
}

/// A commit that writes nothing, but from which the file can be opened without a repair.
fn settle(database: &Database, options: &Options) -> Result<(), ::redb::Error> {
    let mut txn = database.begin_write()?;
    careful(&mut txn, options);
    Ok(txn.commit()?)
}
