//! How the demo is started: flags, and the environment for what no flag says.

use std::{path::PathBuf, time::Duration};

use web::{BadNetwork, Network};

/// What `--help` prints.
pub const HELP: &str = "\
Counter, login and chat, served.

  demo [--listen ADDRESS] [--data DIR] [--new-store] [--new-keys] [--backup DIR] [--backup-every TIME]
       [--backup-keep COUNT] [--secure] [--host NAME]... [--origin URL]... [--proxy NETWORK]...
       [--chat-lines N] [--bench]

  --listen ADDRESS  where to listen; port 0 takes a free one      [N2O_LISTEN, 127.0.0.1:8000]
  --data DIR        the folder of the store and the keys          [N2O_DATA, data]
  --new-store       begin anew where there was a store and is none now
  --new-keys        make keys where a store has none; everybody has to sign in again
  --backup DIR      make backups of the store into this folder     [N2O_BACKUP]
  --backup-every TIME  how often, such as 30m, 6h or 2d            [N2O_BACKUP_EVERY, 6h]
  --backup-keep COUNT  how many of them are kept                   [N2O_BACKUP_KEEP, 14]
  --secure          browsers come over TLS, ended by a proxy      [N2O_SECURE=1]
  --host NAME       serve this name, too, beside IP addresses, localhost and the hosts of --origin
                                                                  [N2O_HOST, separated by blanks]
  --origin URL      pages of this origin may open sockets, too    [N2O_ORIGIN, separated by blanks]
  --proxy NETWORK   a proxy whose word about its clients' addresses is believed: an address, or a range
                    such as 10.0.0.0/8                            [N2O_PROXY, separated by blanks]
  --chat-lines N    messages kept of each chat room, 1 or more    [N2O_CHAT_LINES, 10000]
  --bench           also serve the pages of the benchmark, and raise the limits for it
  --help, --version

  N2O_KEYS          the keys, instead of the file DIR/keys
  N2O_LOG           error, warn, info, debug or trace             [info]

SIGTERM and SIGINT stop in order, a second SIGINT at once; SIGHUP reads the keys again.
Exit codes: 0 stopped in order, 1 not everything ended in time, 2 command line, 3 data folder or store,
4 keys, 5 address, 130 second SIGINT.";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The address to listen on.
    pub listen: String,
    /// The folder of the store and the keys.
    pub data: PathBuf,
    /// Whether to begin anew where there was a store and is none now.
    pub anew: bool,
    /// The folder of the scheduled backups, if any are to be made.
    pub backup: Option<PathBuf>,
    /// How often.
    pub every: Duration,
    /// How many of them are kept.
    pub keep: usize,
    /// Whether browsers come over TLS.
    pub secure: bool,
    /// Host names that are served beside addresses and `localhost`.
    pub hosts: Vec<String>,
    /// Other origins whose pages may open sockets.
    pub origins: Vec<String>,
    /// Proxies that are trusted to say where their clients come from.
    pub proxies: Vec<Network>,
    /// Whether keys are made where there is a store but no keys.
    pub new_keys: bool,
    /// Messages that are kept of each chat room; older ones are deleted.
    pub chat_lines: u64,
    /// Whether the pages of the benchmark are served.
    pub bench: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Serve(Config),
    /// Print this and end.
    Print(String),
}

/// Why the command line cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unclear {
    /// There is no such flag.
    #[error("unknown flag {0:?}; `demo --help` lists the flags")]
    Unknown(String),
    /// The flag needs a value.
    #[error("{0} needs a value; `demo --help` shows which")]
    Value(&'static str),
    /// A time is a number with `s`, `m`, `h` or `d`.
    #[error("{0:?} is no time between backups; expected one such as 30m, 6h or 2d")]
    Time(String),
    /// A number of backups is one at least.
    #[error("{0:?} is no number of backups to keep; expected one such as 14")]
    Count(String),
    /// The value is no whole number above 0.
    #[error("--chat-lines or N2O_CHAT_LINES is {0:?}; expected a whole number above 0")]
    Number(String),
    /// An origin is a scheme and a host.
    #[error("{0:?} is no origin; expected one such as https://example.org")]
    Origin(String),
    /// A host is a name, and no origin.
    #[error("{0:?} is no host name; expected one such as example.org")]
    Host(String),
    /// A proxy is an address or a range of them.
    #[error(transparent)]
    Proxy(#[from] BadNetwork),
}

impl Config {
    /// Reads flags, and with `env` the environment.
    pub fn read(
        args: impl IntoIterator<Item = String>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Command, Unclear> {
        let or = |name: &str, default: &str| env(name).unwrap_or_else(|| String::from(default));
        let time = |text: String| time(&text).ok_or(Unclear::Time(text));
        let count = |text: String| match text.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(Unclear::Count(text)),
        };
        let mut config = Config {
            listen: or("N2O_LISTEN", "127.0.0.1:8000"),
            data: PathBuf::from(or("N2O_DATA", "data")),
            anew: false,
            backup: env("N2O_BACKUP").filter(|folder| !folder.is_empty()).map(PathBuf::from),
            every: time(or("N2O_BACKUP_EVERY", "6h"))?,
            keep: count(or("N2O_BACKUP_KEEP", "14"))?,
            secure: env("N2O_SECURE").is_some_and(|value| !value.is_empty() && value != "0"),
            hosts: or("N2O_HOST", "").split_whitespace().map(String::from).collect(),
            origins: or("N2O_ORIGIN", "").split_whitespace().map(String::from).collect(),
            proxies: or("N2O_PROXY", "").split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
            new_keys: false,
            chat_lines: number(&or("N2O_CHAT_LINES", "10000"))?,
            bench: false,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            // Both `--data DIR` and `--data=DIR` are common.
            let (flag, given) = match arg.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (arg.as_str(), None),
            };
            let mut value = |flag| given.clone().or_else(|| args.next()).ok_or(Unclear::Value(flag));
            match flag {
                "--listen" => config.listen = value("--listen")?,
                "--data" => config.data = PathBuf::from(value("--data")?),
                "--chat-lines" => config.chat_lines = number(&value("--chat-lines")?)?,
                "--origin" => config.origins.push(value("--origin")?),
                "--host" => config.hosts.push(value("--host")?),
                "--proxy" => config.proxies.push(value("--proxy")?.parse()?),
                "--backup" => config.backup = Some(PathBuf::from(value("--backup")?)),
                "--backup-every" => config.every = time(value("--backup-every")?)?,
                "--backup-keep" => config.keep = count(value("--backup-keep")?)?,
                "--new-store" if given.is_none() => config.anew = true,
                "--secure" if given.is_none() => config.secure = true,
                "--new-keys" if given.is_none() => config.new_keys = true,
                "--bench" if given.is_none() => config.bench = true,
                "--help" | "-h" => return Ok(Command::Print(String::from(HELP))),
                "--version" | "-V" => {
                    return Ok(Command::Print(format!("demo {}", env!("CARGO_PKG_VERSION"))));
                }
                _ => return Err(Unclear::Unknown(arg)),
            }
        }
        if let Some(bad) = config.hosts.iter().find(|host| !is_host(host)) {
            return Err(Unclear::Host(bad.clone()));
        }
        if let Some(bad) = config.origins.iter().find(|origin| !is_origin(origin)) {
            return Err(Unclear::Origin(bad.clone()));
        }
        Ok(Command::Serve(config))
    }
}

