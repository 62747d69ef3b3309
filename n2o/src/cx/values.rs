//! The values of the session, as a handler reads and writes them.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Result,
    session::{self, Changes, Session},
};

/// The values of a session, with the changes of this handler.
#[derive(Debug)]
pub struct SessionValues<'a> {
    pub(super) session: &'a Session,
    pub(super) changes: &'a mut Changes,
    /// The handler changes the user, and what was kept before goes.
    pub(super) dropped: bool,
}

impl SessionValues<'_> {
    /// A value, or `None` when it was never set.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        match self.changes.get(name) {
            Some(Some(bytes)) => session::decode("session value", bytes).map(Some),
            Some(None) => Ok(None),
            None if self.dropped => Ok(None),
            None => self.session.value(name),
        }
    }

    /// Sets a value, for all pages of the browser, when the handler ends well.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result {
        let bytes = session::encode("session value", value)?;
        self.changes.insert(name.to_owned(), Some(bytes));
        Ok(())
    }

    /// Removes a value.
    pub fn remove(&mut self, name: &str) {
        self.changes.insert(name.to_owned(), None);
    }
}
