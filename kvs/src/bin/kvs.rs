//! The `kvs` command line: looking after a store from a shell. What it does is in the library.

use std::{
    env,
    error::Error,
    fmt::{Debug, Write as _},
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, ErrorKind, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    panic,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use kvs::{Care, Options, Said, Store};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const USAGE: &str = "\
Looks after a kvs store, in use or not. URL is redb:PATH or, when built with it, postgres://...

    kvs stat URL                   size, tables and how many records, number of feeds
    kvs feeds URL [PATH]           feeds at and below a path, with their counts
    kvs get URL TABLE ID           a record
    kvs range URL TABLE [PREFIX]   records by id
    kvs feed URL PATH [COUNT]      the newest entries of a feed, 20 if not said
    kvs check URL                  reads and compares everything; exit status 3 when something is wrong
    kvs verify URL FEED            checks a chained feed, prints its state
    kvs backup URL FILE            writes the present state into a new file
    kvs restore FILE URL           fills a new store from a backup
    kvs compact URL                gives unused space back
    kvs dump URL [FILE]            everything as lines of JSON; exit status 3 when rows are damaged
    kvs load URL [FILE]            reads such lines

A redb store that a program has open is looked after by that program, without being stopped; only load and
restore need it closed. A file that is there is never written over. Of a store that no program has open only
compact and load write to the file: for the others it may be one that may only be read.
A store that does not open because it is damaged: kvs --unverified dump redb:PATH [FILE] saves what is left.
";

/// Where results go.
type Outcome = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    // Nothing else in this program sets one.
    let _ = tracing::subscriber::set_global_default(Warnings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run()));
    outcome.unwrap_or_else(|error: Box<dyn Error>| {
        // Whoever reads the output, such as `head`, may have seen enough.
        let mut source: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(cause) = source {
            let io = cause.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            source = cause.source();
        }
        eprintln!("kvs: {error}");
        ExitCode::FAILURE
    })
}

