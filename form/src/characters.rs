//! The characters of texts: one rule for all ways in. A text is kept composed (NFC) and trimmed, and holds nothing
//! that nobody can see. The properties are Unicode's, by way of `icu_properties`.
//!
//! What shows nothing (Default_Ignorable_Code_Point, controls, marks of annotations) is refused within a text, and
//! so is whatever turns its direction. What is invisible and writes nothing differently is trimmed with the blanks
//! at the ends. Three kinds belong to what people write and stay where they do: the joiners U+200C and U+200D behind a
//! letter that joins or a virama, U+200D also between emoji; variation selectors behind what is not a letter with
//! case; tags in the sequence of a flag.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic,
        GeneralCategory, JoiningType,
    },
};

use crate::fault::Fault;

/// Characters of the text before one that is refused, in the fault that says where it stands.
const BEFORE: usize = 12;
/// Characters behind an emoji, and of what dresses it, that are looked through: each of them asks again, so that without
/// a bound a long run would take its square. No flag or family has half as many.
const DRESS: usize = 64;
/// Closes the tags of a flag.
const LAST_TAG: char = '\u{e007f}';

/// Composes a text.
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// A text as it is kept, of one line or of several; nothing, when nobody can see any of it.
pub(crate) fn clean(text: &str, lines: bool) -> Result<String, Fault> {
    let text = nfc(text);
    let text = if lines { Cow::Owned(broken(&text)) } else { text };
    if text.chars().all(is_unseen) {
        return Ok(String::new());
    }
    let text = trimmed(&text);
    let kept = |char| lines && matches!(char, '\n' | '\t');
    for (at, char) in text.char_indices().filter(|(_, char)| is_hidden(*char) && !kept(*char)) {
        let (before, after) = (&text[..at], &text[at + char.len_utf8()..]);
        if !belongs(before, char, after) {
            return Err(Fault::Character { found: format!("U+{:04X}", u32::from(char)), after: end(before) });
        }
    }
    Ok(text.to_owned())
}

/// All line breaks as `\n`. Those of HTML's form data would count double against a length.
fn broken(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n")
}

/// The end of a text, by which people find a place in it.
fn end(text: &str) -> String {
    let line = text.rsplit('\n').next().unwrap_or_default().trim();
    let end: String = line.chars().skip(line.chars().count().saturating_sub(BEFORE)).collect();
    end.trim_start().to_owned()
}

/// Whether a character shows nothing: a blank, or what is [hidden](is_hidden). The blank of Braille has a shape.
fn is_unseen(char: char) -> bool {
    char.is_whitespace() || char == '\u{2800}' || is_hidden(char)
}

/// Whether a character is invisible, and is no blank of a line.
pub(crate) fn is_hidden(char: char) -> bool {
    if char < '\u{ad}' {
        return char.is_control();
    }
    matches!(char, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || is_no_character(char)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
}

/// Whether Unicode has set a code point aside for programs (Noncharacter_Code_Point).
fn is_no_character(char: char) -> bool {
    matches!(char, '\u{fdd0}'..='\u{fdef}') || u32::from(char) & 0xfffe == 0xfffe
}

/// A text without the blanks at its ends, and without what stands there and changes nothing of what is read.
fn trimmed(text: &str) -> &str {
    let is_idle = |char: char| {
        char.is_whitespace()
            || matches!(
                char,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            )
            || matches!(char, '\u{2060}'..='\u{2064}' | '\u{feff}')
    };
    let is_joiner = |char| matches!(char, '\u{200c}' | '\u{200d}');
    let mut text = text.trim_start_matches(|char| is_idle(char) || is_joiner(char));
    loop {
        text = text.trim_end_matches(is_idle);
        match text.char_indices().next_back() {
            Some((at, char)) if is_joiner(char) && !joins(&text[..at]) => text = &text[..at],
            _ => return text,
        }
    }
}

/// Whether a hidden character is a part of what is written before and behind it.
fn belongs(before: &str, char: char, after: &str) -> bool {
    match char {
        '\u{200c}' => joins(before),
        '\u{200d}' => {
            joins(before) || ends_in_emoji(before) && after.chars().next().is_some_and(is_pictograph)
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            before.chars().next_back().is_some_and(varies)
        }
        // A run of tags follows an emoji and is closed by the last one.
        LAST_TAG => before.ends_with(is_tag) && ends_in_emoji(before),
        _ if is_tag(char) => {
            let behind = after.chars().take(DRESS).find(|char| !is_tag(*char));
            behind == Some(LAST_TAG) && ends_in_emoji(before)
        }
        _ => false,
    }
}

/// Whether a text ends in a virama, or in a letter that takes another form beside others.
fn joins(before: &str) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new();
    if before.chars().next_back().is_some_and(|last| class.get(last) == CanonicalCombiningClass::Virama) {
        return true;
    }
    let joining = CodePointMapData::<JoiningType>::new();
    let mut letters = before.chars().rev().map(|char| joining.get(char));
    letters.find(|kind| *kind != JoiningType::Transparent).is_some_and(|kind| {
        matches!(kind, JoiningType::DualJoining | JoiningType::LeftJoining | JoiningType::RightJoining)
    })
}

