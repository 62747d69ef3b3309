//! Names of people: which texts are one, and which of them look alike.
//!
//! The data are Unicode's, by way of `icu_normalizer`, `icu_casemap` and `unicode-security`.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use unicode_security::{
    RestrictionLevel, confusable_detection::skeleton, restriction_level::RestrictionLevelDetection,
};

/// Names that the framework writes into histories and audit entries where nobody acted, and those that
/// people would take for them; a dash, which stands there too, is no name because it has no letter.
const RESERVED: [&str; 7] = [
    "anonymous",
    "engine",
    "n2o",
    "server",
    "system",
    "the engine",
    // The engine, as the Ukrainian screens of processes call it.
    "\u{440}\u{443}\u{448}\u{456}\u{439}",
];

/// The name of a person, checked.
///
/// A name has 1 to 64 characters, at least one of them a letter or a digit, in one script or a mixture that
/// people write in (UTS 39, restriction level Highly Restrictive). Blanks are single and within it. Control,
/// format and private-use characters, and all others that UTS 39 keeps out of identifiers, are refused, as
/// are the names of the system itself. ASCII punctuation is allowed, so that an e-mail address is a name.
///
/// ```
/// use n2o::Name;
///
/// let name = Name::new("Stra\u{df}e")?;
/// assert_eq!(name.as_str(), "Stra\u{df}e");
/// assert_eq!(name.key(), Name::new("STRASSE")?.key(), "written otherwise, the same name");
/// assert!(Name::new("lan")?.is_like(&Name::new("Ian")?), "another name that looks the same");
/// assert!(Name::new("ann\u{200b}").is_err(), "a blank that nobody sees");
/// # Ok::<(), n2o::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    text: String,
    key: String,
}

/// The reason why a text is not the name of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty or too long.
    #[error("a name has 1 to {} characters", Name::MAX)]
    Length,
    /// A blank stands at an end, or beside another one.
    #[error("blanks in a name are single and between other characters")]
    Blank,
    /// No letter and no digit is in it.
    #[error("a name has a letter or a digit")]
    Letter,
    /// The character is invisible, or is not one that names are written with.
    #[error("a name is written with visible letters, digits and common signs, and not with {}", shown(*.0))]
    Character(char),
    /// The character is of another script than those before it.
    #[error("a name is written in one script, and {} is of another one than those before it", shown(*.0))]
    Script(char),
    /// The name is one of the system's own.
    #[error("the name is one of the system's own")]
    Reserved,
}

impl NameError {
    /// The same, with the character as it was typed where it is composed to another one.
    fn as_typed(self, typed: &str) -> Self {
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        let before = |c: char| {
            let is_it = |typed: &char| nfc.normalize(typed.encode_utf8(&mut [0; 4])).chars().eq([c]);
            typed.chars().find(is_it).unwrap_or(c)
        };
        match self {
            NameError::Character(c) => NameError::Character(before(c)),
            NameError::Script(c) => NameError::Script(before(c)),
            other => other,
        }
    }
}

impl Name {
    /// Most characters of a name.
    pub const MAX: usize = 64;

    /// Checks a name, and composes it (NFC), so that what looks the same on every screen is the same text.
    pub fn new(typed: &str) -> Result<Self, NameError> {
        let text = ComposingNormalizerBorrowed::new_nfc().normalize(typed).into_owned();
        if text.is_empty() || text.chars().count() > Self::MAX {
            return Err(NameError::Length);
        }
        if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
            return Err(NameError::Blank);
        }
        // ASCII has one script; its signs say nothing of a script, and are visible.
        let written: String = text.chars().filter(|c| !c.is_ascii_punctuation() && *c != ' ').collect();
        if !is_written(&written) {
            return Err(offending(&written).as_typed(typed));
        }
        if !written.chars().any(char::is_alphanumeric) {
            return Err(NameError::Letter);
        }
        let name = Name { key: key(&text), text };
        let looks = name.looks();
        let reserved = |own: &str| {
            looks.contains(&key(own))
                || looks.contains(&look(&key(own)))
                || looks.contains(&look(&own.to_uppercase()))
        };
        if RESERVED.into_iter().any(reserved) {
            return Err(NameError::Reserved);
        }
        Ok(name)
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text that is equal for the same name in other letters: case-folded and normalised (NFKC).
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key, and the skeletons (UTS 39) of the key, of the name as it is shown and of it in capitals. Two names of which one
    /// such text is equal are the same or look the same; where names must be told apart, the first one takes
    /// all of its texts.
    #[must_use]
    pub fn looks(&self) -> Vec<String> {
        looks(&self.text)
    }

    /// Whether two names are the same or look the same.
    #[must_use]
    pub fn is_like(&self, other: &Name) -> bool {
        let looks = other.looks();
        self.looks().iter().any(|look| looks.contains(look))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether people write a name so, ASCII punctuation and blanks aside.
fn is_written(text: &str) -> bool {
    text.check_restriction_level(RestrictionLevel::HighlyRestrictive)
}

/// The first character by which a text is not written as a name is.
fn offending(written: &str) -> NameError {
    let alone = |c: &char| !is_written(c.encode_utf8(&mut [0; 4]));
    if let Some(never) = written.chars().find(alone) {
        return NameError::Character(never);
    }
    let mut ends = written.char_indices().map(|(at, c)| (at + c.len_utf8(), c));
    let mixed = ends.find(|(end, _)| !is_written(&written[..*end]));
    NameError::Script(mixed.map_or(char::REPLACEMENT_CHARACTER, |(_, c)| c))
}

/// A character as a sentence names it: itself, where it can be seen, and its code.
pub(crate) fn shown(c: char) -> String {
    // Letters and a symbol of which nothing is to be seen; all others that are blank or hidden are escaped.
    let is_blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    let code = format!("U+{:04X}", u32::from(c));
    if is_blank || c.escape_debug().count() > 1 { code } else { format!("{c} ({code})") }
}

/// What [`Name::looks`] answers, of a text that may not be a name.
pub(crate) fn looks(text: &str) -> Vec<String> {
    let key = key(text);
    let mut looks = vec![look(&key), look(text), look(&text.to_uppercase()), key];
    looks.sort_unstable();
    looks.dedup();
    looks
}

/// Compatibility caseless matching (the Unicode Standard, D146).
fn key(text: &str) -> String {
    let (nfd, nfkc) = (DecomposingNormalizerBorrowed::new_nfd(), ComposingNormalizerBorrowed::new_nfkc());
    let fold = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    let once = nfkc.normalize(&fold(&nfd.normalize(text))).into_owned();
    nfkc.normalize(&fold(&once)).into_owned()
}

fn look(text: &str) -> String {
    skeleton(text).collect()
}
