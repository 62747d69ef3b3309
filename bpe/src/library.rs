//! The deployed processes, every version of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Process;

/// Processes by id and version. Deploying a process again adds a version; running instances keep theirs.
#[derive(Clone, Debug, Default)]
pub struct Library {
    processes: BTreeMap<Arc<str>, Vec<Arc<Process>>>,
}

impl Library {
    /// An empty library.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a process as the newest version of its id.
    pub fn add(&mut self, mut process: Process) -> Arc<Process> {
        let versions = self.processes.entry(process.id.clone()).or_default();
        process.version = versions.last().map_or(1, |last| last.version + 1);
        let process = Arc::new(process);
        versions.push(process.clone());
        process
    }

    /// Adds a process that has its version already.
    pub(crate) fn restore(&mut self, process: Process) {
        let versions = self.processes.entry(process.id.clone()).or_default();
        versions.push(Arc::new(process));
        versions.sort_by_key(|process| process.version);
    }

    /// The newest version.
    pub fn latest(&self, id: &str) -> Option<&Arc<Process>> {
        self.processes.get(id)?.last()
    }

    /// A version.
    pub fn version(&self, id: &str, version: u32) -> Option<&Arc<Process>> {
        self.processes.get(id)?.iter().find(|process| process.version == version)
    }

    /// The newest version of every process.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Process>> {
        self.processes.values().filter_map(|versions| versions.last())
    }
}
