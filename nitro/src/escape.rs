//! Escaping: the one way by which text gets into a document.

/// Writes `text` so that it is text wherever it stands: between tags or in a double-quoted attribute.
///
/// `& < > " '` become references, and NUL, which HTML does not allow, becomes U+FFFD.
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
            0 => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(reference);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

/// A table, because every byte of every text is looked at.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = b"&<>\"'\x00";
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
        escape("<b a=\"x\" b='y'>&\0\u{e9}", &mut out);
        assert_eq!(out, "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\u{fffd}\u{e9}");
    }
}
