//! Inputs whose names are data, such as those of a form that is known at run time only. Which ones an
//! event reads is said where it is bound, and sealed with it.

use std::borrow::Cow;

use n2o::Value;

use crate::event::Unfit;

/// The values of the inputs that an event was [bound to read](crate::Postback::reads).
///
/// When the handler refreshes, each input shows what the page gives it, also where that is what it was before. What was
/// typed and not taken over stays in sight where the page gives the input no value, or marks it with `aria-invalid`.
///
/// ```
/// use maud::html;
/// use nitro::{Inputs, prelude::*};
///
/// #[derive(Event)]
/// enum Edit {
///     Save { id: u64, #[source] form: Inputs },
/// }
///
/// fn show<P: Page<Event = Edit>>(ui: &Ui<'_, P>) -> Markup {
///     let fields = ["name", "born"];
///     html! {
///         @for name in fields { (textbox(name).label(name)) }
///         (button("Save").postback(ui.on(Edit::save(7).reads(fields))))
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs(Vec<(String, Value<'static>)>);

impl Inputs {
    /// The value of an input. An input that is disabled or not on the page has none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'static>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of an input as text: `true` or `false` for a checkbox, the first of several choices.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).and_then(crate::event::as_text)
    }

    /// Names and values, in the order in which they were asked for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'static>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl FromIterator<(String, Value<'static>)> for Inputs {
    fn from_iter<I: IntoIterator<Item = (String, Value<'static>)>>(values: I) -> Self {
        Inputs(values.into_iter().collect())
    }
}

/// Writes names in front of what is sealed: their number, then each with its length, then the rest.
pub(crate) fn pack(names: &[String], rest: &[u8]) -> Vec<u8> {
    let count = names.len().min(usize::from(u16::MAX));
    let mut out = Vec::with_capacity(2 + count * 16 + rest.len());
    out.extend_from_slice(&(count as u16).to_be_bytes());
    for name in &names[..count] {
        // The id of an element is shorter; whatever comes, what is read back is what was written.
        let name = &name.as_bytes()[..name.len().min(usize::from(u8::MAX))];
        out.push(name.len() as u8);
        out.extend_from_slice(name);
    }
    out.extend_from_slice(rest);
    out
}

/// Reads what [`pack`] wrote.
pub(crate) fn unpack(sealed: &[u8]) -> Result<(Vec<&str>, &[u8]), Unfit> {
    let (count, mut rest) = sealed.split_first_chunk::<2>().ok_or(Unfit)?;
    let mut names = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (len, after) = rest.split_first().ok_or(Unfit)?;
        let (name, after) = after.split_at_checked(usize::from(*len)).ok_or(Unfit)?;
        names.push(std::str::from_utf8(name).map_err(|_| Unfit)?);
        rest = after;
    }
    Ok((names, rest))
}

/// A value that outlives its frame.
pub(crate) fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::TooLong => Value::TooLong,
        Value::Bool(value) => Value::Bool(*value),
        Value::Text(text) => Value::Text(Cow::Owned(text.to_string())),
        Value::List(list) => Value::List(list.iter().map(|text| Cow::Owned(text.to_string())).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_with_the_rest() {
        let names = vec!["name".to_owned(), "born".to_owned()];
        assert_eq!(unpack(&pack(&names, b"rest")).unwrap(), (vec!["name", "born"], &b"rest"[..]));
        assert_eq!(unpack(&pack(&[], b"")).unwrap(), (vec![], &b""[..]));
        assert!(unpack(&pack(&names, b"")[..7]).is_err());
    }

    #[test]
    fn a_name_of_any_length_leaves_the_rest_as_it_was() {
        for len in [0, 1, 62, 255, 256, 257, 300, 512] {
            let names = vec!["x".repeat(len), "born".to_owned()];
            let packed = pack(&names, b"rest");
            let (read, rest) = unpack(&packed).unwrap();
            assert_eq!((read[0].len(), read[1], rest), (len.min(255), "born", &b"rest"[..]), "{len}");
        }
        let many: Vec<String> = (0..65_537).map(|_| String::from("n")).collect();
        let packed = pack(&many, b"rest");
        let (read, rest) = unpack(&packed).unwrap();
        assert_eq!((read.len(), rest), (65_535, &b"rest"[..]));
    }
}
