//! Faults: what is wrong with a value that somebody gave, as data, and as a sentence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{lang::text, number::count, right, show, spec::Spec, value::Data};

/// Line breaks, as [`Fault::Character`] has them.
const BREAKS: [&str; 5] = ["U+000A", "U+000D", "U+0085", "U+2028", "U+2029"];

/// What is wrong with the value of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// There is none.
    Required,
    /// It is no number, or too large for one.
    Number,
    /// It has a fraction.
    Whole,
    /// It has too many digits behind the point.
    Places {
        /// How many there may be.
        max: u32,
    },
    /// It is not written as the language of the page writes numbers, and could be these in another language.
    Unclear {
        /// What it could be, as plain decimals.
        numbers: Vec<String>,
    },
    /// It is no date.
    Date,
    /// It is no e-mail address.
    Email,
    /// It is no telephone number.
    Phone,
    /// It is none of the choices.
    Choice,
    /// It has too few characters.
    Short {
        /// How many there must be.
        min: usize,
    },
    /// It has too many characters.
    Long {
        /// How many there may be.
        max: usize,
    },
    /// It is too small, or too early.
    Small {
        /// The least.
        min: Value,
    },
    /// It is too large, or too late.
    Large {
        /// The greatest.
        max: Value,
    },
    /// It does not fit the pattern.
    Pattern,
    /// The field's own function says no.
    Check,
    /// It is of another type.
    Type,
    /// It holds a character that nobody can see, or a line break in a text of one line.
    Character {
        /// The character, such as `U+202E`.
        found: String,
        /// The end of what stands before it.
        after: String,
    },
    /// There is no such record.
    Lookup,
    /// Another record has it.
    Taken,
    /// The field cannot be changed, or not by this user.
    Fixed,
    /// The user may change the field, but not as the record is stored.
    Locked {
        /// The values of the record that stand against it.
        state: Data,
    },
    /// There is no such field.
    Unknown,
}

/// The faults of a form, by field.
pub type Faults = BTreeMap<String, Fault>;

impl Fault {
    /// The fault as a sentence for the user. The label table may have better words for a pattern, under the
    /// key `table.field.pattern`, and must have words for an own function, under `table.field.check`.
    #[must_use]
    pub fn text(&self, spec: &Spec, field: &str, lang: &str) -> String {
        let t = text(lang);
        let known = spec.document.field(field);
        let own = |part: &str| spec.document.text(&format!("{field}.{part}"), lang);
        let limit = |sentence: &str, limit: &Value| {
            let shown = known.map_or_else(String::new, |known| show::value(spec, known, limit, lang));
            sentence.replace("{}", &shown)
        };
        match self {
            Fault::Required => t.required.to_owned(),
            Fault::Number => t.number.to_owned(),
            Fault::Whole => t.whole.to_owned(),
            Fault::Places { max } => t.places.replace("{}", &count(*max as usize, lang)),
            Fault::Unclear { numbers } => {
                let sentence = if numbers.len() > 1 { t.either } else { t.write };
                numbers.iter().fold(sentence.to_owned(), |sentence, number| {
                    let number = known.map_or_else(String::new, |known| {
                        show::value(spec, known, &number.as_str().into(), lang)
                    });
                    sentence.replacen("{}", &number, 1)
                })
            }
            Fault::Date => t.date.to_owned(),
            Fault::Email => t.email.to_owned(),
            Fault::Phone => t.phone.to_owned(),
            Fault::Choice => t.choice.to_owned(),
            Fault::Short { min } => t.short.replace("{}", &count(*min, lang)),
            Fault::Long { max } => t.long.replace("{}", &count(*max, lang)),
            Fault::Small { min } => limit(t.small, min),
            Fault::Large { max } => limit(t.large, max),
            Fault::Pattern => own("pattern").unwrap_or(t.pattern).to_owned(),
            Fault::Check => own("check").unwrap_or(t.pattern).to_owned(),
            Fault::Type => t.kind.to_owned(),
            Fault::Character { found, .. } if BREAKS.contains(&found.as_str()) => t.one_line.to_owned(),
            Fault::Character { found, after } => {
                let sentence = if after.is_empty() { t.unseen_first } else { t.unseen };
                sentence.replacen("{}", found, 1).replacen("{}", after, 1)
            }
            Fault::Lookup => t.lookup.to_owned(),
            Fault::Taken => t.taken.to_owned(),
            Fault::Fixed => t.fixed.to_owned(),
            Fault::Locked { state } => t.locked_value.replacen("{}", &right::told(spec, state, lang), 1),
            Fault::Unknown => t.unknown.to_owned(),
        }
    }

    /// Its short name, as in JSON.
    #[must_use]
    pub fn code(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}
