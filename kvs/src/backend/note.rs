//! The note beside an open store that says who has it. The lock itself is the operating system's, see `disk`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::disk::private;

/// The beginning of the line that says when the holder began, as its system counts.
const BEGAN: &str = "began ";

/// The name of a holder that left no note: one that only reads writes none.
const UNKNOWN: &str = "another process (a `kvs` that reads it, perhaps)";

/// The file beside the store that says who holds it. The lock ends with the process; this is only the name on
/// it.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) store: PathBuf,
}

impl Note {
    pub(crate) fn path(store: &Path) -> PathBuf {
        let mut name = store.as_os_str().to_owned();
        name.push(".lock");
        name.into()
    }

    pub(crate) fn write(store: &Path) -> io::Result<Self> {
        let path = Self::path(store);
        let (id, host) = (std::process::id(), host());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let mut file = private().write(true).create(true).truncate(true).open(&path)?;
        writeln!(file, "process {id} on {host} since {}", date(now))?;
        if let Some(began) = began(id) {
            writeln!(file, "{BEGAN}{began}")?;
        }
        Ok(Self { store: store.to_owned() })
    }

    fn read(store: &Path) -> String {
        fs::read_to_string(Self::path(store)).unwrap_or_default()
    }

    /// The name of who holds the store, which is not to be had. A note of a process that has ended is of no holder.
    pub(crate) fn holder(store: &Path) -> String {
        let note = Self::read(store);
        let holder = note.lines().next().unwrap_or_default().trim();
        if holder.is_empty() || is_gone(&note) { UNKNOWN.to_owned() } else { holder.to_owned() }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // Only a courtesy: a note that stays is overwritten by the next holder. One of another process is
        // beside another file, which has taken this one's place.
        if Self::read(&self.store).starts_with(&format!("process {} ", std::process::id())) {
            let _ = fs::remove_file(Self::path(&self.store));
        }
    }
}

fn host() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { "this machine".to_owned() } else { host.to_owned() }
}

/// The time at which a process of this machine began, in ticks since the machine did: its number may be given again.
fn began(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the program's name, which may hold anything, it is the 20th.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// Says whether the process of a note has ended, as far as that can be seen from here.
fn is_gone(note: &str) -> bool {
    let mut words = note.split_ascii_whitespace().skip(1);
    let process = words.next().and_then(|word| word.parse().ok());
    let here = words.nth(1) == Some(&*host());
    let Some(process) = process.filter(|_| here && began(std::process::id()).is_some()) else { return false };
    let noted = note.lines().find_map(|line| line.strip_prefix(BEGAN));
    match began(process) {
        Some(began) => noted.is_some_and(|noted| noted.parse() != Ok(began)),
        None => true,
    }
}

/// A time as RFC 3339 has it, in UTC.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0, in eras of 400 years; a year ends with its leap day.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::disk, error::Error};

    #[test]
    fn a_time_is_a_date() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn a_process_that_has_ended_is_not_said_to_hold_a_store_that_another_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("store.redb");
        fs::write(&store, "").expect("it is written");
        let _reader = disk::look(&store).expect("one reads");
        let holder = || match disk::lock(&store) {
            Err(Error::Locked { holder, .. }) => holder,
            other => panic!("{other:?}"),
        };
        assert_eq!(holder(), UNKNOWN, "there is no note");
        let own = Note::write(&store).expect("it is written");
        let noted = Note::read(&store);
        let line = noted.lines().next().expect("a line");
        assert_eq!(holder(), line);
        let (since, id) = (" since 2", std::process::id());
        assert!(
            line.starts_with(&format!("process {id} on {}{since}", host())) && line.ends_with('Z'),
            "{line}"
        );
        // Killed, it leaves its note; its number may be another's by now.
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("it ends");
        let ended = noted.replacen(&id.to_string(), &child.id().to_string(), 1);
        let again = format!("{line}\n{BEGAN}1\n");
        let elsewhere = ended.replacen(&host(), "elsewhere", 1);
        let old = format!("process {id} on {} since Unix time 1\n", host());
        for (note, gone) in
            [(&ended, true), (&again, true), (&elsewhere, false), (&old, false), (&noted, false)]
        {
            fs::write(Note::path(&store), note).expect("it is written");
            assert_eq!(holder() == UNKNOWN, gone, "{note}");
        }
        drop(own);
        assert!(!Note::path(&store).exists());
    }
}
