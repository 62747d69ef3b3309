//! Processes of the benchmark: each on its core, in a scheduling group of its own, ended with its parent.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{Failure, args::Args, store::Place, usage};

/// The scheduling group's priority: highest, so that other work on the machine does not halve the figures.
const NICE: &str = "-20";
/// Files that a server or load of all scenarios opens.
const FILES: u64 = 19_400;

/// A server under measurement.
#[derive(Debug)]
pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) pid: Option<u32>,
    pub(crate) address: SocketAddr,
    /// Held until the server has ended.
    _place: Option<Place>,
}

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The pages.
    Ours,
    /// The echo.
    Echo,
}

/// Runs this program again as the load, and waits for it.
pub(crate) fn load() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let cores = cores(&Args::read(args.iter().cloned())?);
    let mut command = command(cores.1)?;
    command.arg("--load");
    if let (Some(server), Some(load)) = cores {
        // Said, because the load itself may run on its own core only, and sees no other.
        command.args(["--cores".to_owned(), format!("{server},{load}")]);
    }
    let mut child = command.args(args).stdin(Stdio::piped()).spawn()?;
    // Taken, because waiting would close it, and the load would take that for our end.
    let held = child.stdin.take();
    let status = child.wait()?;
    drop(held);
    if status.success() { Ok(()) } else { Err(format!("the load ended with {status}").into()) }
}

/// Raises the priority of this process's own scheduling group; what the system refuses is done without.
pub(crate) fn raise() -> bool {
    fs::write("/proc/self/autogroup", NICE).is_ok()
}

/// The cores of the server and of the load, when there are two.
pub(crate) fn cores(args: &Args) -> (Option<usize>, Option<usize>) {
    if let Some((server, load)) = args.cores {
        return (Some(server), Some(load));
    }
    let allowed = usage::allowed_cores();
    match allowed.as_slice() {
        [server, load, ..] => (Some(*server), Some(*load)),
        _ => (None, None),
    }
}

/// This program, pinned, in a session of its own, ending with this process.
fn command(core: Option<usize>) -> Result<Command, Failure> {
    let mut words = Vec::new();
    if usage::files().is_none_or(|files| files < FILES) && present("prlimit") {
        words.extend(["prlimit".to_owned(), format!("--nofile={FILES}:")]);
    }
    if present("setsid") {
        words.push("setsid".to_owned());
    }
    words.extend(pinned(core));
    words.push(std::env::current_exe()?.display().to_string());
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).arg("--child");
    Ok(command)
}

/// The words before a command that is to run on a core.
pub(crate) fn pinned(core: Option<usize>) -> Vec<String> {
    let core = core.filter(|_| present("taskset"));
    core.map_or_else(Vec::new, |core| vec!["taskset".to_owned(), "-c".to_owned(), core.to_string()])
}

fn present(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Server {
    /// Starts the pages over a store, and waits until they are served.
    pub(crate) fn pages(place: Place, args: &Args) -> Result<Self, Failure> {
        let url = place.url.clone();
        Self::start(&["--serve", "127.0.0.1:0", "--url", &url], Some(place), args)
    }

    /// A server that runs already, and goes on.
    pub(crate) fn running(address: &str, pid: Option<u32>) -> Result<Self, Failure> {
        Ok(Server { child: None, pid, address: address.parse()?, _place: None })
    }

    /// Starts an echo.
    pub(crate) fn echo(args: &Args) -> Result<Self, Failure> {
        Self::start(&["--echo", "127.0.0.1:0"], None, args)
    }

    fn start(words: &[&str], place: Option<Place>, args: &Args) -> Result<Self, Failure> {
        let mut command = command(cores(args).0)?;
        command.args(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Ok(address) = line.trim().parse() else {
            return Err("the server did not start".into());
        };
        let pid = child.id();
        if !args.quick {
            // Only now: before, the process may still have been in our own group.
            let _ = fs::write(Path::new("/proc").join(pid.to_string()).join("autogroup"), NICE);
        }
        Ok(Server { child: Some(child), pid: Some(pid), address, _place: place })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ends this process when its parent has ended.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let mut rest = String::new();
        let _ = std::io::stdin().read_line(&mut rest);
        std::process::exit(0);
    });
}
