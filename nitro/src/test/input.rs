//! What a user can do on a page and see of it: elements by id, inputs, and whether they can be used.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;

use super::{
    client::Bound,
    dom::{Element, Held, Node},
    op::without_seals,
    page::TestPage,
};

impl TestPage {
    /// Whether the element is on the page.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.dom.find(id).is_some()
    }

    /// An element as HTML, with `...` for each seal.
    #[track_caller]
    #[must_use]
    pub fn html_of(&self, id: &str) -> String {
        without_seals(&super::dom::html(&[Node::Element(self.element(id).clone())]))
    }

    /// The text of an element and of all in it.
    #[track_caller]
    #[must_use]
    pub fn text(&self, id: &str) -> String {
        self.element(id).text()
    }

    /// An attribute of an element.
    #[track_caller]
    #[must_use]
    pub fn attr(&self, id: &str, name: &str) -> Option<&str> {
        self.element(id).attr(name)
    }

    /// Whether the user can see the element: neither it nor what it stands in is hidden.
    #[track_caller]
    #[must_use]
    pub fn is_visible(&self, id: &str) -> bool {
        let _ = self.element(id);
        self.way(id).iter().all(|element| element.attr("hidden").is_none())
    }

    /// Whether the element is not disabled.
    #[track_caller]
    #[must_use]
    pub fn is_enabled(&self, id: &str) -> bool {
        let _ = self.element(id);
        self.way(id).iter().all(|element| element.attr("disabled").is_none())
    }

    /// What an input holds: its text, what is chosen, or `true` and `false` for a checkbox.
    #[track_caller]
    #[must_use]
    pub fn value(&self, id: &str) -> String {
        match self.source(id) {
            Value::Text(text) => text,
            Value::Bool(state) => state.to_string(),
            Value::Array(list) => {
                list.into_iter().filter_map(|item| item.into_text().ok()).collect::<Vec<_>>().join(" ")
            }
            _ => {
                let _ = self.element(id);
                String::new()
            }
        }
    }

    /// Types into an input, or chooses an option of a select or a radio button of a group by its value.
    #[track_caller]
    pub fn fill(&mut self, id: &str, value: &str) {
        let mark = self.writable(id);
        let Some(input) = self.dom.find_mut(id) else { return };
        if matches!(input.given(), Some(Held::Text(_))) {
            (input.held, input.mark) = (Some(Held::Text(value.to_owned())), mark);
            return;
        }
        let mut choices = input.choices_mut();
        let known: Vec<String> = choices.iter().map(|choice| choice.choice()).collect();
        assert!(
            known.iter().any(|choice| choice == value),
            "{id:?} is no text, and {value:?} is none of its choices {known:?}"
        );
        for choice in &mut choices {
            choice.held = Some(Held::State(choice.choice() == value));
            choice.mark = mark;
        }
    }

    /// Checks or unchecks a checkbox.
    #[track_caller]
    pub fn check(&mut self, id: &str, checked: bool) {
        let mark = self.writable(id);
        let Some(input) = self.dom.find_mut(id) else { return };
        assert!(input.is_check(), "{id:?} is not a checkbox but a <{}>", input.tag);
        (input.held, input.mark) = (Some(Held::State(checked)), mark);
    }

    /// What a client knows of a bound element, whether it can be used or not.
    #[track_caller]
    #[must_use]
    pub fn bound(&self, id: &str) -> Bound {
        let element = self.element(id);
        let Some(seal) = element.attr("data-e") else { panic!("{id:?} is not bound to an event") };
        let Ok(seal) = URL_SAFE_NO_PAD.decode(seal) else { panic!("the seal of {id:?} is not base64url") };
        let sources = element.attr("data-s").unwrap_or_default();
        let sources = sources.split(' ').filter(|source| !source.is_empty()).map(str::to_owned);
        Bound { target: id.to_owned(), seal, sources: sources.collect() }
    }

    #[track_caller]
    pub(crate) fn element(&self, id: &str) -> &Element {
        let Some(element) = self.dom.find(id) else {
            let all = self.dom.all();
            let ids: Vec<&str> = all.iter().skip(1).map(|el| el.id()).filter(|id| !id.is_empty()).collect();
            panic!("no element has the id {id:?}; {} has {ids:?}", self.path())
        };
        element
    }

    /// The elements around an element, outermost first, and the element itself.
    fn way(&self, id: &str) -> Vec<&Element> {
        let mut way: Vec<&Element> = Vec::new();
        let mut here = Some(&self.dom);
        while let Some(element) = here {
            way.push(element);
            here = if element.id() == id {
                None
            } else {
                element.elements().find(|child| child.find(id).is_some())
            };
        }
        way
    }

    /// Fails unless the user could use the element.
    #[track_caller]
    fn demand(&self, id: &str) {
        assert!(self.is_visible(id), "{id:?} is hidden: the user cannot use it");
        assert!(self.is_enabled(id), "{id:?} is disabled: the user cannot use it");
    }

    #[track_caller]
    fn writable(&self, id: &str) -> u64 {
        self.demand(id);
        assert!(self.attr(id, "readonly").is_none(), "{id:?} is read-only");
        self.client.as_ref().map_or(0, |client| client.next)
    }

    /// The address of a link that is not bound.
    #[track_caller]
    pub(crate) fn link(&self, id: &str) -> Option<String> {
        let element = self.element(id);
        let free = element.tag == "a" && element.attr("data-e").is_none();
        element.attr("href").filter(|_| free).map(str::to_owned)
    }

    /// The event that fires when the user uses an element.
    #[track_caller]
    pub(crate) fn usable(&self, id: &str) -> Bound {
        self.demand(id);
        let element = self.element(id);
        let submits = element.attr("data-e").is_none() && element.attr("type") == Some("submit");
        let form = self.way(id).into_iter().rev().find(|around| around.tag == "form").filter(|_| submits);
        let bound = form.unwrap_or(element);
        if bound.attr("data-e").is_none() {
            let all = self.dom.all();
            let ids = all.iter().filter(|el| el.attr("data-e").is_some()).map(|el| el.id());
            panic!("{id:?} is not bound to an event; bound are {:?}", ids.collect::<Vec<_>>());
        }
        self.bound(bound.id())
    }

    /// The id of what shows this text and can be clicked.
    #[track_caller]
    pub(crate) fn labelled(&self, text: &str) -> String {
        let all = self.dom.all();
        let clickable = all
            .iter()
            .filter(|el| el.attr("data-e").is_some() || el.tag == "a" || el.attr("type") == Some("submit"));
        let shown: Vec<(&str, String)> = clickable.map(|el| (el.id(), el.text().trim().to_owned())).collect();
        match shown.iter().find(|(id, shown)| shown == text && !id.is_empty()) {
            Some((id, _)) => (*id).to_owned(),
            None => panic!("nothing that can be clicked and has an id shows {text:?}; there is {shown:?}"),
        }
    }

    /// The value of a source as the client sends it.
    pub(crate) fn source(&self, id: &str) -> Value {
        let Some(input) = self.dom.find(id) else { return Value::Null };
        match input.held() {
            Some(Held::State(state)) => return Value::Bool(state),
            Some(Held::Text(text)) => return Value::Text(text),
            None => {}
        }
        let choices = input.choices();
        let mut chosen = choices.iter().filter(|choice| choice.is_on()).map(|choice| choice.choice());
        if input.tag != "select" {
            return chosen.next_back().map_or(Value::Null, Value::Text);
        }
        if input.attr("multiple").is_some() {
            return Value::Array(chosen.map(Value::Text).collect());
        }
        // Where nothing is chosen a select shows, and sends, its first option.
        let first = choices.first().map(|choice| choice.choice());
        Value::Text(chosen.next_back().or(first).unwrap_or_default())
    }

    /// The page as its elements are now, with what inputs hold in the place of what they were given;
    /// for comparing two pages.
    #[must_use]
    pub fn snapshot(&self) -> String {
        fn settle(element: &mut Element) {
            if let Some(held) = element.held.take() {
                element.give(&held);
            }
            if element.attr("data-e").is_some() {
                element.set_attr("data-e", Some("..."));
            }
            element.attrs.sort();
            element.children.iter_mut().filter_map(Node::element_mut).for_each(settle);
        }
        let mut page = self.dom.clone();
        settle(&mut page);
        super::dom::html(&page.children)
    }
}
