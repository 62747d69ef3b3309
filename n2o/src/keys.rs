//! The master keys of a node: from a file or the environment, refused when weak, replaced while running.

use std::{
    fmt,
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

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

#[derive(Debug)]
struct Shared {
    // A std lock: held for the clone of an `Arc`, never across an await.
    ring: RwLock<Arc<Vec<(u8, Secret)>>>,
    generation: AtomicU64,
}

impl Keys {
    /// A ring of one random key, which dies with the process; for tests and for stores in memory.
    #[must_use]
    pub fn random(random: &Random) -> Self {
        Self::of(vec![(1, Secret(random.bytes()))])
    }

    /// Reads the keys from the environment, else from `file`; writes a random key to `file` when neither exists.
    pub fn load(file: &Path, random: &Random) -> Result<Self, Error> {
        Ok(Self::of(read(file, random)?))
    }

    /// Reads the keys again, as at start; on an error the old ones stay.
    pub fn reload(&self, file: &Path, random: &Random) -> Result<(), Error> {
        let ring = read(file, random)?;
        *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        self.0.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Parses the text form, and refuses keys that are short or well known.
    pub fn parse(text: &str, from: &str) -> Result<Self, Error> {
        Ok(Self::of(parse(text, from)?))
    }

    fn of(ring: Vec<(u8, Secret)>) -> Self {
        Keys(Arc::new(Shared { ring: RwLock::new(Arc::new(ring)), generation: AtomicU64::new(0) }))
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

fn read(file: &Path, random: &Random) -> Result<Vec<(u8, Secret)>, Error> {
    if let Ok(text) = std::env::var(KEYS_VARIABLE) {
        return parse(&text, KEYS_VARIABLE);
    }
    let from = file.display().to_string();
    let failed = |error: std::io::Error| Error::Keys { from: from.clone(), reason: error.to_string() };
    match std::fs::read_to_string(file) {
        Ok(text) => parse(&text, &from),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let secret = Secret(random.bytes());
            let line = format!("1:{}\n", URL_SAFE_NO_PAD.encode(secret.0));
            let mut created =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
            created.write_all(line.as_bytes()).and_then(|()| created.sync_all()).map_err(failed)?;
            Ok(vec![(1, secret)])
        }
        Err(error) => Err(failed(error)),
    }
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
