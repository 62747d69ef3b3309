//! The query of a list from the pairs of an address. What is not understood is refused, as a list that leaves a filter
//! out answers something else than was asked.

use std::collections::HashSet;

use serde_json::Value;

use super::{Problem, Wrong, problem};
use crate::{
    access::{Act, Who},
    fault::Fault,
    field::{Field, Type},
    lang::text,
    list::Query,
    records::Records,
    spec::Spec,
    value::{Data, nothing, parse},
};

/// Most records of a page.
pub const LIMIT: usize = 200;
/// Most characters of a search.
const TEXT: usize = 200;
/// Characters of what came, in the problem that names it.
const CAME: usize = 64;
/// The names that are not those of fields.
const NAMES: [&str; 4] = ["text", "sort", "page", "limit"];

/// The query of a list from the pairs of an address, for who asks in a language:
///
/// | name | value |
/// |---|---|
/// | `text` | words that a record must have |
/// | `sort` | the field to sort by; `-name` for the greatest first |
/// | `page` | the page, from 1 |
/// | `limit` | records on a page, up to [`LIMIT`]; [`PAGE`](crate::list::PAGE) when it is not given |
/// | a field that the caller may see | its value, written as REST takes it: `city=Kyiv&price=12.50&since=2026-11-28&active=true`; nothing for records that have none: `city=` |
///
/// Whatever else is asked for is refused with a problem that says where it stands, what came, and what was expected:
/// an unknown name or field, a name that stands twice, and a value that is none of its field's.
pub fn query<'a>(
    records: Records,
    who: &Who,
    lang: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Query, Box<Problem>> {
    let spec = records.spec();
    if !spec.document.rights.allow(who, Act::Read) {
        return Err(Box::new(problem(403, lang)));
    }
    Asking { spec, who, lang }.query(pairs).map_err(|wrong| {
        let detail = wrong.message.clone().into();
        Box::new(Problem { detail, errors: vec![wrong], ..problem(400, lang) })
    })
}

/// Who asks for which records, in which language.
struct Asking<'a> {
    spec: &'a Spec,
    who: &'a Who,
    lang: &'a str,
}

impl<'a> Asking<'a> {
    fn query<'p>(&self, pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<Query, Wrong> {
        let (mut query, mut known) = (Query::default(), HashSet::new());
        for (name, value) in pairs {
            if !known.insert(name) {
                return Err(Self::wrong(name, "twice", self.say(text(self.lang).query_twice, &[name])));
            }
            match name {
                "text" => query.text = self.words(value)?,
                "sort" => (query.sort, query.down) = self.sort(value)?,
                "page" => query.page = self.number(name, value, u32::MAX as usize)? - 1,
                "limit" => query.limit = self.number(name, value, LIMIT)?,
                name => {
                    let field = self.field(name)?;
                    query.filters.insert(name.to_owned(), self.value(field, value)?);
                }
            }
        }
        Ok(query)
    }

    fn fields(&self) -> impl Iterator<Item = &'a Field> {
        let (spec, who) = (self.spec, self.who);
        spec.document.fields.iter().filter(move |field| spec.may_see(who, field))
    }

    /// The names of the fields, for whoever has asked for another.
    fn names(&self) -> String {
        self.fields().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A sentence with what belongs into it, of which what came may be long.
    fn say(&self, sentence: &str, parts: &[&str]) -> String {
        parts.iter().fold(sentence.to_owned(), |sentence, part| {
            let short: String = if part.chars().count() > CAME && !part.contains(", ") {
                part.chars().take(CAME).chain(['.', '.', '.']).collect()
            } else {
                (*part).to_owned()
            };
            sentence.replacen("{}", &short, 1)
        })
    }

    fn wrong(name: &str, code: &str, message: String) -> Wrong {
        Wrong { field: name.chars().take(CAME).collect(), code: code.to_owned(), message }
    }

    fn field(&self, name: &str) -> Result<&'a Field, Wrong> {
        self.fields().find(|field| field.name == name).ok_or_else(|| {
            let names = format!("{}, {}", NAMES.join(", "), self.names());
            Self::wrong(name, "unknown", self.say(text(self.lang).query_unknown, &[name, &names]))
        })
    }

    fn words(&self, value: &str) -> Result<String, Wrong> {
        if value.chars().count() > TEXT {
            let fault = Fault::Long { max: TEXT };
            return Err(Self::wrong("text", &fault.code(), fault.text(self.spec, "", self.lang)));
        }
        Ok(value.to_owned())
    }

    fn sort(&self, value: &str) -> Result<(String, bool), Wrong> {
        let name = value.strip_prefix('-').unwrap_or(value);
        if self.fields().any(|field| field.name == name) {
            return Ok((name.to_owned(), value.starts_with('-')));
        }
        Err(Self::wrong("sort", "unknown", self.say(text(self.lang).query_sort, &[name, &self.names()])))
    }

    /// A whole number from 1.
    fn number(&self, name: &str, value: &str, most: usize) -> Result<usize, Wrong> {
        let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse::<usize>().ok().filter(|number| is_plain && (1..=most).contains(number));
        number.ok_or_else(|| {
            let sentence = self.say(text(self.lang).query_number, &[name, &most.to_string(), value]);
            Self::wrong(name, "number", sentence)
        })
    }

    /// The value that a record must have: `null` for none.
    fn value(&self, field: &Field, value: &str) -> Result<Value, Wrong> {
        let read = match (&field.kind, value) {
            (Type::Check, "true") => Ok(Value::Bool(true)),
            (Type::Check, "false") => Ok(Value::Bool(false)),
            (Type::Check, _) => Err(Fault::Type),
            (_, "") => Ok(Value::Null),
            _ => parse(field, &Value::from(value)),
        };
        // What nobody sees is not what a record that has nothing is asked for by.
        let read = read.and_then(|read| {
            if !value.is_empty() && read == nothing(field) && field.kind != Type::Check {
                Err(Fault::Type)
            } else {
                Ok(read)
            }
        });
        read.map_err(|fault| {
            let why = self.expected(field).unwrap_or_else(|| fault.text(self.spec, &field.name, self.lang));
            Self::wrong(
                &field.name,
                &fault.code(),
                self.say(text(self.lang).query_value, &[&field.name, value, &why]),
            )
        })
    }

    /// The values of a field that has a few.
    fn expected(&self, field: &Field) -> Option<String> {
        let values = match &field.kind {
            Type::Check => String::from("true, false"),
            Type::Select { options } => options.join(", "),
            _ => return None,
        };
        Some(self.say(text(self.lang).query_one_of, &[&values]))
    }
}

/// The page as it was asked for: one behind the last has no records.
pub(super) fn rows(query: &Query, page: usize, rows: Vec<(String, Data)>) -> Vec<Value> {
    if page < query.page {
        return Vec::new();
    }
    rows.into_iter().map(|(_, data)| Value::Object(data)).collect()
}
