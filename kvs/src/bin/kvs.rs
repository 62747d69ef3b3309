//! The `kvs` command line: looking after a store from a shell. What it does is in the library.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, BufReader, BufWriter, ErrorKind, IsTerminal, Stdout, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use kvs::{Cbor, From, Options, Store, json};

const USAGE: &str = "\
Looks after a kvs store. URL is redb:PATH or, when built with it, postgres://...

    kvs stat URL                   size, tables and how many records, number of feeds
    kvs feeds URL [PATH]           feeds at and below a path, with their counts
    kvs get URL TABLE ID           a record
    kvs range URL TABLE [PREFIX]   records by id
    kvs feed URL PATH [COUNT]      the newest entries of a feed, 20 if not said
    kvs check URL                  reads and compares everything; exit status 3 when something is wrong
    kvs verify URL FEED            checks a chained feed, prints its state
    kvs backup URL FILE            writes the present state into a file
    kvs restore FILE URL           fills a new store from a backup
    kvs compact URL                gives unused space back
    kvs dump URL [FILE]            everything as lines of JSON
    kvs load URL [FILE]            reads such lines

A store that does not open because it is damaged: put --unverified first, and dump what is left.
";

/// Where results go.
type Out = BufWriter<Stdout>;
type Outcome = Result<ExitCode, Box<dyn Error>>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        let mut out = BufWriter::new(io::stdout());
        let code = runtime.block_on(run(&mut out))?;
        out.flush()?;
        Ok(code)
    });
    outcome.unwrap_or_else(|error: Box<dyn Error>| {
        // Whoever reads the output, such as `head`, may have seen enough.
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        eprintln!("kvs: {error}");
        ExitCode::FAILURE
    })
}

