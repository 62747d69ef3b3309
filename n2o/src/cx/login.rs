//! A change of user, from the handler that makes it to the line in the log.

use crate::{
    audit,
    cx::Cx,
    error::{Error, Result},
    name::Name,
    owner::Owner,
    sessions::Ticket,
    text,
};

/// A change of user that waits for the end of the handler.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) owner: Option<Owner>,
    pub(super) roles: Vec<String>,
    pub(super) ticket: Option<Ticket>,
}

/// Roles that a user gets while the session stays.
#[derive(Debug)]
pub(super) struct Roles(pub(super) Vec<String>);

/// The account whose password a handler was given: its name as it is stored, and its owner.
#[derive(Debug)]
pub(super) struct Proof {
    name: String,
    owner: Owner,
}

impl Login {
    /// Whether the values of the session go: its user was another one, or a proven one of whom this login has no
    /// proof, or logs out.
    pub(super) fn drops(&self, before: Option<&str>, owner: Option<&Owner>) -> bool {
        let is_other = || before.is_some_and(|before| self.user.as_deref() != Some(before));
        let is_proof_lost = || owner.is_some_and(Owner::is_proven) && !proven(self.owner.as_ref());
        self.user.is_none() || is_other() || is_proof_lost()
    }

    pub(super) fn tell(&self, cx: &Cx) {
        let before = cx.session.user();
        match &self.user {
            Some(user) => {
                audit::signed_in(cx, before.as_deref(), user, &self.roles, proven(self.owner.as_ref()));
            }
            None => audit::signed_out(cx, before.as_deref(), proven(cx.session.owner().as_ref())),
        }
    }
}

fn proven(owner: Option<&Owner>) -> bool {
    owner.is_some_and(Owner::is_proven)
}

impl Cx {
    /// Logs the visitor in, or makes them another user. The session gets another id; the browser is sent
    /// through an address that sets the new cookie, and then where `redirect` says.
    ///
    /// The values of the session stay when the visitor had no name yet, or has the same one again. They are
    /// dropped, those of this handler excepted, when somebody else was logged in: what was kept of one user,
    /// such as that they gave a password, is not true of another. So is the [`owner`](Cx::owner).
    ///
    /// The name is a [`Name`], without the blanks around it; what is wrong with one is told to the user. When
    /// [`Accounts`](crate::Accounts) was given the password of the account of that name in this handler, the
    /// user [is proven](Cx::is_proven); anybody else is a guest, also who was proven before: a proof is as old as
    /// its session, and a login without one does not renew it.
    pub async fn login(&mut self, user: &str) -> Result {
        self.login_as(user, &[]).await
    }

    /// Logs the visitor in like [`login`](Cx::login), with roles that hold as long as the session. More often than
    /// [`Limits`](crate::Limits) let a session and an address do so, the user is told to wait.
    pub async fn login_as(&mut self, user: &str, roles: &[&str]) -> Result {
        self.enter(user, roles, false).await
    }

    /// Logs the visitor in like [`login_as`](Cx::login_as), as a user whom the application has proven by means
    /// of its own, such as a directory or another site's login. All who come with this name are the same user.
    pub async fn login_proven(&mut self, user: &str, roles: &[&str]) -> Result {
        self.enter(user, roles, true).await
    }

    #[expect(
        clippy::unused_async,
        reason = "a store of rights may have to be asked; handlers await it already"
    )]
    async fn enter(&mut self, user: &str, roles: &[&str], is_proven: bool) -> Result {
        let name = Name::new(user.trim()).map_err(|wrong| {
            let is_account = self.proof.as_ref().is_some_and(|proof| proof.name == user.trim());
            let say = if is_account { text::rename } else { text::name };
            Error::user(say(&self.lang, wrong))
        })?;
        let given = self.given(&name);
        // A right password was counted when it was given.
        let may = || if is_proven { self.count_login() } else { self.may_enter() };
        if given.is_none() && !may() {
            return Err(Error::later(text::tries(&self.lang)));
        }
        let proven = is_proven.then(|| Owner::User(name.to_string())).or(given);
        let owner = proven.or_else(|| self.same(&name)).unwrap_or_else(|| self.guest());
        let roles = roles.iter().map(|role| String::from(*role)).collect();
        let user = Some(name.to_string());
        self.login = Some(Box::new(Login { user, owner: Some(owner), roles, ticket: None }));
        Ok(())
    }

    /// The owner of that name whose password this handler was given.
    fn given(&self, name: &Name) -> Option<Owner> {
        let proof = self.proof.as_ref().filter(|proof| Name::new(&proof.name).as_ref() == Ok(name))?;
        Some(proof.owner.clone())
    }

    /// The guest of the session as it is, when the name stays the same. A proof is given anew or is gone, for a new
    /// session would make it last.
    fn same(&self, name: &Name) -> Option<Owner> {
        let is_same = self.session.user().as_deref() == Some(name.as_str());
        self.session.owner().filter(|owner| is_same && !owner.is_proven())
    }

    /// Whether the brake on logins would let this session and address log in with a password.
    pub(crate) fn may_login(&self) -> bool {
        let now = self.node.clock().millis();
        self.node.logins().may_account(&self.session.sid.random, self.address(), now)
    }

    /// Counts a login of this session and address by which a user is proven, when there may be one.
    pub(crate) fn count_login(&self) -> bool {
        let now = self.node.clock().millis();
        self.node.logins().allow_account(&self.session.sid.random, self.address(), now)
    }

    /// Counts a login of this session and address as a guest, when there may be one.
    fn may_enter(&self) -> bool {
        let now = self.node.clock().millis();
        self.node.logins().allow_guest(&self.session.sid.random, self.address(), now)
    }

    /// Counts one more record that is kept for the visitor without being asked for, such as a draft of what they type.
    /// `false` when guests of their client address have begun too many lately
    /// ([`Limits::guest_records`](crate::Limits::guest_records)); users who are proven may always.
    #[must_use]
    pub fn may_keep(&self) -> bool {
        let now = self.node.clock().millis();
        self.is_proven() || self.node.logins().allow_record(self.address(), now)
    }

    fn guest(&self) -> Owner {
        let random = self.node.random().bytes::<16>();
        Owner::Guest(u128::from_be_bytes(random).to_string())
    }

    /// Notes that this handler was given the password of an account.
    pub(crate) fn prove(&mut self, name: &str, owner: Owner) {
        self.proof = Some(Box::new(Proof { name: name.to_owned(), owner }));
    }

    /// Logs the visitor out: the session and its values are gone, its other pages are closed.
    pub fn logout(&mut self) {
        self.login = Some(Box::new(Login { user: None, owner: None, roles: Vec::new(), ticket: None }));
    }

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
