//! What is shown can be typed, pasted and imported; nothing else is read as a number.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Serialize;

use super::*;
use crate::Fits;

/// A language as books on typography have it: point, mark between groups, sizes of groups.
type Custom = (&'static str, char, char, (usize, usize));

const LANGS: [Custom; 7] = [
    ("en", '.', ',', (3, 3)),
    ("uk", ',', ' ', (3, 3)),
    ("de", ',', '.', (3, 3)),
    ("fr", ',', ' ', (3, 3)),
    ("hi", '.', ',', (3, 2)),
    ("de-ch", '.', '\'', (3, 3)),
    // With digits of its own.
    ("ar-eg", '\u{66b}', '\u{66c}', (3, 3)),
];
const BLANKS: [char; 6] = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}', '\t'];
/// Zeros of numbering systems.
const ZEROS: [char; 5] = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}'];
const CASES: u32 = 10_000;

fn money(decimals: u32) -> Field {
    Field::new("x", Type::Money { decimals })
}

fn real(decimals: u32) -> Field {
    Field::new("x", Type::Number { decimals })
}

fn unclear(numbers: &[&str]) -> Result<Value, Fault> {
    Err(Fault::Unclear { numbers: numbers.iter().map(|number| (*number).to_owned()).collect() })
}

/// A digit as the oracle knows it: its system and what it counts.
fn digit(char: char) -> Option<(char, u32)> {
    ZEROS.into_iter().find_map(|zero| {
        let value = u32::from(char).checked_sub(u32::from(zero)).filter(|value| *value < 10)?;
        Some((zero, value))
    })
}

/// All ways to write digits with groups between which this mark stands, and without groups.
fn writings(whole: &str, mark: char, all_sizes: &[(usize, usize)]) -> BTreeSet<String> {
    let mut out = BTreeSet::from([whole.to_owned()]);
    for (last, before) in all_sizes {
        let mut groups = Vec::new();
        let mut rest = whole;
        let mut size = *last;
        while rest.len() > size {
            let (head, tail) = rest.split_at(rest.len() - size);
            groups.insert(0, tail);
            (rest, size) = (head, *before);
        }
        if !rest.starts_with('0') {
            groups.insert(0, rest);
            out.insert(groups.join(&mark.to_string()));
        }
    }
    out
}

/// The number that a text is with this point and this mark: the one whose writing it is.
fn meant(text: &str, point: char, mark: char, sizes: &[(usize, usize)]) -> Option<(String, String)> {
    let (whole, fraction) = text.split_once(point).unwrap_or((text, "0"));
    let digits: String = whole.chars().filter(|char| *char != mark).collect();
    let is_digits = |text: &str| !text.is_empty() && text.chars().all(|char| char.is_ascii_digit());
    let fits = mark != point && is_digits(&digits) && is_digits(fraction);
    let fraction = if text.contains(point) { fraction } else { "" };
    (fits && writings(&digits, mark, sizes).contains(whole)).then(|| (digits, fraction.to_owned()))
}

/// What a text is, found slowly: by writing numbers in all ways and looking for the text among them.
fn oracle(text: &str, custom: Custom, decimals: usize) -> Option<Decimal> {
    let (lang, mut point, mut mark, sizes) = custom;
    let directions = ['\u{61c}', '\u{200e}', '\u{200f}'];
    let text = text.trim_matches(|char: char| char.is_whitespace() || directions.contains(&char));
    let (is_negative, text) = match text.strip_prefix('-').or_else(|| text.strip_prefix('\u{2212}')) {
        Some(rest) => (true, rest.trim_start_matches(directions)),
        None => (false, text),
    };
    let systems: BTreeSet<char> = text.chars().filter_map(digit).map(|(zero, _)| zero).collect();
    if systems.len() != 1 || !text.starts_with(|char| digit(char).is_some()) {
        return None;
    }
    // Arabic has other marks with the digits of ASCII.
    if (lang, systems.first()) == ("ar-eg", Some(&'0')) {
        (point, mark) = ('.', ',');
    }
    let text: String = text
        .chars()
        .map(|char| match digit(char) {
            Some((_, value)) => char::from_digit(value, 10).unwrap(),
            None if BLANKS.contains(&char) => ' ',
            None if char == '\u{2019}' => '\'',
            None => char,
        })
        .collect();
    let both = [(3, 3), (3, 2)];
    let own_sizes = [(3, 3), sizes];
    let exact = |(whole, fraction): &(String, String)| {
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Decimal::from_str_exact(format!("0{whole}.{fraction}").trim_end_matches('.')).ok()
    };
    let in_world: BTreeSet<(String, String)> = ['.', ',', '\u{66b}', point]
        .into_iter()
        .flat_map(|point| ['.', ',', ' ', '\'', '\u{66c}', mark].map(|mark| meant(&text, point, mark, &both)))
        .flatten()
        .map(|(whole, fraction)| {
            (whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned())
        })
        .collect();
    let at_home = |point| [mark, ' '].into_iter().find_map(|mark| meant(&text, point, mark, &own_sizes));
    let found = at_home(point).or_else(|| {
        let foreign = ['.', ','].into_iter().filter(|char| *char != point && *char != mark);
        foreign.filter_map(at_home).next().filter(|_| in_world.len() == 1)
    })?;
    let short = found.1.trim_end_matches('0').len();
    let others = in_world.iter().filter(|(whole, fraction)| {
        fraction.len() <= decimals
            && (whole.as_str(), fraction.as_str())
                != (found.0.trim_start_matches('0'), found.1.trim_end_matches('0'))
    });
    if found.1.len() > decimals && (short > decimals || others.count() > 0) {
        return None;
    }
    let number = exact(&found)?;
    Some(if is_negative { -number } else { number })
}

