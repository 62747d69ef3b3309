//! How a language writes numbers, by CLDR: its digits, its separators, its groups. The library is asked once for
//! each language, by having it write a few numbers.

use std::{borrow::Cow, sync::OnceLock};

use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::Locale;

/// Languages that are remembered: more than an application speaks. What is beyond is asked of the library each time.
const MOST: usize = 64;
/// The sizes of groups that are right in each language: the last one and those before it.
pub(super) const THREES: (usize, usize) = (3, 3);
/// The numbering systems of CLDR whose digits can be typed, apart from those of ASCII.
const SYSTEMS: [&str; 20] = [
    "adlm", "arab", "arabext", "beng", "cakm", "deva", "gujr", "guru", "khmr", "knda", "laoo", "mlym",
    "mymr", "nkoo", "olck", "orya", "tamldec", "telu", "thai", "tibt",
];

/// How a language writes numbers with the digits of one numbering system.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grammar {
    lang: String,
    digits: [char; 10],
    /// What stands before a negative number; right-to-left languages have an invisible mark in it.
    minus: String,
    pub(super) point: char,
    /// What stands between groups, in a language that makes any.
    pub(super) group: Option<char>,
    /// The size of the last group, and that of those before it.
    pub(super) sizes: (usize, usize),
    /// Digits that must stand before the last group for there to be groups at all.
    least: usize,
}