async fn run() -> Outcome {
    let mut args: Vec<String> = env::args().skip(1).collect();
    let unverified = args.first().is_some_and(|arg| arg == "--unverified");
    if unverified {
        args.remove(0);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let text = str::to_owned;
    let (url, care) = match args[..] {
        ["stat", url] => (url, Care::Stat),
        ["feeds", url] => (url, Care::Feeds { root: String::new() }),
        ["feeds", url, root] => (url, Care::Feeds { root: text(root) }),
        ["get", url, table, id] => (url, Care::Get { table: text(table), id: text(id) }),
        ["range", url, table] => (url, Care::Range { table: text(table), prefix: String::new() }),
        ["range", url, table, prefix] => (url, Care::Range { table: text(table), prefix: text(prefix) }),
        ["feed", url, path] => (url, Care::Feed { path: text(path), count: 20 }),
        ["feed", url, path, count] => {
            let count = count.parse().map_err(|_| format!("COUNT is a number, not {count:?}"))?;
            (url, Care::Feed { path: text(path), count })
        }
        ["check", url] => (url, Care::Check),
        ["verify", url, feed] => (url, Care::Verify { feed: text(feed) }),
        ["backup", url, file] => (url, Care::Backup { file: PathBuf::from(file) }),
        ["compact", url] => (url, Care::Compact),
        ["dump", url] if unverified => return salvage(url, io::stdout()).await,
        ["dump", url, file] if unverified => return into_file(file, async |to| salvage(url, to).await).await,
        ["dump", url] => (url, Care::Dump),
        ["dump", url, file] => {
            return into_file(file, async |to| care(url, Care::Dump, unverified, to).await).await;
        }
        ["restore", file, url] => return restore(Path::new(file), url).await,
        ["load", url] => return load(url, io::stdin().lock()).await,
        ["load", url, file] => return load(url, BufReader::new(File::open(file)?)).await,
        ["help" | "--help" | "-h"] => {
            io::stdout().write_all(USAGE.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {
            eprintln!("kvs: {:?} is none of these, or needs other arguments\n", args.join(" "));
            eprint!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    self::care(url, care, unverified, io::stdout()).await
}

/// Does what is asked, here or in the program that has the store open, and prints what is said of it.
async fn care(url: &str, care: Care, unverified: bool, to: impl Write) -> Outcome {
    let (mut progress, mut out) = (Progress::new(), BufWriter::new(to));
    let said = |said| match said {
        Said::Line(text) => writeln!(out, "{text}"),
        Said::Note(text) => {
            eprintln!("kvs: {text}");
            Ok(())
        }
        Said::Progress(done, what) => {
            progress.tell(done, &what);
            Ok(())
        }
        _ => Ok(()),
    };
    let status = care.run(url, Options::new().verify(!unverified), said).await?;
    out.flush()?;
    Ok(ExitCode::from(status))
}

/// Gives a new file its name when its content is complete and on disk, and leaves nothing when it fails.
async fn into_file(name: &str, work: impl AsyncFnOnce(&File) -> Outcome) -> Outcome {
    let making = format!("{name}.new");
    if Path::new(name).exists() {
        return Err(format!("{name} is there already, and is not written over: choose another name").into());
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&making);
    let file = file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!(
            "{making} is in the way: it may be the beginning of a dump that was broken off. Look at it, then \
             move it away or delete it, and try again"
        ),
        _ => format!("{making}: {error}"),
    })?;
    let done = async {
        let status = work(&file).await?;
        file.sync_all()?;
        // Unlike a renaming, a link never takes a name from another file.
        fs::hard_link(&making, name)?;
        Ok(status)
    };
    let done = done.await;
    fs::remove_file(&making)?;
    done
}

async fn salvage(url: &str, to: impl Write) -> Outcome {
    let path = url.strip_prefix("redb:").ok_or("only a redb store is saved from its file")?;
    // What redb finds broken makes it panic, which is told as damage.
    panic::set_hook(Box::new(|_| ()));
    let mut progress = Progress::new();
    let saved =
        Store::salvage(Path::new(path), BufWriter::new(to), |rows| progress.tell(rows, "rows")).await?;
    for place in &saved.places {
        eprintln!("kvs: {place} is damaged and was left out");
    }
    let (lines, damaged) = (saved.lines.lines, saved.lines.damaged);
    if saved.cut {
        eprintln!("kvs: the file is cut off: {lines} lines, at least {damaged} damaged rows were left out");
    } else {
        eprintln!("kvs: {lines} lines, {damaged} damaged rows were left out");
    }
    Ok(if damaged > 0 || saved.cut { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

async fn restore(file: &Path, url: &str) -> Outcome {
    let mut progress = Progress::new();
    let copied = Store::restore(file, url, |rows| progress.tell(rows, "rows")).await?;
    println!("commit {}: {} rows", copied.at, copied.rows);
    Ok(ExitCode::SUCCESS)
}

async fn load(url: &str, mut from: impl BufRead) -> Outcome {
    // A text that is no dump must not make a store.
    let head = from.fill_buf()?;
    if !head.iter().all(u8::is_ascii_whitespace) && !head.trim_ascii_start().starts_with(b"{") {
        return Err("line 1 of the dump is no line of JSON as `kvs dump` writes it".into());
    }
    let mut progress = Progress::new();
    // Where the file is missing, it is filled anew on purpose, as by `restore`.
    let missing = url.strip_prefix("redb:").is_some_and(|path| !Path::new(path).exists());
    let store = Store::open_with(url, Options::new().anew(missing)).await?;
    let done = store.load(from, |lines| progress.tell(lines, "lines")).await?;
    println!("{} lines", done.lines);
    Ok(ExitCode::SUCCESS)
}

/// Prints what the library warns of, such as what it has taken away. Its errors are in the results.
struct Warnings;

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        eprintln!("kvs: {}{}", words.message, words.rest);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// An event's message, and its other fields.
#[derive(Default)]
struct Words {
    message: String,
    rest: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing into a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, ", {name}: {value:?}"),
        };
    }
}

/// Says on a terminal, twice a second, how far long work is.
struct Progress {
    next: Instant,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { next: Instant::now() + Duration::from_millis(500), terminal: io::stderr().is_terminal() }
    }

    fn tell(&mut self, done: u64, what: &str) {
        if self.terminal && Instant::now() >= self.next {
            self.next = Instant::now() + Duration::from_millis(400);
            eprint!("\r{done} {what}\u{1b}[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            eprint!("\r\u{1b}[K");
        }
    }
}
