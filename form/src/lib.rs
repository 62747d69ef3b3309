//! Declarative forms and the screens made from them.

pub mod access;
pub mod audit;
mod condition;
mod document;
mod error;
mod fault;
mod field;
mod form;
mod label;
mod lang;
pub mod list;
mod lookup;
mod read;
pub mod rest;
mod rule;
mod screen;
pub mod show;
mod spec;
pub mod table;
mod value;
mod view;

pub use access::{Act, Rights, Who};
pub use condition::{Condition, Op};
pub use document::Document;
pub use error::{Error, Result};
pub use fault::{Fault, Faults};
pub use field::{Field, Fits, Type};
pub use form::{Form, to_data, to_record};
pub use form_derive::Form;
pub use label::Labels;
pub use lookup::{Choice, Lookup};
pub use read::{Filled, Kind};
pub use rule::Rule;
pub use screen::{Browse, Card, Do, List};
pub use spec::{Functions, Spec};
pub use value::Data;
#[doc(hidden)]
pub use value::{computed, get};
pub use view::{Choices, Sheet};

// What the derive's output names, so that an application needs no further dependency.
#[doc(hidden)]
pub use {kvs, nitro};
