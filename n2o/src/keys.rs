//! The master keys of a node: from a file or the environment, refused when weak, replaced while running.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{clock::Random, error::Error};

/// The environment variable that holds the keys; it wins over the file.
pub const KEYS_VARIABLE: &str = "N2O_KEYS";

/// 32 secret bytes that are never printed and are wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(pub(crate) [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A ring of master keys with ids: the first one seals, all of them open.
///
/// The text form is one key a line, `ID:KEY`, where `ID` is 0 to 255 and `KEY` is 32 bytes or more
/// in base64url. To rotate, put a new line on top and reload; drop the old line when what it sealed
/// has expired.
#[derive(Clone, Debug)]
pub struct Keys(Arc<Shared>);

struct Shared {
    // A std lock: held for the clone of an `Arc`, never across an await.
    ring: RwLock<Arc<Vec<(u8, Secret)>>>,
    generation: AtomicU64,
    // A std lock: held while the listeners are told, never across an await.
    listeners: Mutex<Vec<Listener>>,
}

/// Hears of the ids of keys that are gone, and says whether it wants to hear more.
type Listener = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("ring", &self.ring).finish_non_exhaustive()
    }
}

impl Keys {
    /// A ring of one random key, which dies with the process; for tests and for stores in memory.
    #[must_use]
    pub fn random(random: &Random) -> Self {
        Self::of(vec![(1, Secret(random.bytes()))])
    }

    /// Reads the keys from the environment, else from `file`, which nobody but its owner may read. Without
    /// either it fails: keys that are made anew beside an old store would end every session in it.
    pub fn load(file: &Path) -> Result<Self, Error> {
        Ok(Self::of(read(file)?))
    }

    /// Reads the keys as [`load`](Keys::load) does, and writes a random one to `file` when there are none:
    /// for the first start of a server, and for an operator who says so.
    pub fn load_or_create(file: &Path, random: &Random) -> Result<Self, Error> {
        if !Self::are_there(file) {
            return Ok(Self::of(create(file, random)?));
        }
        Self::load(file)
    }

    /// Whether there are keys, in the environment or in `file`. A file that cannot be looked for counts as
    /// one, so that none is made in its place.
    #[must_use]
    pub fn are_there(file: &Path) -> bool {
        std::env::var_os(KEYS_VARIABLE).is_some() || file.try_exists().unwrap_or(true)
    }

