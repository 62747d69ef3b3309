//! Escaping: the one way by which text gets into a document.

use std::borrow::Cow;

/// Writes `text` so that it is text wherever it stands: between tags or in a double-quoted attribute.
///
/// `& < > " '` become references. The two control characters that mark elements while a page is being
/// rendered, and NUL, which HTML does not allow, become U+FFFD.
pub(crate) fn escape(text: &str, out: &mut String) {
    // Most texts have nothing to escape.
    let Some(first) = text.bytes().position(is_special) else {
        out.push_str(text);
        return;
    };
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate().skip(first) {
        let reference = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            0..=2 => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(reference);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

/// The text as [`escape`] writes it.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(is_special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    escape(text, &mut out);
    Cow::Owned(out)
}

/// A table, because every byte of every text is looked at.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = b"&<>\"'\x00\x01\x02";
    let mut at = 0;
    while at < bytes.len() {
        special[bytes[at] as usize] = true;
        at += 1;
    }
    special
};

fn is_special(byte: u8) -> bool {
    SPECIAL[usize::from(byte)]
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

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let mut out = String::new();
        escape("<b a=\"x\" b='y'>&\u{1}\0\u{e9}", &mut out);
        assert_eq!(out, "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\u{fffd}\u{fffd}\u{e9}");
    }
}
