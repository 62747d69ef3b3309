//! An expression of a file: FEEL, a fixed text, or something in another language that is kept but never run.

use jiff::Timestamp;

use crate::feel::{self, Answer, FeelError, Names, Value};
use crate::{Limits, Result};

/// An expression and its text.
#[derive(Clone, Debug)]
pub struct Expression {
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Feel(feel::Expr),
    Text,
    Bad(FeelError),
}

impl Expression {
    /// An expression that must be FEEL, with or without the leading `=`. One that is not is kept, and fails
    /// when it is evaluated.
    pub fn feel(text: &str, limits: &Limits) -> Self {
        let text = text.trim();
        let kind = match feel::parse(text.strip_prefix('=').unwrap_or(text), limits) {
            Ok(expr) => Kind::Feel(expr),
            Err(error) => Kind::Bad(error),
        };
        Self { text: text.into(), kind }
    }

    /// FEEL after a leading `=`, otherwise the text itself.
    pub(crate) fn either(text: &str, limits: &Limits) -> Self {
        let text = text.trim();
        if text.starts_with('=') {
            Self::feel(text, limits)
        } else {
            Self { text: text.into(), kind: Kind::Text }
        }
    }

    /// The text as the file has it.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// The text, if nothing has to be evaluated.
    pub fn fixed(&self) -> Option<&str> {
        matches!(self.kind, Kind::Text).then_some(&*self.text)
    }

    /// Why this cannot be evaluated.
    pub(crate) fn fault(&self) -> Option<&FeelError> {
        match &self.kind {
            Kind::Bad(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the file says that this is FEEL.
    pub(crate) fn claims_feel(&self) -> bool {
        self.text.starts_with('=')
    }

    /// Evaluates it.
    pub(crate) fn evaluate(&self, names: &dyn Names, now: Timestamp, limits: &Limits) -> Result<Answer> {
        match &self.kind {
            Kind::Feel(expr) => feel::evaluate(expr, names, now, limits),
            Kind::Text => Ok(Answer { value: Value::text(&*self.text), note: None }),
            Kind::Bad(error) => Err(error.clone().into()),
        }
    }
}