async fn run(out: &mut Out) -> Outcome {
    let mut args: Vec<String> = env::args().skip(1).collect();
    let unverified = args.first().is_some_and(|arg| arg == "--unverified");
    if unverified {
        args.remove(0);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let open = async |url: &str| {
        // A tool that looks must not make what it was asked to look at.
        if let Some(path) = url.strip_prefix("redb:").filter(|path| !Path::new(path).exists()) {
            return Err(format!("there is no store {path:?}").into());
        }
        let store = Store::open_with(url, Options::new().verify(!unverified)).await;
        store.map_err(Box::<dyn Error>::from)
    };
    match args[..] {
        ["stat", url] => stat(out, &open(url).await?).await,
        ["feeds", url] => feeds(out, &open(url).await?, "").await,
        ["feeds", url, root] => feeds(out, &open(url).await?, root).await,
        ["get", url, table, id] => get(out, &open(url).await?, table, id).await,
        ["range", url, table] => range(out, &open(url).await?, table, "").await,
        ["range", url, table, prefix] => range(out, &open(url).await?, table, prefix).await,
        ["feed", url, path] => feed(out, &open(url).await?, path, 20).await,
        ["feed", url, path, count] => {
            let count = count.parse().map_err(|_| format!("COUNT is a number, not {count:?}"))?;
            feed(out, &open(url).await?, path, count).await
        }
        ["check", url] => check(out, &open(url).await?).await,
        ["verify", url, feed] => verify(out, &open(url).await?, feed).await,
        ["backup", url, file] => backup(out, &open(url).await?, Path::new(file)).await,
        ["restore", file, url] => restore(out, Path::new(file), url).await,
        ["compact", url] => compact(out, &open(url).await?).await,
        ["dump", url] => dump(&open(url).await?, out).await,
        ["dump", url, file] => dump(&open(url).await?, File::create(file)?).await,
        ["load", url] => load(out, url, io::stdin().lock()).await,
        ["load", url, file] => load(out, url, BufReader::new(File::open(file)?)).await,
        ["help" | "--help" | "-h"] => {
            write!(out, "{USAGE}")?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("kvs: {:?} is none of these, or needs other arguments\n", args.join(" "));
            eprint!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}

async fn stat(out: &mut Out, store: &Store) -> Outcome {
    let stat = store.stat().await?;
    writeln!(out, "commits  {}", stat.at)?;
    if let Some(bytes) = stat.bytes {
        writeln!(out, "bytes    {bytes}")?;
    }
    writeln!(out, "feeds    {}", stat.feeds)?;
    for table in stat.tables {
        writeln!(out, "table    {} {} {}", table.name, table.count, table.indexes.join(","))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn feeds(out: &mut Out, store: &Store, root: &str) -> Outcome {
    let mut after: Option<String> = None;
    loop {
        let page = store.txn().feeds(root, after.as_deref(), 1_000).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::SUCCESS) };
        after = Some(last.path.clone());
        for feed in page {
            writeln!(out, "{} {}{}", feed.count, feed.path, if feed.chained { " (chained)" } else { "" })?;
        }
    }
}

/// A stored value for people to read.
fn shown(bytes: &[u8]) -> String {
    match ciborium::from_reader::<Cbor, _>(bytes) {
        Ok(value) => json(&value),
        Err(_) => format!("{bytes:02x?}"),
    }
}

async fn get(out: &mut Out, store: &Store, table: &str, id: &str) -> Outcome {
    let Some(raw) = store.txn().get_raw(table, id).await? else {
        eprintln!("kvs: table {table:?} has no record {id:?}");
        return Ok(ExitCode::FAILURE);
    };
    writeln!(out, "version {} schema {}\n{}", raw.version, raw.schema, shown(&raw.bytes))?;
    Ok(ExitCode::SUCCESS)
}

async fn range(out: &mut Out, store: &Store, table: &str, prefix: &str) -> Outcome {
    let mut after: Option<String> = None;
    loop {
        let page = store.txn().range_raw(table, prefix, after.as_deref(), 1_000).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::SUCCESS) };
        after = Some(last.id.clone());
        for raw in page {
            writeln!(out, "{} {}", raw.id, shown(&raw.bytes))?;
        }
    }
}

async fn feed(out: &mut Out, store: &Store, path: &str, count: usize) -> Outcome {
    let entries: Vec<(u64, Cbor)> = store.txn().feed(path, From::End, count).await?;
    for (position, value) in entries.into_iter().rev() {
        writeln!(out, "{position} {}", json(&value))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(out: &mut Out, store: &Store) -> Outcome {
    let mut progress = Progress::new("rows");
    let report = store.check(|rows| progress.tell(rows)).await?;
    let records: u64 = report.tables.values().sum();
    writeln!(
        out,
        "commit {}: {} rows, {} bytes; {records} records in {} tables, {} entries in {} feeds",
        report.at,
        report.rows,
        report.bytes,
        report.tables.len(),
        report.entries,
        report.feeds
    )?;
    for problem in &report.problems {
        writeln!(out, "{}: {}", problem.place, problem.what)?;
    }
    if report.wrong > 0 {
        writeln!(out, "{} problems", report.wrong)?;
        return Ok(ExitCode::from(3));
    }
    writeln!(out, "nothing is wrong")?;
    Ok(ExitCode::SUCCESS)
}

async fn verify(out: &mut Out, store: &Store, feed: &str) -> Outcome {
    let state = store.verify(feed, None).await?;
    writeln!(out, "{} {} {}", state.position, state.head, state.feed)?;
    Ok(ExitCode::SUCCESS)
}

async fn backup(out: &mut Out, store: &Store, file: &Path) -> Outcome {
    let mut progress = Progress::new("rows");
    let copied = store.backup(file, |rows| progress.tell(rows)).await?;
    writeln!(
        out,
        "commit {}: {} rows, {} bytes in {}",
        copied.at,
        copied.rows,
        copied.bytes,
        file.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

async fn restore(out: &mut Out, file: &Path, url: &str) -> Outcome {
    let mut progress = Progress::new("rows");
    let copied = Store::restore(file, url, |rows| progress.tell(rows)).await?;
    writeln!(out, "commit {}: {} rows", copied.at, copied.rows)?;
    Ok(ExitCode::SUCCESS)
}

async fn compact(out: &mut Out, store: &Store) -> Outcome {
    let mut progress = Progress::new("rows");
    let (before, after) = store.compact(|rows| progress.tell(rows)).await?;
    writeln!(out, "{before} bytes before, {after} after")?;
    Ok(ExitCode::SUCCESS)
}

async fn dump(store: &Store, to: impl Write) -> Outcome {
    let mut progress = Progress::new("lines");
    let done = store.dump(BufWriter::new(to), |lines| progress.tell(lines)).await?;
    if done.damaged > 0 {
        eprintln!("kvs: {} damaged rows were left out", done.damaged);
        return Ok(ExitCode::from(3));
    }
    Ok(ExitCode::SUCCESS)
}

async fn load(out: &mut Out, url: &str, from: impl io::BufRead) -> Outcome {
    let mut progress = Progress::new("lines");
    let done = Store::open(url).await?.load(from, |lines| progress.tell(lines)).await?;
    writeln!(out, "{} lines", done.lines)?;
    Ok(ExitCode::SUCCESS)
}

/// Says on a terminal, twice a second, how far long work is.
struct Progress {
    what: &'static str,
    next: Instant,
    terminal: bool,
}

impl Progress {
    fn new(what: &'static str) -> Self {
        Self { what, next: Instant::now() + Duration::from_millis(500), terminal: io::stderr().is_terminal() }
    }

    fn tell(&mut self, done: u64) {
        if self.terminal && Instant::now() >= self.next {
            self.next = Instant::now() + Duration::from_millis(500);
            eprint!("\r{done} {}\u{1b}[K", self.what);
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
