//! Conditions over the fields of a record, as data: when a field is visible, required or read-only.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value::{Data, is_empty, order};

/// What holds, or not, for the values of a form. In a `#[derive(Form)]` it is written as an expression:
/// `visible = kind == "vip" && !paid`.
///
/// ```
/// use form::{Condition, Op};
///
/// let vip = Condition::test("kind", Op::Eq, "vip");
/// let data = serde_json::json!({ "kind": "vip" });
/// assert!(vip.holds(data.as_object().unwrap()));
/// assert_eq!(serde_json::to_string(&vip).unwrap(), r#"{"test":{"field":"kind","op":"eq","value":"vip"}}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It always holds.
    Always,
    /// It never holds.
    Never,
    /// The field is not empty; a check is on.
    Set(String),
    /// The field compares with a constant. An empty field compares with nothing but equality.
    Test {
        /// The field.
        field: String,
        /// How it is compared.
        op: Op,
        /// With what.
        value: Value,
    },
    /// The condition does not hold.
    Not(Box<Condition>),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less, or earlier.
    Lt,
    /// Less or equal.
    Le,
    /// Greater, or later.
    Gt,
    /// Greater or equal.
    Ge,
}

impl Condition {
    /// The field compares with a constant.
    #[must_use]
    pub fn test(field: &str, op: Op, value: impl Into<Value>) -> Self {
        Condition::Test { field: field.to_owned(), op, value: value.into() }
    }

    /// Whether it holds for these values.
    #[must_use]
    pub fn holds(&self, data: &Data) -> bool {
        match self {
            Condition::Always => true,
            Condition::Never => false,
            Condition::Set(field) => data.get(field).is_some_and(|value| !is_empty(value)),
            Condition::Test { field, op, value } => {
                let found = data.get(field).unwrap_or(&Value::Null);
                let order = if is_empty(found) && !is_empty(value) { None } else { order(found, value) };
                match op {
                    Op::Eq => order == Some(Ordering::Equal),
                    Op::Ne => order != Some(Ordering::Equal),
                    Op::Lt => order == Some(Ordering::Less),
                    Op::Le => order.is_some_and(Ordering::is_le),
                    Op::Gt => order == Some(Ordering::Greater),
                    Op::Ge => order.is_some_and(Ordering::is_ge),
                }
            }
            Condition::Not(inner) => !inner.holds(data),
            Condition::All(parts) => parts.iter().all(|part| part.holds(data)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(data)),
        }
    }

    /// Calls `f` with each field that it looks at.
    pub(crate) fn fields<'a>(&'a self, f: &mut dyn FnMut(&'a str)) {
        match self {
            Condition::Always | Condition::Never => {}
            Condition::Set(field) | Condition::Test { field, .. } => f(field),
            Condition::Not(inner) => inner.fields(f),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.fields(f)),
        }
    }

    pub(crate) fn always() -> Self {
        Condition::Always
    }

    pub(crate) fn never() -> Self {
        Condition::Never
    }

    pub(crate) fn is_always(&self) -> bool {
        *self == Condition::Always
    }

    pub(crate) fn is_never(&self) -> bool {
        *self == Condition::Never
    }
}
