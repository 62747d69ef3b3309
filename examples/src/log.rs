//! The log on standard error, which may be a file on a full disk: a line that cannot be written is lost, and
//! nothing else is.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

/// Writes lines for as long as they can be written, and says how many were lost when they can be again.
#[derive(Debug)]
pub struct Log<W>(Mutex<Lines<W>>);

/// Held for one line.
#[derive(Debug)]
struct Lines<W> {
    to: W,
    lost: u64,
}

/// One line of a [`Log`]; it never fails.
#[derive(Debug)]
pub struct Line<'a, W>(&'a Log<W>);

impl<W> Log<W> {
    /// A log that goes to `to`.
    pub fn new(to: W) -> Self {
        Self(Mutex::new(Lines { to, lost: 0 }))
    }
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.lost > 0 {
            // The first of them may have been written in part.
            write!(self.to, "\n{} lines were lost\n", self.lost)?;
            self.lost = 0;
        }
        self.to.write_all(line)
    }
}

impl<W: Write> Write for Line<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.write(line).is_err() {
            lines.lost += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a, W: Write + 'a> MakeWriter<'a> for Log<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct Disk(Vec<u8>, usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.1 - self.0.len());
            self.0.extend_from_slice(&bytes[..fits]);
            if fits == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(fits) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_do_not_fit_are_lost_counted_and_told_when_there_is_room_again() {
        let log = Log::new(Disk(Vec::new(), 8));
        let say = |text: &str| log.make_writer().write_all(text.as_bytes()).unwrap();
        for text in ["one\n", "second\n", "third\n"] {
            say(text);
        }
        log.0.lock().unwrap().to.1 = 1_000;
        say("fourth\n");
        say("fifth\n");
        let text = String::from_utf8(log.0.lock().unwrap().to.0.clone()).unwrap();
        assert_eq!(text, "one\nseco\n2 lines were lost\nfourth\nfifth\n");
    }
}
