//! A change of user, from the handler that makes it to the line in the log.

use crate::{
    audit,
    cx::Cx,
    error::{Error, Result},
    sessions::Ticket,
};

/// A change of user that waits for the end of the handler.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) ticket: Option<Ticket>,
}

/// Roles that a user gets while the session stays.
#[derive(Debug)]
pub(super) struct Roles(pub(super) Vec<String>);

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

impl Cx {
    /// Gives the user other roles, for all pages of the browser, when the handler ends well. They hold as
    /// long as the session; its id stays. Where a user rises by proving who they are,
    /// [`login_as`](Cx::login_as) is called instead, which gives the session another id.
    pub fn set_roles(&mut self, roles: &[&str]) -> Result {
        if self.user().is_none() {
            return Err(Error::other("roles are given to a user; log the visitor in first"));
        }
        let roles = roles.iter().map(|role| String::from(*role)).collect();
        match &mut self.login {
            Some(login) => login.roles = roles,
            None => self.roles = Some(Box::new(Roles(roles))),
        }
        Ok(())
    }
}
