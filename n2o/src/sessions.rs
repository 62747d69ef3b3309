//! All sessions of a node: from cookie to session and back, rotation at login, end at logout.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use kvs::{Store, Txn};
use sha2::Sha256;

use crate::{
    clock::{Clock, Random},
    error::{Error, Result, SealError},
    keys::Keys,
    limit::Limits,
    pickle::Sealer,
    session::{SEEN_STEP, Saved, Session, Sid, Untraded},
};

/// How long the ticket of a login is good for, in seconds.
const TICKET_SECONDS: u32 = 60;

/// The generation of the keys, a key's id, and the MAC that was made with it.
type Keyed = ((u64, u8), Hmac<Sha256>);

/// The sessions of a node.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    keys: Keys,
    clock: Clock,
    random: Random,
    idle: u32,
    age: u32,
    // A std lock: held for one map access, never across an await.
    live: Mutex<HashMap<[u8; 16], Weak<Session>>>,
    /// The keyed hashes of cookies, the latest first, with the generation of the keys and the key that each is
    /// of: while keys are replaced, two are in use.
    // A std lock: held while the hash is cloned or made, never across an await.
    macs: Mutex<[Option<Keyed>; 2]>,
}

/// A session on its way to a browser that cannot be given a cookie over its socket:
/// the client is sent to the address that trades the ticket for the cookie.
#[derive(Clone, Debug)]
pub struct Ticket(pub String);

impl Sessions {
    pub(crate) fn new(store: Store, keys: Keys, clock: Clock, random: Random, limits: &Limits) -> Self {
        let secs = |time: std::time::Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let (idle, age) = (secs(limits.session_idle), secs(limits.session_age));
        Sessions { store, keys, clock, random, idle, age, live: Mutex::default(), macs: Mutex::default() }
    }

    /// A new anonymous session, of a browser that nobody has seen before.
    #[must_use]
    pub fn create(&self) -> Arc<Session> {
        self.create_after("")
    }

    /// A new anonymous session for a browser whose cookie names a session that has ended. Nothing of that
    /// session is in it, but the brake on guessing knows the browser again.
    #[must_use]
    pub fn create_after(&self, cookie: &str) -> Arc<Session> {
        let browser = self.read(cookie).map_or_else(|| self.random.bytes(), |(sid, _)| sid.browser);
        self.enter(self.fresh(browser), self.keys.current(), None)
    }

    fn fresh(&self, browser: [u8; 16]) -> Sid {
        Sid { random: self.random.bytes(), browser, made: self.clock.secs() }
    }

