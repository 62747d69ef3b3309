//! Who asks, and what may be done: rights by role, for a document and for each of its fields.

use serde::{Deserialize, Serialize};

use crate::right::Grants;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The name of the user, when there is one.
    pub user: Option<String>,
    /// What they are.
    pub roles: Vec<String>,
    /// It is the program itself. Nothing that is read from anywhere says so.
    #[serde(skip)]
    program: bool,
}

impl Who {
    /// A user with roles.
    ///
    /// ```
    /// use form::Who;
    ///
    /// let ada = Who::new("ada", &["clerk"]);
    /// assert!(ada.is_any(&["clerk".into(), "manager".into()]));
    /// assert!(ada.is_any(&[]));
    /// ```
    #[must_use]
    pub fn new(user: &str, roles: &[&str]) -> Self {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Who { user: Some(user.to_owned()), roles, program: false }
    }

    /// The program itself under this name, which may do everything: what it writes is nobody's wish, but what follows
    /// from something else, such as the state that a process is in.
    ///
    /// ```
    /// assert!(form::Who::program("process").is_any(&["manager".into()]));
    /// ```
    #[must_use]
    pub fn program(name: &str) -> Self {
        Who { user: Some(name.to_owned()), roles: Vec::new(), program: true }
    }

    pub(crate) fn is_program(&self) -> bool {
        self.program
    }

    /// Whether one of the roles is theirs; always when none is named.
    #[must_use]
    pub fn is_any(&self, roles: &[String]) -> bool {
        self.program || roles.is_empty() || roles.iter().any(|role| self.roles.contains(role))
    }

    /// The name for an audit entry.
    #[must_use]
    pub fn name(&self) -> &str {
        self.user.as_deref().unwrap_or("-")
    }
}

/// What is done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Act {
    /// It is looked at, alone or in a list.
    Read,
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

/// The roles that may do something with the records of a document, perhaps only while they are in a state. No role means
/// that everybody may who may see the page; `delete` is taken to be `write` when it names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    /// Who may look at records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Who may make and change records.
    #[serde(default, skip_serializing_if = "Grants::is_empty")]
    pub write: Grants,
    /// Who may delete records.
    #[serde(default, skip_serializing_if = "Grants::is_empty")]
    pub delete: Grants,
}

impl Rights {
    /// Whether somebody may do something, at least with records in some state; for one record ask
    /// [`Spec::denial`](crate::Spec::denial). Nobody changes what they may not see.
    #[must_use]
    pub fn allow(&self, who: &Who, act: Act) -> bool {
        who.is_any(&self.read) && self.grants(act).is_none_or(|grants| grants.ever(who))
    }

    /// Who may do it, where that depends on the state of a record.
    pub(crate) fn grants(&self, act: Act) -> Option<&Grants> {
        match act {
            Act::Read => None,
            Act::Delete if !self.delete.is_empty() => Some(&self.delete),
            Act::Create | Act::Update | Act::Delete => Some(&self.write),
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
