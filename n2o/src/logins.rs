//! The rates of logins, which cost the store a session and a ticket each, whether or not anybody follows it, and of
//! what it keeps for guests.

use std::net::{IpAddr, Ipv4Addr};

use crate::{limit::Limits, network::network, rates::Rates};

/// Most sessions, and most networks, whose logins are counted at a time.
const KEYS: usize = 10_000;

/// The logins of each session, and of each client network those of guests and, apart from them, those of users who are proven:
/// neither use up what the others need.
#[derive(Debug)]
pub(crate) struct Logins {
    session: Rates<[u8; 16]>,
    guests: Rates<IpAddr>,
    accounts: Rates<IpAddr>,
    /// What guests of each client network begin to keep.
    records: Rates<IpAddr>,
}

impl Logins {
    pub(crate) fn new(limits: &Limits) -> Self {
        Logins {
            session: Rates::new(limits.session_logins.rate(), KEYS),
            guests: Rates::new(limits.client_logins.rate(), KEYS),
            accounts: Rates::new(limits.client_logins.rate(), KEYS),
            records: Rates::new(limits.guest_records.rate(), KEYS),
        }
    }

    /// Whether a session may change its user to a guest once more at `millis`.
    pub(crate) fn allow_guest(&self, session: &[u8; 16], client: Option<IpAddr>, millis: u64) -> bool {
        // In this order: one network makes few keys among the sessions.
        client.is_none_or(|client| self.guests.allow(&network(client), millis))
            && self.session.allow(session, millis)
    }

    /// Whether a session may change its user to one who is proven once more at `millis`.
    pub(crate) fn allow_account(&self, session: &[u8; 16], client: Option<IpAddr>, millis: u64) -> bool {
        client.is_none_or(|client| self.accounts.allow(&network(client), millis))
            && self.session.allow(session, millis)
    }

    /// Whether [`allow_account`](Logins::allow_account) would say yes; counts nothing.
    pub(crate) fn may_account(&self, session: &[u8; 16], client: Option<IpAddr>, millis: u64) -> bool {
        client.is_none_or(|client| self.accounts.may(&network(client), millis))
            && self.session.may(session, millis)
    }

    /// Whether guests may begin to keep one more record at `millis`.
    pub(crate) fn allow_record(&self, client: Option<IpAddr>, millis: u64) -> bool {
        let client = client.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        self.records.allow(&network(client), millis)
    }

    pub(crate) fn sweep(&self, millis: u64) {
        self.session.sweep(millis);
        self.guests.sweep(millis);
        self.accounts.sweep(millis);
        self.records.sweep(millis);
    }
}