/// What is shown and what stands in an input mean what they are made of, however they come back.
fn comes_back(
    lang: &str,
    field: &Field,
    value: &Value,
    same: &dyn Fn(&Value) -> bool,
) -> Result<(), TestCaseError> {
    let shown = [shown(field, value, lang).unwrap(), entered(field, value, lang).unwrap()];
    for text in shown {
        let typed = field.typed(&text, lang);
        prop_assert!(
            typed.as_ref().is_ok_and(same),
            "{lang}: {value} is shown as {text:?}, read as {typed:?}"
        );
        let kept = typed.unwrap();
        let is_blank = |char: char| BLANKS.contains(&char);
        let mut pasted: BTreeSet<String> =
            BLANKS.iter().map(|blank| text.replace(is_blank, &blank.to_string())).collect();
        pasted.insert(format!(" {text}\r\n"));
        pasted.insert(format!("\u{200f}{text}\u{200e}"));
        pasted.insert(text.replace('-', "\u{2212}"));
        if lang == "hi" {
            let own = |char: char| char.to_digit(10).and_then(|value| char::from_u32(0x966 + value));
            pasted.insert(text.chars().map(|char| own(char).unwrap_or(char)).collect());
        }
        for text in pasted {
            prop_assert_eq!(field.typed(&text, lang), Ok(kept.clone()), "{}: {:?}", lang, text);
        }
    }
    let sent = given(field, &kept_of(field, value));
    prop_assert!(sent.as_ref().is_ok_and(same), "{lang}: {value} is sent back as {sent:?}");
    Ok(())
}

/// A value as REST answers it.
fn kept_of(field: &Field, value: &Value) -> Value {
    match field.kind {
        Type::Number { .. } if value.is_f64() => Value::from(digits(field, value).unwrap()),
        _ => value.clone(),
    }
}

fn whole<T: Fits + Serialize>(lang: &str, number: T) -> Result<(), TestCaseError> {
    let value = serde_json::to_value(number).unwrap();
    comes_back(lang, &Field::of::<T>("x"), &value, &|read| *read == value)
}

fn custom() -> impl Strategy<Value = Custom> {
    prop::sample::select(LANGS.to_vec())
}

