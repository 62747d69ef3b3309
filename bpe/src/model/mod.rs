//! The typed model: what a file says, numbered so that running it never looks anything up by name. It is
//! derived from the XML tree and leaves the tree as it is.

mod event;
mod expression;
mod extension;
mod node;
mod process;
mod read;
mod read_event;
mod read_node;
mod start;

pub use event::{Timer, TimerKind, Trigger};
pub use expression::Expression;
pub use node::{Called, GatewayKind, Loop, Mapping, Node, NodeKind, SubProcessKind, TaskKind, Work};
pub use process::{Body, Flow, FlowId, Lane, NodeId, Process};
pub use read::Model;
pub use start::{Start, StartOn};
