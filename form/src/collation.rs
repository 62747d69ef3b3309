//! How texts are told apart and put in order, by the language of the page: the one folding and the one collation of
//! search, index and sort. The data are those of Unicode and CLDR, by way of `icu_collator`, `icu_casemap` and
//! `icu_normalizer`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use icu_casemap::CaseMapper;
use icu_collator::{
    CollatorBorrowed,
    options::{CollatorOptions, Strength},
};
use icu_locale_core::Locale;
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Dash, GeneralCategory},
};

use crate::characters::{is_hidden, nfc};

/// Languages that are remembered: more than an application speaks.
const MOST: usize = 64;
/// Bytes of a key; what is behind them does not count for the place of a text.
const KEY: usize = 256;
/// Letters that are other letters with a stroke, or two of them in one, stand here (Latin-1 Supplement to Latin
/// Extended-B). Those with marks come apart by themselves.
const LETTERS: std::ops::RangeInclusive<char> = '\u{c0}'..='\u{24f}';
/// Characters of most texts: Latin, Greek and Cyrillic, also with marks.
const COMMON: std::ops::RangeInclusive<char> = '\u{80}'..='\u{52f}';
/// Marks, which are folded with the letter before them.
const MARKS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';
/// Letters that they may be.
const PLAIN: [&str; 31] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x", "y", "z", "ae", "oe", "th", "ss", "ij",
];

/// The collation of a language.
#[derive(Debug)]
pub(crate) struct Collation {
    /// Tells all apart; `None` when the data lacks even the root, and code points decide.
    order: Option<CollatorBorrowed<'static>>,
    /// Tells letters apart, and neither case nor accents.
    letters: Option<CollatorBorrowed<'static>>,
    /// Letters that are, to this language, plain ones.
    plain: BTreeMap<char, &'static str>,
    /// The characters of [`COMMON`] as they are folded; a list folds every text that it looks through.
    common: Vec<String>,
}

impl Collation {
    /// The collation of a language, or that of the root of CLDR when there is none of its own.
    pub(crate) fn of(lang: &str) -> Arc<Self> {
        // A std lock: held for a look at the map, and while a language is first asked for.
        static KNOWN: Mutex<BTreeMap<String, Arc<Collation>>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(collation) = known.get(lang) {
            return Arc::clone(collation);
        }
        let collation = Arc::new(Self::new(lang));
        if known.len() < MOST {
            known.insert(lang.to_owned(), Arc::clone(&collation));
        }
        collation
    }

    fn new(lang: &str) -> Self {
        let of = |strength| {
            let mut options = CollatorOptions::default();
            options.strength = Some(strength);
            let locale = Locale::try_from_str(lang).unwrap_or(Locale::UNKNOWN);
            let own = CollatorBorrowed::try_new(locale.into(), options);
            own.or_else(|_| CollatorBorrowed::try_new(Locale::UNKNOWN.into(), options)).ok()
        };
        let (order, letters) = (of(Strength::Tertiary), of(Strength::Primary));
        let same = |char: char| {
            let mut bytes = [0; 4];
            let (letters, text) = (letters.as_ref()?, &*char.encode_utf8(&mut bytes));
            PLAIN.into_iter().find(|plain| letters.compare(text, plain).is_eq())
        };
        let plain = LETTERS.filter_map(|char| Some((char, same(char)?))).collect();
        let mut collation = Collation { order, letters, plain, common: Vec::new() };
        collation.common = COMMON.map(|char| collation.fold_any(char.encode_utf8(&mut [0; 4]))).collect();
        collation
    }

    /// The place of a text: keys are in the order of the texts.
    pub(crate) fn key(&self, text: &str) -> Vec<u8> {
        let Some(order) = &self.order else { return text.as_bytes().to_vec() };
        let mut key = Vec::new();
        let Ok(()) = order.write_sort_key_to(text, &mut key);
        key.truncate(KEY);
        key
    }

    /// A text as search compares it: without case, without the accents that make no other letter, and with one
    /// apostrophe, one quotation mark, one hyphen and one blank for all.
    ///
    /// What is composed or not, wide or narrow, is the same text, and so is what differs in what nobody sees.
    pub(crate) fn fold(&self, text: &str) -> String {
        if text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        let mut out = String::with_capacity(text.len());
        for char in text.chars() {
            if char.is_ascii() {
                out.push(char.to_ascii_lowercase());
                continue;
            }
            let place = u32::from(char).wrapping_sub(u32::from(*COMMON.start())) as usize;
            match self.common.get(place).filter(|_| !MARKS.contains(&char) && !is_old_mark(char)) {
                Some(folded) => out.push_str(folded),
                // What is folded with others around it, and what is rare.
                None => return self.fold_any(text),
            }
        }
        out
    }

