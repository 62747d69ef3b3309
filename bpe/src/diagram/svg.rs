//! Writing SVG that is escaped by construction: names are fixed in the source, everything else is escaped
//! here.

use std::fmt::Write;

/// Markup that grows. A start tag stays open for attributes until the next thing is written.
#[derive(Debug, Default)]
pub(super) struct Svg {
    out: String,
    in_tag: bool,
}

impl Svg {
    pub(super) fn new() -> Self {
        Self { out: String::with_capacity(16 * 1024), in_tag: false }
    }

    fn finish_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.out.push('>');
        }
    }

    /// Begins an element.
    pub(super) fn open(&mut self, name: &'static str) -> &mut Self {
        self.finish_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.in_tag = true;
        self
    }

    /// An attribute of the element just begun.
    pub(super) fn attr(&mut self, name: &'static str, value: &str) -> &mut Self {
        debug_assert!(self.in_tag, "an attribute outside of a tag");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.escape(value);
        self.out.push('"');
        self
    }

    /// An attribute that is a number.
    pub(super) fn num(&mut self, name: &'static str, value: f64) -> &mut Self {
        let value = number(value);
        self.attr(name, &value)
    }

    /// Ends an element that has nothing in it.
    pub(super) fn end(&mut self) -> &mut Self {
        self.in_tag = false;
        self.out.push_str("/>");
        self
    }

    /// Ends an element with content.
    pub(super) fn close(&mut self, name: &'static str) -> &mut Self {
        self.finish_tag();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        self
    }

    /// Text content.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.finish_tag();
        self.escape(text);
        self
    }

    fn escape(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                _ => self.out.push(c),
            }
        }
    }

    pub(super) fn into_string(mut self) -> String {
        self.finish_tag();
        self.out
    }
}

/// A coordinate with at most two decimals.
pub(super) fn number(value: f64) -> String {
    let mut text = String::new();
    let _ = write!(text, "{:.2}", value);
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" { "0".to_owned() } else { text }
}
