//! A small document: elements, texts, and what a user has put into inputs.

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub(crate) tag: String,
    pub(crate) attrs: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
    /// What the input holds, when it is not what the server gave it.
    pub(crate) held: Option<Held>,
    /// The number that the next event had when the user last changed the input.
    pub(crate) mark: u64,
}

/// What an input holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    Text(String),
    State(bool),
}

impl Element {
    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_attr(&mut self, name: &str, value: Option<&str>) {
        match (self.attrs.iter_mut().find(|(known, _)| known == name), value) {
            (Some((_, old)), Some(value)) => value.clone_into(old),
            (None, Some(value)) => self.attrs.push((name.to_owned(), value.to_owned())),
            (_, None) => self.attrs.retain(|(known, _)| known != name),
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.attr("id").unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.attr("type").unwrap_or_default()
    }

    pub(crate) fn is_check(&self) -> bool {
        self.tag == "input" && ["checkbox", "radio"].contains(&self.kind())
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(Node::element)
    }

    /// This element and all inside it, in document order.
    pub(crate) fn all(&self) -> Vec<&Element> {
        let mut all = vec![self];
        self.elements().for_each(|child| all.extend(child.all()));
        all
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Element> {
        self.all().into_iter().find(|element| element.id() == id)
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Element> {
        if self.id() == id {
            return Some(self);
        }
        self.children.iter_mut().filter_map(Node::element_mut).find_map(|child| child.find_mut(id))
    }

    /// The nodes among which the element `id` stands, and its place there.
    pub(crate) fn around(&mut self, id: &str) -> Option<(&mut Vec<Node>, usize)> {
        let here = self.children.iter().position(|node| node.element().is_some_and(|el| el.id() == id));
        match here {
            Some(at) => Some((&mut self.children, at)),
            None => self.children.iter_mut().filter_map(Node::element_mut).find_map(|child| child.around(id)),
        }
    }

    pub(crate) fn text(&self) -> String {
        let texts = self.children.iter().map(|node| match node {
            Node::Text(text) => text.clone(),
            Node::Element(element) => element.text(),
        });
        texts.collect()
    }

    /// What the server gave the input; `None` for what is no input.
    pub(crate) fn given(&self) -> Option<Held> {
        match &*self.tag {
            "option" => Some(Held::State(self.attr("selected").is_some())),
            "input" if self.is_check() => Some(Held::State(self.attr("checked").is_some())),
            "input" => Some(Held::Text(self.attr("value").unwrap_or_default().to_owned())),
            "textarea" => Some(Held::Text(self.text())),
            _ => None,
        }
    }

    /// Makes `value` what the server gave.
    pub(crate) fn give(&mut self, value: &Held) {
        match (&*self.tag, value) {
            ("textarea", Held::Text(text)) => self.children = vec![Node::Text(text.clone())],
            (_, Held::Text(text)) => self.set_attr("value", Some(text)),
            (tag, Held::State(state)) => {
                let name = if tag == "option" { "selected" } else { "checked" };
                self.set_attr(name, state.then_some(""));
            }
        }
    }

    pub(crate) fn held(&self) -> Option<Held> {
        self.held.clone().or_else(|| self.given())
    }

    pub(crate) fn is_on(&self) -> bool {
        self.held() == Some(Held::State(true))
    }

    /// The text value of an option or a radio button.
    pub(crate) fn choice(&self) -> String {
        self.attr("value").map_or_else(|| self.text(), str::to_owned)
    }

    /// The options of a select or the radio buttons of a group.
    pub(crate) fn choices(&self) -> Vec<&Element> {
        self.all().into_iter().skip(1).filter(|el| is_choice(el)).collect()
    }

    pub(crate) fn choices_mut(&mut self) -> Vec<&mut Element> {
        let mut found = Vec::new();
        for child in self.children.iter_mut().filter_map(Node::element_mut) {
            if is_choice(child) {
                found.push(child);
            } else {
                found.extend(child.choices_mut());
            }
        }
        found
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.tag);
        for (name, value) in &self.attrs {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            crate::escape::escape(value, out);
            out.push('"');
        }
        out.push('>');
        if ["br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"].contains(&&*self.tag) {
            return;
        }
        if self.tag == "textarea" {
            out.push('\n');
        }
        self.children.iter().for_each(|child| child.write(out));
        out.push_str("</");
        out.push_str(&self.tag);
        out.push('>');
    }
}

fn is_choice(element: &Element) -> bool {
    element.tag == "option" || (element.tag == "input" && element.kind() == "radio")
}

impl Node {
    pub(crate) fn element(&self) -> Option<&Element> {
        if let Node::Element(element) = self { Some(element) } else { None }
    }

    pub(crate) fn element_mut(&mut self) -> Option<&mut Element> {
        if let Node::Element(element) = self { Some(element) } else { None }
    }

    fn write(&self, out: &mut String) {
        match self {
            Node::Text(text) => crate::escape::escape(text, out),
            Node::Element(element) => element.write(out),
        }
    }
}

/// The nodes as HTML.
pub(crate) fn html(nodes: &[Node]) -> String {
    let mut out = String::new();
    nodes.iter().for_each(|node| node.write(&mut out));
    out
}
