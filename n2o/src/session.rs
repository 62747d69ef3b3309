//! A visitor's session: server-side values behind one cookie, shared by all pages of a browser.
//!
//! An anonymous session costs the store nothing: its cookie is authentic by itself, and a record is
//! written when the first value is set or the visitor logs in.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    inbox::Inbox,
    keys::Keys,
    owner::Owner,
    pickle::Sealer,
    work::Work,
};

/// A session's id: 128 random bits, and the second it was made in; with the browser's id, which stays when
/// the session is another one after a login, a logout or its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sid {
    pub(crate) random: [u8; 16],
    pub(crate) browser: [u8; 16],
    pub(crate) made: u32,
}

impl std::fmt::Debug for Sid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sid(..)")
    }
}

impl Sid {
    /// The key in the store: a hash, so that whoever reads the store cannot forge a cookie from it.
    pub(crate) fn key(&self) -> String {
        let hash = Sha256::new().chain_update(b"n2o session ").chain_update(self.random).finalize();
        hash[..16].iter().fold(String::with_capacity(32), |mut key, byte| {
            key.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            key.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            key
        })
    }
}

/// What the store keeps of a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) key: String,
    pub(crate) user: Option<String>,
    /// Whom that belongs to which is kept for the user; an older server wrote none.
    #[serde(default)]
    pub(crate) owner: Option<Owner>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// Seconds since 1970.
    pub(crate) made: u32,
    /// Seconds since 1970, of the last action of the user; at most [`SEEN_STEP`] behind.
    pub(crate) seen: u32,
    pub(crate) values: BTreeMap<String, Vec<u8>>,
}

impl Saved {
    /// The bytes of its values, with their names.
    pub(crate) fn bytes(&self) -> usize {
        self.values.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl kvs::Record for Saved {
    const TABLE: &'static str = "session";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.key)
    }
}

/// The store learns at most once in so many seconds that a user is active.
pub(crate) const SEEN_STEP: u32 = 60;

/// Changes that one event made to a session, written together with the rest of its transaction.
pub(crate) type Changes = BTreeMap<String, Option<Vec<u8>>>;

/// A live session.
#[derive(Debug)]
pub struct Session {
    pub(crate) sid: Sid,
    pub(crate) key: String,
    pub(crate) events: Sealer,
    pub(crate) work: Work,
    // A std lock: held for reads and writes of a few fields, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    saved: Option<Saved>,
    /// Seconds since 1970, of the last action of the user.
    seen: u32,
    /// What the store was last told of it.
    noted: u32,
    /// The id of the master key that the browser's cookie was made with.
    key_id: u8,
    ended: bool,
    /// The key of the session that the latest ticket leads to.
    successor: Option<String>,
    /// How often its user, roles or values were written.
    version: u64,
    pages: Vec<Weak<Inbox>>,
}

impl Session {
    pub(crate) fn new(sid: Sid, key_id: u8, keys: Keys, saved: Option<Saved>, now: u32) -> Self {
        let seen = saved.as_ref().map_or(now, |saved| saved.seen);
        Session {
            sid,
            key: sid.key(),
            events: Sealer::new(keys, "event", sid.random),
            work: Work::default(),
            state: Mutex::new(State { saved, seen, noted: seen, key_id, ..State::default() }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The browser's id, which outlives the session.
    pub(crate) fn browser(&self) -> &[u8; 16] {
        &self.sid.browser
    }

    /// The id of the master key that the browser's cookie was made with.
    pub(crate) fn key_id(&self) -> u8 {
        self.state().key_id
    }

    pub(crate) fn opened_with(&self, key_id: u8) {
        self.state().key_id = key_id;
    }

    /// The name of the user who is logged in.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        self.state().saved.as_ref().and_then(|saved| saved.user.clone())
    }

    /// Whom that belongs to which is kept for the user; see [`Cx::owner`](crate::Cx::owner).
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        let state = self.state();
        let saved = state.saved.as_ref().filter(|saved| saved.user.is_some())?;
        Some(saved.owner.clone().unwrap_or_else(|| Owner::Guest(saved.key.clone())))
    }

    /// The roles that the user logged in with.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        self.state().saved.as_ref().map_or_else(Vec::new, |saved| saved.roles.clone())
    }