    fn held(&self, sid: &Sid) -> Option<Arc<Session>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&sid.random).and_then(Weak::upgrade)
    }

    fn enter(&self, sid: Sid, key_id: u8, saved: Option<Saved>) -> Arc<Session> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = live.get(&sid.random).and_then(Weak::upgrade) {
            return session;
        }
        let session = Arc::new(Session::new(sid, key_id, self.keys.clone(), saved, self.clock.secs()));
        live.insert(sid.random, Arc::downgrade(&session));
        session
    }

    /// Forgets the sessions that no page holds, and the ciphers of those that rest.
    pub(crate) fn sweep(&self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, session| session.upgrade().inspect(|session| session.events.rest()).is_some());
        live.shrink_to_fit();
    }

    /// The session of a cookie, or `None` when the cookie is not ours or its session has ended.
    pub async fn open(&self, cookie: &str) -> Result<Option<Arc<Session>>> {
        self.open_since(self.keys.generation(), cookie, self.read(cookie)).await
    }

    /// The session of a cookie that was read when the keys were of this generation or a later one.
    async fn open_since(
        &self,
        generation: u64,
        cookie: &str,
        read: Option<(Sid, u8)>,
    ) -> Result<Option<Arc<Session>>> {
        let Some((sid, key_id)) = read else { return Ok(None) };
        let now = self.clock.secs();
        if sid.made.saturating_add(self.age) < now {
            return Ok(None);
        }
        let session = match self.held(&sid) {
            Some(session) => session,
            None => {
                let saved = self.store.txn().get::<Saved>(&sid.key()).await?;
                self.enter(sid, key_id, saved)
            }
        };
        // A key that went meanwhile has ended the sessions that were entered by then, and this may not be one.
        if self.keys.generation() != generation && self.read(cookie).is_none() {
            return Ok(None);
        }
        session.opened_with(key_id);
        if self.is_expired(&session) {
            // The user may have been active on another node meanwhile.
            if let Some(saved) = self.store.get::<Saved>(&session.key).await? {
                session.seen_at(saved.seen);
            }
            if self.is_expired(&session) {
                self.end(&session).await?;
                return Ok(None);
            }
        }
        Ok((!session.ended()).then_some(session))
    }

    /// Whether a session has been idle for too long, or is too old. Heartbeats are no activity.
    #[must_use]
    pub fn is_expired(&self, session: &Session) -> bool {
        let now = self.clock.secs();
        let idle = session.is_saved() && session.seen().saturating_add(self.idle) < now;
        idle || session.sid.made.saturating_add(self.age) < now
    }

    /// Writes down when the user was last active.
    pub(crate) async fn seen(&self, session: &Session, now: u32) -> Result {
        let mut txn = self.store.txn();
        if let Some(mut saved) = txn.get::<Saved>(&session.key).await? {
            saved.seen = saved.seen.max(now);
            txn.put(&saved)?;
            txn.commit().await?;
        }
        Ok(())
    }

    /// The session that a cookie names, whether or not it has ended; good for nothing but its tickets.
    #[must_use]
    pub fn known(&self, cookie: &str) -> Option<Arc<Session>> {
        let (sid, key_id) = self.read(cookie)?;
        // One that is not held is not entered either: it was not looked up in the store.
        let unheld = || Arc::new(Session::new(sid, key_id, self.keys.clone(), None, self.clock.secs()));
        Some(self.held(&sid).unwrap_or_else(unheld))
    }

    /// The cookie's value for a session.
    #[must_use]
    pub fn cookie(&self, session: &Session) -> String {
        let key_id = self.keys.current();
        session.opened_with(key_id);
        self.write(session.sid, key_id)
    }

    fn mac(&self, id: u8, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut macs = self.macs.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (self.keys.generation(), id);
        let is_wanted = |slot: &Option<Keyed>| slot.as_ref().is_some_and(|(of, _)| *of == wanted);
        if !is_wanted(&macs[0]) {
            macs.swap(0, 1);
        }
        if !is_wanted(&macs[0]) {
            // The one that was not used for longer is in front by now.
            let key = self.keys.derive(id, b"cookie", &[])?;
            macs[0] = Some((wanted, <Hmac<Sha256> as KeyInit>::new_from_slice(&key.0).ok()?));
        }
        macs[0].as_ref().map(|(_, mac)| mac.clone().chain_update(body))
    }

    fn write(&self, sid: Sid, id: u8) -> String {
        let mut bytes = vec![id];
        bytes.extend_from_slice(&sid.made.to_be_bytes());
        bytes.extend_from_slice(&sid.random);
        bytes.extend_from_slice(&sid.browser);
        if let Some(mac) = self.mac(id, &bytes) {
            let tag = mac.finalize().into_bytes();
            bytes.extend_from_slice(&tag[..16]);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The id in a cookie that is authentic, and the id of the key that it was made with.
    fn read(&self, cookie: &str) -> Option<(Sid, u8)> {
        // 53 bytes are 71 characters; nothing else is worth decoding.
        let bytes = (cookie.len() == 71).then(|| URL_SAFE_NO_PAD.decode(cookie).ok()).flatten()?;
        let (body, tag) = bytes.split_last_chunk::<16>()?;
        let (key_id, rest) = body.split_first()?;
        self.mac(*key_id, body)?.verify_truncated_left(tag).ok()?;
        let (made, rest) = rest.split_first_chunk::<4>()?;
        let (random, browser) = rest.split_first_chunk::<16>()?;
        let sid = Sid { random: *random, browser: *browser.first_chunk()?, made: u32::from_be_bytes(*made) };
        Some((sid, *key_id))
    }

    fn tickets(&self, old: &Session) -> Sealer {
        Sealer::new(self.keys.clone(), "ticket", old.sid.random)
    }

    /// Writes, into the caller's transaction, the session that replaces `old`: the same values, another
    /// id, and the user in `saved`. Answers the ticket that brings its cookie to the browser of `old`, and nobody else.
    /// The session of an earlier ticket that was not traded is deleted: one is enough for a browser.
    pub(crate) async fn rotate(
        &self,
        txn: &mut Txn,
        old: &Arc<Session>,
        mut saved: Saved,
        to: &str,
    ) -> Result<Ticket> {
        if let Some(former) = old.successor()
            && txn.get::<Untraded>(&former).await?.is_some()
        {
            txn.delete::<Untraded>(&former);
            txn.delete::<Saved>(&former);
        }
        let sid = self.fresh(old.sid.browser);
        saved.key = sid.key();
        saved.made = sid.made;
        // Until its ticket is traded it is nearly idle enough to be swept.
        saved.seen = sid.made.saturating_sub(self.idle.saturating_sub(TICKET_SECONDS));
        if saved.user.is_some() || !saved.values.is_empty() {
            txn.put(&saved)?;
        }
        let (session, key) = (Arc::clone(old), saved.key.clone());
        txn.on_commit(move |_| session.succeeded_by(key));
        txn.put(&Untraded { key: saved.key })?;
        let mut content = Vec::with_capacity(20 + to.len());
        content.extend_from_slice(&sid.made.to_be_bytes());
        content.extend_from_slice(&sid.random);
        content.extend_from_slice(to.as_bytes());
        let expires = self.clock.secs().saturating_add(TICKET_SECONDS);
        let seal = self.tickets(old).seal(0, &[], expires, &content, &self.random)?;
        Ok(Ticket(URL_SAFE_NO_PAD.encode(seal)))
    }

    /// Trades a ticket, once, for the new session's cookie and the path to go to; ends the old session.
    pub async fn trade(&self, old: &Session, ticket: &str) -> Result<(String, String)> {
        let seal = URL_SAFE_NO_PAD.decode(ticket).map_err(|_| SealError::Refused)?;
        let content = self.tickets(old).open(&seal, &[], self.clock.secs())?.content;
        let refused = || Error::Seal(SealError::Refused);
        let (made, rest) = content.split_first_chunk::<4>().ok_or_else(refused)?;
        let (random, to) = rest.split_first_chunk::<16>().ok_or_else(refused)?;
        let to = String::from_utf8(to.to_vec()).map_err(|_| refused())?;
        let sid = Sid { random: *random, browser: old.sid.browser, made: u32::from_be_bytes(*made) };
        let mut txn = self.store.txn();
        if txn.get::<Untraded>(&sid.key()).await?.is_none() {
            return Err(refused());
        }
        if let Some(mut saved) = txn.get::<Saved>(&sid.key()).await? {
            saved.seen = self.clock.secs();
            txn.put(&saved)?;
        }
        // Of two that trade it at the same moment, one commits.
        txn.delete::<Untraded>(&sid.key());
        txn.delete::<Saved>(&old.key);
        txn.commit().await.map_err(|error| match error {
            kvs::Error::Conflict { .. } => refused(),
            error => Error::Store(error),
        })?;
        old.end(None);
        Ok((self.write(sid, self.keys.current()), to))
    }

    /// Ends the sessions whose cookies were made with one of these keys, which are gone: the browser has to
    /// get another cookie.
    pub(crate) fn drop_keys(&self, gone: &[u8]) -> usize {
        let live: Vec<_> = {
            let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.values().filter_map(Weak::upgrade).collect()
        };
        let dropped = live.iter().filter(|session| gone.contains(&session.key_id()));
        dropped.map(|session| session.end(None)).count()
    }

    /// Ends a session: its record is deleted, its pages are closed.
    pub async fn end(&self, session: &Session) -> Result {
        let mut txn = self.store.txn();
        txn.delete::<Saved>(&session.key);
        txn.commit().await?;
        session.end(None);
        Ok(())
    }

    /// A session's record in the caller's transaction, or an empty one.
    pub(crate) async fn saved(&self, txn: &mut Txn, session: &Session) -> Result<Saved> {
        let saved = txn.get::<Saved>(&session.key).await?;
        Ok(saved.unwrap_or_else(|| Saved {
            key: session.key.clone(),
            made: session.sid.made,
            seen: self.clock.secs(),
            ..Saved::default()
        }))
    }

    /// Deletes the records of sessions that have expired.
    pub(crate) async fn expire(&self) -> Result<usize> {
        let now = self.clock.secs();
        let (mut after, mut expired) = (None::<String>, 0);
        loop {
            let batch = self.store.txn().range::<Saved>("", after.as_deref(), 500).await?;
            let Some(last) = batch.last() else { return Ok(expired) };
            after = Some(last.key.clone());
            // Deleted without having been read, so that sessions which are saved meanwhile are no conflict.
            let mut txn = self.store.txn();
            for saved in &batch {
                // What is stored of the last action may be a step behind what a live session knows.
                let idle = self.idle.saturating_add(SEEN_STEP);
                if saved.seen.saturating_add(idle) < now || saved.made.saturating_add(self.age) < now {
                    txn.delete::<Saved>(&saved.key);
                    expired += 1;
                }
            }
            if txn.wrote() {
                txn.commit().await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::{Dispatch, Node};

    fn ring(lines: &[(u8, u64)]) -> String {
        let key = |seed| URL_SAFE_NO_PAD.encode(Random::seeded(seed).bytes::<32>());
        lines.iter().map(|(id, seed)| format!("{id}:{}\n", key(*seed))).collect()
    }

    fn sessions(store: &Store, keys: &Keys) -> Sessions {
        Sessions::new(
            store.clone(),
            keys.clone(),
            Clock::fixed(1_000_000),
            Random::seeded(9),
            &Limits::default(),
        )
    }

    #[tokio::test]
    async fn two_keys_are_in_use_at_the_same_time() {
        let store = Store::open("memory:").await.expect("a store");
        let keys = Keys::parse(&ring(&[(2, 2), (1, 1)]), "the test").expect("keys");
        let sessions = sessions(&store, &keys);
        let cookies: Vec<_> =
            [1, 2, 1, 2].into_iter().map(|id| sessions.write(sessions.fresh([7; 16]), id)).collect();
        assert!(cookies.iter().all(|cookie| sessions.read(cookie).is_some()));
        let of =
            sessions.macs.lock().expect("unpoisoned").each_ref().map(|slot| slot.as_ref().map(|(of, _)| *of));
        assert_eq!(of, [Some((0, 2)), Some((0, 1))], "both are kept, the latest first");
        let forged = format!("Aw{}", &cookies[0][2..]);
        assert!(sessions.read(&forged).is_none(), "no such key");
        assert!(cookies.iter().all(|cookie| sessions.read(cookie).is_some()));
    }

    #[tokio::test]
    async fn a_key_that_goes_while_the_store_is_asked_opens_nothing() {
        let store = Store::open("memory:").await.expect("a store");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("keys");
        let keys = Keys::parse(&ring(&[(1, 1)]), "the test").expect("keys");
        let cookie = sessions(&store, &keys).write(sessions(&store, &keys).fresh([7; 16]), 1);
        // The same id and other bytes, another id, and both.
        for (new, opens) in
            [(vec![(1, 2)], false), (vec![(2, 2)], false), (vec![(2, 2), (1, 1)], true), (vec![(1, 1)], true)]
        {
            let keys = Keys::parse(&ring(&[(1, 1)]), "the test").expect("keys");
            let sessions = sessions(&store, &keys);
            let (generation, read) = (keys.generation(), sessions.read(&cookie));
            assert!(read.is_some());
            std::fs::write(&file, ring(&new)).expect("written");
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
            keys.reload(&file).expect("reloaded");
            let opened = sessions.open_since(generation, &cookie, read).await.expect("the store");
            assert_eq!(opened.is_some(), opens, "{new:?}");
        }
    }

    #[tokio::test]
    async fn a_session_that_nobody_came_for_is_swept_within_minutes() {
        let (random, clock) = (Random::seeded(1), Clock::fixed(1_000_000_000));
        let store = Store::open("memory:").await.expect("a store");
        let node = Node::new(store, Keys::random(&random), Limits::default(), clock, random);
        let login = async |session: &Arc<Session>| {
            let mut cx = Dispatch::new(&node, Arc::clone(session), node.page_id(), "/", Vec::new(), "en");
            cx.login("Ann").await.expect("a name");
            let ticket = cx.ticket("/").await.expect("a ticket").expect("a login");
            cx.commit().await.expect("the store");
            ticket.0
        };
        let (stays, goes) = (node.sessions().create(), node.sessions().create());
        let ticket = login(&stays).await;
        login(&goes).await;
        let (cookie, _) = node.sessions().trade(&stays, &ticket).await.expect("traded");
        node.clock().advance(std::time::Duration::from_secs(180));
        assert_eq!(node.sessions().expire().await.expect("the store"), 1);
        let session = node.sessions().open(&cookie).await.expect("the store").expect("a session");
        assert_eq!(session.user().as_deref(), Some("Ann"));
    }
}
