//! Reads HTML as far as the checks need it: its tags and their attributes, whoever wrote them.

use std::collections::HashSet;

/// The ids of a document.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    pub(crate) ids: HashSet<String>,
    /// The ids that labels name.
    labelled: HashSet<String>,
}

/// What is wrong with an element.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) id: String,
    pub(crate) what: String,
}

struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    attrs: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// An input that a user sees and fills in.
    fn is_input(&self) -> bool {
        const OTHERS: [&str; 5] = ["hidden", "submit", "button", "reset", "image"];
        match self.name {
            "input" => !self.attr("type").is_some_and(|kind| OTHERS.contains(&kind)),
            name => ["select", "textarea"].contains(&name),
        }
    }
}

impl Ids {
    /// Takes the labels of a document whose parts are about to be read.
    pub(crate) fn expect(&mut self, document: &Ids) {
        self.labelled.clone_from(&document.labelled);
    }

    /// Adds the ids and labels of others.
    pub(crate) fn add(&mut self, others: &Ids) {
        self.ids.extend(others.ids.iter().cloned());
        self.labelled.extend(others.labelled.iter().cloned());
    }

    /// Forgets all elements but some, and those of their fields.
    pub(crate) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        let of_field =
            |id: &str| [".f", ".h", ".e"].iter().find_map(|end| id.strip_suffix(end)).is_some_and(&stays);
        self.ids.retain(|id| stays(id) || of_field(id));
        self.labelled.retain(|id| stays(id));
    }

    /// Reads a document; tells the first thing that is wrong with it.
    pub(crate) fn read(&mut self, html: &str) -> Option<Complaint> {
        let mut twice = None;
        for tag in tags(html) {
            if let Some(id) = tag.attr("id").filter(|_| !tag.is_end)
                && !self.ids.insert(id.to_owned())
            {
                let what = format!("the id {id:?} is on the page twice");
                twice.get_or_insert(Complaint { id: id.to_owned(), what });
            }
        }
        twice.or(self.unlabelled(html))
    }

    /// Reads a part that is put into the document, whose ids may take the places of others there.
    pub(crate) fn read_part(&mut self, html: &str) -> Option<Complaint> {
        let mut part = Ids { labelled: std::mem::take(&mut self.labelled), ..Ids::default() };
        let complaint = part.read(html);
        self.ids.extend(part.ids);
        self.labelled = part.labelled;
        complaint
    }

    fn unlabelled(&mut self, html: &str) -> Option<Complaint> {
        let labels = tags(html).filter(|tag| tag.name == "label");
        self.labelled.extend(labels.filter_map(|tag| tag.attr("for").map(str::to_owned)));
        let mut within = 0_usize;
        for tag in tags(html) {
            if tag.name == "label" {
                within = if tag.is_end { within.saturating_sub(1) } else { within + 1 };
            }
            let named =
                ["aria-label", "aria-labelledby", "title"].iter().any(|name| tag.attr(name).is_some());
            let id = tag.attr("id").unwrap_or_default();
            if !tag.is_end && tag.is_input() && within == 0 && !named && !self.labelled.contains(id) {
                let what = format!(
                    "the input {id:?} has no label: give it one with `label`, or with `attr(attr::ARIA_LABEL, ..)`"
                );
                return Some(Complaint { id: id.to_owned(), what });
            }
        }
        None
    }
}

/// The tags of a document.
fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('<')?;
            rest = after;
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            let is_end = rest.starts_with('/');
            rest = rest.strip_prefix('/').unwrap_or(rest);
            let name = until(&mut rest, |char| !char.is_ascii_alphanumeric() && char != '-');
            if name.is_empty() {
                continue;
            }
            let attrs = attributes(&mut rest);
            if !is_end && ["script", "style"].contains(&name) {
                let end = rest.find(&format!("</{name}")).unwrap_or(rest.len());
                rest = &rest[end..];
            }
            return Some(Tag { name, is_end, attrs });
        }
    })
}

/// The attributes of a tag, and its end.
fn attributes<'a>(rest: &mut &'a str) -> Vec<(&'a str, &'a str)> {
    let mut attrs = Vec::new();
    loop {
        until(rest, |char| !char.is_ascii_whitespace() && char != '/');
        if let Some(after) = rest.strip_prefix('>') {
            *rest = after;
            return attrs;
        }
        let name = until(rest, |char| char.is_ascii_whitespace() || "=>/".contains(char));
        if name.is_empty() {
            // An equals sign without a name, or the end of the text.
            *rest = rest.strip_prefix('=').unwrap_or_default();
            if rest.is_empty() {
                return attrs;
            }
            continue;
        }
        let Some(after) = rest.strip_prefix('=') else {
            attrs.push((name, ""));
            continue;
        };
        *rest = after;
        let quote = after.chars().next().filter(|char| "\"'".contains(*char));
        let value = match quote {
            Some(quote) => {
                let (value, after) = after[1..].split_once(quote).unwrap_or((&after[1..], ""));
                *rest = after;
                value
            }
            None => until(rest, |char| char.is_ascii_whitespace() || char == '>'),
        };
        attrs.push((name, value));
    }
}

fn until<'a>(rest: &mut &'a str, end: impl Fn(char) -> bool) -> &'a str {
    let len = rest.find(end).unwrap_or(rest.len());
    let (before, after) = rest.split_at(len);
    *rest = after;
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(html: &str) -> Option<String> {
        Ids::default().read(html).map(|complaint| complaint.id)
    }

    #[test]
    fn an_input_has_a_label() {
        for fine in [
            r#"<label for="a">A</label><input id="a">"#,
            r#"<input id=a><label for=a>A</label>"#,
            r#"<label>A <input id="a" type='text'></label>"#,
            r#"<textarea id="a" aria-label="A">&lt;input id="b"></textarea>"#,
            r#"<select title="A"><option></select>"#,
            r#"<input type="hidden" id="a"><input type=submit><button></button>"#,
            r#"<!-- <input id="a"> --><style>a > b { content: "<input>" }</style>"#,
            "<",
            "<p",
            "<p =",
            "<p id=\"a",
            "a < b </p",
            "",
        ] {
            assert_eq!(wrong(fine), None, "{fine}");
        }
        for (bad, id) in [
            (r#"<input id="a">"#, "a"),
            (r#"<label for="b">B</label><textarea id="a"></textarea>"#, "a"),
            (r#"<label>B</label><select id='a'></select>"#, "a"),
            (r#"<script><input id="b"></script><input type="checkbox" id="a"/>"#, "a"),
            (r#"<p id="a"></p><p id="b"><b id="a"></b></p>"#, "a"),
        ] {
            assert_eq!(wrong(bad).as_deref(), Some(id), "{bad}");
        }
    }

    #[test]
    fn a_part_takes_the_place_of_what_was_there() {
        let mut ids = Ids::default();
        assert_eq!(ids.read(r#"<label for="a">A</label><input id="a">"#), None);
        assert_eq!(ids.read_part(r#"<input id="a"><p id="b"></p>"#), None);
        assert!(ids.ids.contains("b"));
        assert!(ids.read_part(r#"<input id="c">"#).is_some());
    }
}
