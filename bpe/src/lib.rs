//! A BPMN 2.0 process engine: reads a file as a modelling tool wrote it, checks it, and runs it.
//!
//! 1. [`Document::read`] reads the XML into a tree that keeps everything, known or not, within [`Limits`].
//! 2. [`Model::strict`] derives the processes from the tree and refuses what is wrong, each [`Finding`] with its
//!    element, line and column; [`Model::lenient`] lets open what a drawing may leave open.
//! 3. A [`Library`] holds the processes and their versions. Running instances keep the version they began with.
//! 4. [`start`] makes the [`State`] of an instance and runs it until every token waits.
//! 5. [`step`] puts one [`Input`] into a state - a job done, a message, a timer, an error - and runs it to rest
//!    again. It is a pure function: the clock, the store and the network are its caller's.
//! 6. The [`Effect`]s say what happened, for the history, and what waits now, for the caller's indexes.
//! 7. What goes wrong in an instance is an [`Incident`] at its token: mended and retried, never half done.
//!
//! No code in a file is ever run. Conditions and mappings are FEEL ([`feel`]), evaluated within limits.
//!
//! ```
//! use bpe::feel::Context;
//! use bpe::{Input, Library, Limits, Model, Status, start, step};
//! use jiff::Timestamp;
//!
//! let file = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
//!   <process id="order">
//!     <startEvent id="start"/>
//!     <userTask id="approve"/>
//!     <exclusiveGateway id="ok" default="no"/>
//!     <endEvent id="approved"/>
//!     <endEvent id="refused"/>
//!     <sequenceFlow id="f1" sourceRef="start" targetRef="approve"/>
//!     <sequenceFlow id="f2" sourceRef="approve" targetRef="ok"/>
//!     <sequenceFlow id="yes" sourceRef="ok" targetRef="approved">
//!       <conditionExpression>= total &lt; 1000 and approved</conditionExpression>
//!     </sequenceFlow>
//!     <sequenceFlow id="no" sourceRef="ok" targetRef="refused"/>
//!   </process>
//! </definitions>"#;
//! let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
//!
//! let mut library = Library::new();
//! for process in Model::strict(file.as_bytes(), &limits)?.processes {
//!     library.add(process);
//! }
//! let variables = Context::from([("total".into(), 250.into())]);
//! let (mut state, _) = start(&library, &limits, "order", None, variables, now)?;
//!
//! let (job, token) = state.jobs().next().expect("the user task waits");
//! assert_eq!(&*state.node(&library, token).expect("it is deployed").id, "approve");
//! let variables = Context::from([("approved".into(), true.into())]);
//! step(&library, &limits, &mut state, Input::Complete { job, variables }, now)?;
//! assert_eq!(state.status, Status::Completed);
//! # Ok::<(), bpe::Error>(())
//! ```

mod check;
mod diagram;
mod effect;
mod engine;
mod error;
mod library;
mod limits;
mod position;
mod scope;
mod state;
mod step;
mod timer;

pub mod feel;
pub mod model;
pub mod xml;

pub use check::{Finding, Severity};
pub use diagram::{Diagram, Mark, Marks};
pub use effect::{Effect, Entry, Happened};
pub use engine::{
    Actions, Builder, Clock, Correlated, Deployed, Done, Engine, Failure, Instance, Job, Order, Outcome,
    Step, Who, Worker, history_feed,
};
pub use error::{Error, Result};
pub use library::Library;
pub use limits::Limits;
pub use model::Model;
pub use position::Position;
pub use scope::{Compensation, Rounds, Scope, ScopeKind};
pub use state::{Incident, Key, On, Pin, State, Status, Subscription, Token, Wait};
pub use step::{Input, start, step};
pub use timer::{Repeat, Schedule};
pub use xml::Document;
