//! A document for a browser in which the script does not run, or not yet: forms that the browser sends itself, and
//! buttons that can be pressed only when somebody listens.

use std::borrow::Cow;

use memchr::memchr_iter;

/// The name of the one input that is added to each form.
pub(crate) const NAME: &str = "n2o";
/// Before the name of a source: it is a checkbox, whose state is its value.
pub(crate) const CHECK: char = '!';
/// Before the name of a source: it is a choice of several.
pub(crate) const SEVERAL: char = '*';

/// The elements that matter here.
const TAGS: [&str; 5] = ["button", "form", "input", "select", "textarea"];

/// A start tag in markup of ours, in which every `<`, `>` and `"` of a text is escaped.
struct Tag<'a> {
    name: &'a str,
    rest: &'a str,
    /// The place of its `>`.
    end: usize,
}

impl<'a> Tag<'a> {
    /// Names and values of the attributes, as they are written.
    fn attrs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.rest.trim_start();
        std::iter::from_fn(move || {
            let len = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(len);
            let quoted = after.strip_prefix("=\"").and_then(|value| value.split_once('"'));
            let (value, after) = quoted.unwrap_or(("", after.trim_start_matches('=')));
            rest = after.trim_start();
            (!name.is_empty()).then_some((name, value))
        })
    }

    fn attr(&self, name: &str) -> Option<&'a str> {
        self.attrs().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn is_check(&self) -> bool {
        self.name == "input" && self.attr("type") == Some("checkbox")
    }
}

fn tags<'a>(html: &'a str) -> impl Iterator<Item = Tag<'a>> {
    memchr_iter(b'<', html.as_bytes()).filter_map(move |at| {
        let rest = &html[at + 1..];
        let name = TAGS
            .into_iter()
            .find(|name| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '>'])))?;
        let len = rest.find('>')?;
        Some(Tag { name, rest: &rest[name.len()..len], end: at + 1 + len })
    })
}

/// The content of a page for a document, and the inputs that go with its forms: each says which page of which
/// visitor the form is on, what it is bound to, and what the event reads.
pub(crate) fn prepare<'a>(html: &'a str, token: &str, answered: u64) -> (Cow<'a, str>, String) {
    let mut forms = String::new();
    if memchr::memmem::find(html.as_bytes(), b" data-e=\"").is_none() {
        return (Cow::Borrowed(html), forms);
    }
    let (mut out, mut from) = (String::new(), 0);
    let (mut marked, mut bound) = (Vec::new(), Vec::new());
    for tag in tags(html) {
        match (tag.name, tag.attr("id"), tag.attr("data-e")) {
            ("button", _, Some(_)) if tag.attr("disabled").is_none() => {
                out.push_str(&html[from..tag.end]);
                out.push_str(" disabled data-w");
                from = tag.end;
            }
            ("form", Some(id), Some(seal)) => bound.push((id, seal, tag.attr("data-s").unwrap_or_default())),
            ("input", Some(id), _) if tag.is_check() => marked.push((id, CHECK)),
            ("select", Some(id), _) if tag.attr("multiple").is_some() => marked.push((id, SEVERAL)),
            _ => {}
        }
    }
    for (id, seal, sources) in bound {
        forms.push_str("<input type=\"hidden\" form=\"");
        forms.push_str(id);
        forms.push_str("\" name=\"n2o\" value=\"");
        forms.push_str(&format!("{token} {answered} {id} {seal}"));
        for source in sources.split(' ').filter(|source| !source.is_empty()) {
            forms.push(' ');
            forms.extend(marked.iter().find(|(id, _)| *id == source).map(|(_, mark)| *mark));
            forms.push_str(source);
        }
        forms.push_str("\">");
    }
    if from == 0 {
        return (Cow::Borrowed(html), forms);
    }
    out.push_str(&html[from..]);
    (Cow::Owned(out), forms)
}

