//! The log of who did what to whose session: sign-ins and failures, brakes, registrations, ends and rights.
//!
//! Each line has the client's address, the user's name, with everything in it escaped that is not to be
//! seen, and the beginning of the session's key in the store. What a stranger or a guest can cause at will is
//! told once in a window for each network, with the number of the lines that were left out; what takes a
//! password to cause is told each time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{cx::Cx, network, repeats::Repeats, session::Session};

/// The target of the lines, by which a log can keep them apart.
const TARGET: &str = "n2o::audit";
/// The window of the lines that a stranger can cause, in milliseconds.
const WINDOW: u64 = 10_000;
/// Most networks that have windows of their own at a time; the others share one.
const NETWORKS: usize = 64;
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
        Actor { address, session: start(&session.key) }
    }

    fn of(cx: &Cx) -> Self {
        Actor::new(cx.address(), cx.session_handle())
    }
}

/// A session's key as a line shows it.
fn start(key: &str) -> String {
    key.chars().take(PREFIX).collect()
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
#[derive(Debug, Default)]
pub(crate) struct Failures {
    failed: Windows,
    braked: Windows,
    registrations: Windows,
    full: Windows,
}

/// The brakes on the lines of guests, who need no password to come, go and take up roles.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    came: Windows,
    went: Windows,
    roles: Windows,
}

/// The windows of one kind of line: a network hides by what it causes nothing of the others.
#[derive(Debug)]
struct Windows {
    // A std lock: held for a look at a small map, never across an await.
    of: Mutex<HashMap<Option<IpAddr>, Repeats>>,
    /// Of the networks for which there is no room.
    rest: Repeats,
}

impl Default for Windows {
    fn default() -> Self {
        Windows { of: Mutex::default(), rest: Repeats::new(WINDOW) }
    }
}

impl Windows {
    /// The number of lines that were left out, when there is to be one now, as there is always one of a user
    /// who has proven who they are.
    fn of(&self, is_proven: bool, cx: &Cx) -> Option<u64> {
        if is_proven { Some(0) } else { self.tell(cx.address(), cx.now()) }
    }

    fn tell(&self, address: Option<IpAddr>, now: u64) -> Option<u64> {
        let (mut of, network) =
            (self.of.lock().unwrap_or_else(PoisonError::into_inner), address.map(network));
        if of.len() >= NETWORKS && !of.contains_key(&network) {
            of.retain(|_, window| window.over(now).inspect(|held| self.rest.hold(*held)).is_none());
            if of.len() >= NETWORKS {
                return self.rest.tell(now);
            }
        }
        of.entry(network).or_insert_with(|| Repeats::new(WINDOW)).tell(now)
    }
}

impl Failures {
    /// Writes a line, unless there was one of its kind from this network in this window.
    pub(crate) fn tell(&self, failure: Failure, cx: &Cx, name: &str) {
        let (brake, what) = match failure {
            Failure::SignIn => (&self.failed, "sign-in failed"),
            Failure::SignInBraked => (&self.braked, "sign-in braked: too many tries"),
            Failure::RegistrationBraked => (&self.registrations, "registration braked: too many from here"),
            Failure::QueueFull => (&self.full, "sign-in refused: too many wait for their hash"),
        };
        let Some(held) = brake.tell(cx.address(), cx.now()) else { return };
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

/// The line of a new name, to be written when it is on disk.
pub(crate) fn renamed(cx: &Cx, name: &str, new: &str) -> impl FnOnce() + Send + 'static + use<> {
    let (Actor { address, session }, by) = (Actor::of(cx), cx.user().as_deref().map(shown));
    let (user, new) = (shown(name), shown(new));
    move || {
        tracing::info!(
            target: TARGET,
            user,
            client.address = address,
            session.key = session,
            new,
            by,
            "account renamed"
        );
    }
}

/// Tells that a session goes on as a user's, with roles, in place of another's or nobody's, under the next key. `is_proven` when one
/// of the two has proven who they are.
pub(crate) fn signed_in(cx: &Cx, before: Option<&str>, user: &str, roles: &[String], is_proven: bool) {
    let Some(held) = cx.node().guests().came.of(is_proven, cx) else { return };
    let Actor { address, session } = Actor::of(cx);
    let next = cx.session_handle().successor().map(|key| start(&key));
    let (before, user) = (before.map(shown), shown(user));
    tracing::info!(
        target: TARGET,
        user,
        client.address = address,
        session.key = session,
        session.next = next,
        roles = ?roles,
        before,
        proven = is_proven,
        held,
        "signed in"
    );
}

/// Tells that a user has logged out.
pub(crate) fn signed_out(cx: &Cx, user: Option<&str>, is_proven: bool) {
    let Some(held) = cx.node().guests().went.of(is_proven, cx) else { return };
    let (Actor { address, session }, user) = (Actor::of(cx), user.map(shown));
    tracing::info!(target: TARGET, user, client.address = address, session.key = session, held, "signed out");
}

/// Tells that a user's rights are others now.
pub(crate) fn roles_changed(cx: &Cx, before: &[String], roles: &[String]) {
    let Some(held) = cx.node().guests().roles.of(cx.is_proven(), cx) else { return };
    let (Actor { address, session }, user) = (Actor::of(cx), cx.user().as_deref().map(shown));
    tracing::info!(
        target: TARGET,
        user,
        client.address = address,
        session.key = session,
        before = ?before,
        roles = ?roles,
        held,
        "roles changed"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_hides_nothing_of_another_and_many_share_a_window() {
        let windows = Windows::default();
        let tell = |network: u64, now| {
            let address = std::net::Ipv6Addr::from(u128::from(network) << 64 | 1);
            windows.tell(Some(IpAddr::V6(address)), now)
        };
        assert_eq!((tell(0, 0), tell(0, 1), tell(0, 2)), (Some(0), None, None));
        assert_eq!((tell(1, 2), windows.tell(None, 2)), (Some(0), Some(0)), "another one, and nobody's");
        assert_eq!(tell(0, WINDOW), Some(2), "with those of its own");
        let lines = (0..10_000).filter(|network| tell(*network, WINDOW).is_some()).count();
        // All for which there is room beside the three, and one for all others.
        assert_eq!(lines, NETWORKS - 3 + 1);
        assert_eq!(windows.of.lock().expect("unpoisoned").len(), NETWORKS);
        assert_eq!(tell(20_000, 3 * WINDOW), Some(0));
        assert_eq!(windows.of.lock().expect("unpoisoned").len(), 1, "what is over makes room");
        for network in 1..NETWORKS as u64 {
            assert_eq!(tell(network, 3 * WINDOW), Some(0));
        }
        let held = tell(30_000, 3 * WINDOW).and_then(|held| usize::try_from(held).ok());
        assert_eq!(held, Some(10_000 - lines), "nothing is left out of the count");
    }
}
