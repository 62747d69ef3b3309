//! FEEL, the expression language of conditions and mappings. It reads values and makes values: it cannot
//! write, call out, or run longer than its limits. Type errors give null with a note, as the standard
//! prescribes; only limits are errors.

mod arithmetic;
mod ast;
mod atom;
mod builtin;
mod compare;
mod convert;
mod eval;
mod functions;
mod lex;
mod lists;
mod parse;
mod temporal;
mod value;
mod wire;

pub use eval::{Answer, Names, evaluate};
pub use parse::{FeelError, parse};
pub use value::{Context, Value};

pub use ast::Expr;
