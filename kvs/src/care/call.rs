//! Asking the process that has a store open, over the socket it listens on.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Care, Said,
    control::{Answer, LISTENS, Question, READING, VERSION, socket},
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

/// Asks, when a process listens for this store that is its owner's, ours, or the superuser's; `None` when
/// none does. Any other could answer what it likes.
pub(crate) fn call(
    store: &Path,
    care: &Care,
    said: &mut impl FnMut(Said) -> std::io::Result<()>,
) -> Result<Option<u8>> {
    let owner = fs::metadata(store).ok().map(|found| found.uid());
    let own = rustix::process::geteuid().as_raw();
    let heard = |stream: &UnixStream| {
        let peer = rustix::net::sockopt::socket_peercred(stream);
        peer.is_ok_and(|peer| trusted(peer.uid.as_raw(), owner, own))
    };
    let connected = places(store).into_iter().filter_map(|place| UnixStream::connect(place).ok());
    let found = connected.into_iter().find(heard);
    let Some(mut stream) = found else { return Ok(None) };
    let holder = format!("the process that has {} open", store.display());
    let fail = |error: std::io::Error| match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            let why = format!(
                "it has ended before it answered, or what it said was not read for {READING} minutes{}",
                left(care)
            );
            Error::BrokenOff { place: holder.clone(), why }
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

/// Says that who listens may be told and believed: it could open the file itself, or do as this process may.
fn trusted(peer: u32, owner: Option<u32>, own: u32) -> bool {
    peer == 0 || peer == own || owner == Some(peer)
}

/// What is left of work that was cut off.
fn left(care: &Care) -> String {
    let Care::Backup { file } = care else { return String::new() };
    let file = file.display();
    format!("; there is no backup: {file}.new, which may be left of this one, is of no use")
}

/// Where the holder of a store listens: where the note beside it says, else where it usually does.
fn places(store: &Path) -> Vec<PathBuf> {
    let note = fs::read_to_string(Note::path(store)).unwrap_or_default();
    let noted = note.lines().find_map(|line| line.strip_prefix(LISTENS)).map(PathBuf::from);
    noted.into_iter().chain([socket(store)]).collect()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, thread};

    use super::*;

    /// Asks a process that answers this, and then ends.
    fn ask(answer: &'static str) -> Result<Option<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.redb");
        fs::write(&store, "").unwrap();
        let listener = UnixListener::bind(socket(&store)).unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let answered = call(&store, &Care::Dump, &mut |_| Ok(()));
        answering.join().unwrap();
        answered
    }

    #[test]
    fn only_the_owner_of_the_store_this_user_and_the_superuser_are_asked() {
        for (peer, owner, expected) in [
            (1000, Some(1000), true),
            (1001, Some(1000), false),
            (1001, None, false),
            (1002, None, true),
            (1002, Some(1000), true),
            (0, Some(1000), true),
        ] {
            assert_eq!(trusted(peer, owner, 1002), expected, "{peer} {owner:?}");
        }
        // A socket that another user listens on, where this is the superuser's test, is not asked.
        if rustix::process::geteuid().is_root() {
            let folder = tempfile::tempdir().unwrap();
            let store = folder.path().join("store.redb");
            fs::write(&store, "").unwrap();
            let place = socket(&store);
            std::os::unix::fs::chown(folder.path(), Some(1), Some(1)).unwrap();
            let listening = thread::spawn(move || {
                // The credentials of a socket are those of the thread that began to listen.
                rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(1)).unwrap();
                UnixListener::bind(place).unwrap()
            });
            let _listener = listening.join().unwrap();
            assert_eq!(call(&store, &Care::Stat, &mut |_| Ok(())).unwrap(), None);
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_told_as_that_and_not_as_damage() {
        assert_eq!(ask("{\"said\":{\"line\":\"x\"}}\n{\"done\":0}\n").unwrap(), Some(0));
        for answer in ["", "{\"said\":{\"line\":\"x\"}}\n", "{\"said\":{\"li"] {
            let error = ask(answer).unwrap_err();
            assert!(matches!(error, Error::BrokenOff { .. }), "{answer}: {error}");
            assert!(error.to_string().contains("was not read for 10 minutes"), "{error}");
        }
    }
}
