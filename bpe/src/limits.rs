//! The bounds on everything that comes from outside.

/// How much a file, an expression or a step may cost. The defaults suit files drawn by people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The size of a BPMN file in bytes; 1 MiB by default.
    pub file_bytes: usize,
    /// The depth of nested XML elements; 64 by default.
    pub file_depth: usize,
    /// The depth of nested FEEL expressions; 64 by default.
    pub feel_depth: usize,
    /// How many operations one FEEL evaluation may take; 100,000 by default.
    pub feel_steps: u64,
    /// How many nodes one step may enter before it is stopped as a loop without waiting; 10,000 by default.
    pub moves: u64,
    /// How many instances a multi-instance activity may have; 10,000 by default.
    pub instances: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 20,
            file_depth: 64,
            feel_depth: 64,
            feel_steps: 100_000,
            moves: 10_000,
            instances: 10_000,
        }
    }
}
