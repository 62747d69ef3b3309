//! E-mail addresses and telephone numbers: which there are, and how they are kept.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Dash, GeneralCategory, GeneralCategoryGroup},
};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::characters::is_hidden;

/// Most bytes of a domain that is looked at: 253 characters of DNS, each of which may take four.
const DOMAIN: usize = 1_012;

/// An e-mail address as it is kept, of a text that is [clean](crate::characters::clean): by the rule of browsers for
/// `input type=email` with a point in the domain asked for, and for other scripts by RFC 6531, with a domain that
/// IDNA (UTS 46) knows and shows.
pub(crate) fn email(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let is_local = (1..=64).contains(&local.len()) && local.chars().all(is_local);
    let domain = if is_local && domain.len() <= DOMAIN { shown(domain)? } else { return None };
    Some(format!("{local}@{domain}"))
}

/// A character before the `@`.
fn is_local(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(char);
    }
    let written = [GeneralCategoryGroup::Letter, GeneralCategoryGroup::Mark, GeneralCategoryGroup::Number];
    let category = CodePointMapData::<GeneralCategory>::new().get(char);
    written.into_iter().any(|group| group.contains(category)) && !is_hidden(char)
}

/// A domain as people read it. One that is written in ASCII stays as it is.
fn shown(domain: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_domain = |ascii: &str| ascii.contains('.') && ascii.split('.').all(label);
    let is_coded = |label: &str| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    if domain.is_ascii() && !domain.split('.').any(is_coded) {
        return is_domain(domain).then(|| domain.to_owned());
    }
    let (idna, deny, hyphens) = (Uts46::new(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let ascii = idna.to_ascii(domain.as_bytes(), deny, hyphens, DnsLength::Verify).ok()?;
    let (read, fits) = idna.to_unicode(ascii.as_bytes(), deny, hyphens);
    (fits.is_ok() && is_domain(&ascii)).then(|| read.into_owned())
}

/// A telephone number as it is kept: digits, 5 to 15 as E.164 has them, with a plus before them and blanks, hyphens,
/// points and parentheses between them. Whatever blanks, dashes and wide digits it was written with are the usual
/// ones then; marks that turn its direction, which address books put around it, are left out.
pub(crate) fn phone(text: &str) -> Option<String> {
    let mut number = String::with_capacity(text.len());
    for char in ComposingNormalizerBorrowed::new_nfkc().normalize_iter(text.chars()) {
        match char {
            _ if char.is_whitespace() => {
                if !number.is_empty() && !number.ends_with(' ') {
                    number.push(' ');
                }
            }
            _ if char.is_control() => return None,
            _ if is_hidden(char) => {}
            _ if CodePointSetData::new::<Dash>().contains(char) => number.push('-'),
            other => number.push(other),
        }
    }
    number.truncate(number.trim_end().len());
    is_phone(&number).then_some(number)
}

/// Digits with one hyphen or point at a time between them, some of them in parentheses.
fn is_phone(number: &str) -> bool {
    let (mut digits, mut is_open) = (0, false);
    // Of blanks no account is taken but that a separator is one with those around it.
    let mut last = '(';
    for char in number.strip_prefix('+').unwrap_or(number).chars().filter(|char| *char != ' ') {
        let fits = match char {
            '0'..='9' => true,
            '-' | '.' => !is_open && matches!(last, '0'..='9' | ')') || is_open && last.is_ascii_digit(),
            '(' => !is_open && (digits == 0 || last != '('),
            ')' => is_open && last.is_ascii_digit(),
            _ => false,
        };
        if !fits {
            return false;
        }
        digits += usize::from(char.is_ascii_digit());
        is_open = char == '(' || is_open && char != ')';
        last = char;
    }
    (5..=15).contains(&digits) && !is_open && matches!(last, '0'..='9' | ')')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLANKS: [&str; 6] = [" ", "\u{a0}", "\u{202f}", "\u{2009}", "\u{3000}", " \t"];
    const DASHES: [&str; 6] = ["-", "\u{2010}", "\u{2011}", "\u{2013}", "\u{2212}", "\u{ff0d}"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_phone_is_kept_the_same_whatever_blanks_and_dashes_it_has(
            groups in prop::collection::vec("[0-9]{1,3}", 3..6), blanks: bool, at in 0..6_usize, around: bool,
        ) {
            let join = |mark: &str| format!("+{}", groups.join(mark));
            let (usual, odd) = if blanks { (" ", BLANKS[at]) } else { ("-", DASHES[at]) };
            let (usual, odd) = (join(usual), join(odd));
            let odd = if around { format!("\u{202a}{odd}\u{202c}") } else { odd };
            let digits: usize = groups.iter().map(String::len).sum();
            prop_assert_eq!(phone(&odd), (5..=15).contains(&digits).then_some(usual));
        }

        #[test]
        fn a_phone_is_what_it_is_kept_as(text in "[+0-9 ().x\u{2011}\u{a0}-]{0,20}") {
            let kept = phone(&text);
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            if let Some(kept) = kept {
                prop_assert_eq!(digits(&kept), digits(&text));
                prop_assert_eq!(phone(&kept), Some(kept.clone()));
                prop_assert!(!["--", "..", "-.", ".-", "()", "((", "  "].iter().any(|run| kept.contains(run)), "{}", kept);
            }
        }

        #[test]
        fn an_address_in_any_script_is_one_in_both_writings(
            local in "[a-z0-9.\u{430}-\u{44f}]{1,20}", name in "[a-z\u{e4}\u{fc}\u{430}-\u{44f}]{2,9}", end in "[a-z]{2,5}",
        ) {
            let domain = format!("{name}.{end}");
            let mail = format!("{local}@{domain}");
            let Some(kept) = email(&mail) else {
                // What mixes scripts within a label is refused by nobody but IDNA itself.
                prop_assert!(idna::domain_to_ascii_strict(&domain).is_err(), "{}", mail);
                return Ok(());
            };
            prop_assert_eq!(&kept, &mail);
            let coded = format!("{local}@{}", idna::domain_to_ascii_strict(&domain).unwrap());
            prop_assert_eq!(email(&coded), Some(kept));
        }
    }
}
