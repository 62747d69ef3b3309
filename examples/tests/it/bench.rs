//! The benchmark itself: every row can be measured. How fast is no matter here.

use std::process::Command;

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

/// Runs the benchmark with a few events of each row; answers its rows, and how it ended.
fn quick(options: &[&str]) -> (Vec<Value>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let done = Command::new(BENCH)
        .args(["--quick", "--runs", "1", "--json"])
        .arg(&file)
        .args(options)
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    eprintln!("{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(&file).unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|left| left.path()).collect();
    assert_eq!(left, [file], "the stores are gone");
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(rows) = report["rows"].take() else { panic!("{report}") };
    (rows, done.status.success())
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

#[test]
fn every_row_is_measured() {
    let stores = if cfg!(feature = "postgres") { "memory,redb,postgres" } else { "memory,redb" };
    let (rows, done) = quick(&["--store", stores]);
    for row in &rows {
        // Node may be missing, and memory may be what it was before.
        assert!(row["ours"].is_number() || id(row) == "brotli", "{row:#}");
        let acts = row["unit"] == "events/s";
        assert!(!acts || row["down"].as_f64() > Some(5.0) && row["up"].as_f64() > Some(40.0), "{row:#}");
        assert!(!acts || row["of_echo"].is_number(), "{row:#}");
    }
    assert!(done);
    // What the command line lists is what was measured, but for a store that was not asked for.
    let help = Command::new(BENCH).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, listed) = help.split_once("\nrows:\n").unwrap();
    let listed = listed.lines().filter_map(|line| line.split_whitespace().next());
    let listed: Vec<&str> =
        listed.filter(|id| cfg!(feature = "postgres") || !id.ends_with("-postgres")).collect();
    assert_eq!(rows.iter().map(id).collect::<Vec<_>>(), listed);
}

#[test]
fn rows_are_chosen_by_their_ids() {
    let (rows, done) = quick(&["--only", "write-memory", "--only", "script"]);
    assert!(done);
    assert_eq!(rows.iter().map(id).collect::<Vec<_>>(), ["write-memory", "script", "brotli"]);
    let none = Command::new(BENCH).args(["--only", "nothing"]).output().unwrap();
    assert!(!none.status.success() && String::from_utf8(none.stderr).unwrap().contains("\"nothing\""));
}

#[test]
fn a_row_without_a_figure_is_a_failure() {
    // Nobody serves on this port.
    let (rows, done) = quick(&["--only", "write-memory", "--only", "script", "--against", "127.0.0.1:1"]);
    assert!(!done);
    assert_eq!((id(&rows[0]), &rows[0]["ours"]), ("write-memory", &Value::Null));
    assert!(rows[0]["failed"].as_str().unwrap().contains("refused"), "{}", rows[0]);
    assert!(rows[1]["ours"].is_number(), "the others are measured");
}
