//! The document around a page: what `PROTOCOL.md`, section 2, says it holds.

use crate::{escape::escape, lang::text, url::Url};

/// A whole HTML document.
#[derive(Clone, Debug, Default)]
pub struct Document<'a> {
    /// The language of the page, as a BCP 47 tag.
    pub lang: &'a str,
    /// The title.
    pub title: &'a str,
    /// The page token.
    pub token: &'a str,
    /// Something that is another for each user, and says nothing about them.
    pub user: &'a str,
    /// The counted frames that the content contains already, and the last event.
    pub seen: (u64, u64),
    /// Where the client script is.
    pub script: &'a str,
    /// Markup for the head, such as an icon.
    pub head: &'a str,
    /// Where style sheets are.
    pub styles: &'a [Url],
    /// The content of the page.
    pub html: &'a str,
    /// The inputs that belong to the page's forms, as markup: see `PROTOCOL.md`, section 2.
    pub forms: &'a str,
    /// A text that the user is told.
    pub note: &'a str,
}

impl Document<'_> {
    /// The document as text.
    #[must_use]
    pub fn render(&self) -> String {
        let text = text(self.lang);
        let mut out = String::with_capacity(self.html.len() + self.forms.len() + 2048);
        out.push_str("<!DOCTYPE html><html lang=\"");
        escape(self.lang, &mut out);
        out.push_str("\"><head><meta charset=\"utf-8\"><title>");
        escape(self.title, &mut out);
        out.push_str("</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"n2o\" content=\"");
        escape(self.token, &mut out);
        if !self.user.is_empty() {
            out.push_str("\" data-u=\"");
            escape(self.user, &mut out);
        }
        let (count, answered) = self.seen;
        if (count, answered) != (0, 0) {
            out.push_str(&format!("\" data-n=\"{count}\" data-a=\"{answered}"));
        }
        out.push_str("\">");
        for style in self.styles {
            out.push_str("<link rel=\"stylesheet\" href=\"");
            escape(style.as_str(), &mut out);
            out.push_str("\">");
        }
        out.push_str(self.head);
        out.push_str("<script type=\"module\" src=\"");
        escape(self.script, &mut out);
        out.push_str("\"></script></head><body><noscript><p class=\"alert\">");
        escape(text.script, &mut out);
        out.push_str("</p></noscript><div id=\"n2o-page\">");
        out.push_str(self.html);
        out.push_str("</div>");
        out.push_str(self.forms);
        out.push_str("<output id=\"n2o-note\"");
        if !self.note.is_empty() {
            out.push_str(" class=\"alert\"");
        }
        let texts = [text.off, text.wait, text.lost, text.late, text.denied, text.bad];
        for (name, text) in ["off", "wait", "lost", "late", "denied", "bad"].into_iter().zip(texts) {
            out.push_str(" data-");
            out.push_str(name);
            out.push_str("=\"");
            escape(text, &mut out);
            out.push('"');
        }
        out.push('>');
        escape(self.note, &mut out);
        out.push_str("</output></body></html>");
        out
    }
}
