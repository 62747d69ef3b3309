//! Measures the server beside a bare echo: `cargo run --release --bin bench`, or with `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    examples::bench::main()
}
