//! The document: a form as data, which a program can build, read and write as JSON. What of it is code,
//! functions that check and compute, is beside it in `spec`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::Rights,
    condition::Condition,
    error::{Error, Result},
    field::{Field, Type},
    label::Labels,
    right::{Grant, Grants},
    rule::{self, Rule},
    value,
};

/// A form: the fields of a record, the rights, and the texts.
///
/// ```
/// use form::{Document, Field, Type};
///
/// let json = r#"{
///     "name": "leave", "id": "number",
///     "fields": [{ "name": "number", "type": "text" }, { "name": "from", "type": "date", "required": "always" }],
///     "texts": { "": { "en": "Leaves" }, "number": { "en": "Number" }, "from": { "en": "From" } }
/// }"#;
/// let document: Document = serde_json::from_str(json)?;
/// document.check()?;
/// assert_eq!(document.fields[1].kind, Type::Date);
///
/// let wrong = document.field_added(Field::new("from", Type::Text));
/// assert_eq!(wrong.check().unwrap_err().to_string(), "`leave` has two fields `from`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Document {
    /// Its name, which is that of the table.
    pub name: String,
    /// The field that is the record's id, which is not changed any more once the record is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Whether a new record gets its id from the server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto: bool,
    /// The field by which people know a record; the id when it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The fields, in the order in which they are shown.
    pub fields: Vec<Field>,
    /// Who may do what with the records.
    #[serde(default, skip_serializing_if = "Rights::is_default")]
    pub rights: Rights,
    /// The texts, by key and language: `""` is the title, `name` the label of a field, `name.help` its
    /// explanation, `name.option` that of an option, `name.check` what its function complains of.
    #[serde(default)]
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Document {
    /// A document without fields.
    #[must_use]
    pub fn new(name: &str, id: &str) -> Self {
        Document { name: name.to_owned(), id: id.to_owned(), ..Document::default() }
    }

    /// Adds a field.
    #[must_use]
    pub fn field_added(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Lets the server make the ids.
    #[must_use]
    pub fn auto(mut self, auto: bool) -> Self {
        self.auto = auto;
        self
    }

    /// Says by which field people know a record.
    #[must_use]
    pub fn title(mut self, field: &str) -> Self {
        field.clone_into(&mut self.title);
        self
    }

    /// Says which roles may read, write and delete records.
    #[must_use]
    pub fn rights(mut self, read: &[&str], write: &[&str], delete: &[&str]) -> Self {
        let read = read.iter().map(|role| (*role).to_owned()).collect();
        self.rights = Rights { read, write: Grants::roles(write), delete: Grants::roles(delete) };
        self
    }

    /// Says who else may write records, and when.
    #[must_use]
    pub fn write(mut self, grant: Grant) -> Self {
        self.rights.write = self.rights.write.and(grant);
        self
    }

    /// Says who else may delete records, and when.
    #[must_use]
    pub fn delete(mut self, grant: Grant) -> Self {
        self.rights.delete = self.rights.delete.and(grant);
        self
    }

    /// Takes the texts of its fields from a table. Call it when all fields are added.
    #[must_use]
    pub fn labels(mut self, labels: &Labels) -> Self {
        let (needed, optional) = self.keys();
        for (key, short) in needed.into_iter().chain(optional) {
            let name = &self.name;
            let whole = if key.is_empty() { name.clone() } else { format!("{name}.{key}") };
            for lang in labels.langs() {
                let found = [&whole, &key, &format!("{name}.{short}"), &short]
                    .into_iter()
                    .find_map(|key| labels.get(key, lang).filter(|text| !text.is_empty()));
                if let Some(text) = found {
                    self.texts.entry(key.clone()).or_default().insert(lang.to_owned(), text.to_owned());
                }
            }
        }
        self
    }

    /// A field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// A text in a language, or else in the first that there is.
    #[must_use]
    pub fn text(&self, key: &str, lang: &str) -> Option<&str> {
        let texts = self.texts.get(key)?;
        texts.get(lang).or_else(|| texts.get("en")).or_else(|| texts.values().next()).map(String::as_str)
    }

    /// The label of a field or an option, or its key when the document was not checked.
    #[must_use]
    pub fn label<'a>(&'a self, key: &'a str, lang: &str) -> &'a str {
        self.text(key, lang).unwrap_or(if key.is_empty() { &self.name } else { key })
    }

    /// The label of an option of a field.
    #[must_use]
    pub fn option(&self, field: &str, option: &str, lang: &str) -> String {
        self.text(&format!("{field}.{option}"), lang).unwrap_or(option).to_owned()
    }

    /// The field by which people know a record.
    #[must_use]
    pub fn title_field(&self) -> &str {
        if self.title.is_empty() { &self.id } else { &self.title }
    }

    /// Looks for everything that would be noticed only when somebody uses the form.
    pub fn check(&self) -> Result {
        let document = || self.name.clone();
        let mut names = BTreeSet::new();
        for field in &self.fields {
            let name = &field.name;
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
            if !begins || name.len() > 48 || !name.bytes().all(fits) {
                return Err(Error::Name { document: document(), field: name.clone() });
            }
            if !names.insert(name.as_str()) {
                return Err(Error::Twice { document: document(), field: name.clone() });
            }
        }
        let known = |place: &str, field: &str| {
            if names.contains(field) {
                return Ok(());
            }
            Err(Error::UnknownField {
                document: document(),
                place: place.to_owned(),
                field: field.to_owned(),
            })
        };
        if !self.id.is_empty() {
            known("the id", &self.id)?;
        }
        if !self.title.is_empty() {
            known("the title", &self.title)?;
        }
        for field in &self.fields {
            let name = &field.name;
            for (part, condition) in
                [("visible", &field.visible), ("required", &field.required), ("readonly", &field.readonly)]
            {
                let mut result = Ok(());
                condition.fields(&mut |other| {
                    let place = format!("`{part}` of `{name}`");
                    result = std::mem::replace(&mut result, Ok(())).and_then(|()| known(&place, other));
                });
                result?;
            }
            self.check_grants(&format!("`write` of `{name}`"), &field.write)?;
            let computed = field.computed.iter().flatten().map(|other| ("compute", other));
            let checked = field.rules.iter().flat_map(|rule| match rule {
                Rule::Check { with } => with.as_slice(),
                _ => &[],
            });
            for (part, other) in computed.chain(checked.map(|other| ("check", other))) {
                known(&format!("`{part}` of `{name}`"), other)?;
            }
            self.check_rules(field)?;
        }
        self.check_grants("`write`", &self.rights.write)?;
        self.check_grants("`delete`", &self.rights.delete)?;
        self.check_texts()
    }

    /// What rights depend on is there, and is moved by those only of whom the form says so.
    fn check_grants(&self, place: &str, grants: &Grants) -> Result {
        let mut result = Ok(());
        grants.fields(&mut |name| {
            let (document, field) = (self.name.clone(), name.to_owned());
            let wrong = match self.field(name) {
                None => Error::UnknownField { document, place: place.to_owned(), field },
                Some(known) if self.is_moved_freely(known) => {
                    Error::Unguarded { document, place: place.to_owned(), field }
                }
                Some(_) => return,
            };
            result = std::mem::replace(&mut result, Ok(())).and(Err(wrong));
        });
        result
    }

    fn is_moved_freely(&self, field: &Field) -> bool {
        let is_fixed =
            field.computed.is_some() || field.name == self.id || field.readonly == Condition::Always;
        !is_fixed && field.write.is_empty()
    }

    fn check_rules(&self, field: &Field) -> Result {
        let wrong = |place: &'static str| Error::Type {
            document: self.name.clone(),
            field: field.name.clone(),
            place,
        };
        let fits = |given: &Value| value::parse(field, given).is_ok();
        if field.default.as_ref().is_some_and(|default| !fits(default)) {
            return Err(wrong("the default"));
        }
        for rule in &field.rules {
            match rule {
                Rule::Pattern(text) => {
                    rule::pattern(text).map_err(|error| Error::Pattern {
                        document: self.name.clone(),
                        field: field.name.clone(),
                        reason: error.to_string(),
                    })?;
                }
                Rule::Range { min, max } => {
                    let ranged = matches!(field.kind, Type::Number { .. } | Type::Money { .. } | Type::Date);
                    if !ranged || ![min, max].into_iter().flatten().all(fits) {
                        return Err(wrong("the range"));
                    }
                }
                Rule::OneOf(values) if !values.iter().all(fits) => return Err(wrong("one of the values")),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_texts(&self) -> Result {
        let langs: BTreeSet<&String> = self.texts.values().flat_map(BTreeMap::keys).collect();
        let none = String::from("en");
        let langs = if langs.is_empty() { BTreeSet::from([&none]) } else { langs };
        for (key, _) in self.keys().0 {
            for lang in &langs {
                let text = self.texts.get(&key).and_then(|texts| texts.get(*lang));
                if text.is_none_or(|text| text.is_empty()) {
                    return Err(Error::Label { document: self.name.clone(), key, lang: (*lang).clone() });
                }
            }
        }
        Ok(())
    }

    /// The keys of the texts that must be there, and of those that may; each with the short key under
    /// which several fields may share it.
    #[expect(clippy::type_complexity, reason = "two lists of pairs, used twice and in this file only")]
    fn keys(&self) -> (Vec<(String, String)>, Vec<(String, String)>) {
        let same = |key: String| (key.clone(), key);
        let (mut needed, mut optional) = (vec![same(String::new())], Vec::new());
        for field in &self.fields {
            let name = &field.name;
            needed.push(same(name.clone()));
            if let Type::Select { options } = &field.kind {
                needed.extend(options.iter().map(|option| (format!("{name}.{option}"), option.clone())));
            }
            if field.rules.iter().any(|rule| matches!(rule, Rule::Check { .. })) {
                needed.push(same(format!("{name}.check")));
            }
            optional.push(same(format!("{name}.help")));
            optional.push(same(format!("{name}.pattern")));
        }
        (needed, optional)
    }
}
