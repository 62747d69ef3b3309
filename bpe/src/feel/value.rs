//! The values of FEEL, which are also the values of process variables. Lists, contexts and texts are shared,
//! so that copying a value never copies what is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::ast::Expr;

/// A context: names and their values, in the order of the names.
pub type Context = BTreeMap<Arc<str>, Value>;

/// A value.
///
/// Variables keep null, booleans, numbers, texts, lists and contexts. The temporal types live inside one
/// evaluation: stored into a variable they become their ISO 8601 text, which `date(x)`, `duration(x)` and
/// their kin read again.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing; also what an ill-typed operation answers.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A decimal number of up to 28 digits.
    Number(Decimal),
    /// A text.
    Text(Arc<str>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A context.
    Context(Arc<Context>),
    /// A date.
    Date(Date),
    /// A time of day, with its zone if it has one.
    Time(Time, Option<TimeZone>),
    /// A date and a time, with its zone if it has one.
    DateTime(DateTime, Option<TimeZone>),
    /// A duration of days and smaller units.
    Duration(SignedDuration),
    /// A duration of months and years, in months.
    Months(i64),
    /// A range.
    Range(Arc<Range>),
    /// A function written in FEEL.
    Function(Arc<Lambda>),
}

/// Two ends, each included or not; a missing end is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    pub(crate) low: Option<(Value, bool)>,
    pub(crate) high: Option<(Value, bool)>,
}

/// A function literal with the values its body saw where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Lambda {
    pub(crate) parameters: Vec<Arc<str>>,
    pub(crate) body: Expr,
    pub(crate) captured: Vec<(Arc<str>, Value)>,
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list value.
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A context value.
    pub fn context(entries: impl IntoIterator<Item = (impl Into<Arc<str>>, Value)>) -> Self {
        Self::Context(Arc::new(entries.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The items, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entry of that name, if this is a context that has it.
    pub fn entry(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Context(entries) => entries.get(name),
            _ => None,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value as a variable keeps it: temporal values as text, functions and ranges as null.
    pub fn into_data(self) -> Self {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => self,
            Self::List(items) if items.iter().all(Self::is_data) => Self::List(items),
            Self::List(items) => Self::list(items.iter().cloned().map(Self::into_data).collect()),
            Self::Context(entries) if entries.values().all(Self::is_data) => Self::Context(entries),
            Self::Context(entries) => {
                Self::context(entries.iter().map(|(name, value)| (name.clone(), value.clone().into_data())))
            }
            Self::Range(_) | Self::Function(_) => Self::Null,
            temporal => Self::text(temporal.to_string()),
        }
    }

    fn is_data(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => true,
            Self::List(items) => items.iter().all(Self::is_data),
            Self::Context(entries) => entries.values().all(Self::is_data),
            _ => false,
        }
    }

    /// What `instance of` and messages call the type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Context(_) => "context",
            Self::Date(_) => "date",
            Self::Time(..) => "time",
            Self::DateTime(..) => "date and time",
            Self::Duration(_) => "days and time duration",
            Self::Months(_) => "years and months duration",
            Self::Range(_) => "range",
            Self::Function(_) => "function",
        }
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        })*
    };
}

from! {
    bool => |value| Self::Bool(value);
    i32 => |value| Self::Number(value.into());
    i64 => |value| Self::Number(value.into());
    u32 => |value| Self::Number(value.into());
    u64 => |value| Self::Number(value.into());
    usize => |value| Self::Number(value.into());
    Decimal => |value| Self::Number(value);
    &str => |value| Self::text(value);
    String => |value| Self::text(value);
    Vec<Value> => |value| Self::list(value);
    Context => |value| Self::Context(Arc::new(value));
}

/// What `string(x)` gives: texts bare, everything else as FEEL or ISO 8601 writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            other => write_inner(f, other),
        }
    }
}

fn write_inner(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(bool) => write!(f, "{bool}"),
        Value::Number(number) => write!(f, "{}", number.normalize()),
        Value::Text(text) => write!(f, "{text:?}"),
        Value::List(items) => {
            f.write_str("[")?;
            for (at, item) in items.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { ", " })?;
                write_inner(f, item)?;
            }
            f.write_str("]")
        }
        Value::Context(entries) => {
            f.write_str("{")?;
            for (at, (name, value)) in entries.iter().enumerate() {
                write!(f, "{}{name}: ", if at == 0 { "" } else { ", " })?;
                write_inner(f, value)?;
            }
            f.write_str("}")
        }
        Value::Date(date) => write!(f, "{date}"),
        Value::Time(time, zone) => {
            write!(f, "{time}")?;
            super::temporal::write_zone(f, zone.as_ref(), None)
        }
        Value::DateTime(datetime, zone) => {
            write!(f, "{datetime}")?;
            super::temporal::write_zone(f, zone.as_ref(), Some(*datetime))
        }
        Value::Duration(duration) => super::temporal::write_duration(f, *duration),
        Value::Months(months) => super::temporal::write_months(f, *months),
        Value::Range(range) => {
            let end = |f: &mut fmt::Formatter<'_>, end: &Option<(Value, bool)>| match end {
                Some((value, _)) => write_inner(f, value),
                None => Ok(()),
            };
            let closed = |end: &Option<(Value, bool)>| end.as_ref().is_some_and(|(_, closed)| *closed);
            f.write_str(if closed(&range.low) { "[" } else { "(" })?;
            end(f, &range.low)?;
            f.write_str("..")?;
            end(f, &range.high)?;
            f.write_str(if closed(&range.high) { "]" } else { ")" })
        }
        Value::Function(_) => f.write_str("function"),
    }
}
