//! A field of a document: its name and type, and everything declared about it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    condition::Condition,
    right::{Grant, Grants},
    rule::Rule,
};

/// The type of a field: how it is entered, checked, kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Type {
    /// A line of text.
    Text,
    /// A text of several lines.
    Lines,
    /// A number, kept as a number of JSON.
    Number {
        /// How many digits may follow the point.
        decimals: u32,
    },
    /// An amount of money, kept exactly: as a text of decimal digits.
    Money {
        /// How many digits follow the point.
        decimals: u32,
    },
    /// A date, kept as `2026-11-21`.
    Date,
    /// Yes or no.
    Check,
    /// One of a few values, each with a text in the label table.
    Select {
        /// The values.
        options: Vec<String>,
    },
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// Another record, by its id.
    Lookup {
        /// The table of the other record.
        table: String,
    },
}

/// A field of a document.
///
/// ```
/// use form::{Condition, Field, Op, Rule, Type};
///
/// let field = Field::new("discount", Type::Number { decimals: 0 })
///     .rule(Rule::Range { min: Some(0.into()), max: Some(50.into()) })
///     .visible(Condition::test("kind", Op::Eq, "vip"));
/// let json = serde_json::to_string(&field)?;
/// assert_eq!(serde_json::from_str::<Field>(&json)?, field);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Field {
    /// The name, which is also the id of its input.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Whether nothing is kept as `null`; else an empty text is kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// What a value must be like. An empty value is not looked at; that is what `required` is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// The value of a new record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The fields that it is computed from; `None` when it is entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Vec<String>>,
    /// When it is shown. A field that is not shown keeps its value.
    #[serde(default = "Condition::always", skip_serializing_if = "Condition::is_always")]
    pub visible: Condition,
    /// When it must not be empty.
    #[serde(default = "Condition::never", skip_serializing_if = "Condition::is_never")]
    pub required: Condition,
    /// When it cannot be changed.
    #[serde(default = "Condition::never", skip_serializing_if = "Condition::is_never")]
    pub readonly: Condition,
    /// The roles that may see it; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Who may change it, perhaps only while the record is in a state; none for all who see it.
    #[serde(default, skip_serializing_if = "Grants::is_empty")]
    pub write: Grants,
    /// Whether lists leave it out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlisted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Field {
    /// A field of a type.
    #[must_use]
    pub fn new(name: &str, kind: Type) -> Self {
        Field {
            name: name.to_owned(),
            nullable: false,
            unlisted: kind == Type::Lines,
            kind,
            rules: Vec::new(),
            default: None,
            computed: None,
            visible: Condition::Always,
            required: Condition::Never,
            readonly: Condition::Never,
            read: Vec::new(),
            write: Grants::default(),
        }
    }

    /// A field of a Rust type; a number or a date that is no `Option` is required, as it cannot be empty.
    #[must_use]
    pub fn of<T: Fits>(name: &str) -> Self {
        let mut field = Field::new(name, T::kind());
        field.nullable = T::NULLABLE;
        field.rules.extend(T::range());
        if T::REQUIRED {
            field.required = Condition::Always;
        }
        field
    }

    /// Keeps nothing as `null`, for a field that is an `Option` of the record.
    #[must_use]
    pub fn nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets the value of a new record.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Makes it a computed field.
    #[must_use]
    pub fn computed(mut self, from: &[&str]) -> Self {
        self.computed = Some(from.iter().map(|field| (*field).to_owned()).collect());
        self.required = Condition::Never;
        self
    }

    /// Says when it is shown.
    #[must_use]
    pub fn visible(mut self, when: Condition) -> Self {
        self.visible = when;
        self
    }

    /// Says when it must not be empty.
    #[must_use]
    pub fn required(mut self, when: Condition) -> Self {
        self.required = when;
        self
    }

    /// Says when it cannot be changed.
    #[must_use]
    pub fn readonly(mut self, when: Condition) -> Self {
        self.readonly = when;
        self
    }

    /// Says how many digits may follow the point of a number or an amount.
    #[must_use]
    pub fn decimals(mut self, digits: u32) -> Self {
        if let Type::Number { decimals } | Type::Money { decimals } = &mut self.kind {
            *decimals = digits;
        }
        self
    }

    /// Says which roles may see it.
    #[must_use]
    pub fn read(mut self, roles: &[&str]) -> Self {
        self.read = roles.iter().map(|role| (*role).to_owned()).collect();
        self
    }

    /// Says which roles may change it.
    #[must_use]
    pub fn write(mut self, roles: &[&str]) -> Self {
        self.write = Grants::roles(roles);
        self
    }

    /// Says who else may change it, and when.
    #[must_use]
    pub fn writable(mut self, grant: Grant) -> Self {
        self.write = self.write.and(grant);
        self
    }

    /// Leaves it out of lists.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// Whether the search of a list looks at it.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        self.kind != Type::Check
    }

    /// Whether its values stand one under the other like numbers.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.kind, Type::Number { .. } | Type::Money { .. })
    }

    /// Whether people write it in words of their own.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, Type::Text | Type::Lines | Type::Email | Type::Phone)
    }

    /// Whether a list can be filtered by it.
    #[must_use]
    pub fn is_filter(&self) -> bool {
        matches!(self.kind, Type::Check | Type::Select { .. })
    }

    pub(crate) fn range(&self) -> (Option<&Value>, Option<&Value>) {
        let mut limits = (None, None);
        for rule in &self.rules {
            if let Rule::Range { min, max } = rule {
                // The rule that was declared comes behind that of the Rust type.
                limits = (min.as_ref().or(limits.0), max.as_ref().or(limits.1));
            }
        }
        limits
    }
}

