//! Whom something belongs to that is kept for a user: the name alone does not tell a guest from the account of
//! that name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whom something belongs to that is kept for a user.
///
/// Its text is a key under which nobody finds it who only takes the name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Owner {
    /// An account whose password was given, by the key that it keeps when it is renamed.
    Account(String),
    /// A user whom the application has proven by means of its own, by name.
    User(String),
    /// A guest, who gave a name and no proof of it, by one login: it ends with the session, or when the session
    /// becomes another user's.
    Guest(String),
}

impl Owner {
    /// Whether somebody has proven to be the user.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        !matches!(self, Owner::Guest(_))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Account(key) => write!(f, "account/{key}"),
            Owner::User(name) => write!(f, "user/{name}"),
            Owner::Guest(login) => write!(f, "guest/{login}"),
        }
    }
}
