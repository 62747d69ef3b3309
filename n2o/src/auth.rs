//! Accounts with passwords: argon2id off the async workers, a few at once, and a brake on guessing.

mod account;
mod brake;
mod hash;
mod limits;
mod rename;

use std::sync::Arc;

use tokio::{sync::OnceCell, time::Instant};
use zeroize::Zeroizing;

pub use self::limits::AccountLimits;
use self::{
    account::{Account, Marks, is_taken, take, take_old},
    brake::{Brakes, Client},
    hash::{Full, Hasher, Memory},
};
use crate::{
    audit::{self, Failure, Failures},
    cx::Cx,
    error::{Error, Result},
    meter::Meter,
    name::Name,
    text,
};

/// The accounts of an application; a cheap handle. Hashes are argon2id, 19 MiB, 2 passes (OWASP Password
/// Storage Cheat Sheet).
///
/// There is one for all pages of a server, because it holds the queue and the brakes: see [`AccountLimits`].
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: AccountLimits,
    hasher: Hasher,
    brakes: Brakes,
    failures: Failures,
    /// Set when the names of old accounts have been taken.
    old: OnceCell<()>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self::new(AccountLimits::default())
    }
}

impl Accounts {
    /// Fewest characters of a password.
    pub const MIN_PASSWORD: usize = 8;
    /// Most characters of a password.
    pub const MAX_PASSWORD: usize = 1024;

    /// Accounts within bounds.
    #[must_use]
    pub fn new(limits: AccountLimits) -> Self {
        let (hasher, brakes) = (Hasher::new(limits.clone()), Brakes::new(&limits));
        let (failures, old) = (Failures::default(), OnceCell::new());
        Accounts(Arc::new(Shared { limits, hasher, brakes, failures, old }))
    }

