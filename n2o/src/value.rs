//! Values: what a client sends of its inputs, and what a protocol of an application answers.

use std::borrow::Cow;

/// A value of an event, such as that of an input, or of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No such input, or nothing chosen.
    Null,
    /// The state of a checkbox.
    Bool(bool),
    /// The text that was typed or chosen.
    Text(Cow<'a, str>),
    /// Several choices.
    List(Vec<Cow<'a, str>>),
    /// A text over the limit, which was not kept; the user is told so at the input.
    TooLong,
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }
}

impl From<Vec<String>> for Value<'_> {
    fn from(list: Vec<String>) -> Self {
        Value::List(list.into_iter().map(Cow::Owned).collect())
    }
}
