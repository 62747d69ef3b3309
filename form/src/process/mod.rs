//! The screens of business processes: tasks, starts, and instances with their diagram. Thin pages over `bpe`.
//!
//! An application [provides](Processes::start) its processes once and adds the pages under these paths, which
//! they link to:
//!
//! | path | page |
//! |---|---|
//! | `/tasks` | [`Inbox`]: the user tasks for the visitor's roles |
//! | `/tasks/{task}` | [`Work`]: a task with its form |
//! | `/processes` | [`Overview`]: what can be started, and the instances |
//! | `/processes/{process}/start` | [`Work`]: the form that starts a process |
//! | `/instances/{instance}` | [`Instance`]: the diagram with its tokens, live, and the history |

mod about;
mod drawing;
mod follow;
pub(crate) mod form;
mod history;
mod inbox;
mod instance;
mod live;
mod note;
mod overview;
pub(crate) mod right;
pub(crate) mod service;
mod shown;
pub(crate) mod submit;
mod text;
pub(crate) mod variables;
pub(crate) mod work;

pub use follow::{ALL, Stepped, topic};
pub use form::ProcessForm;
pub use inbox::{Inbox, Opened, Pick};
pub use instance::{Instance, Mend};
pub use overview::Overview;
pub use service::Processes;
pub use work::{Do, Outcome, Work};
