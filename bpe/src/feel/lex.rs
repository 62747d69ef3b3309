//! From text to tokens, each with its byte offset.

use rust_decimal::Decimal;

use super::parse::FeelError;

/// A token and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(Decimal),
    Text(String),
    Name(String),
    /// `@"..."`
    Temporal(String),
    /// Punctuation and operators.
    Mark(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const MARKS: [&str; 25] = [
    "**", "..", "<=", ">=", "!=", "==", "->", "+", "-", "*", "/", "(", ")", "[", "]", "{", "}", "<", ">",
    "=", ",", ":", ".", "?", "&",
];

pub(crate) fn lex(text: &str) -> Result<Vec<Spanned>, FeelError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if let Some(length) = comment(&text[at..]) {
            at += length;
            continue;
        }
        let (token, length) = token(&text[at..], c).map_err(|what| FeelError { at, what })?;
        tokens.push(Spanned { token, at });
        at += length;
    }
    tokens.push(Spanned { token: Token::End, at });
    Ok(tokens)
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| rest.find("*/").map_or(rest.len(), |end| end + 2))
}

fn token(rest: &str, first: char) -> Result<(Token, usize), String> {
    let digit_after_point = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || digit_after_point {
        return number(rest);
    }
    if first == '"' {
        return string(rest).map(|(text, length)| (Token::Text(text), length));
    }
    if rest.starts_with("@\"") {
        return string(&rest[1..]).map(|(text, length)| (Token::Temporal(text), length + 1));
    }
    if first == '`' {
        let end = rest[1..].find('`').ok_or("a name in back quotes is not closed")?;
        return Ok((Token::Name(rest[1..=end].to_owned()), end + 2));
    }
    if is_name_start(first) {
        let end = rest.find(|c| !is_name_start(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
        return Ok((Token::Name(rest[..end].to_owned()), end));
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
    mark.map(|mark| (Token::Mark(mark), mark.len())).ok_or_else(|| format!("`{first}` has no meaning here"))
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

/// A point belongs to the number only when a digit follows, so that `1..5` is a range.
fn number(rest: &str) -> Result<(Token, usize), String> {
    let bytes = rest.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    let text = &rest[..end];
    let number = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        text.strip_prefix('.').map_or_else(|| text.parse(), |fraction| format!("0.{fraction}").parse())
    };
    number.map(|number| (Token::Number(number), end)).map_err(|_| format!("`{text}` is out of range"))
}

fn string(rest: &str) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((text, at + 1)),
            '\\' => {
                let (_, escape) = chars.next().ok_or("a text ends within an escape")?;
                match escape {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    '"' | '\\' | '\'' | '/' => text.push(escape),
                    'u' | 'U' => {
                        let length = if escape == 'u' { 4 } else { 6 };
                        let hex: String = chars.by_ref().take(length).map(|(_, c)| c).collect();
                        let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                        text.push(code.ok_or("a `\\u` escape names no character")?);
                    }
                    other => {
                        text.push('\\');
                        text.push(other);
                    }
                }
            }
            _ => text.push(c),
        }
    }
    Err("a text is not closed".to_owned())
}
