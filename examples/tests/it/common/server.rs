//! The demo's process: started on a free port, killed, started again on the same one.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use tempfile::TempDir;

use super::PATIENCE;

/// The binary under test.
const DEMO: &str = env!("CARGO_BIN_EXE_demo");

/// A running demo; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    data: Arc<TempDir>,
    flags: Vec<String>,
    log: Arc<Mutex<String>>,
    /// What the shell does before it becomes the demo, such as `ulimit -n 64; `.
    before: String,
}

impl Server {
    /// A demo with an empty data folder.
    pub(crate) fn start() -> Self {
        Self::start_in(Arc::new(TempDir::new().unwrap()), &[])
    }

    /// A demo over a data folder, with more flags.
    pub(crate) fn start_in(data: Arc<TempDir>, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| String::from(*flag)).collect();
        Self::launch(data, "127.0.0.1:0", flags, Arc::default(), String::new())
    }

    /// A demo that may open so many files.
    pub(crate) fn start_with_files(files: u32) -> Self {
        let data = Arc::new(TempDir::new().unwrap());
        let before = format!("ulimit -n {files}; ");
        Self::launch(data, "127.0.0.1:0", Vec::new(), Arc::default(), before)
    }

    /// A demo whose log is on a full disk.
    pub(crate) fn start_with_a_full_log() -> Self {
        let (data, before) = (Arc::new(TempDir::new().unwrap()), "exec 2>/dev/full; ".to_owned());
        Self::launch(data, "127.0.0.1:0", Vec::new(), Arc::default(), before)
    }

    fn launch(
        data: Arc<TempDir>,
        address: &str,
        flags: Vec<String>,
        log: Arc<Mutex<String>>,
        before: String,
    ) -> Self {
        // A write over a limit of the system is an error, as on a full disk, and not the end of the process.
        let mut child = command("sh")
            .args(["-c", &format!("trap '' XFSZ; {before}exec \"$@\""), "sh"])
            .arg(DEMO)
            .arg("--data")
            .arg(data.path())
            .args(["--listen", address])
            .args(&flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let sink = Arc::clone(&log);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().map(Result::unwrap).unwrap_or_default();
        // Read on, so that the demo never writes to a full pipe.
        thread::spawn(move || lines.for_each(drop));
        let address = first.split("http://").nth(1).map(|rest| rest.trim_end_matches('/').to_owned());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("the demo did not start: {first}\n{}", log.lock().unwrap());
        };
        Server { child, address, data, flags, log, before }
    }

    /// The demo's first page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// The data folder, to be kept when the server is gone.
    pub(crate) fn keep(&self) -> Arc<TempDir> {
        Arc::clone(&self.data)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What all processes of this server have logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends the process without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the demo again, at the same address and over the same data.
    pub(crate) fn again(&mut self) {
        *self = Self::launch(
            Arc::clone(&self.data),
            &self.address.clone(),
            self.flags.clone(),
            Arc::clone(&self.log),
            self.before.clone(),
        );
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`, which is there where no such program is.
        let line = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success(), "{line}");
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the server does not end\n{}", self.log());
            tokio::time::sleep(super::LOOK).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4_000);
            eprintln!("-- the server's log ends with:\n{}", log.get(from..).unwrap_or(&log));
        }
    }
}

/// The variables that the demo reads, and the environment of the tests may hold.
const VARIABLES: [&str; 6] = ["N2O_LISTEN", "N2O_DATA", "N2O_SECURE", "N2O_ORIGIN", "N2O_KEYS", "N2O_LOG"];

/// A command that knows nothing of them.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

/// Runs a demo that is expected not to serve; its exit code and the lines of its standard error.
pub(crate) fn refused(data: &Path, flags: &[&str], env: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let envs = env.iter().copied();
    let mut command = command(DEMO);
    command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(flags).envs(envs);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It says where it serves, should it serve, and nothing otherwise.
    let mut served = String::new();
    let _ = BufReader::new(child.stdout.take().unwrap()).read_line(&mut served);
    if !served.is_empty() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(served, "", "it should not have served");
    let lines = String::from_utf8_lossy(&output.stderr).lines().map(String::from).collect();
    (output.status.code(), lines)
}

/// Where the store of a data folder is.
pub(crate) fn store(data: &Path) -> PathBuf {
    data.join("demo.redb")
}