    /// The number of passwords that were hashed since the start: one for each registration and for each try
    /// that no brake refused, whether or not there is such an account.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.0.hasher.done()
    }

    /// Makes an account, in the handler's transaction. Its [`Name`] may not look like that of another one. Who is
    /// logged in with it by the same handler [is proven](Cx::is_proven).
    pub async fn register(&self, cx: &mut Cx, name: &str, password: &str) -> Result {
        let name = Name::new(name.trim()).map_err(|error| Error::user(text::name(cx.lang(), error)))?;
        check(password).map_err(|wrong| Error::user(wrong(cx.lang())))?;
        let (node, client) = (cx.node().clone(), Client::of(cx));
        self.0.old.get_or_try_init(|| take_old(node.store())).await?;
        let place = self.0.hasher.place(client.session, client.origin(), false);
        let place = place.map_err(|full| self.refused(cx, full))?;
        // Before the answer that a name is taken, which would tell as many names as one asks for.
        if !self.0.brakes.may_register(&client, cx.now()) {
            self.0.failures.tell(Failure::RegistrationBraked, cx, name.as_str());
            return Err(Error::later(text::registrations(cx.lang())));
        }
        if is_taken(cx.kvs(), &name).await? {
            return Err(Error::user(text::taken(cx.lang())));
        }
        let (password, salt) = (Zeroizing::new(password.to_owned()), cx.node().random().bytes::<16>());
        let meter = cx.meter();
        let work =
            move |memory: &mut Memory| metered(&meter, || hash::hash(memory, password.as_bytes(), &salt));
        let turn = self.0.hasher.turn(place).await?;
        let hash = self.0.hasher.run(node.tasks(), turn, work).await?.0.map_err(failed)?;
        take(cx.kvs(), &name)?;
        let mut account = Account::new(&name, hash);
        let mut marks = Marks::first(&account);
        marks.remember(&client, self.0.limits.remembered);
        account.known = marks.known;
        cx.kvs().put(&account)?;
        cx.prove(&account.name, account.owner());
        let told = audit::registered(cx, name.as_str());
        cx.kvs().on_commit(move |_| told());
        Ok(())
    }

    /// The account's name as it was registered, when the password is right. The answer takes the same
    /// work whether the account exists or not; too many tries are refused before anything is hashed, as is
    /// a second try of a session while the first one waits.
    ///
    /// Who is logged in with that name by the same handler [is proven](Cx::is_proven). The name of an old account
    /// may be none that today's rules allow; then [`Cx::login`] refuses it, and says that the account has to be
    /// [renamed](Accounts::rename).
    ///
    /// Wrong tries of strangers do not brake a browser in which the account was signed in to before. Such a
    /// browser is remembered apart from the handler's transaction, so that people who sign in to one account at the
    /// same moment do not conflict.
    ///
    /// A right password counts as a login of the session and the address, and the time of a hash as their work.
    pub async fn verify(&self, cx: &mut Cx, name: &str, password: &str) -> Result<Option<String>> {
        let Some(account) = self.prove(cx, name, password).await? else { return Ok(None) };
        cx.prove(&account.name, account.owner());
        Ok(Some(account.name))
    }

    /// The account whose password this is.
    async fn prove(&self, cx: &mut Cx, name: &str, password: &str) -> Result<Option<Account>> {
        let (typed, node) = (name.trim(), cx.node().clone());
        let account = Account::find(cx.kvs(), typed).await?;
        let (mark, client) = (Account::mark(account.as_ref(), typed), Client::of(cx));
        let marks = match &account {
            Some(account) => Some(Marks::of(node.store(), account).await?),
            None => None,
        };
        let known = marks.as_ref().and_then(|marks| marks.knows(&client));
        let place = self.0.hasher.place(client.session, client.origin(), known.is_some());
        let place = place.map_err(|full| self.refused(cx, full))?;
        // Before the hash, which a login that is refused must not cost; and counted when its turn has come, so that
        // right passwords that wait are no guesses.
        let may = |cx: &Cx, counts| {
            cx.may_login() && self.0.brakes.may_try(&mark, &client, known.as_ref(), cx.now(), counts)
        };
        let braked = |cx: &Cx| {
            self.0.failures.tell(Failure::SignInBraked, cx, typed);
            Error::later(text::tries(cx.lang()))
        };
        if !may(cx, false) {
            return Err(braked(cx));
        }
        let turn = self.0.hasher.turn(place).await?;
        if !may(cx, true) {
            return Err(braked(cx));
        }
        let (password, phc) =
            (Zeroizing::new(password.to_owned()), account.as_ref().map(|account| account.hash.clone()));
        let meter = cx.meter();
        let work = move |memory: &mut Memory| {
            metered(&meter, || hash::verify(memory, password.as_bytes(), phc.as_deref()))
        };
        // The turn ends when it is known whether the try was a guess.
        let (right, _turn) = self.0.hasher.run(node.tasks(), turn, work).await?;
        let right = right.map_err(failed)?;
        let Some(account) = account.filter(|_| right) else {
            self.0.failures.tell(Failure::SignIn, cx, typed);
            return Ok(None);
        };
        cx.count_login();
        self.0.brakes.forgive(&mark, &client, known.as_ref(), cx.now());
        let most = self.0.limits.remembered;
        if let Err(error) = Marks::keep(node.store(), &account, &client, most).await {
            tracing::warn!(%error, "a browser is not remembered with its account");
        }
        Ok(Some(account))
    }

    fn refused(&self, cx: &Cx, full: Full) -> Error {
        Error::later(match full {
            Full::Session => text::one_try(cx.lang()),
            Full::Queue => {
                self.0.failures.tell(Failure::QueueFull, cx, "");
                text::busy(cx.lang())
            }
        })
    }
}

/// Hashes, and counts the time as work of the session and its address.
fn metered<T>(meter: &Meter, hash: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = hash();
    meter.spend(begun.elapsed());
    done
}

fn failed(error: argon2::Error) -> Error {
    Error::other(format!("a password could not be hashed: {error}"))
}

/// What is wrong with a new password.
fn check(password: &str) -> Result<(), fn(&str) -> &'static str> {
    match password.chars().count() {
        ..Accounts::MIN_PASSWORD => Err(text::short_password),
        count if count > Accounts::MAX_PASSWORD => Err(text::long_password),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