/// Texts that are nearly numbers.
fn garbage() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec![
        ".", ",", " ", "\u{a0}", "\u{202f}", "'", "\u{2019}", "\u{66b}", "\u{66c}", "",
    ]);
    let group = prop_oneof![4 => "[0-9]{3}", 2 => "[0-9]{1,2}", 1 => "[0-9]{0,7}"];
    let sign = prop::sample::select(vec!["", "", "", "-", "\u{2212}", "+", "\u{61c}-", " "]);
    let tail = prop::sample::select(vec!["", "", "", "", ".", ",", "e3", "%", " ", "-", "_0"]);
    let parts = prop::collection::vec((group, mark.clone()), 0..4);
    let zero = prop::sample::select(ZEROS.to_vec());
    let near =
        (sign, parts, mark, "[0-9]{0,4}", tail, zero).prop_map(|(sign, parts, mark, last, tail, zero)| {
            let body: String = parts.iter().map(|(group, mark)| format!("{group}{mark}")).collect();
            let ascii = format!("{body}{mark}{last}");
            let own =
                |char: char| char.to_digit(10).and_then(|value| char::from_u32(u32::from(zero) + value));
            let body: String = ascii.chars().map(|char| own(char).unwrap_or(char)).collect();
            format!("{sign}{body}{tail}")
        });
    let any = "[-+0-9\u{660}-\u{669}\u{966}-\u{96f}., \u{a0}'\u{66b}\u{66c}\u{2212}e_x\u{bd}]{0,9}";
    prop_oneof![4 => near, 1 => any]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn whole_numbers_come_back((lang, ..) in custom(), unsigned in any::<u64>(), signed in any::<i64>(), cut in 0..64_u32) {
        let (unsigned, signed) = (unsigned >> cut, signed >> cut);
        whole(lang, unsigned)?;
        whole(lang, signed)?;
        whole(lang, unsigned as u8)?;
        whole(lang, unsigned as u16)?;
        whole(lang, unsigned as u32)?;
        whole(lang, signed as i8)?;
        whole(lang, signed as i16)?;
        whole(lang, signed as i32)?;
        whole(lang, Some(signed))?;
    }

    #[test]
    fn amounts_come_back((lang, ..) in custom(), mantissa in any::<i64>(), cut in 0..64_u32, decimals in 0..6_u32) {
        let amount = Decimal::new(mantissa >> cut, decimals);
        let value = Value::from(amount.to_string());
        comes_back(lang, &money(decimals), &value, &|read| *read == value)?;
    }

    #[test]
    fn floats_come_back((lang, ..) in custom(), mantissa in -(1_i64 << 53)..1 << 53, cut in 0..53_u32, decimals in 1..7_u32) {
        let float = (mantissa >> cut) as f64 / f64::from(10_u32.pow(decimals));
        comes_back(lang, &real(6), &Value::from(float), &|read| read.as_f64() == Some(float))?;
        let short = ((mantissa >> cut) % 10_000_000) as f32 / 1_000.0;
        let field = Field::of::<f32>("x");
        comes_back(lang, &field, &serde_json::to_value(short).unwrap(), &|read| {
            serde_json::from_value::<f32>(read.clone()).is_ok_and(|read| read == short)
        })?;
    }

    #[test]
    fn nothing_else_is_read_as_a_number(custom in custom(), text in garbage(), decimals in 0..5_u32) {
        let read = typed(&text, decimals, custom.0).ok();
        prop_assert_eq!(read, oracle(&text, custom, decimals as usize), "{} {:?}", custom.0, text);
    }

    #[test]
    fn what_is_proposed_is_read((lang, ..) in custom(), text in garbage(), decimals in 0..5_u32) {
        let field = money(decimals);
        if let Err(Fault::Unclear { numbers }) = field.typed(&text, lang) {
            prop_assert!((1..=2).contains(&numbers.len()), "{lang} {text:?}: {numbers:?}");
            for number in numbers {
                let way = shown(&field, &number.as_str().into(), lang).unwrap();
                prop_assert_eq!(plain(&number), typed(&way, decimals, lang).ok(), "{} {:?}", lang, text);
            }
        }
    }

    #[test]
    fn programs_send_plain_decimals_only(text in garbage()) {
        let is_plain = regex_lite::Regex::new(r"^-?[0-9]+(\.[0-9]+)?$").unwrap().is_match(&text);
        prop_assert_eq!(plain(&text).is_some(), is_plain, "{:?}", text);
    }
}

#[test]
fn typed_12_comma_50_in_english_is_no_1250() {
    assert_eq!(money(2).typed("12,50", "en"), unclear(&["12.5"]));
    assert_eq!(money(2).typed("12,50", "uk"), Ok("12.50".into()));
    assert_eq!(real(0).typed("12,50", "en"), Err(Fault::Whole));
}

#[test]
fn pasted_20_400_comma_00_is_read_as_the_view_shows_it() {
    for blank in BLANKS {
        assert_eq!(money(2).typed(&format!("20{blank}400,00"), "uk"), Ok("20400.00".into()));
        assert_eq!(money(2).typed(&format!("20{blank}400,00"), "en"), unclear(&["20400"]));
        assert_eq!(money(2).typed(&format!("20{blank}400.00"), "uk"), Ok("20400.00".into()));
    }
}

#[test]
fn typed_1_comma_230_is_what_the_language_of_the_page_says() {
    assert_eq!(money(2).typed("1,230", "en"), Ok("1230.00".into()));
    assert_eq!(real(0).typed("1,230", "en"), Ok(1230.into()));
    assert_eq!(money(3).typed("1,230", "uk"), Ok("1.230".into()));
    assert_eq!(money(2).typed("1,230", "uk"), unclear(&["1230", "1.23"]));
    assert_eq!(money(2).typed("1,235", "uk"), Err(Fault::Places { max: 2 }));
    assert_eq!(real(0).typed("1,230", "uk"), Err(Fault::Whole));
}

#[test]
fn our_own_1_comma_230_point_00_is_read_back() {
    assert_eq!(money(2).typed("1,230.00", "en"), Ok("1230.00".into()));
    assert_eq!(money(2).typed("1,230.00", "uk"), unclear(&["1230"]));
    assert_eq!(money(2).typed("1.230,00", "de"), Ok("1230.00".into()));
}

