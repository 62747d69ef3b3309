//! The brake on guessing: by account and client, for each account in all, and for each address in all.

use sha2::{Digest, Sha256};

use super::limits::AccountLimits;
use crate::{cx::Cx, network::network, rate::Tries, rates::Rates};

/// A short hash of what something is counted by; its parts are framed by their lengths.
pub(super) type Mark = [u8; 16];

pub(super) fn mark(parts: &[&[u8]]) -> Mark {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut mark = Mark::default();
    mark.copy_from_slice(&hash.finalize()[..16]);
    mark
}

/// A client, as the brakes know it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) session: Mark,
    pub(super) browser: Mark,
    /// Where the client comes from, when that is known.
    pub(super) address: Option<Mark>,
}

impl Client {
    pub(super) fn of(cx: &Cx) -> Self {
        let session = cx.session_handle();
        Client {
            session: mark(&[b"session", session.key.as_bytes()]),
            browser: mark(&[b"browser", session.browser()]),
            address: cx.address().map(|address| mark(&[b"address", network(address).to_string().as_bytes()])),
        }
    }

    /// The address, or the browser in its place.
    pub(super) fn origin(&self) -> Mark {
        self.address.unwrap_or(self.browser)
    }
}

/// What an account knows a client by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    Browser(Mark),
    /// All who share the address are known by it, whoever they are.
    Address(Mark),
}

impl Known {
    fn mark(&self) -> &Mark {
        let (Known::Browser(mark) | Known::Address(mark)) = self;
        mark
    }
}

/// What the right passwords of a client for an account are counted by.
fn right(account: &Mark, client: &Client, known: Option<&Known>) -> Mark {
    let by = match known {
        Some(Known::Browser(_)) => client.browser,
        Some(Known::Address(_)) | None => client.origin(),
    };
    mark(&[account, &by])
}

/// The brakes of an application's accounts.
#[derive(Debug)]
pub(super) struct Brakes {
    known: Rates<Mark>,
    right: Rates<Mark>,
    stranger: Rates<Mark>,
    strangers: Rates<Mark>,
    address: Rates<Mark>,
    registrations: Rates<Mark>,
    registrations_of_browser: Rates<Mark>,
}

impl Brakes {
    pub(super) fn new(limits: &AccountLimits) -> Self {
        let rates = |tries: Tries| Rates::new(tries.rate(), limits.braked);
        Brakes {
            known: rates(limits.known),
            right: rates(limits.right),
            stranger: rates(limits.stranger),
            strangers: rates(limits.strangers),
            address: rates(limits.address),
            registrations: rates(limits.registrations),
            registrations_of_browser: rates(limits.registrations_of_browser),
        }
    }

    /// Whether a client may try a password of an account; `known` is what the account knows it by. The try counts
    /// when it `counts`.
    pub(super) fn may_try(
        &self,
        account: &Mark,
        client: &Client,
        known: Option<&Known>,
        now: u64,
        counts: bool,
    ) -> bool {
        if !self.right.may(&right(account, client, known), now) {
            return false;
        }
        let may = |rates: &Rates<Mark>, key: &Mark| {
            if counts { rates.allow(key, now) } else { rates.may(key, now) }
        };
        let own = |known: &Known| may(&self.known, &mark(&[account, known.mark()]));
        match known {
            Some(known @ Known::Browser(_)) => own(known),
            Some(known @ Known::Address(_)) => may(&self.address, &client.origin()) && own(known),
            // In this order: one address makes few keys in the brakes behind its own, and what it is refused
            // at an account takes nothing from the tries of other strangers there.
            None => {
                may(&self.address, &client.origin())
                    && may(&self.stranger, &mark(&[account, &client.origin()]))
                    && may(&self.strangers, account)
            }
        }
    }

    /// Forgives a client its wrong tries, after a right password, which counts among the right ones.
    pub(super) fn forgive(&self, account: &Mark, client: &Client, known: Option<&Known>, now: u64) {
        self.right.allow(&right(account, client, known), now);
        match known {
            Some(known) => self.known.forget(&mark(&[account, known.mark()])),
            None => self.stranger.forget(&mark(&[account, &client.origin()])),
        }
        // An office that signs in uses nothing up, and who has one account is forgiven no tries at others.
        if !matches!(known, Some(Known::Browser(_))) {
            self.address.give_back(&client.origin());
        }
    }

    pub(super) fn may_register(&self, client: &Client, now: u64) -> bool {
        self.registrations_of_browser.allow(&client.browser, now)
            && client.address.is_none_or(|address| self.registrations.allow(&address, now))
    }
}
