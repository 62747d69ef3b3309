//! The screens as users meet them, and the declaration as programs do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod about;
mod app;
mod audit;
mod card;
mod declaration;
mod draft;
mod held;
mod hostile;
mod index;
mod leave;
mod list;
mod number;
mod operate;
mod process;
mod query;
mod race;
mod rest;
mod rights;
mod search;
mod state;
mod text;

#[test]
fn a_set_of_screens_takes_at_most_30_lines() {
    // What the program has anyway, and blank lines, are not counted.
    let other = |line: &&str| line.trim().is_empty() || line.starts_with("use ") || line.starts_with("//!");
    let lines = app::CODE.lines().filter(|line| !other(line)).count();
    assert!(lines <= 30, "{lines} lines");
}
