//! Reads the HTML that nitro writes: well-formed, with void elements. It is not a browser's parser, and
//! panics at what a browser would have to repair.

use super::dom::{Element, Node};

const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Parses elements and texts.
pub(crate) fn parse(html: &str) -> Vec<Node> {
    let mut parser = Parser { html, at: 0 };
    let nodes = parser.nodes(None);
    parser.demand(parser.rest().is_empty(), "an end tag without its element");
    nodes
}

struct Parser<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.html.get(self.at..).unwrap_or_default()
    }

    #[track_caller]
    fn demand(&self, fine: bool, what: &str) {
        if !fine {
            let near: String = self.rest().chars().take(60).collect();
            panic!("the page's HTML is not well-formed: {what}, at byte {} near {near:?}", self.at);
        }
    }

    fn skip(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn until(&mut self, end: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(end).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn blanks(&mut self) {
        self.until(|char| !char.is_ascii_whitespace());
    }

    /// Nodes up to the end tag of `parent`, or to the end.
    fn nodes(&mut self, parent: Option<&str>) -> Vec<Node> {
        let mut nodes = Vec::new();
        while !self.rest().is_empty() {
            if self.rest().starts_with("</") {
                return nodes;
            }
            if self.skip("<!") {
                self.until(|char| char == '>');
                self.demand(self.rest().starts_with('>'), "a declaration without its end");
                self.at += 1;
            } else if self.rest().starts_with('<') {
                nodes.push(Node::Element(self.element()));
            } else {
                nodes.push(Node::Text(unescape(self.until(|char| char == '<'))));
            }
        }
        self.demand(parent.is_none(), &format!("no end tag of <{}>", parent.unwrap_or_default()));
        nodes
    }

    fn element(&mut self) -> Element {
        self.at += 1;
        let tag = self.until(|char| !char.is_ascii_alphanumeric() && char != '-');
        self.demand(!tag.is_empty(), "`<` in a text");
        let mut element = Element { tag: tag.to_ascii_lowercase(), ..Element::default() };
        loop {
            self.blanks();
            if self.skip("/>") {
                return element;
            }
            if self.skip(">") {
                break;
            }
            let name = self.until(|char| char.is_ascii_whitespace() || "=>/\"'<".contains(char));
            self.demand(!name.is_empty(), "expected an attribute");
            let value = if self.skip("=") { self.value() } else { String::new() };
            let known = element.attr(name).is_some();
            self.demand(!known, &format!("the attribute {name} stands there twice"));
            element.attrs.push((name.to_owned(), value));
        }
        if VOID.contains(&&*element.tag) {
            return element;
        }
        if ["script", "style"].contains(&&*element.tag) {
            let end = format!("</{tag}");
            let len = self.rest().find(&end).unwrap_or(0);
            element.children.push(Node::Text(self.rest()[..len].to_owned()));
            self.at += len;
        } else {
            // A parser drops a line break right after these tags.
            if ["textarea", "pre"].contains(&&*element.tag) {
                self.skip("\n");
            }
            element.children = self.nodes(Some(tag));
        }
        let ended = self.skip(&format!("</{tag}>"));
        self.demand(ended, &format!("expected </{tag}>"));
        element
    }

    fn value(&mut self) -> String {
        for quote in ['"', '\''] {
            if self.rest().starts_with(quote) {
                self.at += 1;
                let value = self.until(|char| char == quote);
                self.demand(self.rest().starts_with(quote), "an attribute without its closing quote");
                self.at += 1;
                return unescape(value);
            }
        }
        unescape(self.until(|char| char.is_ascii_whitespace() || char == '>'))
    }
}

/// Resolves the character references that nitro and `html!` write, and decimal ones.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let name = after.split_once(';').map(|(name, _)| name);
        let char = name.and_then(|name| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "nbsp" => Some('\u{a0}'),
            other => other.strip_prefix('#')?.parse().ok().and_then(char::from_u32),
        });
        match (char, name) {
            (Some(char), Some(name)) => {
                out.push(char);
                rest = &after[name.len() + 1..];
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::dom::html;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            r#"<p id="a" class="b c">x &lt; y &amp; z<br><b hidden="">&quot;</b></p>tail"#,
            "<table><tr><td></td></tr></table>",
            r#"<svg><path d="M0 0"></path></svg>"#,
        ] {
            assert_eq!(html(&parse(text)), text);
        }
        assert_eq!(html(&parse("<textarea>\n\nx</textarea>")), "<textarea>\n\nx</textarea>");
    }

    #[test]
    #[should_panic(expected = "expected </b>")]
    fn refuses_what_is_not_well_formed() {
        parse("<p><b></p></b>");
    }
}
