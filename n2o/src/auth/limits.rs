//! The bounds on what signing in may cost, and on guessing.

use std::time::Duration;

use crate::rate::Tries;

/// Bounds on hashing and guessing. A client is told in a sentence when one of them is reached.
///
/// A *known* client is a browser from which, or an address from which, the account was signed in to before;
/// all others are *strangers*. An address of IPv6 counts by its first 64 bits. Where the address is not
/// known, the browser takes its place.
#[derive(Clone, Debug)]
pub struct AccountLimits {
    /// Passwords that are hashed at the same time. Each takes a core, and 19 MiB that are allocated once.
    pub hashes: usize,
    /// Sign-ins and registrations that wait for their hash, those being hashed among them. Half of the
    /// places are for known clients, and half for strangers, so that neither keep the others out. A hash takes
    /// about 25 ms of a core: the last of 128, two of which are hashed at a time, waits for 1.6 seconds. More
    /// places would only let people wait for what they may as well try again.
    pub queue: usize,
    /// Places of one address in each half of the queue. An office behind one address has as many people who
    /// sign in within the same half second at nine o'clock; and no address has more than half of a half, so
    /// that one alone keeps nobody else out.
    pub queue_of_one: usize,
    /// Tries of one known client at its account, which nobody elsewhere can use up.
    pub known: Tries,
    /// Right passwords for one account from one browser that it knows, or from one address: each is a hash, too,
    /// and a loop of them must not keep others out. A team with one account for all signs in within it.
    pub right: Tries,
    /// Tries of strangers of one address at one account.
    pub stranger: Tries,
    /// Tries of all strangers at one account.
    pub strangers: Tries,
    /// Tries of one address at all accounts, also at those that know it. Known browsers do not count here, and
    /// a right password gives its try back.
    pub address: Tries,
    /// Registrations from one address, also those that are refused because the name is taken.
    pub registrations: Tries,
    /// Registrations from one browser, also those that are refused because the name is taken.
    pub registrations_of_browser: Tries,
    /// Browsers and addresses that an account remembers, the latest.
    pub remembered: usize,
    /// Keys that each brake remembers at the same time; beyond that, strangers are refused until one of
    /// them has calmed down.
    pub braked: usize,
}

impl Default for AccountLimits {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        AccountLimits {
            hashes: 2,
            queue: 128,
            queue_of_one: 32,
            known: Tries::new(10, minute),
            right: Tries::new(20, Duration::from_secs(6)),
            stranger: Tries::new(10, minute),
            strangers: Tries::new(30, Duration::from_secs(20)),
            address: Tries::new(100, Duration::from_secs(5)),
            registrations: Tries::new(20, minute),
            registrations_of_browser: Tries::new(5, minute),
            remembered: 16,
            braked: 10_000,
        }
    }
}
