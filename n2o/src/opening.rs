//! The pages that are being opened: they have no task of their own yet, and the watchdog looks at them, too.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{inbox::Inbox, saved::PageId};

/// The pages that are being opened for a document; a cheap handle.
// A std lock: held for one change of the list, never across an await.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening(Arc<Mutex<Vec<Page>>>);

type Page = (PageId, Arc<Inbox>);

impl Opening {
    /// Notes that a page is being opened, for as long as what is answered is kept.
    pub(crate) fn note(&self, page: PageId, inbox: &Arc<Inbox>) -> Opens {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((page, Arc::clone(inbox)));
        Opens { opening: self.clone(), inbox: Arc::clone(inbox) }
    }

    /// Those whose handler has a thread at this moment.
    pub(crate) fn running(&self) -> Vec<Page> {
        let opening = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opening.iter().filter(|(_, inbox)| inbox.is_running()).cloned().collect()
    }
}

/// A page that is being opened. It is taken off the list also when its client has gone meanwhile.
#[derive(Debug)]
pub(crate) struct Opens {
    opening: Opening,
    inbox: Arc<Inbox>,
}

impl Drop for Opens {
    fn drop(&mut self) {
        let mut opening = self.opening.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = opening.iter().position(|(_, known)| Arc::ptr_eq(known, &self.inbox)) {
            opening.swap_remove(at);
        }
    }
}
