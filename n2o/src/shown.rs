//! Text of others in a log line: bounded, on one line, and without what a terminal would take as a command.

use std::fmt::{self, Display, Write};

/// Most characters of one text.
const MOST: usize = 300;

/// Shows at most 300 characters of what it holds, with control characters and those that turn the direction of
/// writing as escapes, so that nobody writes a log line of his own or fills the log with one.
///
/// ```
/// assert_eq!(n2o::Shown("a\nb\u{202e}").to_string(), r"a\nb\u{202e}");
/// assert_eq!(n2o::Shown("x".repeat(1_000)).to_string().len(), 303, "and three dots");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: Display> Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bounded = Bounded { out: f, left: MOST, cut: false };
        match write!(bounded, "{}", self.0) {
            Err(_) if bounded.cut => f.write_str("..."),
            written => written,
        }
    }
}

struct Bounded<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    left: usize,
    cut: bool,
}

impl Write for Bounded<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if self.left == 0 {
                self.cut = true;
                return Err(fmt::Error);
            }
            self.left -= 1;
            let turns =
                matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if char.is_control() || turns {
                write!(self.out, "{}", char.escape_default())?;
            } else {
                self.out.write_char(char)?;
            }
        }
        Ok(())
    }
}
