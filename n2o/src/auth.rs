//! Accounts with passwords: argon2id off the async workers, a few at once, and a brake on guessing.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{
    cx::Cx,
    error::{Error, Result},
    rate::Rate,
    text,
};

/// How many passwords are hashed at the same time; each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// Tries at one account: ten at once, then one a minute.
const TRIES: u32 = 10;
/// The longest name of an account, in characters.
const MAX_NAME: usize = 64;
/// Accounts that the brake remembers; beyond that the calmest are forgotten.
const REMEMBERED: usize = 10_000;

/// The accounts of an application. Hashes are argon2id, 19 MiB, 2 passes (OWASP Password Storage Cheat Sheet).
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gate: Semaphore,
    // A std lock: held for one map access, never across an await.
    tries: Mutex<HashMap<String, Rate>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    name: String,
    hash: String,
}

impl kvs::Record for Account {
    const TABLE: &'static str = "account";

    fn id(&self) -> Cow<'_, str> {
        Cow::Owned(self.name.to_lowercase())
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts(Arc::new(Shared { gate: Semaphore::new(AT_ONCE), tries: Mutex::default() }))
    }
}

impl Accounts {
    /// Makes an account, in the handler's transaction. Names are told apart without regard to case.
    pub async fn register(&self, cx: &mut Cx, name: &str, password: &str) -> Result {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(Error::user(text::name(cx.lang())));
        }
        if password.chars().count() < 8 || password.len() > 1024 {
            return Err(Error::user(text::password(cx.lang())));
        }
        if cx.kvs().get::<Account>(&name.to_lowercase()).await?.is_some() {
            return Err(Error::user(text::taken(cx.lang())));
        }
        let password = password.to_owned();
        let hash = self
            .off_thread(move || {
                Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
            })
            .await?;
        let hash = hash.map_err(|error| Error::other(error.to_string()))?;
        cx.kvs().put(&Account { name, hash })?;
        Ok(())
    }

    /// The account's name as it was registered, when the password is right. The answer takes the same
    /// time whether the account exists or not; too many tries are refused before anything is hashed.
    pub async fn verify(&self, cx: &mut Cx, name: &str, password: &str) -> Result<Option<String>> {
        let key = name.trim().to_lowercase();
        // No account has a longer name, and the brake need not remember it.
        if key.chars().count() > MAX_NAME {
            return Ok(None);
        }
        if !self.may_try(&key, cx.now()) {
            return Err(Error::user(text::tries(cx.lang())));
        }
        let account = cx.kvs().get::<Account>(&key).await?;
        let hash = account.as_ref().map(|account| account.hash.clone());
        let password = password.to_owned();
        let right = self.off_thread(move || match hash.as_deref().map(PasswordHash::new) {
            Some(hash) => {
                hash.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            }
            None => Argon2::default().hash_password(password.as_bytes()).is_err(),
        });
        Ok(if right.await? { account.map(|account| account.name) } else { None })
    }

    fn may_try(&self, name: &str, now: u64) -> bool {
        let mut tries = self.0.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= REMEMBERED {
            tries.retain(|_, rate| !rate.is_calm(now));
        }
        tries.entry(name.to_owned()).or_insert_with(|| Rate::every(60_000, TRIES)).allow(now)
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _permit = self.0.gate.acquire().await.map_err(Error::other)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::other)
    }
}