#[test]
fn a_foreign_point_is_read_where_it_cannot_be_a_group_mark() {
    assert_eq!(money(2).typed("12.50", "uk"), Ok("12.50".into()));
    assert_eq!(money(3).typed("1.230", "uk"), unclear(&["1230", "1.23"]));
    assert_eq!(money(3).typed("0.500", "uk"), Ok("0.500".into()));
    assert_eq!(money(3).typed("1234.500", "uk"), Ok("1234.500".into()));
    assert_eq!(money(2).typed("1.234.567", "uk"), unclear(&["1234567"]));
    assert_eq!(money(2).typed("12.50", "de"), unclear(&["12.5"]));
    assert_eq!(money(2).typed("12,50", "de-ch"), Ok("12.50".into()));
}

#[test]
fn groups_are_as_the_language_has_them() {
    for (text, lang) in
        [("12,34,567", "hi"), ("1,234,567", "hi"), ("1'234'567", "de-ch"), ("1 234 567", "en")]
    {
        assert!(real(0).typed(text, lang).is_ok(), "{text} {lang}");
    }
    assert_eq!(real(0).typed("12,34,567", "en"), unclear(&["1234567"]));
    assert_eq!(real(0).typed("1\u{2019}234", "de-ch"), Ok(1234.into()));
    assert_eq!(real(0).typed("1'234", "en"), unclear(&["1234"]));
    for text in ["12 34", "1 234,567 890", "1,,234", ",234", "1,234,", "0,123,456", "1 23"] {
        assert!(real(0).typed(text, "en").is_err(), "{text}");
    }
}

#[test]
fn digits_are_of_one_numbering_system() {
    let devanagari = "-\u{967}\u{968},\u{969}\u{96a},\u{96b}\u{96c}\u{96d}.\u{96e}";
    assert_eq!(money(1).typed(devanagari, "hi"), Ok("-1234567.8".into()));
    let arabic = "\u{61c}-\u{661}\u{66c}\u{662}\u{663}\u{664}\u{66b}\u{665}";
    assert_eq!(money(1).typed(arabic, "ar-eg"), Ok("-1234.5".into()));
    assert_eq!(money(1).typed("1,234.5", "ar-eg"), Ok("1234.5".into()));
    for mixed in ["1\u{662}", "\u{661}2", "\u{661}\u{968}"] {
        assert_eq!(real(0).typed(mixed, "ar-eg"), Err(Fault::Number), "{mixed}");
    }
}

#[test]
fn what_is_no_number_is_none() {
    let texts = [
        "ten",
        "1e3",
        "1__0",
        "1_000",
        "+5",
        "--5",
        "5-",
        "(5)",
        "0x10",
        "NaN",
        "inf",
        "12.",
        "- 5",
        "5 %",
        "\u{bd}",
        "1.2.3.4",
        "79228162514264337593543950336",
        "\u{ff11}",
    ];
    for text in texts {
        assert_eq!(money(2).typed(text, "en"), Err(Fault::Number), "{text}");
    }
    assert_eq!(money(2).typed(".5", "en"), unclear(&["0.5"]));
    assert_eq!(money(2).typed("-0", "en"), Ok("0.00".into()));
    assert_eq!(money(2).typed(" ", "en"), Ok(Value::Null));
    assert_eq!(money(2).typed("1.005", "en"), Err(Fault::Places { max: 2 }));
    assert_eq!(money(2).typed("1.500", "en"), unclear(&["1500", "1.5"]));
    assert_eq!(money(2).typed("1.5000", "en"), Ok("1.50".into()), "it can be nothing else");
    assert_eq!(real(0).typed("99999999999999999999", "en"), Err(Fault::Number));
    assert_eq!(real(6).typed("9007199254740993", "en"), Err(Fault::Number), "a float would round it");
}

#[test]
fn programs_send_numbers_of_json_or_plain_decimals() {
    for text in ["1,000", "1__0", "1e3", "1 000", "+1", ".5", "5.", "12,50", " 1", "\u{661}", "0x1"] {
        assert_eq!(given(&money(2), &text.into()), Err(Fault::Number), "{text}");
        assert_eq!(given(&real(0), &text.into()), Err(Fault::Number), "{text}");
    }
    assert_eq!(given(&money(2), &"-1230.5".into()), Ok("-1230.50".into()));
    assert_eq!(given(&money(2), &serde_json::json!(1230.5)), Ok("1230.50".into()));
    assert_eq!(given(&real(0), &serde_json::json!(1000.0)), Ok(1000.into()));
    assert_eq!(given(&money(2), &"1.005".into()), Err(Fault::Places { max: 2 }));
    // Sent as 100000000000000.01, which no float has.
    assert_eq!(given(&money(2), &serde_json::json!(100_000_000_000_000.01)), Err(Fault::Number));
    assert_eq!(given(&money(2), &serde_json::json!(true)), Err(Fault::Type));
}