    /// A value as last committed.
    pub(crate) fn value<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let bytes = self.state().saved.as_ref().and_then(|saved| saved.values.get(name).cloned());
        bytes.map(|bytes| decode("session value", &bytes)).transpose()
    }

    /// Takes over what was committed.
    pub(crate) fn committed(&self, saved: Saved) {
        let mut state = self.state();
        state.saved = Some(saved);
        state.version += 1;
    }

    pub(crate) fn version(&self) -> u64 {
        self.state().version
    }

    /// Notes an action of the user, and says whether the store should learn of it.
    pub(crate) fn touch(&self, now: u32) -> bool {
        let mut state = self.state();
        if state.saved.is_none() {
            return false;
        }
        // A clock that is back for a moment makes nobody idle once it is right again.
        state.seen = state.seen.max(now);
        // Also when the clock was set back.
        let tell = now.abs_diff(state.noted) >= SEEN_STEP;
        if tell {
            state.noted = now;
        }
        tell
    }

    /// Takes over what another node has noted of the user's last action.
    pub(crate) fn seen_at(&self, seen: u32) {
        let mut state = self.state();
        (state.seen, state.noted) = (seen.max(state.seen), seen);
    }

    pub(crate) fn seen(&self) -> u32 {
        self.state().seen
    }

    /// The key of the session that the latest ticket leads to.
    pub(crate) fn successor(&self) -> Option<String> {
        self.state().successor.clone()
    }

    pub(crate) fn succeeded_by(&self, key: String) {
        self.state().successor = Some(key);
    }

    /// Whether the session was ended, here or elsewhere.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.state().ended
    }

    /// Whether the store holds a record of this session.
    pub(crate) fn is_saved(&self) -> bool {
        self.state().saved.is_some()
    }

    /// Notes a connected page, which hears of the session's end, also when that came while it connected.
    pub(crate) fn attach(&self, page: &Arc<Inbox>) {
        let mut state = self.state();
        if state.ended {
            return page.end();
        }
        state.pages.retain(|page| page.strong_count() > 0);
        state.pages.push(Arc::downgrade(page));
    }

    /// Ends the session for all its pages but `except`, which is on its way elsewhere.
    pub(crate) fn end(&self, except: Option<&Arc<Inbox>>) {
        let pages = {
            let mut state = self.state();
            state.ended = true;
            state.saved = None;
            std::mem::take(&mut state.pages)
        };
        for page in pages.iter().filter_map(Weak::upgrade) {
            if except.is_none_or(|except| !Arc::ptr_eq(except, &page)) {
                page.end();
            }
        }
    }
}

/// Applies changes to what is saved, whose values may have `limit` bytes with their names.
pub(crate) fn apply(saved: &mut Saved, changes: &Changes, limit: usize) -> Result {
    for (name, value) in changes {
        match value {
            Some(value) => saved.values.insert(name.clone(), value.clone()),
            None => saved.values.remove(name),
        };
    }
    let size = saved.bytes();
    if size > limit {
        return Err(Error::TooLarge { what: "the session's values", size, limit });
    }
    Ok(())
}

/// The record of a ticket that was not traded yet: a ticket is good once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Untraded {
    /// The key of the session that the ticket leads to.
    pub(crate) key: String,
}

impl kvs::Record for Untraded {
    const TABLE: &'static str = "ticket";
    // The seal says when the ticket expires; a ticket that nobody trades is swept away after that.
    const TTL: Option<Duration> = Some(Duration::from_secs(120));

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.key)
    }
}

/// Encodes a value as CBOR.
pub(crate) fn encode<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|error| Error::encoding(what, error))?;
    Ok(bytes)
}

/// Decodes a value from CBOR that this server wrote.
pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    ciborium::from_reader(bytes).map_err(|error| Error::encoding(what, error))
}
