//! Who asks, and what may be done: rights by role, for a document and for each of its fields.

use serde::{Deserialize, Serialize};

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The name of the user, when there is one.
    pub user: Option<String>,
    /// What they are.
    pub roles: Vec<String>,
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
        Who { user: Some(user.to_owned()), roles: roles.iter().map(|role| (*role).to_owned()).collect() }
    }

    /// Whether one of the roles is theirs; always when none is named.
    #[must_use]
    pub fn is_any(&self, roles: &[String]) -> bool {
        roles.is_empty() || roles.iter().any(|role| self.roles.contains(role))
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

/// The roles that may do something with the records of a document. No role means that everybody may who
/// may see the page; `delete` is taken to be `write` when it names none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    /// Who may look at records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Who may make and change records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
    /// Who may delete records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<String>,
}

impl Rights {
    /// Whether somebody may do something. Nobody changes what they may not see.
    #[must_use]
    pub fn allow(&self, who: &Who, act: Act) -> bool {
        let delete = if self.delete.is_empty() { &self.write } else { &self.delete };
        who.is_any(&self.read)
            && match act {
                Act::Read => true,
                Act::Create | Act::Update => who.is_any(&self.write),
                Act::Delete => who.is_any(delete),
            }
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
