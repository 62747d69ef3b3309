//! Bearer tokens: by which a program acts for a user, without a session.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{error::SealError, owner::Owner, pickle::Sealer, services::Services, session, token::encoded};

/// For whom a program acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bearer {
    /// The user's name.
    pub user: String,
    /// What they may do.
    pub roles: Vec<String>,
    /// Whom what is kept for the user belongs to; it says also whether the user has proven who they are.
    pub owner: Owner,
}

impl Services {
    /// A token by which a program acts for a user with roles, until it expires after `life`. Whoever calls this
    /// says that the program may: the user counts as proven.
    #[must_use]
    pub fn bearer(&self, user: &str, roles: &[String], life: Duration) -> String {
        let owner = Owner::User(user.to_owned());
        self.bearer_of(&Bearer { user: user.to_owned(), roles: roles.to_vec(), owner }, life)
    }

    /// A token by which a program acts for a user who has proven who they are, or has not.
    #[must_use]
    pub fn bearer_of(&self, bearer: &Bearer, life: Duration) -> String {
        let content = session::encode("bearer token", bearer).unwrap_or_default();
        let life = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        let expires = self.clock().secs().saturating_add(life);
        encoded(self.bearers().seal(0, &[], expires, &content, self.random()))
    }

    /// Opens a token of [`bearer`](Services::bearer) or [`bearer_of`](Services::bearer_of).
    pub fn read_bearer(&self, token: &str) -> Result<Bearer, SealError> {
        let seal = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Refused)?;
        let content = self.bearers().open(&seal, &[], self.clock().secs())?.content;
        session::decode("bearer token", &content).map_err(|_| SealError::Refused)
    }

    fn bearers(&self) -> Sealer {
        Sealer::new(self.keys().clone(), "bearer", [0; 16])
    }
}
