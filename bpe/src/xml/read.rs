//! Reading: bounded in size and depth, without DTD, without entities, every error with its line and column.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::node::{Attribute, Document, Element, Node};
use super::reference::{self, BadReference};
use super::{decode, ns};
use crate::position::Lines;
use crate::{Error, Limits, Result};

impl Document {
    /// Reads a file.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        if bytes.len() > limits.file_bytes {
            return Err(Error::TooLarge { size: bytes.len(), limit: limits.file_bytes });
        }
        let text = decode::decode(bytes)?;
        let lines = Lines::new(&text);
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !reference::is_character(*c)) {
            let what = format!("the character U+{:04X} is not allowed", u32::from(c));
            return Err(Error::Xml { at: lines.position(at), what });
        }
        let mut reader = Reader::from_str(&text);
        reader.config_mut().check_comments = true;
        TreeReader { reader, lines, depth: limits.file_depth, names: HashSet::new(), scopes: Scopes::new() }
            .document()
    }
}

struct TreeReader<'a> {
    reader: Reader<&'a [u8]>,
    lines: Lines<'a>,
    depth: usize,
    /// One shared copy of each name and namespace keeps the tree near the size of the file.
    names: HashSet<Arc<str>>,
    scopes: Scopes,
}

impl<'a> TreeReader<'a> {
    fn document(mut self) -> Result<Document> {
        let mut declaration = None;
        let (mut before, mut after, mut root) = (Vec::new(), Vec::new(), None);
        loop {
            let start = self.offset();
            let outside = if root.is_none() { &mut before } else { &mut after };
            match self.reader.read_event().map_err(|error| self.syntax(&error))? {
                Event::Decl(decl) if start == 0 => {
                    let text: &str = &decl;
                    declaration = Some(text.strip_prefix("xml").unwrap_or(text).trim().to_owned());
                }
                Event::Decl(_) => return Err(self.refuse(start, "an XML declaration must come first")),
                Event::DocType(_) => return Err(Error::DocType { at: self.lines.position(start) }),
                Event::Comment(text) => outside.push(Node::Comment(line_ends(&text))),
                Event::PI(text) => outside.push(Node::Instruction(line_ends(&text))),
                Event::Text(text) if text.trim().is_empty() => outside.push(Node::Text(line_ends(&text))),
                Event::Start(tag) if root.is_none() => root = Some(self.element(&tag, start, false)?),
                Event::Empty(tag) if root.is_none() => root = Some(self.element(&tag, start, true)?),
                Event::Eof => break,
                _ => return Err(self.refuse(start, "only comments may stand outside the one root element")),
            }
        }
        let root = root.ok_or_else(|| self.refuse(0, "there is no element"))?;
        Ok(Document { declaration, before, root, after })
    }

