//! Starts the demo: `cargo run --release`.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use examples::config::{Command, Config, Unclear};
use n2o::{Clock, Keys, Node, Random};
use web::{ServeError, Server};

/// Why the demo does not run; one line each.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Usage(#[from] Unclear),
    #[error("the store: {0}")]
    Store(kvs::Error),
    #[error("the store: {0}; `demo --new-store` begins anew")]
    Missing(kvs::Error),
    #[error(transparent)]
    Keys(n2o::Error),
    #[error("the order desk: {0}")]
    Desk(n2o::Error),
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
            Failed::Store(_) | Failed::Missing(_) | Failed::Desk(_) => 3,
            Failed::Keys(_) => 4,
            Failed::Serve(_) => 5,
        }
    }
}

fn main() -> ExitCode {
    let level = std::env::var("N2O_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match start() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("demo: not everything ended in time");
            ExitCode::FAILURE
        }
        Err(failed) => {
            eprintln!("demo: {failed}");
            ExitCode::from(failed.code())
        }
    }
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

#[tokio::main]
async fn serve(config: &Config) -> Result<bool, Failed> {
    // What may be refused comes first, and what makes something last: a refused start writes nothing.
    let listener = Server::listen(&config.listen).await?;
    let (random, file) = (Random::default(), config.data.join("keys"));
    let found = if file.exists() || std::env::var_os(n2o::KEYS_VARIABLE).is_some() {
        Some(Keys::load(&file, &random).map_err(Failed::Keys)?)
    } else {
        None
    };
    let options = kvs::Options::new().anew(config.anew);
    let url = format!("redb:{}", config.data.join("demo.redb").display());
    let store = kvs::Store::open_with(&url, options).await.map_err(Failed::store)?;
    let keys = match found {
        Some(keys) => keys,
        None => Keys::load(&file, &random).map_err(Failed::Keys)?,
    };
    let node = Node::new(store, keys.clone(), examples::limits(config), Clock::default(), random.clone());
    let server = Server::over(node.clone(), listener);
    if !config.bench {
        examples::desk::open(&node).await.map_err(Failed::Desk)?;
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
    Ok(server.run(examples::router(node, config), || reload(&keys, &file, &random)).await?)
}

fn reload(keys: &Keys, file: &Path, random: &Random) {
    match keys.reload(file, random) {
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
