//! Rules: what a value must be like. Each becomes attributes for the browser, and always runs on the server.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    fault::Fault,
    field::{Field, Type},
    value::order,
};

/// What a value that is not empty must be like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// A number, an amount or a date lies between these, which belong to it.
    Range {
        /// The least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Value>,
        /// The greatest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<Value>,
    },
    /// A text has so many characters.
    Length {
        /// At least.
        #[serde(default)]
        min: usize,
        /// At most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<usize>,
    },
    /// All of a text fits a regular expression; its syntax is what `regex-lite` and browsers share.
    Pattern(String),
    /// The value is one of these.
    OneOf(Vec<Value>),
    /// A function of the program says yes. It is registered under the field's name; these are the other
    /// fields that it looks at.
    Check {
        /// The other fields.
        #[serde(default)]
        with: Vec<String>,
    },
}

/// Bytes that a compiled pattern may take, so that one from a foreign document is harmless.
const PATTERN_SIZE: usize = 64 * 1024;

/// Compiles a pattern that has to fit from beginning to end.
pub(crate) fn pattern(text: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN_SIZE).build()
}

/// The most characters of a text for which no rule says otherwise.
pub(crate) fn longest(field: &Field) -> Option<usize> {
    let declared = field.rules.iter().find_map(|rule| match rule {
        Rule::Length { max, .. } => *max,
        _ => None,
    });
    match field.kind {
        Type::Text => Some(declared.unwrap_or(1_000)),
        Type::Lines => Some(declared.unwrap_or(8_000)),
        Type::Email => Some(declared.unwrap_or(254)),
        Type::Phone => Some(declared.unwrap_or(32)),
        Type::Lookup { .. } => Some(declared.unwrap_or(255)),
        _ => None,
    }
}

/// Characters of a text beyond its field's length that are still kept, so that whoever types a little too much
/// finds it again.
#[cfg(feature = "screens")]
const SLACK: usize = 100;

/// Characters that any input takes: more than the bytes of [`n2o::Limits::text`], as it is by default.
#[cfg(feature = "screens")]
const PASTED: usize = 33_000;

/// The most characters that are kept of what is typed into a field, whether or not it fits: its length and 100
/// more, which for a number or a date is all.
#[cfg(feature = "screens")]
pub(crate) fn most(field: &Field) -> usize {
    longest(field).unwrap_or(0) + SLACK
}

/// The most characters that an input takes, whose field may have `max`: far more, because a browser cuts what is
/// pasted without a word. It is beyond what a server reads of a text, so that whoever pastes more is told; and it
/// bounds what a page sends.
#[cfg(feature = "screens")]
pub(crate) fn pasted(max: usize) -> usize {
    PASTED.max(max + SLACK + 1)
}

/// Runs the rules of a field over a value of its type that is not empty, all but its own function.
pub(crate) fn run(field: &Field, value: &Value, patterns: &[(String, Regex)]) -> Result<(), Fault> {
    let text = value.as_str().unwrap_or_default();
    if let Some(max) = longest(field)
        && text.chars().count() > max
    {
        return Err(Fault::Long { max });
    }
    for rule in &field.rules {
        match rule {
            Rule::Range { min, max } => {
                if let Some(min) = min
                    && order(value, min).is_none_or(|order| order.is_lt())
                {
                    return Err(Fault::Small { min: min.clone() });
                }
                if let Some(max) = max
                    && order(value, max).is_none_or(|order| order.is_gt())
                {
                    return Err(Fault::Large { max: max.clone() });
                }
            }
            Rule::Length { min, .. } if text.chars().count() < *min => {
                return Err(Fault::Short { min: *min });
            }
            Rule::Pattern(_) => {
                let known = patterns.iter().find(|(name, _)| *name == field.name);
                if known.is_some_and(|(_, regex)| !regex.is_match(text)) {
                    return Err(Fault::Pattern);
                }
            }
            Rule::OneOf(values)
                if !values.iter().any(|one| order(value, one).is_some_and(|order| order.is_eq())) =>
            {
                return Err(Fault::Choice);
            }
            Rule::Length { .. } | Rule::OneOf(_) | Rule::Check { .. } => {}
        }
    }
    Ok(())
}