    /// Reads the element whose start tag was just read. The explicit stack keeps depth a matter of `Limits`.
    fn element(&mut self, tag: &BytesStart<'_>, start: usize, empty: bool) -> Result<Element> {
        let root = self.open(tag, start)?;
        if empty {
            self.scopes.close();
            return Ok(root);
        }
        let mut stack = vec![root];
        loop {
            let start = self.offset();
            let event = self.reader.read_event().map_err(|error| self.syntax(&error))?;
            let depth = stack.len();
            let Some(parent) = stack.last_mut() else {
                return Err(self.refuse(start, "an end tag without start tag"));
            };
            match event {
                Event::Start(_) | Event::Empty(_) if depth >= self.depth => {
                    return Err(Error::TooDeep { at: self.lines.position(start), limit: self.depth });
                }
                Event::Start(tag) => stack.push(self.open(&tag, start)?),
                Event::Empty(tag) => {
                    let element = self.open(&tag, start)?;
                    self.scopes.close();
                    parent.children.push(Node::Element(element));
                }
                Event::End(_) => {
                    self.scopes.close();
                    let Some(element) = stack.pop() else { continue };
                    match stack.last_mut() {
                        Some(parent) => parent.children.push(Node::Element(element)),
                        None => return Ok(element),
                    }
                }
                Event::Text(text) => push_text(&mut parent.children, &line_ends(&text)),
                Event::GeneralRef(name) => {
                    let c = reference::resolve(&name).map_err(|bad| self.reference(start, &name, bad))?;
                    push_text(&mut parent.children, c.encode_utf8(&mut [0; 4]));
                }
                Event::CData(text) => parent.children.push(Node::CData(line_ends(&text))),
                Event::Comment(text) => parent.children.push(Node::Comment(line_ends(&text))),
                Event::PI(text) => parent.children.push(Node::Instruction(line_ends(&text))),
                Event::DocType(_) => return Err(Error::DocType { at: self.lines.position(start) }),
                Event::Decl(_) => return Err(self.refuse(start, "an XML declaration must come first")),
                Event::Eof => {
                    let what = format!("`{}` is not closed", parent.name);
                    return Err(Error::Xml { at: parent.position, what });
                }
            }
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<Element> {
        let position = self.lines.position(start);
        let mut attributes = Vec::new();
        self.scopes.open();
        // Two of one name are looked for below, by hash: the parser compares each with each.
        for attribute in tag.attributes().with_checks(false) {
            let attribute =
                attribute.map_err(|error| Error::Xml { at: position, what: error.to_string() })?;
            let name: &str = attribute.key.as_ref();
            let value = reference::attribute_value(&attribute.value)
                .map_err(|(_, bad)| self.reference(start, &attribute.value, bad))?;
            self.name_is_sound(name, position)?;
            if attribute.value.contains('<') {
                return Err(Error::Xml { at: position, what: format!("`<` in the value of `{name}`") });
            }
            if name == "xmlns" {
                let namespace = self.share(&value);
                self.scopes.declare("", namespace);
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                let namespace = self.share(&value);
                self.scopes.declare(prefix, namespace);
            }
            attributes.push(Attribute { name: self.share(name), namespace: None, value: value.into() });
        }
        for attribute in &mut attributes {
            if let Some((prefix, _)) = attribute.name.split_once(':')
                && prefix != "xmlns"
            {
                attribute.namespace = Some(self.namespace(prefix, position)?);
            }
        }
        let mut seen = HashSet::with_capacity(attributes.len());
        for attribute in &attributes {
            let name = if attribute.namespace.is_some() { attribute.local() } else { &*attribute.name };
            if !seen.insert((&attribute.namespace, name)) {
                let what = format!("`{}` is there twice", attribute.name);
                return Err(Error::Xml { at: position, what });
            }
        }
        let name: &str = tag.name().0;
        self.name_is_sound(name, position)?;
        let namespace = match name.split_once(':') {
            Some((prefix, _)) => Some(self.namespace(prefix, position)?),
            None => self.scopes.find("").filter(|namespace| !namespace.is_empty()),
        };
        Ok(Element { name: self.share(name), namespace, attributes, children: Vec::new(), position })
    }

    /// Names are checked because the writer puts them back as they are.
    fn name_is_sound(&self, name: &str, at: crate::Position) -> Result<()> {
        let first = |c: char| c.is_alphabetic() || c == '_' || !c.is_ascii();
        let later = |c: char| first(c) || c.is_ascii_digit() || matches!(c, '-' | '.' | ':');
        let sound = name.starts_with(first) && name.chars().all(later) && !name.ends_with(':');
        if sound { Ok(()) } else { Err(Error::Xml { at, what: format!("`{name}` is not a name") }) }
    }

    fn namespace(&self, prefix: &str, at: crate::Position) -> Result<Arc<str>> {
        let missing = || Error::Xml { at, what: format!("the prefix `{prefix}` is not declared") };
        self.scopes.find(prefix).ok_or_else(missing)
    }

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let shared: Arc<str> = text.into();
        self.names.insert(shared.clone());
        shared
    }

    fn offset(&self) -> usize {
        self.reader.buffer_position() as usize
    }

    fn refuse(&self, offset: usize, what: &str) -> Error {
        Error::Xml { at: self.lines.position(offset), what: what.to_owned() }
    }

    fn reference(&self, offset: usize, name: &str, bad: BadReference) -> Error {
        let at = self.lines.position(offset);
        match bad {
            BadReference::Unknown => Error::Entity { at, name: name.chars().take(40).collect() },
            BadReference::Unclosed => Error::Xml { at, what: "`&` without `;`: write `&amp;`".to_owned() },
            BadReference::NotACharacter => Error::Xml { at, what: "a reference to no character".to_owned() },
        }
    }

    fn syntax(&self, error: &quick_xml::Error) -> Error {
        Error::Xml { at: self.lines.position(self.reader.error_position() as usize), what: error.to_string() }
    }
}

/// The namespace declarations in force, innermost last.
struct Scopes {
    declared: HashMap<Box<str>, Vec<(usize, Arc<str>)>>,
    /// The prefixes each open element declared, to be forgotten when it closes.
    open: Vec<Vec<Box<str>>>,
}

impl Scopes {
    fn new() -> Self {
        let xml = ("xml".into(), vec![(0, Arc::from(ns::XML))]);
        Self { declared: HashMap::from([xml]), open: Vec::new() }
    }

    fn open(&mut self) {
        self.open.push(Vec::new());
    }

    fn close(&mut self) {
        for prefix in self.open.pop().unwrap_or_default() {
            if let Some(namespaces) = self.declared.get_mut(&prefix) {
                namespaces.pop();
            }
        }
    }

    fn declare(&mut self, prefix: &str, namespace: Arc<str>) {
        self.declared.entry(prefix.into()).or_default().push((self.open.len(), namespace));
        if let Some(open) = self.open.last_mut() {
            open.push(prefix.into());
        }
    }

    fn find(&self, prefix: &str) -> Option<Arc<str>> {
        self.declared
            .get(prefix)
            .and_then(|namespaces| namespaces.last())
            .map(|(_, namespace)| namespace.clone())
    }
}

fn push_text(children: &mut Vec<Node>, part: &str) {
    match children.last_mut() {
        Some(Node::Text(text)) => text.push_str(part),
        _ => children.push(Node::Text(part.to_owned())),
    }
}

fn line_ends(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}