    /// Reads the keys again, as [`load`](Keys::load) does; on an error the old ones stay. Sessions whose
    /// cookies were made with a key that is gone end at once, and their pages are told to sign in again.
    pub fn reload(&self, file: &Path) -> Result<(), Error> {
        let new = Arc::new(read(file)?);
        let old = std::mem::replace(
            &mut *self.0.ring.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&new),
        );
        self.0.generation.fetch_add(1, Ordering::Release);
        let stays = |id: u8, key: &Secret| new.iter().any(|(other, new)| *other == id && new.0 == key.0);
        let gone: Vec<u8> = old.iter().filter(|(id, key)| !stays(*id, key)).map(|(id, _)| *id).collect();
        if !gone.is_empty() {
            let mut listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| listener(&gone));
        }
        Ok(())
    }

    /// Calls `listener` with the ids of the keys that a reload has dropped, until it answers `false`.
    pub(crate) fn listen(&self, listener: impl Fn(&[u8]) -> bool + Send + Sync + 'static) {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// Parses the text form, and refuses keys that are short or well known.
    pub fn parse(text: &str, from: &str) -> Result<Self, Error> {
        Ok(Self::of(parse(text, from)?))
    }

    fn of(ring: Vec<(u8, Secret)>) -> Self {
        let (ring, generation) = (RwLock::new(Arc::new(ring)), AtomicU64::new(0));
        Keys(Arc::new(Shared { ring, generation, listeners: Mutex::default() }))
    }

    fn ring(&self) -> Arc<Vec<(u8, Secret)>> {
        Arc::clone(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Grows with every reload, so that derived keys can be dropped.
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The id of the key that seals.
    pub(crate) fn current(&self) -> u8 {
        self.ring().first().map_or(0, |(id, _)| *id)
    }

    /// A key for one purpose and one context (HKDF-SHA256, RFC 5869), or `None` when the id is unknown.
    pub(crate) fn derive(&self, id: u8, purpose: &[u8], context: &[u8]) -> Option<Secret> {
        let ring = self.ring();
        let (_, master) = ring.iter().find(|(key, _)| *key == id)?;
        let mut derived = Secret([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(None, &master.0);
        hkdf.expand_multi_info(&[b"n2o ", purpose, b" ", context], &mut derived.0).ok()?;
        Some(derived)
    }
}

fn failed<E: fmt::Display>(file: &Path) -> impl Fn(E) -> Error {
    let from = file.display().to_string();
    move |error| Error::Keys { from: from.clone(), reason: error.to_string() }
}

fn read(file: &Path) -> Result<Vec<(u8, Secret)>, Error> {
    if let Ok(text) = std::env::var(KEYS_VARIABLE) {
        return parse(&text, KEYS_VARIABLE);
    }
    let missing = "there is no such file; put the one that belongs to the store in its place. New keys, which \
                   the server makes when it is told to, end all sessions of the store";
    // Whoever opens a pipe waits until somebody writes into it.
    if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return Err(failed(file)("expected a file with keys; it is a folder, a pipe or a device"));
    }
    let mut opened = File::open(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => failed(file)(missing),
        _ => failed(file)(error),
    })?;
    // Of the file that was opened, and not of one that has its name by now.
    let mode = opened.metadata().map_err(failed(file))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let reason = format!(
            "others than its owner can read or write the file, whose mode is {mode:03o}; expected 600 or 400: \
             run `chmod 600 {}`, and put a new key on top if somebody may have read it",
            file.display()
        );
        return Err(failed(file)(reason));
    }
    let mut text = Zeroizing::new(String::new());
    opened.read_to_string(&mut text).map_err(failed(file))?;
    parse(&text, &file.display().to_string())
}

fn create(file: &Path, random: &Random) -> Result<Vec<(u8, Secret)>, Error> {
    let secret = Secret(random.bytes());
    let line = Zeroizing::new(format!("1:{}\n", URL_SAFE_NO_PAD.encode(secret.0)));
    // They get their name when they are whole: a start that is killed leaves keys or none.
    let making = file.with_added_extension(format!("{}.new", std::process::id()));
    let written = || {
        let mut made =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&making)?;
        made.write_all(line.as_bytes())?;
        made.sync_all()?;
        // Unlike a renaming, a link never takes a name from another file.
        fs::hard_link(&making, file)
    };
    let done = written();
    let _ = fs::remove_file(&making);
    done.map_err(failed(file))?;
    Ok(vec![(1, secret)])
}

fn parse(text: &str, from: &str) -> Result<Vec<(u8, Secret)>, Error> {
    let refuse = |line: usize, reason: &str| {
        let reason = format!(
            "line {line}: {reason}; expected ID:KEY, 32 random bytes in base64url, such as the output of `head -c 32 /dev/urandom | base64 | tr +/ -_ | tr -d =`"
        );
        Error::Keys { from: from.to_owned(), reason }
    };
    let mut ring: Vec<(u8, Secret)> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (id, key) = line.split_once(':').ok_or_else(|| refuse(number, "no colon"))?;
        let id =
            id.trim().parse::<u8>().map_err(|_| refuse(number, "the id is not a number from 0 to 255"))?;
        let mut bytes = URL_SAFE_NO_PAD
            .decode(key.trim().trim_end_matches('='))
            .map_err(|_| refuse(number, "the key is not base64url"))?;
        if bytes.len() < 32 {
            return Err(refuse(number, "the key is shorter than 32 bytes"));
        }
        if is_well_known(&bytes) {
            return Err(refuse(number, "the key is well known or not random"));
        }
        if ring.iter().any(|(other, _)| *other == id) {
            return Err(refuse(number, "the id is used twice"));
        }
        let mut secret = Secret([0; 32]);
        // A longer key is folded by HKDF's extract step, so that no byte of it is wasted.
        Hkdf::<Sha256>::new(None, &bytes)
            .expand(b"n2o master", &mut secret.0)
            .map_err(|_| refuse(number, "the key is too long"))?;
        if bytes.len() == 32 {
            secret.0.copy_from_slice(&bytes);
        }
        bytes.zeroize();
        ring.push((id, secret));
    }
    if ring.is_empty() {
        return Err(refuse(1, "no key"));
    }
    Ok(ring)
}

/// 32 random bytes hold fewer than 16 different values less than once in 10^20 keys;
/// repeated words, counters of text and the defaults that are printed in manuals do, or are text.
fn is_well_known(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let different = seen.iter().filter(|seen| **seen).count();
    let steps = bytes.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count();
    different < 16 || steps > bytes.len() / 2 || bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}