    fn fold_any(&self, text: &str) -> String {
        let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
        let apart = nfkd.normalize(text);
        let folded = CaseMapper::new().fold_string(&apart);
        let (mut out, mut base) = (String::with_capacity(folded.len()), String::new());
        for char in nfkd.normalize_iter(folded.chars()) {
            match char {
                _ if char.is_ascii() => out.push(char),
                '\u{2018}'..='\u{201b}'
                | '\u{2032}'
                | '\u{2bc}'
                | '\u{2b9}'
                | '\u{2bb}'
                | '\u{b4}'
                | '\u{ff07}' => {
                    out.push('\'');
                }
                '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => out.push('"'),
                _ if char.is_whitespace() => out.push(' '),
                _ if is_hidden(char) => continue,
                _ if is_mark(char) => {
                    if !base.is_empty() && !self.is_accent(&base, char) {
                        out.push(char);
                    }
                    continue;
                }
                _ if CodePointSetData::new::<Dash>().contains(char) => out.push('-'),
                _ => match self.plain.get(&char) {
                    Some(plain) => out.push_str(plain),
                    None => out.push(char),
                },
            }
            base.clear();
            base.push(char);
        }
        match nfc(&out) {
            Cow::Borrowed(_) => out,
            Cow::Owned(composed) => composed,
        }
    }

    /// Whether a mark makes no other letter of the one before it.
    fn is_accent(&self, base: &str, mark: char) -> bool {
        let marked = format!("{base}{mark}");
        self.letters.as_ref().is_none_or(|letters| letters.compare(base, &marked).is_eq())
    }

    /// The words of a search.
    pub(crate) fn words(&self, text: &str) -> Vec<String> {
        let mut words: Vec<String> = self.fold(text).split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// Whether a character is one of the marks of old Cyrillic writing.
fn is_old_mark(char: char) -> bool {
    matches!(char, '\u{483}'..='\u{489}')
}

fn is_mark(char: char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(char) == GeneralCategory::NonspacingMark
}

#[cfg(test)]
mod tests {
    use icu_normalizer::DecomposingNormalizerBorrowed;
    use proptest::prelude::*;

    use super::*;

    fn fold(text: &str) -> String {
        Collation::of("en").fold(text)
    }

    #[test]
    fn what_people_take_for_one_word_is_one() {
        for (typed, kept) in [
            ("kral", "Kr\u{e1}\u{13e}"),
            ("kral", "Kra\u{301}l\u{30c}"),
            ("STRASSE", "Stra\u{df}e"),
            ("istanbul", "\u{130}stanbul"),
            ("O'Neil", "O\u{2019}Neil"),
            ("m'iata", "m\u{2bc}iata"),
            ("lodz", "\u{141}\u{f3}d\u{17a}"),
            ("malmo", "Malm\u{f6}"),
            (
                "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
                "\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}",
            ),
            ("a-b", "a\u{2011}b"),
            ("abc", "\u{ff21}\u{ff22}\u{ff23}"),
            ("nowhere", "no\u{ad}where"),
        ] {
            assert_eq!(fold(typed), fold(kept), "{typed} {kept}");
        }
    }

    #[test]
    fn letters_of_the_page_s_language_stay_apart() {
        let (uk, sv) = (Collation::of("uk"), Collation::of("sv"));
        assert_ne!(uk.fold("\u{439}"), uk.fold("\u{438}"));
        assert_ne!(uk.fold("\u{457}"), uk.fold("\u{456}"));
        assert!(!uk.fold("\u{457}").contains(&uk.fold("\u{456}")));
        assert_ne!(sv.fold("\u{e5}r"), sv.fold("ar"));
        assert_eq!(fold("\u{e5}r"), fold("ar"));
    }

    #[test]
    fn ukrainian_letters_stand_where_they_belong() {
        let alphabet = "\u{430}\u{433}\u{491}\u{434}\u{435}\u{454}\u{436}\u{438}\u{456}\u{457}\u{439}\u{44f}";
        let mut letters: Vec<String> = alphabet.chars().rev().map(String::from).collect();
        letters.sort_by_key(|letter| Collation::of("uk").key(letter));
        assert_eq!(letters.concat(), alphabet);
    }

    #[test]
    fn each_language_has_its_order() {
        let sorted = |lang: &str| {
            let mut words = ["z", "\u{e4}", "a", "o"];
            words.sort_by_key(|word| Collation::of(lang).key(word));
            words.concat()
        };
        assert_eq!((sorted("de"), sorted("sv")), ("a\u{e4}oz".to_owned(), "aoz\u{e4}".to_owned()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_text_is_found_however_it_is_written(
            text in "[a-zA-Z \u{80}-\u{17f}\u{300}-\u{308}\u{370}-\u{3ff}\u{400}-\u{45f}\u{490}\u{491}'\u{2019}]{0,10}", at in 0..3_usize,
        ) {
            let collation = Collation::of(["en", "uk", "tr"][at]);
            let folded = collation.fold(&text);
            let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            prop_assert_eq!(&collation.fold(&apart), &folded);
            prop_assert_eq!(&collation.fold_any(&text), &folded);
            prop_assert_eq!(&collation.fold(&folded), &folded, "folded once is folded");
            let upper = CaseMapper::new().fold_string(&text).into_owned();
            prop_assert_eq!(&collation.fold(&upper), &folded);
            prop_assert_eq!(collation.key(&apart), collation.key(&text));
        }
    }
}
