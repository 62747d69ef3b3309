//! Character references. Only the five predefined entities and character numbers exist here: a file cannot
//! define others, so nothing can expand.

/// Why a reference was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadReference {
    /// `&` without `;`.
    Unclosed,
    /// An entity that is not one of the five.
    Unknown,
    /// A number that is no XML character.
    NotACharacter,
}

/// The character a reference (without `&` and `;`) stands for.
pub(crate) fn resolve(name: &str) -> Result<char, BadReference> {
    let number = match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(BadReference::Unknown)?,
    };
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    let found = code.ok().and_then(char::from_u32).filter(|c| is_character(*c));
    found.ok_or(BadReference::NotACharacter)
}

/// An attribute's value with references resolved and line ends turned into spaces, as XML prescribes.
pub(crate) fn attribute_value(raw: &str) -> Result<String, (usize, BadReference)> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\n', '\r', '\t']) {
        value.push_str(&rest[..at]);
        let offset = raw.len() - rest.len() + at;
        if rest[at..].starts_with('&') {
            let end = rest[at..].find(';').ok_or((offset, BadReference::Unclosed))?;
            value.push(resolve(&rest[at + 1..at + end]).map_err(|bad| (offset, bad))?);
            rest = &rest[at + end + 1..];
        } else {
            let skip = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
            value.push(' ');
            rest = &rest[at + skip..];
        }
    }
    value.push_str(rest);
    Ok(value)
}

/// Whether XML 1.0 allows the character.
pub(crate) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_predefined_entities_exist() {
        assert_eq!(attribute_value("a&lt;b&#10;c&#x41;\nd").as_deref(), Ok("a<b\ncA d"));
        assert_eq!(attribute_value("ab&xxe;"), Err((2, BadReference::Unknown)));
        assert_eq!(attribute_value("&#0;"), Err((0, BadReference::NotACharacter)));
        assert_eq!(attribute_value("&amp"), Err((0, BadReference::Unclosed)));
    }
}
