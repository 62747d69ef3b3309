//! Measures the server beside a bare echo: `cargo run --release --bin bench`, or with `--help`.

use std::process::ExitCode;

/// Takes less of a processor than the system's, and gives back what it does not need; ARCHITECTURE.md has the figures.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    examples::bench::main()
}
