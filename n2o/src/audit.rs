//! The log of who did what to whose session: sign-ins and failures, brakes, registrations, ends and rights.
//!
//! Each line has the client's address, the user's name, with everything in it escaped that is not to be
//! seen, and the beginning of the session's key in the store. What a stranger can cause at will is told
//! once in a window, with the number of the lines that were left out.

use std::net::IpAddr;

use crate::{cx::Cx, repeats::Repeats, session::Session};

/// The target of the lines, by which a log can keep them apart.
const TARGET: &str = "n2o::audit";
/// The window of the lines that a stranger can cause, in milliseconds.
const WINDOW: u64 = 10_000;
/// Most characters of a name in a line.
const NAME: usize = 64;
/// Characters of a session's key in a line: enough to follow it, and too few to be it.
const PREFIX: usize = 8;

/// Who acted, as a line shows it.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    address: String,
    session: String,
}

impl Actor {
    pub(crate) fn new(address: Option<IpAddr>, session: &Session) -> Self {
        let address = address.map_or_else(|| String::from("unknown"), |address| address.to_string());
        Actor { address, session: session.key.chars().take(PREFIX).collect() }
    }

    fn of(cx: &Cx) -> Self {
        Actor::new(cx.address(), cx.session_handle())
    }
}

/// A name as a line shows it.
fn shown(name: &str) -> String {
    name.chars().take(NAME).flat_map(char::escape_debug).collect()
}

/// What a stranger can cause at will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    SignIn,
    SignInBraked,
    RegistrationBraked,
    QueueFull,
}

/// The brakes on the lines that a stranger can cause.
#[derive(Debug)]
pub(crate) struct Failures {
    failed: Repeats,
    braked: Repeats,
    registrations: Repeats,
    full: Repeats,
}

impl Default for Failures {
    fn default() -> Self {
        let new = || Repeats::new(WINDOW);
        Failures { failed: new(), braked: new(), registrations: new(), full: new() }
    }
}

impl Failures {
    /// Writes a line, unless there was one of its kind in this window.
    pub(crate) fn tell(&self, failure: Failure, cx: &Cx, name: &str) {
        let (brake, what) = match failure {
            Failure::SignIn => (&self.failed, "sign-in failed"),
            Failure::SignInBraked => (&self.braked, "sign-in braked: too many tries"),
            Failure::RegistrationBraked => (&self.registrations, "registration braked: too many from here"),
            Failure::QueueFull => (&self.full, "sign-in refused: too many wait for their hash"),
        };
        let Some(held) = brake.tell(cx.now()) else { return };
        let (Actor { address, session }, user) = (Actor::of(cx), shown(name));
        tracing::warn!(target: TARGET, user, client.address = address, session.key = session, held, "{what}");
    }
}

/// The line of a registration, to be written when the account is on disk.
pub(crate) fn registered(cx: &Cx, name: &str) -> impl FnOnce() + Send + 'static + use<> {
    let (Actor { address, session }, user) = (Actor::of(cx), shown(name));
    move || {
        tracing::info!(target: TARGET, user, client.address = address, session.key = session, "account registered");
    }
}

/// Tells that a session goes on as a user's, with roles, in place of another's or nobody's.
pub(crate) fn signed_in(cx: &Cx, before: Option<&str>, user: &str, roles: &[String]) {
    let Actor { address, session } = Actor::of(cx);
    let (before, user) = (before.map(shown), shown(user));
    tracing::info!(
        target: TARGET,
        user,
        client.address = address,
        session.key = session,
        roles = ?roles,
        before,
        "signed in"
    );
}

/// Tells that a user has logged out.
pub(crate) fn signed_out(cx: &Cx, user: Option<&str>) {
    let (Actor { address, session }, user) = (Actor::of(cx), user.map(shown));
    tracing::info!(target: TARGET, user, client.address = address, session.key = session, "signed out");
}

/// Tells that a user's rights are others now.
pub(crate) fn roles_changed(cx: &Cx, before: &[String], roles: &[String]) {
    let (Actor { address, session }, user) = (Actor::of(cx), cx.user().as_deref().map(shown));
    tracing::info!(
        target: TARGET,
        user,
        client.address = address,
        session.key = session,
        before = ?before,
        roles = ?roles,
        "roles changed"
    );
}
