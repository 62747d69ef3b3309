//! Starts the demo: `cargo run --release`.

use std::{path::PathBuf, process::ExitCode};

use n2o::{Clock, Keys, Limits, Node, Random};
use web::Server;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().init();
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("demo: some pages did not end in time");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let data = PathBuf::from("data");
    std::fs::create_dir_all(&data)?;
    let store = kvs::Store::open(&format!("redb:{}", data.join("demo.redb").display())).await?;
    let random = Random::default();
    let keys = Keys::load(&data.join("keys"), &random)?;
    let node = Node::new(store, keys, Limits::default(), Clock::default(), random);
    let server = Server::bind(node.clone(), "127.0.0.1:8000").await?;
    println!("http://{}/", server.address()?);
    Ok(server.run(examples::app(node).router(), || {}).await?)
}
