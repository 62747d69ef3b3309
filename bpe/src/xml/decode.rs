//! From bytes to text: UTF-8, UTF-16 with a byte order mark, Latin-1 and Windows-1252, which is what
//! modelling tools write. Anything else is refused by name rather than guessed.

use std::borrow::Cow;

use crate::{Error, Result};

/// What 0x80 to 0x9f mean in Windows-1252; the five unassigned bytes stay control characters.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Decodes a file by its byte order mark or its XML declaration.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match declared(bytes).to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => utf8(bytes),
            "iso-8859-1" | "latin1" => {
                Ok(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into())
            }
            "windows-1252" | "cp1252" => Ok(bytes.iter().map(windows).collect::<String>().into()),
            other => Err(Error::Encoding { name: other.to_owned() }),
        },
    }
}

fn windows(byte: &u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(*byte),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Error::Encoding { name: "utf-8".to_owned() })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>> {
    let bad = || Error::Encoding { name: "utf-16".to_owned() };
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad());
    }
    let text: std::result::Result<String, _> =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    text.map(Cow::Owned).map_err(|_| bad())
}

/// The encoding named in `<?xml ... encoding="..."?>`, or the empty text.
fn declared(bytes: &[u8]) -> String {
    let head: String = bytes.iter().take(200).map(|byte| char::from(*byte)).collect();
    let Some((declaration, _)) =
        head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"))
    else {
        return String::new();
    };
    let Some((_, after)) = declaration.split_once("encoding") else { return String::new() };
    let after = after.trim_start_matches([' ', '\t', '\r', '\n', '=']);
    after.split(['"', '\'']).nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_encodings_tools_write() {
        assert_eq!(decode(b"\xef\xbb\xbf<a/>").unwrap(), "<a/>");
        assert_eq!(
            decode(b"<?xml version='1.0' encoding='windows-1252'?>\x80").unwrap().chars().last(),
            Some('\u{20ac}')
        );
        assert_eq!(decode(b"<?xml encoding=\"ISO-8859-1\"?>\xe9").unwrap().chars().last(), Some('\u{e9}'));
        assert_eq!(decode(b"\xff\xfe<\0a\0").unwrap(), "<a");
        assert!(matches!(decode(b"\xff\xfe<\0a"), Err(Error::Encoding { .. })));
        assert!(
            matches!(decode(b"<?xml encoding=\"ebcdic\"?>"), Err(Error::Encoding { name }) if name == "ebcdic")
        );
        assert!(matches!(decode(b"<a>\xff</a>"), Err(Error::Encoding { .. })));
    }
}
