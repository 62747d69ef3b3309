//! A BPMN 2.0 process engine: reads a file as a modelling tool wrote it, checks it, runs it, and draws it.
//!
//! 1. [`Document::read`] reads the XML into a tree that keeps everything, known or not, within [`Limits`].
//! 2. [`Model::strict`] derives the processes from the tree and refuses what is wrong, each [`Finding`] with
//!    its element, line and column; [`Model::lenient`] lets open what a drawing may leave open.
//! 3. [`Engine::deploy`] keeps the file in a kvs store as a new version of its processes. Running instances
//!    keep the version they began with.
//! 4. [`Engine::start`] begins an instance: a [`State`] of scopes and tokens, run until every token waits.
//! 5. [`step()`] puts one [`Input`] into a state - a job done, a message, a timer, an error - and runs it to
//!    rest again. It is a pure function; the engine around it brings the clock and the store, and commits the
//!    state, the history and everything that waits as one transaction per step.
//! 6. People find their tasks with [`Engine::tasks`] and complete them; a [`Worker`] does the jobs of its
//!    kind; [`Engine::run`] carries out services, timers, messages and signals, also those an earlier run
//!    left.
//! 7. What goes wrong in an instance is an [`Incident`] at its token: mended and retried, never half done.
//! 8. [`Diagram`] draws the layout of the file as SVG, with [`Marks`] where the tokens are.
//!
//! No code in a file is ever run. Conditions and mappings are FEEL ([`feel`]), evaluated within limits.
//!
//! ```
//! use bpe::feel::Context;
//! use bpe::{Done, Engine, Order, Who};
//! use kvs::Store;
//!
//! const FILE: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
//!   <process id="order">
//!     <startEvent id="start"/>
//!     <serviceTask id="check"/>
//!     <userTask id="approve"/>
//!     <exclusiveGateway id="ok" default="no"/>
//!     <endEvent id="approved"/>
//!     <endEvent id="refused"/>
//!     <sequenceFlow id="f1" sourceRef="start" targetRef="check"/>
//!     <sequenceFlow id="f2" sourceRef="check" targetRef="approve"/>
//!     <sequenceFlow id="f3" sourceRef="approve" targetRef="ok"/>
//!     <sequenceFlow id="yes" sourceRef="ok" targetRef="approved">
//!       <conditionExpression>= total &lt; 1000 and approved</conditionExpression>
//!     </sequenceFlow>
//!     <sequenceFlow id="no" sourceRef="ok" targetRef="refused"/>
//!   </process>
//! </definitions>"#;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> bpe::Result<()> {
//! let store = Store::open("memory:").await?;
//! let check = |order: Order| async move {
//!     assert_eq!(&*order.element, "check");
//!     Ok(Done::new(Context::from([("stock".into(), 7.into())])))
//! };
//! let engine = Engine::builder(&store).worker("check", check).open().await?;
//! engine.deploy(FILE.as_bytes()).await?;
//!
//! let id = engine.start("order", &Context::from([("total".into(), 250.into())])).await?;
//! engine.idle().await; // A server calls `engine.run(stop)` instead, once.
//!
//! let who = Who { user: "mia", roles: &["manager"] };
//! let task = engine.tasks(&who, 50).await?.remove(0);
//! let answers = Context::from([("approved".into(), true.into())]);
//! engine.complete_task(&task.id, &who, &answers).await?;
//!
//! let instance = engine.instance(&id).await?.expect("it was started");
//! assert!(!instance.is_active());
//! # Ok(())
//! # }
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
    Stage, Step, Who, Worker, history_feed,
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
