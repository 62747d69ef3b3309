//! The rules of the house, as far as a machine can check them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

/// Most lines of a file that people read.
const LINES: usize = 500;
/// What the root holds: the crates, the documents, and the files of tools.
const ROOT: [&str; 24] = [
    ".ci",
    ".git",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "PROTOCOL.md",
    "README.md",
    "SECURITY.md",
    "bpe",
    "clippy.toml",
    "data",
    "deny.toml",
    "examples",
    "form",
    "kvs",
    "n2o",
    "nitro",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "target",
    "web",
];
/// The sources that define what is on the wire.
const WIRE: [&str; 5] =
    ["n2o/src/formatter.rs", "n2o/src/frame.rs", "n2o/src/frame/json.rs", "nitro/src/op.rs", "web/src/ws.rs"];
/// Their hash when `PROTOCOL.md` was last compared with them.
const COMPARED: &str = "9915e87a88e86d5f";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files that are in version control or could be, with their path seen from the root.
fn files() -> Vec<String> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(list).current_dir(root()).output();
    let listed = output.ok().filter(|output| output.status.success());
    let mut files: Vec<String> = match listed {
        Some(output) => String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect(),
        // The sources may have been unpacked without their history.
        None => walk(&root(), ""),
    };
    files.retain(|file| root().join(file).is_file());
    files.sort();
    assert!(files.len() > 100, "there are more files than {}", files.len());
    files
}

fn walk(folder: &Path, prefix: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_file() {
            files.push(format!("{prefix}{name}"));
        } else if !["target", "node_modules", ".git", "data"].contains(&name.as_str()) {
            files.extend(walk(&entry.path(), &format!("{prefix}{name}/")));
        }
    }
    files
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn ends(file: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| file.ends_with(ending))
}

/// Runs a check over files with these endings, and tells all complaints at once.
fn check(endings: &[&str], mut complaint: impl FnMut(&str, &str) -> Option<String>) {
    let files = files();
    let found = files.iter().filter(|file| ends(file, endings));
    let complaints: Vec<String> = found.filter_map(|file| complaint(file, &read(file))).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn files_can_be_read_in_one_sitting() {
    check(&[".rs", ".js", ".mjs", ".css"], |file, text| {
        let lines = text.lines().count();
        (lines > LINES).then(|| format!("{file} has {lines} lines: split it by what changes for one reason"))
    });
}

#[test]
fn files_say_what_they_are() {
    check(&[".rs"], |file, text| {
        let first = text.lines().find(|line| !line.starts_with("#!["));
        let says = first.is_some_and(|line| line.starts_with("//! "));
        // Compile-fail cases show their own first line in what the compiler says.
        (!says && !file.contains("/ui/")).then(|| format!("{file} does not begin with `//!` and what it is"))
    });
}

#[test]
fn sources_are_ascii() {
    check(&[".rs", ".js", ".mjs", ".css", ".toml"], |file, text| {
        let translation = ends(file, &["/text.rs", "/lang.rs", "/notice.rs"]);
        if translation || file.contains("/tests/") || file.contains("/test/") || ends(file, &[".min.js"]) {
            return None;
        }
        let line = text.lines().position(|line| !line.is_ascii())?;
        Some(format!("{file}:{} is not ASCII: write it as an escape, or put it into text.rs", line + 1))
    });
}

#[test]
fn dependencies_are_sorted() {
    check(&["Cargo.toml"], |file, text| {
        let mut last = String::new();
        for line in text.lines() {
            if line.starts_with('[') || line.trim().is_empty() || line.starts_with(['#', ' ', ']', '}']) {
                last.clear();
                continue;
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
            // In the order in which Cargo writes them.
            if last > name && in_dependencies(text, line) {
                return Some(format!("{file}: {name} stands after {last}"));
            }
            last = name;
        }
        None
    });
}

fn in_dependencies(text: &str, line: &str) -> bool {
    let at = line.as_ptr().addr() - text.as_ptr().addr();
    let head = text[..at].lines().rev().find(|line| line.starts_with('['));
    head.is_some_and(|head| head.contains("dependencies]"))
}

#[test]
fn the_root_is_what_the_design_says() {
    let mut strange: Vec<String> = files()
        .iter()
        .map(|file| file.split('/').next().unwrap().to_owned())
        .filter(|name| !ROOT.contains(&name.as_str()))
        .collect();
    strange.dedup();
    assert_eq!(strange, Vec::<String>::new(), "nothing else belongs into the root");
}

#[test]
fn every_task_has_an_owner_and_nothing_is_left_to_do() {
    // Put together, so that this file does not complain of itself.
    let (spawn, later) = (["tokio::", "spawn("].concat(), ["TO", "DO"].concat());
    check(&[".rs", ".js", ".mjs", ".css"], |file, text| {
        if text.contains(&later) {
            return Some(format!("{file} has a {later}: do it, or write an issue"));
        }
        let owned = file == "n2o/src/tasks.rs" || file.contains("/tests/");
        (text.contains(&spawn) && !owned).then(|| format!("{file}: spawn with n2o::Tasks"))
    });
}

/// A test that needs the shared data runs its own cases as well, so that a clone without it checks something; and
/// data that is named and not there fails. So there is one way to ask for it, and none to return without it.
#[test]
fn no_test_is_empty_without_the_shared_data() {
    let name = ["N2O_", "SHARED"].concat();
    check(&[".rs", ".mjs", ".js"], |file, text| {
        let tests = text.contains(&name);
        let mut lines = text.lines().enumerate();
        let (at, _) = lines.find(|(_, line)| {
            let asks = tests && line.contains("shared(") || line.contains(&name) && line.contains("var");
            asks && (line.contains("else { return }")
                || line.contains("is_none()")
                || line.contains("is_err()"))
        })?;
        Some(format!(
            "{file}:{} ends a test where the shared data is not there: run cases of its own",
            at + 1
        ))
    });
}

#[test]
fn the_protocol_is_what_is_written() {
    let mut hash = Sha256::new();
    for file in WIRE {
        hash.update(read(file).replace("\r\n", "\n"));
    }
    let found: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        found, COMPARED,
        "one of {WIRE:?} was changed: compare it with PROTOCOL.md, change that if the wire changed, \
         and put the new hash into examples/tests/tidy.rs"
    );
}

#[test]
fn the_client_script_is_fresh() {
    let output =
        Command::new("node").args(["build.mjs", "--check"]).current_dir(root().join("web/js")).output();
    let output = output.expect("node is needed: Debian's package nodejs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run `npm install` and then `node build.mjs` in web/js:\n{said}");
}
