//! Starts the demo: `cargo run --release`.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use examples::{
    config::{Command, Config, Unclear},
    data::DataFolder,
    log::Log,
};
use n2o::{Clock, Keys, Node, Random};
use web::{ServeError, Server};

/// Takes less of a processor than the system's, and gives back what it does not need; ARCHITECTURE.md has the figures.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the threads of the runtime are waited for at the end.
const LAST: Duration = Duration::from_secs(1);

/// Why the demo does not run; one line each.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Usage(#[from] Unclear),
    #[error("the threads of the runtime: {0}")]
    Threads(std::io::Error),
    #[error("the data folder {0}: {1}")]
    Data(String, std::io::Error),
    #[error("the store: {0}")]
    Store(kvs::Error),
    #[error("the store: {0}; `demo --new-store` begins anew")]
    Missing(kvs::Error),
    #[error(transparent)]
    Keys(n2o::Error),
    #[error("{0}; `demo --new-keys` makes them")]
    NoKeys(n2o::Error),
    #[error("the processes: {0}")]
    Processes(n2o::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl Failed {
    fn store(error: kvs::Error) -> Self {
        if matches!(error, kvs::Error::Missing { .. }) { Self::Missing(error) } else { Self::Store(error) }
    }

    fn code(&self) -> u8 {
        match self {
            Failed::Usage(_) => 2,
            Failed::Data(..) | Failed::Store(_) | Failed::Missing(_) | Failed::Processes(_) => 3,
            Failed::Keys(_) | Failed::NoKeys(_) => 4,
            Failed::Serve(_) | Failed::Threads(_) => 5,
        }
    }
}

fn main() -> ExitCode {
    let level = std::env::var("N2O_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .with_ansi(std::io::stderr().is_terminal())
        // A log that cannot be written, as on a full disk, ends no thread that has something to say.
        .with_writer(Log::new(std::io::stderr()))
        .log_internal_errors(false)
        .init();
    match start() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            say("not everything ended in time");
            ExitCode::FAILURE
        }
        Err(failed) => {
            say(&failed.to_string());
            ExitCode::from(failed.code())
        }
    }
}

/// Says the last word, to whom it may concern.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "demo: {text}");
}

fn start() -> Result<bool, Failed> {
    match Config::read(std::env::args().skip(1), |name| std::env::var(name).ok())? {
        Command::Print(text) => {
            // Nobody is left to be told when the reader has gone.
            let _ = writeln!(std::io::stdout(), "{text}");
            Ok(true)
        }
        Command::Serve(config) => serve(&config),
    }
}

fn serve(config: &Config) -> Result<bool, Failed> {
    let runtime = tokio::runtime::Runtime::new().map_err(Failed::Threads)?;
    let ended = runtime.block_on(run(config));
    // A handler that keeps its thread would be waited for for ever; everything else has ended by now.
    runtime.shutdown_timeout(LAST);
    ended
}

async fn run(config: &Config) -> Result<bool, Failed> {
    // What may be refused comes first, and what makes something last: a refused start writes nothing.
    let listener = Server::listen(&config.listen).await?;
    let data = |error| Failed::Data(config.data.display().to_string(), error);
    let folder = DataFolder::look(&config.data).map_err(data)?;
    let (random, file) = (Random::default(), folder.keys());
    let anew = config.new_keys || !folder.has_store().map_err(data)?;
    let there = Keys::are_there(&file);
    let missing = if there { Failed::Keys } else { Failed::NoKeys };
    let mut found = if anew && !there { None } else { Some(Keys::load(&file).map_err(missing)?) };
    folder.make().map_err(data)?;
    let make = || Keys::load_or_create(&file, &random).map_err(Failed::Keys);
    // Keys without a store are those of the next start; a store without its keys is refused by it. Where the
    // store may be refused, because it is there or was, it is opened first.
    if found.is_none() && !folder.had_store().map_err(data)? {
        found = Some(make()?);
    }
    let (url, options) =
        (format!("redb:{}", folder.store().display()), kvs::Options::new().anew(config.anew));
    let store = kvs::Store::open_with(&url, options).await.map_err(Failed::store)?;
    let keys = match found {
        Some(keys) => keys,
        None => make()?,
    };
    let node = Node::new(store, keys.clone(), examples::limits(config), Clock::default(), random);
    let server = Server::over(node.clone(), listener);
    if config.bench {
        examples::bench::open(&node).await.map_err(Failed::Processes)?;
    } else {
        examples::desk::open(&node).await.map_err(Failed::Processes)?;
    }
    if let Some(folder) = config.backup.clone() {
        let (node, every, keep) = (node.clone(), config.every, config.keep);
        node.tasks().clone().spawn("backups", async move {
            tokio::select! {
                () = node.tasks().stopping() => {}
                () = node.store().backups(&folder, every, keep) => {}
            }
        });
    }
    greet(config, &server);
    Ok(server.run(examples::router(node, config), move || reload(&keys, &file)).await?)
}

fn reload(keys: &Keys, file: &Path) {
    match keys.reload(file) {
        Ok(()) => tracing::info!("keys read again"),
        Err(error) => tracing::error!(%error, "keys not read again, the old ones stay"),
    }
}

/// Says where to look.
fn greet(config: &Config, server: &Server) {
    let address = server.address().map_or_else(|_| config.listen.clone(), |address| address.to_string());
    let mut text = format!("N2O demo on http://{address}/\n");
    for (path, what) in examples::PAGES {
        text.push_str(&format!("  http://{address}{path:<14} {what}\n"));
    }
    text.push_str(&format!("Data and keys are in {}. Ctrl+C stops.\n", config.data.display()));
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
