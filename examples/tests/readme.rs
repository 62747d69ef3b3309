//! The README's programs, built from it as they stand in a crate of their own, and its test run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The blocks of a language in a section, one after the other.
fn blocks(readme: &str, section: &str, lang: &str) -> String {
    let (_, rest) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let open = format!("```{lang}\n");
    let blocks = section.split(&open).skip(1).map(|block| block.split("```").next().unwrap());
    let blocks: Vec<&str> = blocks.collect();
    assert!(!blocks.is_empty(), "the section has no {lang}");
    blocks.join("\n")
}

/// The folder that this test was built into: what is built already need not be built again.
fn target() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

#[test]
fn its_programs_compile_as_they_stand_and_its_test_passes() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let profile = &workspace[workspace.find("[profile.dev]").unwrap()..];
    let beside = format!("{}/", root().display());
    let dependencies = blocks(&readme, "A page", "toml").replace("../n2o/", &beside);
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{dependencies}\n[workspace]\n\n{profile}"
    );
    // The last lines are what README says in words.
    let main = blocks(&readme, "A page", "rust") + "\nmod clients;\nmod desk;\n";
    let app = target().join("readme");
    fs::create_dir_all(app.join("src")).unwrap();
    for (file, text) in [
        ("Cargo.toml", manifest),
        ("Cargo.lock", fs::read_to_string(root().join("Cargo.lock")).unwrap()),
        ("src/main.rs", main),
        ("src/clients.rs", blocks(&readme, "A set of screens", "rust")),
        ("src/desk.rs", blocks(&readme, "A component", "rust")),
        ("src/client.labels", blocks(&readme, "A set of screens", "text")),
    ] {
        fs::write(app.join(file), text).unwrap();
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    test.args(["test", "--offline", "--quiet"]).current_dir(&app).env("CARGO_TARGET_DIR", target());
    let output = test.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
