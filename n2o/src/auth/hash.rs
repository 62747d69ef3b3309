//! The work of hashing passwords: in a fixed number of memories, each used by one hash at a time, behind a
//! queue that refuses early.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{brake::Mark, limits::AccountLimits};
use crate::{
    error::{Error, Result},
    tasks::Tasks,
};

/// Hashes passwords; a cheap handle.
#[derive(Clone, Debug)]
pub(super) struct Hasher(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gate: Arc<Semaphore>,
    limits: AccountLimits,
    // A std lock: held for a look at a list or a map, never across an await or a hash.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The memories that no hash uses now.
    free: Vec<Box<[Block]>>,
    /// The memories that there are.
    made: usize,
    /// The hashes that were begun.
    done: u64,
    /// The tries that have a place in the queue, those that are being hashed among them: of strangers, and of
    /// clients that are known to the account.
    strangers: Half,
    known: Half,
    /// The sessions that have a place.
    sessions: HashSet<Mark>,
}

impl State {
    fn half(&mut self, known: bool) -> &mut Half {
        if known { &mut self.known } else { &mut self.strangers }
    }
}

/// One half of the queue.
#[derive(Debug, Default)]
struct Half {
    waiting: usize,
    /// How many of them each address has, or, where it is not known, each browser.
    of: HashMap<Mark, usize>,
}

impl Half {
    /// Takes a place, when there is one.
    fn enter(&mut self, origin: Mark, limits: &AccountLimits) -> bool {
        let mine = self.of.get(&origin).copied().unwrap_or_default();
        let room = self.waiting < limits.queue.div_ceil(2) && mine < limits.queue_of_one;
        if room {
            self.waiting += 1;
            self.of.insert(origin, mine + 1);
        }
        room
    }

    fn leave(&mut self, origin: &Mark) {
        self.waiting -= 1;
        if let Some(count) = self.of.get_mut(origin) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(origin);
            }
        }
    }
}

/// The reason why a password is not hashed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The session has a password in the queue already.
    Session,
    /// The queue has no place for this client.
    Queue,
}

/// A place in the queue, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    session: Mark,
    origin: Mark,
    known: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.sessions.remove(&self.session);
        state.half(self.known).leave(&self.origin);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to a memory, and the place in the queue that it came from.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// A memory on loan: nothing is hashed but in one.
pub(super) struct Memory {
    shared: Arc<Shared>,
    blocks: Box<[Block]>,
}

impl fmt::Debug for Memory {
    // What it holds comes from passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl Memory {
    fn lend(shared: &Arc<Shared>) -> Self {
        let free = {
            let mut state = shared.state();
            let free = state.free.pop();
            state.made += usize::from(free.is_none());
            free
        };
        let blocks = free.unwrap_or_else(|| vec![Block::new(); Params::default().block_count()].into());
        Memory { shared: Arc::clone(shared), blocks }
    }

    /// Hashes, and counts it.
    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), argon2::Error> {
        self.shared.state().done += 1;
        argon2.hash_password_into_with_memory(password, salt, out, &mut self.blocks)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.shared.state().free.push(std::mem::take(&mut self.blocks));
    }
}

impl Hasher {
    pub(super) fn new(limits: AccountLimits) -> Self {
        let gate = Arc::new(Semaphore::new(limits.hashes.max(1)));
        Hasher(Arc::new(Shared { gate, limits, state: Mutex::default() }))
    }

    /// The number of hashes that were begun.
    pub(super) fn done(&self) -> u64 {
        self.0.state().done
    }

    /// The number of memories that there are.
    #[cfg(test)]
    pub(super) fn memories(&self) -> usize {
        self.0.state().made
    }

    /// A place in the queue: one for each session, some for each origin, and half of all for clients that are
    /// known to the account.
    pub(super) fn place(&self, session: Mark, origin: Mark, known: bool) -> Result<Place, Full> {
        let (limits, mut state) = (&self.0.limits, self.0.state());
        if state.sessions.contains(&session) {
            return Err(Full::Session);
        }
        if !state.half(known).enter(origin, limits) {
            return Err(Full::Queue);
        }
        state.sessions.insert(session);
        drop(state);
        Ok(Place { shared: Arc::clone(&self.0), session, origin, known })
    }

    /// Waits until a memory is free.
    pub(super) async fn turn(&self, place: Place) -> Result<Turn> {
        let permit = Arc::clone(&self.0.gate).acquire_owned().await.map_err(Error::other)?;
        Ok(Turn { _permit: permit, _place: place })
    }

    /// Runs `work` off the async workers, and gives the turn back. A handler that is dropped meanwhile leaves
    /// its work to the task, which keeps the turn until it has ended.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        tasks: &Tasks,
        turn: Turn,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<(T, Turn)> {
        let mut memory = Memory::lend(&self.0);
        let task = tasks.spawn("password", async move {
            let work = move || {
                let done = work(&mut memory);
                drop(memory);
                (done, turn)
            };
            tokio::task::spawn_blocking(work).await
        });
        task.await.map_err(Error::other)?.map_err(Error::other)
    }
}

/// The hash of a new password, as a PHC string.
pub(super) fn hash(memory: &mut Memory, password: &[u8], salt: &[u8]) -> Result<String, argon2::Error> {
    let (params, mut out) = (Params::default(), [0; Params::DEFAULT_OUTPUT_LEN]);
    let argon2 = Argon2::new(Algorithm::default(), Version::default(), params.clone());
    memory.fill(&argon2, password, salt, &mut out)?;
    let phc = || {
        Ok::<_, argon2::password_hash::Error>(PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&out)?),
        })
    };
    phc().map(|phc| phc.to_string()).map_err(|_| argon2::Error::OutputTooLong)
}

/// Whether a password is the one of a PHC string. Without one the same work is done, and the answer is no.
pub(super) fn verify(memory: &mut Memory, password: &[u8], phc: Option<&str>) -> Result<bool, argon2::Error> {
    let Some(phc) = phc else {
        hash(memory, password, &[0; argon2::RECOMMENDED_SALT_LEN])?;
        return Ok(false);
    };
    let parsed = PasswordHash::new(phc).map_err(|_| argon2::Error::VersionInvalid)?;
    let (Some(salt), Some(known)) = (&parsed.salt, &parsed.hash) else { return Ok(false) };
    let params = Params::try_from(&parsed).map_err(|_| argon2::Error::VersionInvalid)?;
    let algorithm =
        Algorithm::try_from(parsed.algorithm.as_str()).map_err(|_| argon2::Error::AlgorithmInvalid)?;
    let version = parsed.version.map_or(Ok(Version::default()), Version::try_from)?;
    let mut out = vec![0; known.as_bytes().len()];
    memory.fill(&Argon2::new(algorithm, version, params), password, salt, &mut out)?;
    Ok(out.ct_eq(known.as_bytes()).into())
}
