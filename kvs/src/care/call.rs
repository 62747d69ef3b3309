//! Asking the process that has a store open, over the socket it listens on.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
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

/// How long the other process may say nothing at all before that is said: it tells every second how far it
/// is, unless it is held up itself. It is waited for as long as it lives.
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
    let holder = format!("the process that has {} open", store.display());
    let fail = |error: std::io::Error| match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            Error::Remote { text: format!("{holder} has ended before it answered{}", left(care)) }
        }
        _ => Error::io(&holder, error),
    };
    stream.set_read_timeout(Some(SILENCE)).map_err(fail)?;
    let question = Question { kvs: VERSION, care: care.clone() };
    let text = serde_json::to_string(&question).map_err(|error| fail(error.into()))?;
    stream.write_all(format!("{text}\n").as_bytes()).map_err(fail)?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut text = Vec::new();
        while let Err(error) = lines.by_ref().take(LINE).read_until(b'\n', &mut text) {
            // The system calls it "temporarily unavailable"; what was read of the line is kept.
            if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
                return Err(fail(error));
            }
            let words = format!("{holder} has said nothing for {} seconds; waiting", SILENCE.as_secs());
            said(Said::Note(words)).map_err(hearer)?;
        }
        if text.last() != Some(&b'\n') {
            return Err(fail(ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_slice(&text).map_err(|error| fail(error.into()))? {
            Answer::Said(words) => said(words).map_err(hearer)?,
            Answer::Failed(text) => return Err(Error::Remote { text }),
            Answer::Done(status) => return Ok(Some(status)),
        }
    }
}

/// What is left of work that was cut off.
fn left(care: &Care) -> String {
    let Care::Backup { file } = care else { return String::new() };
    let file = file.display();
    format!(
        "; there is no backup: the next one into {file} removes {file}.new, which may be left of this one"
    )
}

/// Where the holder of a store listens: where the note beside it says, else where it usually does.
fn places(store: &Path) -> Vec<PathBuf> {
    let note = fs::read_to_string(Note::path(store)).unwrap_or_default();
    let noted = note.lines().find_map(|line| line.strip_prefix(LISTENS)).map(PathBuf::from);
    noted.into_iter().chain([socket(store)]).collect()
}