/// Rust types that are the type of a field without further words.
#[diagnostic::on_unimplemented(
    message = "a field of a form cannot be a `{Self}`",
    note = "use String, bool, an integer or float, Decimal, jiff::civil::Date, or an Option of these; other types that are kept as text need `#[form(options = [..])]` or `#[form(lookup = Record)]`"
)]
pub trait Fits {
    /// Whether nothing is `None`.
    const NULLABLE: bool = false;
    /// Whether there is no value for nothing.
    const REQUIRED: bool = false;
    /// The type of the field.
    fn kind() -> Type;
    /// The limits of the type itself.
    fn range() -> Option<Rule> {
        None
    }
}

impl Fits for String {
    fn kind() -> Type {
        Type::Text
    }
}

impl Fits for bool {
    fn kind() -> Type {
        Type::Check
    }
}

impl Fits for Decimal {
    const REQUIRED: bool = true;
    fn kind() -> Type {
        Type::Money { decimals: 2 }
    }
}

impl Fits for jiff::civil::Date {
    const REQUIRED: bool = true;
    fn kind() -> Type {
        Type::Date
    }
}

impl<T: Fits> Fits for Option<T> {
    const NULLABLE: bool = true;
    fn kind() -> Type {
        T::kind()
    }
    fn range() -> Option<Rule> {
        T::range()
    }
}

macro_rules! whole {
    ($($number:ty)*) => {
        $(impl Fits for $number {
            const REQUIRED: bool = true;
            fn kind() -> Type {
                Type::Number { decimals: 0 }
            }
            fn range() -> Option<Rule> {
                Some(Rule::Range { min: Some(<$number>::MIN.into()), max: Some(<$number>::MAX.into()) })
            }
        })*
    };
}

whole!(u8 u16 u32 u64 i8 i16 i32 i64);

macro_rules! real {
    ($($number:ty)*) => {
        $(impl Fits for $number {
            const REQUIRED: bool = true;
            fn kind() -> Type {
                Type::Number { decimals: 6 }
            }
        })*
    };
}

real!(f32 f64);
