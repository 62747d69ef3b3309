//! Asking the process that has a store open, over the socket it listens on.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Care, Said,
    control::{Answer, LISTENS, Question, VERSION, socket},
    hearer,
};
use crate::{
    backend::disk::Note,
    error::{Error, Result},
};

/// How long the other process may say nothing at all: it tells twice a second how far it is.
const SILENCE: Duration = Duration::from_secs(30);

/// The longest line that is read of an answer, in bytes: a value of the greatest size, escaped.
const LINE: u64 = 256 << 20;

/// Asks, when a process listens for this store; `None` when none does.
pub(crate) fn call(
    store: &Path,
    care: &Care,
    said: &mut impl FnMut(Said) -> std::io::Result<()>,
) -> Result<Option<u8>> {
    let found = places(store).into_iter().find_map(|place| UnixStream::connect(place).ok());
    let Some(mut stream) = found else { return Ok(None) };
    let fail = |error| Error::io(&format!("the process that has {} open", store.display()), error);
    stream.set_read_timeout(Some(SILENCE)).map_err(fail)?;
    let question = Question { kvs: VERSION, care: care.clone() };
    let text = serde_json::to_string(&question).map_err(|error| fail(error.into()))?;
    stream.write_all(format!("{text}\n").as_bytes()).map_err(fail)?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut text = String::new();
        if lines.by_ref().take(LINE).read_line(&mut text).map_err(fail)? == 0 {
            return Err(fail(std::io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_str(&text).map_err(|error| fail(error.into()))? {
            Answer::Said(words) => said(words).map_err(hearer)?,
            Answer::Failed(text) => return Err(Error::Remote { text }),
            Answer::Done(status) => return Ok(Some(status)),
        }
    }
}

/// Where the holder of a store listens: where the note beside it says, else where it usually does.
fn places(store: &Path) -> Vec<PathBuf> {
    let note = fs::read_to_string(Note::path(store)).unwrap_or_default();
    let noted = note.lines().find_map(|line| line.strip_prefix(LISTENS)).map(PathBuf::from);
    noted.into_iter().chain([socket(store)]).collect()
}
