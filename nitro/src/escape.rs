//! Escaping: the one way by which text gets into a document.

use std::borrow::Cow;

/// Writes `text` so that it is text wherever it stands: between tags or in a double-quoted attribute.
///
/// `& < > " '` become references, and NUL, which HTML does not allow, becomes U+FFFD.
pub(crate) fn escape(text: &str, out: &mut String) {
    if is_clean(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let reference = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            0 => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(reference);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

/// There is nothing to escape, as in most texts. Every byte of every text is looked at, so eight are looked at
/// together.
fn is_clean(bytes: &[u8]) -> bool {
    // The last bytes once more, with some before them or with blanks behind them.
    let last = if let Some(last) = bytes.last_chunk() {
        u64::from_le_bytes(*last)
    } else if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_le_bytes(*low)) | u64::from(u32::from_le_bytes(*high)) << 32
    } else {
        let at = |at: usize| u64::from(bytes.get(at).copied().unwrap_or(b' '));
        at(0) | at(1) << 8 | at(2) << 16 | each(b' ') << 24
    };
    let (words, _) = bytes.as_chunks();
    is_clean_word(last) && words.iter().all(|word| is_clean_word(u64::from_le_bytes(*word)))
}

/// A word of eight times one byte.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

fn is_clean_word(word: u64) -> bool {
    // The upper bit of a byte is set when the byte is 0, by the usual trick, or one before it is.
    let zero = |word: u64| word.wrapping_sub(each(1)) & !word & each(0x80);
    let quotation = zero(word ^ each(b'"'));
    // These pairs differ in one bit.
    let ampersand = zero((word | each(1)) ^ each(b'&' | b'\''));
    let angle = zero((word | each(2)) ^ each(b'<' | b'>'));
    zero(word) | quotation | ampersand | angle == 0
}

/// Markup that is not escaped: the only door for it, and easy to search for.
///
/// Whoever makes one vouches that no user's text is in it unescaped.
#[derive(Clone, Debug)]
pub struct Raw(pub String);

impl maud::Render for Raw {
    fn render_to(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

/// Takes back what [`escape`] did.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\'')];
        let (len, char) = known
            .iter()
            .find(|(name, _)| rest.starts_with(name))
            .map_or((1, '&'), |(name, char)| (name.len(), *char));
        out.push(char);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escape, is_clean};

    #[test]
    fn nothing_in_a_text_is_markup() {
        let mut out = String::new();
        escape("<b a=\"x\" b='y'>&\0\u{e9}", &mut out);
        assert_eq!(out, "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\u{fffd}\u{e9}");
    }

    proptest! {
        #[test]
        fn what_has_nothing_to_escape_is_known(text in "[%-(\"#!:-@\0\u{e9}a ]{0,20}") {
            let is_special = |byte: u8| b"&<>\"'\0".contains(&byte);
            prop_assert_eq!(is_clean(text.as_bytes()), !text.bytes().any(is_special));
        }
    }
}
