//! The file limit of the process: every connection takes a file descriptor.

use n2o::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors for all that is no connection, or one that ends: the store, the listener, signals, logs.
const OTHERS: usize = 64;
/// A server with fewer is of no use; it then runs into the limit, and says so.
const FEWEST: usize = 8;

/// How many connections of each kind there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) pages: usize,
    pub(crate) requests: usize,
    pub(crate) reserved: usize,
}

/// The connections of the limits, or as many of each kind as there are file descriptors for: the process's
/// soft limit is raised as far as needed and allowed first. Says so in one line of the log.
pub(crate) fn fit(limits: &Limits) -> Connections {
    let wanted = Connections {
        pages: limits.connections,
        requests: limits.requests.max(1),
        reserved: limits.reserved,
    };
    let files = raised(wanted.files());
    let fitted = wanted.within(files);
    let Connections { pages, requests, reserved } = fitted;
    let file_limit = files.map_or_else(|| String::from("none"), |files| files.to_string());
    if fitted == wanted {
        tracing::info!(file_limit, pages, requests, reserved, "connections that are served at a time");
    } else {
        tracing::warn!(
            file_limit,
            pages,
            requests,
            reserved,
            "the file limit is too low for {} connections of pages and {} others, so fewer are served at a time; \
             raise it to {} (`ulimit -n`, or LimitNOFILE of systemd)",
            wanted.pages,
            wanted.requests,
            wanted.files(),
        );
    }
    fitted
}

/// The soft limit, after it has been raised as far as is wanted and the hard one allows; `None` for no limit.
fn raised(wanted: usize) -> Option<usize> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let soft = current?;
    let aim = maximum.map_or(wanted as u64, |hard| hard.min(wanted as u64));
    let raised = Rlimit { current: Some(aim), maximum };
    let limit = if aim > soft && setrlimit(Resource::Nofile, raised).is_ok() { aim } else { soft };
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

impl Connections {
    fn files(self) -> usize {
        self.pages.saturating_add(self.requests).saturating_add(self.reserved).saturating_add(OTHERS)
    }

    /// As many as there are file descriptors for; where they are few, one in four is for requests.
    fn within(self, files: Option<usize>) -> Self {
        let Some(files) = files.filter(|files| *files < self.files()) else { return self };
        let rest = files.saturating_sub(OTHERS).max(3 * FEWEST);
        let reserved = self.reserved.min(rest / 8);
        let requests = self.requests.min((rest - reserved) / 4).max(1);
        let pages = self.pages.min(rest - reserved - requests);
        // What pages do not need is for requests.
        Connections { pages, requests: self.requests.min(rest - reserved - pages), reserved }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_as_many_as_there_are_files_for() {
        let wanted = Connections { pages: 20_000, requests: 4_096, reserved: 16 };
        assert_eq!(wanted.within(None), wanted);
        assert_eq!(wanted.within(Some(1 << 20)), wanted);
        for files in [24_175, 4_096, 1_024, 256, 128] {
            let fitted = wanted.within(Some(files));
            assert!(fitted.files() <= files, "{files}: {fitted:?}");
            assert!(fitted.files() > files - 8, "{files}: none is wasted: {fitted:?}");
            assert!(fitted.requests >= 10 && fitted.pages >= fitted.requests, "{files}: {fitted:?}");
        }
        let few = Connections { pages: 10, requests: 4_096, reserved: 16 }.within(Some(1_024));
        assert_eq!((few.pages, few.requests, few.reserved), (10, 934, 16));
        assert!(wanted.within(Some(10)).requests > 0, "the little that there is");
    }
}
