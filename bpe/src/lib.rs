//! A BPMN 2.0 process engine.

mod error;
mod limits;
mod position;

pub mod feel;
pub mod xml;

pub use error::{Error, Result};
pub use limits::Limits;
pub use position::Position;
pub use xml::Document;
/// x
#[derive(Debug)]
pub struct Finding;
impl std::fmt::Display for Finding { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
