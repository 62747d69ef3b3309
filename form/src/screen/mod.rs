//! The generated screens: pages over the records of a form, the same for every form.

mod card;
mod face;
mod filling;
mod finds;
mod list;
mod note;
mod right;
mod save;
mod stored;
mod unsaved;

pub use card::{Card, Do, Outcome};
pub use filling::Binds;
pub use list::{Browse, List, Opened};

use n2o::Cx;
use nitro::{Url, url};

use crate::access::Who;

impl Who {
    /// The visitor of a page, with the roles that [`Cx::login_as`] or [`Cx::set_roles`] gave.
    #[must_use]
    pub fn of(cx: &Cx) -> Self {
        let mut who = Who::default();
        (who.user, who.roles) = (cx.user(), cx.roles());
        who
    }
}

/// The page of a record, or something of it, below the list's.
fn below(base: &str, id: &str, query: &str) -> Url {
    let tail = url!("/{id}");
    Url::local(&format!("{}{tail}{query}", base.trim_end_matches('/'))).unwrap_or(tail)
}

/// The path without its query.
fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// A path as a URL; the root when it is none.
fn local(path: &str) -> Url {
    Url::local(path).unwrap_or_else(|| url!("/"))
}