/// Puts back what was typed into the inputs of a page, but for passwords, and what is wrong with it.
pub(crate) fn refill(html: &str, typed: &[(String, String)], wrong: &[(String, String)]) -> String {
    let (mut out, mut from) = (String::with_capacity(html.len()), 0);
    let value = |id: &str| typed.iter().find(|(name, _)| name == id).map(|(_, value)| value.as_str());
    for tag in tags(html) {
        let Some(id) = tag.attr("id") else { continue };
        // A tag in what has been replaced.
        if tag.end < from {
            continue;
        }
        let start = tag.end - tag.rest.len();
        match (tag.name, value(id)) {
            ("input", None) if tag.is_check() => {
                out.push_str(&html[from..start]);
                tag.attrs().filter(|(name, _)| *name != "checked").for_each(|pair| put(&mut out, pair));
            }
            ("input", Some(_)) if tag.is_check() => {
                out.push_str(&html[from..start]);
                tag.attrs().for_each(|pair| put(&mut out, pair));
                out.push_str(" checked");
            }
            ("input", Some(value))
                if tag.attr("type") != Some("password") && tag.attr("type") != Some("radio") =>
            {
                out.push_str(&html[from..start]);
                tag.attrs().filter(|(name, _)| *name != "value").for_each(|pair| put(&mut out, pair));
                put(&mut out, ("value", &maud::html! { (value) }.into_string()));
            }
            ("textarea", Some(value)) => {
                let Some(len) = html[tag.end..].find("</textarea>") else { continue };
                out.push_str(&html[from..=tag.end]);
                out.push('\n');
                out.push_str(&maud::html! { (value) }.into_string());
                from = tag.end + len;
                continue;
            }
            _ => continue,
        }
        from = tag.end;
    }
    out.push_str(&html[from..]);
    for (input, text) in wrong {
        let place = format!(" id=\"{input}.e\"");
        let at = out.find(&place).and_then(|at| out[at..].find('>').map(|len| at + len + 1));
        // The page may say itself what is wrong.
        if let Some(at) = at.filter(|at| out[*at..].starts_with('<')) {
            out.insert_str(at, &maud::html! { (text) }.into_string());
        }
    }
    out
}

fn put(out: &mut String, (name, value): (&str, &str)) {
    out.push(' ');
    out.push_str(name);
    if !value.is_empty() {
        out.push_str("=\"");
        out.push_str(value);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<form id=\"f\" data-s=\"name agree many\" method=\"post\" data-e=\"SEAL\">\
        <input type=\"text\" id=\"name\" placeholder=\"a checked disabled\" value=\"old\">\
        <small id=\"name.e\"></small><input type=\"checkbox\" id=\"agree\" checked>\
        <select id=\"many\" multiple></select><textarea id=\"text\">\nold</textarea>\
        <input type=\"password\" id=\"p\" value=\"\"></form>\
        <button id=\"b\" type=\"button\" data-e=\"S2\">b</button><button id=\"n\" disabled data-e=\"S3\">n</button>";

    #[test]
    fn a_form_says_what_it_is_and_reads() {
        let (html, forms) = prepare(PAGE, "TOKEN", 3);
        let value = "TOKEN 3 f SEAL name !agree *many";
        assert_eq!(forms, format!("<input type=\"hidden\" form=\"f\" name=\"{NAME}\" value=\"{value}\">"));
        assert!(html.contains("data-e=\"S2\" disabled data-w>b"), "{html}");
        assert!(html.contains("disabled data-e=\"S3\">n"), "{html}");
        assert_eq!(prepare("<p>a &lt;form</p>", "T", 0), (Cow::Borrowed("<p>a &lt;form</p>"), String::new()));
    }

    #[test]
    fn what_was_typed_is_put_back_as_text() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let typed = [pair("name", "<b> \"x\""), pair("text", "</textarea>"), pair("p", "secret")];
        let html = refill(PAGE, &typed, &[pair("name", "No <b>."), pair("gone", "x")]);
        assert!(html.contains("disabled\" value=\"&lt;b&gt; &quot;x&quot;\">"), "{html}");
        assert!(html.contains("<small id=\"name.e\">No &lt;b&gt;.</small>"), "{html}");
        assert!(html.contains("id=\"agree\"><select"), "it was taken away: {html}");
        assert!(html.contains("\n&lt;/textarea&gt;</textarea><input type=\"password\""), "{html}");
        assert!(!html.contains("secret"), "{html}");
        let told = PAGE.replace("name.e\"></small>", "name.e\">No.</small>");
        assert!(!refill(&told, &[], &[pair("name", "No.")]).contains("No.No."));
        assert!(refill(PAGE, &[pair("agree", "on")], &[]).contains("id=\"agree\" checked checked>"));
    }

    #[test]
    fn markup_that_is_broken_breaks_nothing() {
        for html in [
            "<form",
            "<form >",
            "<form id=\"x",
            "<input =\"\" id=\"a\" data-e=\"x\"",
            "<button data-e=\"\">",
            "<textarea id=\"a\">",
        ] {
            let _ = prepare(html, "T", 0);
            let _ = refill(html, &[("a".to_owned(), "b".to_owned())], &[]);
        }
    }
}
