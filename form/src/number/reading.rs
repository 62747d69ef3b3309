//! What a text can mean as a number. The language of the page decides; what it does not have is read where it can
//! mean one number only, in whatever language, and else it is told how to write it.
//!
//! 1. Digits are those of ASCII or of one numbering system of CLDR, and separators those that the language has with
//!    them. A minus is `-` or U+2212. There is no plus, no exponent, and a digit on both sides of the point.
//! 2. Groups are of three digits, or as CLDR has them for the language, all separated by the language's own mark or
//!    all by blanks, and the first does not begin with 0.
//! 3. A point or comma that is neither the point nor the group mark of the language is its point, unless it could be
//!    a group mark elsewhere: Ukrainian has `12.50` as 12,50 and asks about `1.230`.
//! 4. Everything else is not read. Where it is a number in another language, those that it can be are named.

use super::grammar::{Grammar, THREES};

/// Bytes of a text that may be a number.
const LONG: usize = 256;
/// The sizes of groups in India.
const LAKHS: (usize, usize) = (3, 2);

/// A number as it was written: plain digits before and behind the point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) is_negative: bool,
    pub(super) whole: String,
    pub(super) fraction: String,
}

impl Reading {
    /// The plain decimal, without zeros that say nothing.
    pub(super) fn plain(&self) -> String {
        let whole = self.whole.trim_start_matches('0');
        let fraction = self.fraction.trim_end_matches('0');
        let is_nothing = whole.is_empty() && fraction.is_empty();
        let minus = if self.is_negative && !is_nothing { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{minus}{}{point}{fraction}", if whole.is_empty() { "0" } else { whole })
    }

    /// Digits behind the point that are not zeros at the end.
    pub(super) fn places(&self) -> usize {
        self.fraction.trim_end_matches('0').len()
    }
}

/// What a text can mean.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Readings {
    /// What it means in the language of the page.
    pub(super) own: Option<Reading>,
    /// What else it could mean in another one.
    pub(super) others: Vec<Reading>,
}

/// What separates groups.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Char(char),
    Blank,
    Apostrophe,
}

impl Mark {
    fn of(char: char) -> Self {
        match char {
            char if is_blank(char) => Mark::Blank,
            '\'' | '\u{2019}' => Mark::Apostrophe,
            char => Mark::Char(char),
        }
    }
}

/// The blanks that are put into numbers, whichever of them a keyboard or a program has.
fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\u{a0}' | '\u{2007}'..='\u{200a}' | '\u{202f}' | '\u{205f}')
}

/// The marks that say in which direction a text runs.
fn is_direction(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}')
}

/// Finds what a text can mean on a page in a language. What it means elsewhere is looked for where it is no number of at
/// most so many places here.
pub(super) fn readings(text: &str, places: usize, lang: &str) -> Readings {
    find(text, places, lang).unwrap_or_default()
}

fn find(text: &str, places: usize, lang: &str) -> Option<Readings> {
    if text.len() > LONG {
        return None;
    }
    let body = text.trim_matches(|char: char| char.is_whitespace() || is_direction(char));
    let unsigned = body.strip_prefix(['-', '\u{2212}']);
    let is_negative = unsigned.is_some();
    let body = unsigned.unwrap_or(body).trim_start_matches(is_direction);
    // What begins with its point is told how to write it.
    let is_short = body.starts_with(['.', ',', '\u{66b}']);
    let grammar = Grammar::with_digit(lang, body.chars().nth(usize::from(is_short))?)?;
    // Digits of two systems in one number are a mistake, or a trap.
    if grammar.digit('0').is_none() && body.contains(|char: char| char.is_ascii_digit()) {
        return None;
    }
    let zero = if is_short { "0" } else { "" };
    let plain: String =
        zero.chars().chain(body.chars().map(|char| grammar.digit(char).unwrap_or(char))).collect();
    let split = |point: char, mark: Mark, sizes| {
        let (whole, fraction) = split(&plain, point, mark, sizes)?;
        Some(Reading { is_negative, whole, fraction })
    };
    let home = |point: char| {
        let marks = [grammar.group.map(Mark::of), Some(Mark::Blank)].into_iter().flatten();
        let mut all = marks.flat_map(|mark| [(mark, grammar.sizes), (mark, THREES)]);
        all.find_map(|(mark, sizes)| split(point, mark, sizes))
    };
    let own = home(grammar.point).filter(|_| !is_short);
    if own.as_ref().is_some_and(|own| own.fraction.len() <= places) {
        return Some(Readings { own, others: Vec::new() });
    }
    let mut others: Vec<Reading> = Vec::new();
    let points = ['.', ',', '\u{66b}', grammar.point];
    let marks = ['.', ',', ' ', '\'', '\u{66c}', grammar.group.unwrap_or(' ')].map(Mark::of);
    for point in points {
        for (mark, sizes) in marks.into_iter().flat_map(|mark| [(mark, THREES), (mark, LAKHS)]) {
            let reading = split(point, mark, sizes);
            others.extend(reading.filter(|new| others.iter().all(|known| known.plain() != new.plain())));
        }
    }
    // The one that has groups only comes first.
    others.sort_by_key(|reading| reading.fraction.len());
    let own = own.or_else(|| {
        let is_foreign = |point: &char| *point != grammar.point && Some(*point) != grammar.group;
        let found = ['.', ','].into_iter().filter(is_foreign).find_map(home);
        found.filter(|_| !is_short && others.len() == 1)
    });
    if let Some(own) = &own {
        others.retain(|other| other.plain() != own.plain());
    }
    Some(Readings { own, others })
}

/// The digits of a number before and behind its point, when it is written with these separators.
fn split(text: &str, point: char, mark: Mark, sizes: (usize, usize)) -> Option<(String, String)> {
    if mark == Mark::Char(point) {
        return None;
    }
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match text.split_once(point) {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    if is_digits(whole) {
        return Some((whole.to_owned(), fraction.to_owned()));
    }
    let mut groups: Vec<&str> = whole.split(|char: char| Mark::of(char) == mark).collect();
    let fits = |at: usize, group: &str, size: usize| {
        is_digits(group)
            && if at == 0 { group.len() <= size && !group.starts_with('0') } else { group.len() == size }
    };
    let digits = groups.concat();
    let last = groups.pop().filter(|last| last.len() == sizes.0 && is_digits(last));
    let all = groups.iter().enumerate().all(|(at, group)| fits(at, group, sizes.1));
    last.filter(|_| all && !groups.is_empty()).map(|_| (digits, fraction.to_owned()))
}
