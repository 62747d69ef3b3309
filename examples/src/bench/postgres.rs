//! A PostgreSQL server of the benchmark's own: in a temporary folder, on a free port, on the core of the server
//! under measurement, as a user that is not root, and gone when the benchmark is. Its settings are those of a
//! new installation: a commit is on disk when it is answered.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Failure, child, store};

/// Longest time for the server to start.
const START: Duration = Duration::from_secs(60);
/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);
/// Runs the server until it ends, or until the shell's own input does, which ends with the benchmark.
const RUN: &str = r#"exec 3<&0
    "$0" -D "$1/data" -p "$2" -k "$1" -h 127.0.0.1 -c max_connections=200 </dev/null >"$1/log" 2>&1 & server=$!
    { read -r nothing; kill -INT $server; } <&3 & watch=$!
    wait $server; kill $watch; rm -rf "$1/data" "$1/log""#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: PathBuf,
    port: String,
    /// Stops the server when its standard input ends.
    child: Child,
}

impl Postgres {
    /// Makes a server and starts it on a core.
    pub(crate) fn start(core: Option<usize>) -> Result<Self, Failure> {
        let folder = store::folder("postgres")?;
        // The server's user must get into it.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
        let made = user(&binary("initdb")?, None)
            .args(["--auth=trust", "--username=kvs", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(folder.join("data"))
            .output()?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let child = user(Path::new("/bin/sh"), core)
            .args(["-c", RUN])
            .arg(binary("postgres")?)
            .arg(&folder)
            .arg(&port)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Postgres { folder, port, child };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        while let Err(error) = self.psql("select 1") {
            if started.elapsed() > START || self.child.try_wait()?.is_some() {
                return Err(format!("PostgreSQL does not start: {error}").into());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn psql(&self, statement: &str) -> Result<(), Failure> {
        let args = ["-h", "127.0.0.1", "-p", &self.port, "-U", "kvs", "-d", "postgres", "-qc", statement];
        let output = Command::new(binary("psql")?).args(args).output()?;
        let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(said().into()) }
    }

    /// The URL of a new database.
    pub(crate) fn fresh(&self, number: usize) -> Result<String, Failure> {
        self.psql(&format!("create database b{number}"))?;
        Ok(format!("postgres://kvs@127.0.0.1:{}/b{number}", self.port))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A command as a user the server accepts: it refuses to run as root.
fn user(program: &Path, core: Option<usize>) -> Command {
    let mut words = child::pinned(core);
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        let nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
        words.extend(nobody.map(str::to_owned));
    }
    words.push(program.display().to_string());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir("/");
    command
}

/// A program of the server's, wherever the system keeps it.
fn binary(name: &str) -> Result<PathBuf, Failure> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = debian.map(|version| version.path().join("bin")).chain(std::env::split_paths(&paths));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    found.ok_or_else(|| format!("{name} is not installed: apt-get install postgresql").into())
}
