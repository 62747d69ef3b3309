//! The syntax tree of an expression. It holds no positions: parse errors are found before it exists, and at
//! run time the element that owns the expression is the location.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::value::Value;

/// An expression, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr(pub(crate) Box<Kind>);

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Literal(Value),
    Name(Arc<str>),
    List(Vec<Expr>),
    Context(Vec<(Arc<str>, Expr)>),
    Range {
        low: Option<(Expr, bool)>,
        high: Option<(Expr, bool)>,
    },
    Path(Expr, Arc<str>),
    Filter(Expr, Expr),
    Call(Arc<str>, Arguments),
    /// A call of something that is not a plain name.
    Apply(Expr, Arguments),
    Negate(Expr),
    Arithmetic(Operator, Expr, Expr),
    Compare(Comparison, Expr, Expr),
    And(Expr, Expr),
    Or(Expr, Expr),
    Between(Expr, Expr, Expr),
    In(Expr, Vec<Test>),
    InstanceOf(Expr, Arc<str>),
    If(Expr, Expr, Expr),
    For(Vec<(Arc<str>, Expr)>, Expr),
    Quantified {
        every: bool,
        over: Vec<(Arc<str>, Expr)>,
        satisfies: Expr,
    },
    Function(Vec<Arc<str>>, Expr),
}

/// The arguments of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arguments {
    Positional(Vec<Expr>),
    Named(Vec<(Arc<str>, Expr)>),
}

/// One test to the right of `in`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// `> 5`
    Compare(Comparison, Expr),
    /// A range to lie in, a list to be in, or a value to equal.
    Value(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl From<Kind> for Expr {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

impl Expr {
    pub(crate) fn literal(value: impl Into<Value>) -> Self {
        Kind::Literal(value.into()).into()
    }

    pub(crate) fn number(number: Decimal) -> Self {
        Kind::Literal(Value::Number(number)).into()
    }
}