impl Grammar {
    /// The grammar of a language, by its BCP 47 tag; that of English when the tag is none.
    pub(crate) fn of(lang: &str) -> Cow<'static, Grammar> {
        static SHOWN: [OnceLock<Grammar>; MOST] = [const { OnceLock::new() }; MOST];
        Self::among(&SHOWN, lang)
    }

    fn among(known: &'static [OnceLock<Grammar>], lang: &str) -> Cow<'static, Grammar> {
        for place in known {
            let known = place.get_or_init(|| Grammar::new(lang));
            if known.lang == lang {
                return Cow::Borrowed(known);
            }
        }
        Cow::Owned(Grammar::new(lang))
    }

    /// The grammar of a language for numbers written with the digits that this one is of; `None` when it is no digit.
    pub(super) fn with_digit(lang: &str, digit: char) -> Option<Cow<'static, Grammar>> {
        let own = Grammar::of(lang);
        if own.digit(digit).is_some() {
            return Some(own);
        }
        let base = lang.split("-u-").next().unwrap_or_default();
        // Apart from those of pages, whose places what is typed must not take.
        static TYPED: [OnceLock<Grammar>; MOST] = [const { OnceLock::new() }; MOST];
        let of = |system: &str| Self::among(&TYPED, &format!("{base}-u-nu-{system}"));
        if digit.is_ascii_digit() {
            return Some(of("latn")).filter(|own| own.digit(digit).is_some());
        }
        static ZEROS: OnceLock<Vec<(char, &str)>> = OnceLock::new();
        let zeros = ZEROS.get_or_init(|| {
            SYSTEMS.map(|system| (Grammar::new(&format!("en-u-nu-{system}")).digits[0], system)).to_vec()
        });
        let is_of = |zero: char| (u32::from(zero)..u32::from(zero) + 10).contains(&u32::from(digit));
        let (_, system) = zeros.iter().find(|(zero, _)| is_of(*zero))?;
        Some(of(system))
    }

    fn new(lang: &str) -> Self {
        Self::asked(lang).unwrap_or_else(|| Grammar {
            lang: lang.to_owned(),
            digits: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
            minus: String::from("-"),
            point: '.',
            group: Some(','),
            sizes: THREES,
            least: 1,
        })
    }

    /// Learns the grammar from numbers that the library writes.
    fn asked(lang: &str) -> Option<Self> {
        let locale = lang.parse::<Locale>().ok()?;
        let formatter = DecimalFormatter::try_new((&locale).into(), Default::default()).ok()?;
        let written = |text: &str| Some(formatter.format(&text.parse::<Decimal>().ok()?).to_string());
        let mut digits = ['0'; 10];
        for (value, digit) in digits.iter_mut().enumerate() {
            *digit = written(&value.to_string())?.chars().next()?;
        }
        let is_digit = |char: char| digits.contains(&char);
        let sample = written("-123456789012.5")?;
        let (minus, number) = sample.split_at(sample.find(is_digit)?);
        let point = number.chars().rev().find(|char| !is_digit(*char))?;
        let (whole, _) = number.rsplit_once(point)?;
        let group = whole.chars().find(|char| !is_digit(*char));
        let parts = whole.split(|char| Some(char) == group).rev().map(|part| part.chars().count());
        let sizes: Vec<usize> = parts.take(2).collect();
        let sizes = (*sizes.first()?, *sizes.last()?);
        let is_grouped = |before: usize| {
            let text = written(&"1".repeat(sizes.0 + before));
            text.is_some_and(|text| group.is_some_and(|group| text.contains(group)))
        };
        let least = (1..4).find(|before| is_grouped(*before)).unwrap_or(4);
        Some(Grammar { lang: lang.to_owned(), digits, minus: minus.to_owned(), point, group, sizes, least })
    }

    /// What a digit counts; one of another numbering system counts nothing.
    pub(super) fn digit(&self, char: char) -> Option<char> {
        let value = self.digits.iter().position(|digit| *digit == char)?;
        char::from_digit(value as u32, 10)
    }

    /// Writes a plain decimal, with or without groups. It is the digits of a number, perhaps with a point in them,
    /// and a minus before them.
    pub(crate) fn write(&self, plain: &str, grouped: bool) -> String {
        let (minus, digits) = plain.strip_prefix('-').map_or(("", plain), |rest| (self.minus.as_str(), rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digit = |byte: u8| self.digits[usize::from(byte.wrapping_sub(b'0') % 10)];
        let (last, before) = self.sizes;
        let group = self.group.filter(|_| grouped && whole.len() >= last + self.least);
        let mut out = String::with_capacity(2 * plain.len() + 8);
        out.push_str(minus);
        for (at, byte) in whole.bytes().enumerate() {
            let rest = whole.len() - at;
            if let Some(group) = group
                && at > 0
                && rest >= last
                && (rest - last).is_multiple_of(before)
            {
                out.push(group);
            }
            out.push(digit(byte));
        }
        if !fraction.is_empty() {
            out.push(self.point);
            out.extend(fraction.bytes().map(digit));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_library_writes_them() {
        let langs = [
            "en",
            "uk",
            "de",
            "fr",
            "hi",
            "hi-u-nu-deva",
            "ar",
            "ar-eg",
            "fa",
            "bn",
            "mr",
            "ne",
            "my",
            "pl",
            "es",
            "pt-pt",
            "de-ch",
            "de-at",
            "en-in",
            "en-za",
            "fr-ch",
            "bg",
            "et",
            "sv",
            "ckb",
            "ks",
            "sd",
            "tr",
            "he",
            "zh",
            "ja",
            "ko",
            "th",
            "th-u-nu-thai",
            "zh-u-nu-hanidec",
            "und",
            "no-such-language",
        ];
        let numbers = [
            "0",
            "-1",
            "7.5",
            "999",
            "1000",
            "-1000.25",
            "12345",
            "123456",
            "1234567.891",
            "-98765432109876.5",
            "0.0000001",
            "10000000000000000000000000000",
        ];
        for lang in langs {
            let locale = lang.parse::<Locale>().unwrap_or(Locale::UNKNOWN);
            let formatter = DecimalFormatter::try_new((&locale).into(), Default::default()).unwrap();
            for number in numbers {
                let expected = formatter.format(&number.parse().unwrap()).to_string();
                assert_eq!(Grammar::of(lang).write(number, true), expected, "{lang}");
            }
        }
    }

    #[test]
    fn more_languages_than_are_remembered_are_written_all_the_same() {
        for number in 0..2 * MOST {
            let lang = format!("de-x-{number}");
            assert_eq!(Grammar::of(&lang).write("1234.5", true), "1.234,5");
        }
        assert_eq!(Grammar::of("fr").write("1234.5", true), "1\u{202f}234,5");
    }

    #[test]
    fn digits_tell_the_numbering_system() {
        let point = |lang, digit| Grammar::with_digit(lang, digit).map(|grammar| grammar.point);
        assert_eq!(point("ar-eg", '\u{661}'), Some('\u{66b}'));
        assert_eq!(point("ar-eg", '1'), Some('.'));
        assert_eq!(point("hi", '\u{967}'), Some('.'));
        assert_eq!(point("uk", '\u{661}'), Some(','));
        assert_eq!(point("en", 'x'), None);
    }
}
