//! Who may see and do what: by the roles that the file names as lanes and candidate groups.

use crate::Who;
use bpe::{
    Instance,
    model::{NodeKind, Process},
};

use super::service::Processes;

/// Calls `f` with the visitor as the engine wants to know them.
pub(crate) fn roles(who: &Who) -> Vec<&str> {
    who.roles.iter().map(String::as_str).collect()
}

impl Processes {
    /// Whether somebody sees everything and mends.
    pub(crate) fn operates(&self, who: &Who) -> bool {
        !self.operators.is_empty() && who.is_any(&self.operators)
    }

    /// Whether somebody may start a process at an event: the lane of the event is theirs, or it has none.
    pub(crate) fn starts(&self, who: &Who, process: &Process, event: &str) -> bool {
        let Some(node) = process.find(event) else { return false };
        let mut lanes = process.lanes.iter().filter(|lane| lane.nodes.contains(&node)).peekable();
        who.user.is_some()
            && (lanes.peek().is_none() || lanes.any(|lane| who.roles.iter().any(|role| **role == *lane.name)))
    }

    /// Whether somebody may see an instance: they take part in its process, began it, or operate.
    pub(crate) fn sees(&self, who: &Who, instance: &Instance) -> bool {
        let library = self.engine.library();
        let process = library.version(&instance.process, instance.version);
        self.operates(who)
            || (who.user.is_some() && instance.by == who.user)
            || process.is_some_and(|process| self.sees_all(who, process))
    }

    /// Whether somebody may see every instance of this version of a process.
    pub(crate) fn sees_all(&self, who: &Who, process: &Process) -> bool {
        self.operates(who) || who.roles.iter().any(|role| takes_part(process, role))
    }
}

fn takes_part(process: &Process, role: &str) -> bool {
    let lane = process.lanes.iter().any(|lane| *lane.name == *role);
    let group = |kind: &NodeKind| match kind {
        NodeKind::Task(_, work) => work.groups.iter().any(|group| **group == *role),
        _ => false,
    };
    lane || process.nodes.iter().any(|node| group(&node.kind))
}
