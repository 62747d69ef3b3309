//! The document around a page: what `PROTOCOL.md`, section 2, says it holds.

use crate::{escape::escape, lang::text, url::Url};

/// A whole HTML document.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// The language of the page, as a BCP 47 tag.
    pub lang: &'a str,
    /// The title.
    pub title: &'a str,
    /// The page token.
    pub token: &'a str,
    /// Where the client script is.
    pub script: &'a str,
    /// Where style sheets are.
    pub styles: &'a [Url],
    /// The content of the page.
    pub html: &'a str,
}

impl Document<'_> {
    /// The document as text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(self.html.len() + 1024);
        out.push_str("<!DOCTYPE html><html lang=\"");
        escape(self.lang, &mut out);
        out.push_str("\"><head><meta charset=\"utf-8\"><title>");
        escape(self.title, &mut out);
        out.push_str("</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"n2o\" content=\"");
        escape(self.token, &mut out);
        out.push_str("\">");
        for style in self.styles {
            out.push_str("<link rel=\"stylesheet\" href=\"");
            escape(style.as_str(), &mut out);
            out.push_str("\">");
        }
        out.push_str("<script type=\"module\" src=\"");
        escape(self.script, &mut out);
        out.push_str("\"></script></head><body><div id=\"n2o-page\">");
        out.push_str(self.html);
        out.push_str("</div><output id=\"n2o-note\" data-off=\"");
        escape(text(self.lang).off, &mut out);
        out.push_str("\" data-wait=\"");
        escape(text(self.lang).wait, &mut out);
        out.push_str("\"></output></body></html>");
        out
    }
}
