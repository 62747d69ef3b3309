//! What `/proc` says about a process: processor time, the time it had to wait for its core, and memory.

use std::fs;

/// Processor time of a process so far, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// On a core.
    pub(crate) busy: f64,
    /// Ready to run, but not on a core, because other work was.
    pub(crate) waiting: f64,
}

impl Usage {
    /// Of all threads of a process.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let mut sum = Usage::default();
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            let mut fields = text.split_whitespace().map(|field| field.parse::<f64>().unwrap_or(0.0) / 1e9);
            sum.busy += fields.next().unwrap_or(0.0);
            sum.waiting += fields.next().unwrap_or(0.0);
        }
        Some(sum)
    }

    /// Since an earlier time.
    pub(crate) fn since(self, earlier: Usage) -> Usage {
        Usage { busy: self.busy - earlier.busy, waiting: self.waiting - earlier.waiting }
    }
}

/// Bytes of memory of a process: its share of what is mapped, or what is resident when that is not told.
pub(crate) fn memory(pid: u32) -> Option<f64> {
    let kilobytes = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:")).map(|kb| kb * 1024.0)
}

/// The cores that this process may run on.
pub(crate) fn allowed_cores() -> Vec<usize> {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let ranges = list.trim().split(',').filter_map(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        Some(from.parse::<usize>().ok()?..=to.parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

/// How many files this process may open.
pub(crate) fn files() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processor's name.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim()).to_owned()
}
