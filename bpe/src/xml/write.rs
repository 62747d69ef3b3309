//! Writing the tree back. What was read is written with the same names, order and text; only quotes, escapes
//! and the encoding (always UTF-8) are normalised.

use std::fmt::{self, Write};

use super::node::{Document, Element, Node};

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.declaration.is_some() {
            f.write_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        }
        self.before.iter().try_for_each(|node| write_node(f, node))?;
        write!(f, "{}", self.root)?;
        self.after.iter().try_for_each(|node| write_node(f, node))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for attribute in &self.attributes {
            write!(f, " {}=\"", attribute.name)?;
            escape(f, &attribute.value, true)?;
            f.write_char('"')?;
        }
        if self.children.is_empty() {
            return f.write_str("/>");
        }
        f.write_char('>')?;
        self.children.iter().try_for_each(|node| write_node(f, node))?;
        write!(f, "</{}>", self.name)
    }
}

fn write_node(f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
    match node {
        Node::Element(element) => write!(f, "{element}"),
        Node::Text(text) => escape(f, text, false),
        Node::CData(text) => write!(f, "<![CDATA[{text}]]>"),
        Node::Comment(text) => write!(f, "<!--{text}-->"),
        Node::Instruction(text) => write!(f, "<?{text}?>"),
    }
}

/// Line ends inside attribute values are written as numbers, because readers turn bare ones into spaces.
fn escape(f: &mut fmt::Formatter<'_>, text: &str, attribute: bool) -> fmt::Result {
    for c in text.chars() {
        match c {
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '&' => f.write_str("&amp;")?,
            '\r' => f.write_str("&#13;")?,
            '"' if attribute => f.write_str("&quot;")?,
            '\n' if attribute => f.write_str("&#10;")?,
            '\t' if attribute => f.write_str("&#9;")?,
            _ => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Document, Limits};

    #[test]
    fn keeps_what_it_does_not_know() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- head -->\n<a xmlns=\"urn:a\" xmlns:x=\"urn:x\" \
                    x:k=\"1&#10;&quot;\">text &lt; &amp; <x:foreign x:y=\"2\"/><![CDATA[<raw>]]><?pi data?></a>\n";
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(document.to_string(), text);
    }
}