/// A number of seconds, minutes, hours or days, and never none.
fn time(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn number(text: &str) -> Result<u64, Unclear> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Unclear::Number(text.to_owned()))
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.map(|host| host.strip_suffix('/').unwrap_or(host))
        .is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ', '@']))
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], env: &[(&str, &str)]) -> Result<Command, Unclear> {
        let env =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| String::from(*value));
        Config::read(args.iter().map(|arg| String::from(*arg)), env)
    }

    fn serve(args: &[&str], env: &[(&str, &str)]) -> Config {
        match read(args, env) {
            Ok(Command::Serve(config)) => config,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_win_over_the_environment() {
        let config =
            serve(&["--listen", "[::1]:0", "--data=/d"], &[("N2O_LISTEN", "x"), ("N2O_SECURE", "1")]);
        assert_eq!((config.listen.as_str(), config.secure), ("[::1]:0", true));
        assert_eq!(config.data, PathBuf::from("/d"));
        assert_eq!(serve(&[], &[]).listen, "127.0.0.1:8000");
        assert_eq!(serve(&["--chat-lines=7"], &[("N2O_CHAT_LINES", "8")]).chat_lines, 7);
        assert!(!serve(&[], &[("N2O_SECURE", "0")]).secure);
    }

    #[test]
    fn what_is_unclear_is_said() {
        assert_eq!(read(&["--prot"], &[]), Err(Unclear::Unknown("--prot".into())));
        assert_eq!(read(&["--secure=yes"], &[]), Err(Unclear::Unknown("--secure=yes".into())));
        assert_eq!(read(&["--chat-lines", "0"], &[]), Err(Unclear::Number("0".into())));
        assert_eq!(read(&["--data"], &[]), Err(Unclear::Value("--data")));
        for bad in ["", "6", "h", "0h", "6x", "-1h", "99999999999999999d"] {
            assert_eq!(read(&["--backup-every", bad], &[]), Err(Unclear::Time(bad.into())), "{bad}");
        }
        for bad in ["", "0", "many", "-1"] {
            assert_eq!(read(&[], &[("N2O_BACKUP_KEEP", bad)]), Err(Unclear::Count(bad.into())), "{bad}");
        }
        let config = serve(&["--backup", "/b", "--backup-every=2d", "--backup-keep", "3"], &[]);
        assert_eq!((config.every.as_secs(), config.keep), (172_800, 3));
        for bad in ["example.org", "https://", "https://a/b", "ftp://a"] {
            assert_eq!(read(&["--origin", bad], &[]), Err(Unclear::Origin(bad.into())), "{bad}");
        }
        for bad in ["https://example.org", "", "a/b", "a b"] {
            assert_eq!(read(&["--host", bad], &[]), Err(Unclear::Host(bad.into())), "{bad}");
        }
        assert_eq!(serve(&["--host", "example.org"], &[("N2O_HOST", "a b")]).hosts.len(), 3);
        assert!(matches!(read(&["--proxy", "10.0.0.1/8"], &[]), Err(Unclear::Proxy(_))));
        assert!(matches!(read(&[], &[("N2O_PROXY", "::1 lb.example.org")]), Err(Unclear::Proxy(_))));
        assert_eq!(serve(&["--proxy=::1"], &[("N2O_PROXY", "10.0.0.0/8 192.0.2.1")]).proxies.len(), 3);
        assert_eq!(serve(&["--origin", "https://a/"], &[("N2O_ORIGIN", "http://b")]).origins.len(), 2);
    }
}
