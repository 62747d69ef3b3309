//! A PostgreSQL server of the tests' own: in a temporary folder, on a free port, as a user that is not
//! root, and gone when the tests are.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) struct Server {
    port: u16,
    folder: PathBuf,
    /// Stops the server when its standard input ends, which it does with this process.
    child: Child,
}

impl Server {
    /// The server all tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Self::start_with(true))
    }

    pub(crate) fn start() -> Self {
        Self::start_with(false)
    }

    /// Starts a server whose folder goes with it, because nobody drops what all tests share.
    fn start_with(is_shared: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("kvs-pg-").tempdir().unwrap().keep();
        // The server's user must get to its folder, and may take it away.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        if is_root() {
            chown(&folder, Some(NOBODY), None).unwrap();
        }
        let data = folder.join("data");
        let made = user(&binary("initdb"))
            .args(["--auth=trust", "--username=kvs", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { port, child: run(&data, port, is_shared), folder };
        assert!(server.serves(), "the server has ended");
        server
    }

    /// Waits until it serves; says `false` when it has ended instead.
    fn serves(&mut self) -> bool {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err()
            || self.psql("postgres", "select 1").is_err()
        {
            assert!(started.elapsed() < Duration::from_secs(30), "the server does not start");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    /// Kills the server as a crash would, and starts it again.
    pub(crate) fn crash(&mut self) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        assert!(user(Path::new("/bin/kill")).args(["-9", pid]).status().unwrap().success());
        let killed = Instant::now();
        loop {
            self.child.wait().unwrap();
            self.child = run(&self.folder.join("data"), self.port, false);
            if self.serves() {
                return;
            }
            // A server does not start while a process of the one before is about to notice that it is gone.
            assert!(killed.elapsed() < Duration::from_secs(30), "the server does not start again");
        }
    }

    /// Stops all its processes as they are, or lets them go on: a server that is there and says nothing.
    pub(crate) fn halt(&self, halted: bool) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let signal = if halted { "-STOP" } else { "-CONT" };
        let all = [pid].into_iter().chain(children.split_whitespace());
        let mut kill = user(Path::new("/bin/kill"));
        // One that has just ended is no failure.
        kill.arg(signal).args(all).stderr(Stdio::null()).status().unwrap();
    }

    pub(crate) fn psql(&self, database: &str, statement: &str) -> Result<String, String> {
        let port = self.port.to_string();
        let args = ["-h", "127.0.0.1", "-p", &port, "-U", "kvs", "-d", database, "-Atc", statement];
        let output = Command::new(binary("psql")).args(args).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    }

    /// The URL of a database that nobody else uses.
    pub(crate) fn fresh(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("create database {name}")).unwrap();
        format!("postgres://kvs@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn run(data: &Path, port: u16, is_shared: bool) -> Child {
    let folder = data.parent().unwrap();
    let gone = if is_shared { folder } else { Path::new("") };
    // The shell waits for either end: of the server, or of its own input.
    let script = r#""$0" -D "$1" -p "$2" -k "$3" -h 127.0.0.1 -c shared_buffers=32MB -c max_connections=200 \
        </dev/null >"$3/log" 2>&1 & server=$!
        { read -r nothing; kill -INT $server; } <&3 & watch=$!
        wait $server; kill $watch; rm -rf "$4""#;
    user(Path::new("/bin/sh"))
        .arg("-c")
        .arg(format!("exec 3<&0; {script}"))
        .arg(binary("postgres"))
        .arg(data)
        .arg(port.to_string())
        .arg(folder)
        .arg(gone)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The user that tests of root run servers as.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A command as a user the server accepts: it refuses to run as root.
fn user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

/// A program of the server's, wherever the system keeps it.
fn binary(name: &str) -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let paths = env::var_os("PATH").unwrap_or_default();
    let folders = debian.map(|version| version.path().join("bin")).chain(env::split_paths(&paths));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed: these tests need a PostgreSQL server"))
}
