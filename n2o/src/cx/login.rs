//! A change of user, from the handler that makes it to the line in the log.

use crate::{audit, cx::Cx, sessions::Ticket};

/// A change of user that waits for the end of the handler.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) ticket: Option<Ticket>,
}

impl Login {
    /// Whether the values of the session go: its user was another one, or logs out.
    pub(super) fn drops(&self, before: Option<&str>) -> bool {
        self.user.is_none() || before.is_some_and(|before| self.user.as_deref() != Some(before))
    }

    pub(super) fn tell(&self, cx: &Cx) {
        let before = cx.session.user();
        match &self.user {
            Some(user) => audit::signed_in(cx, before.as_deref(), user, &self.roles),
            None => audit::signed_out(cx, before.as_deref()),
        }
    }
}
