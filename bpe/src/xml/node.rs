//! The tree: a document, its elements, and what stands between them. It is not a DOM; nothing points upwards.

use std::sync::Arc;

use crate::Position;

/// A whole XML file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The XML declaration's attributes as written, `version="1.0" encoding="UTF-8"`; none without
    /// declaration.
    pub(crate) declaration: Option<String>,
    /// Comments, processing instructions and white space before the root.
    pub(crate) before: Vec<Node>,
    /// The one outermost element.
    pub root: Element,
    /// The same after the root.
    pub(crate) after: Vec<Node>,
}

/// What an element can contain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// An element.
    Element(Element),
    /// Character data, unescaped.
    Text(String),
    /// A CDATA section.
    CData(String),
    /// A comment.
    Comment(String),
    /// A processing instruction, without its `<?` and `?>`.
    Instruction(String),
}

/// An element with everything in it, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The name as written, with its prefix.
    pub(crate) name: Arc<str>,
    /// The namespace the prefix stands for.
    pub(crate) namespace: Option<Arc<str>>,
    /// The attributes, namespace declarations included.
    pub attributes: Vec<Attribute>,
    /// What is inside.
    pub children: Vec<Node>,
    /// Where the element begins in its file.
    pub position: Position,
}

/// An attribute, its value unescaped.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name as written, with its prefix.
    pub(crate) name: Arc<str>,
    /// The namespace the prefix stands for; none without prefix.
    pub(crate) namespace: Option<Arc<str>>,
    /// The value.
    pub value: Box<str>,
}

impl Element {
    /// The name without prefix.
    pub fn local(&self) -> &str {
        local(&self.name)
    }

    /// The name as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace, or the empty text.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// Whether this is the element `local` of `namespace`.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local() == local && self.namespace() == namespace
    }

    /// The value of the attribute without prefix of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| &*a.name == name).map(|a| &*a.value)
    }

    /// The value of the attribute `local` of `namespace`.
    pub fn attribute_of(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = |a: &&Attribute| a.local() == local && a.namespace.as_deref() == Some(namespace);
        self.attributes.iter().find(found).map(|a| &*a.value)
    }

    /// The elements inside, without the text between them.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The first element inside that is `local` of `namespace`.
    pub fn child(&self, namespace: &str, local: &str) -> Option<&Element> {
        self.elements().find(|element| element.is(namespace, local))
    }

    /// The character data directly inside, trimmed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.children {
            if let Node::Text(part) | Node::CData(part) = node {
                text.push_str(part);
            }
        }
        text.trim().to_owned()
    }

    /// The first element inside of that name in this element's namespace, made if there is none.
    pub fn child_or_new(&mut self, local: &str) -> &mut Element {
        let found = self.children.iter().position(|node| match node {
            Node::Element(element) => element.local() == local && element.namespace == self.namespace,
            _ => false,
        });
        let at = found.unwrap_or_else(|| {
            let name = match self.name.split_once(':') {
                Some((prefix, _)) => format!("{prefix}:{local}").into(),
                None => local.into(),
            };
            let (namespace, position) = (self.namespace.clone(), self.position);
            let (attributes, children) = (Vec::new(), Vec::new());
            self.children.push(Node::Element(Element { name, namespace, attributes, children, position }));
            self.children.len() - 1
        });
        match &mut self.children[at] {
            Node::Element(element) => element,
            _ => unreachable!("the position of an element"),
        }
    }

    /// Sets an attribute without prefix.
    pub fn set_attribute(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|attribute| &*attribute.name == name) {
            Some(attribute) => attribute.value = value.into(),
            None => {
                self.attributes.push(Attribute { name: name.into(), namespace: None, value: value.into() })
            }
        }
    }

    /// Replaces everything inside by a text.
    pub fn set_text(&mut self, text: &str) {
        self.children = vec![Node::Text(text.to_owned())];
    }

    /// Calls `visit` for this element and all inside it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Element)) {
        visit(self);
        for child in self.elements() {
            child.walk(visit);
        }
    }
}

impl Attribute {
    /// The name without prefix.
    pub fn local(&self) -> &str {
        local(&self.name)
    }

    /// The name as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace, or the empty text.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// Whether this declares a namespace.
    pub fn declares_namespace(&self) -> bool {
        &*self.name == "xmlns" || self.name.starts_with("xmlns:")
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
