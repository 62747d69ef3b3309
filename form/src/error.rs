//! What can be wrong with a declaration, or keep a screen from its records. What is wrong with a value
//! that a user gave is no error but a [`Fault`](crate::Fault).

/// The result of this crate's functions.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why a document cannot be used, or a record cannot be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule, a condition or a computed field speaks of a field that is not there; correct its name.
    #[error("{place} speaks of the field `{field}`, which `{document}` lacks")]
    UnknownField {
        /// The document.
        document: String,
        /// Where the name stands.
        place: String,
        /// The name.
        field: String,
    },
    /// A right depends on a field that everybody may change who may write the record, and so give themselves that right;
    /// say who may change the field.
    #[error(
        "{place} depends on the field `{field}` of `{document}`, which anybody who writes may change: give it `write` roles, or make it `readonly` or computed"
    )]
    Unguarded {
        /// The document.
        document: String,
        /// Where the right stands.
        place: String,
        /// The field.
        field: String,
    },
    /// Two fields have the same name; rename one.
    #[error("`{document}` has two fields `{field}`")]
    Twice {
        /// The document.
        document: String,
        /// The name.
        field: String,
    },
    /// Names are 1 to 48 of `a-z 0-9 _`, and begin with a letter, as they become ids of inputs.
    #[error("`{document}` has a field `{field}`: a name is 1 to 48 of a-z 0-9 _ and begins with a letter")]
    Name {
        /// The document.
        document: String,
        /// The name.
        field: String,
    },
    /// Computed fields need each other; break the circle.
    #[error("the computed fields of `{document}` go in a circle: {}", fields.join(" -> "))]
    Circle {
        /// The document.
        document: String,
        /// The fields, the first one again at the end.
        fields: Vec<String>,
    },
    /// A text is missing; add it to the label table, in every language.
    #[error("`{document}` has no text `{key}` in the language `{lang}`")]
    Label {
        /// The document.
        document: String,
        /// The key.
        key: String,
        /// The language.
        lang: String,
    },
    /// A pattern cannot be read as a regular expression.
    #[error("the pattern of `{document}.{field}`: {reason}")]
    Pattern {
        /// The document.
        document: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A limit, a default or an option does not fit the type of its field.
    #[error("{place} of `{document}.{field}` does not fit its type")]
    Type {
        /// The document.
        document: String,
        /// The field.
        field: String,
        /// Which of them.
        place: &'static str,
    },
    /// A computed field, an own check or a lookup without its function; register it.
    #[error("`{document}.{field}` needs a function that was not registered: {what}")]
    Function {
        /// The document.
        document: String,
        /// The field.
        field: String,
        /// For what.
        what: &'static str,
    },
    /// A record and its document do not fit each other: the document's types are not those of the struct.
    #[error("a record of `{document}` does not fit its document: {reason}")]
    Record {
        /// The document.
        document: String,
        /// What serde said.
        reason: String,
    },
    /// The store refused; its message says what to do.
    #[error("store: {0}")]
    Store(#[from] kvs::Error),
}

#[cfg(any(feature = "screens", feature = "rest"))]
impl From<Error> for n2o::Error {
    fn from(error: Error) -> Self {
        match error {
            // A conflict must stay one, so that the handler is run again.
            Error::Store(error) => n2o::Error::Store(error),
            error => n2o::Error::other(error),
        }
    }
}