fn is_pictograph(char: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(char)
}

/// Whether a character is a tag of a flag, all but the last one.
fn is_tag(char: char) -> bool {
    matches!(char, '\u{e0020}'..='\u{e007e}')
}

/// Whether a text ends in an emoji, of any colour, or in the sequence of a flag.
fn ends_in_emoji(before: &str) -> bool {
    let is_dress = |char| {
        char == '\u{fe0f}'
            || char == LAST_TAG
            || is_tag(char)
            || CodePointSetData::new::<EmojiModifier>().contains(char)
    };
    before.chars().rev().take(DRESS).find(|char| !is_dress(*char)).is_some_and(is_pictograph)
}

/// Whether a character may have variants: signs, digits, ideographs and letters without case.
fn varies(char: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(char);
    let is_plain = matches!(
        category,
        GeneralCategory::UppercaseLetter
            | GeneralCategory::LowercaseLetter
            | GeneralCategory::TitlecaseLetter
            | GeneralCategory::ModifierLetter
    );
    !is_plain && !is_unseen(char)
}

#[cfg(test)]
mod tests {
    use icu_normalizer::DecomposingNormalizerBorrowed;
    use proptest::prelude::*;

    use super::*;

    /// Characters of all kinds that the rule knows, and any.
    fn char() -> impl Strategy<Value = char> {
        let ends = "ab \u{a0}\t\n\r\0\u{1b}\u{85}\u{ad}\u{34f}\u{61c}\u{180b}\u{200b}\u{200c}\u{200d}\u{200e}\u{202a}\
            \u{202e}\u{2028}\u{2060}\u{2066}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{fffa}\u{ffff}\u{e0061}\u{e007f}\u{e0100}";
        let scripts =
            "\u{438}\u{306}\u{301}l\u{30c}\u{6cc}\u{645}\u{94d}\u{915}\u{845b}\u{2764}\u{1f468}\u{1f3fb}";
        let own: Vec<char> = ends.chars().chain(scripts.chars()).collect();
        prop_oneof![8 => prop::sample::select(own), 1 => any::<char>()]
    }

    /// What everybody sees of a text, in the order in which they do.
    fn seen(text: &str) -> String {
        nfc(text).chars().filter(|char| !is_unseen(*char)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_text_is_kept_whole_and_clean_or_refused(
            text in prop::collection::vec(char(), 0..12), lines: bool,
        ) {
            let text: String = text.into_iter().collect();
            let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            let kept = clean(&text, lines);
            prop_assert_eq!(&kept, &clean(&apart, lines), "composed or not, it is one text");
            let Ok(kept) = kept else { return Ok(()) };
            prop_assert_eq!(seen(&kept), seen(&text), "nothing that is seen is lost");
            prop_assert_eq!(clean(&kept, lines), Ok(kept.clone()), "what is kept can be given back");
            prop_assert_eq!(nfc(&kept).into_owned(), kept.clone());
            prop_assert_eq!(kept.trim(), &kept);
            let is_allowed = |char: char| {
                matches!(char, '\u{180b}' | '\u{200c}' | '\u{200d}' | '\u{fe0f}')
                    || matches!(char, '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
                    || (lines && matches!(char, '\n' | '\t'))
            };
            prop_assert!(kept.chars().all(|char| !is_hidden(char) || is_allowed(char)), "{:?}", kept);
            prop_assert!(kept.is_empty() || kept.chars().any(|char| !is_unseen(char)));
        }
    }

    #[test]
    fn a_flag_has_a_few_tags_and_no_run_of_them() {
        let flag = |tags: usize| format!("\u{1f3f4}{}\u{e007f}", "\u{e0067}".repeat(tags));
        assert_eq!(clean(&flag(5), false), Ok(flag(5)));
        for long in [flag(100), flag(1) + &"\u{e0067}\u{e007f}".repeat(100), flag(200_000)] {
            assert!(matches!(clean(&long, false), Err(Fault::Character { .. })));
        }
    }

    #[test]
    fn what_is_refused_is_named_with_its_place() {
        let refused = |found: &str, after: &str| {
            Err(Fault::Character { found: found.to_owned(), after: after.to_owned() })
        };
        assert_eq!(clean("the quick brown\u{2066}fox", false), refused("U+2066", "quick brown"));
        assert_eq!(clean("a\nbc \u{0}d", true), refused("U+0000", "bc"));
        assert_eq!(clean("\u{202e}a", false), refused("U+202E", ""));
    }
}
