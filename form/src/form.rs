//! A record that is a form.

use serde_json::Value;

use crate::{
    error::{Error, Result},
    spec::Spec,
    value::Data,
};

/// A record that is a form; derive it with [`Form`](derive@crate::Form).
#[diagnostic::on_unimplemented(message = "`{Self}` is not a form", note = "add `#[derive(Form)]` to it")]
pub trait Form: kvs::Record {
    /// Who may open its screens at all.
    #[cfg(feature = "screens")]
    const ACCESS: nitro::Access = nitro::Access::User;

    /// The document with its functions.
    fn spec() -> &'static Spec;
}

/// What the derive says of [`Form::ACCESS`], where there is such a thing.
#[cfg(feature = "screens")]
#[doc(hidden)]
#[macro_export]
macro_rules! __access {
    ($access:ident) => {
        const ACCESS: $crate::nitro::Access = $crate::nitro::Access::$access;
    };
}

#[cfg(not(feature = "screens"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __access {
    ($access:ident) => {};
}

/// The table of a form. Called by what the derive makes, so that what is no form is told once.
#[doc(hidden)]
#[must_use]
pub fn __table<R: Form>() -> &'static str {
    R::TABLE
}

/// The values of a record.
pub fn to_data<R: Form>(record: &R) -> Result<Data> {
    match serde_json::to_value(record) {
        Ok(Value::Object(data)) => Ok(data),
        Ok(_) => Err(unfit::<R>("it is not a struct")),
        Err(error) => Err(unfit::<R>(&error.to_string())),
    }
}

/// A record of these values, which have no faults.
pub fn to_record<R: Form>(data: &Data) -> Result<R> {
    serde_json::from_value(Value::Object(data.clone())).map_err(|error| unfit::<R>(&error.to_string()))
}

fn unfit<R: Form>(reason: &str) -> Error {
    Error::Record { document: R::TABLE.to_owned(), reason: reason.to_owned() }
}
