//! What the project stands on: each dependency comes from the registry, under a licence that lets the
//! product be used anywhere, and brings no second TLS stack and no C library but the programs' allocator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// What may go into the product.
const LICENCES: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BlueOak-1.0.0",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];
/// And what may help to test it.
const TOOLS: [&str; 1] = ["MPL-2.0"];
/// What would bring C code, of which there is the programs' allocator only, or a second way of doing what is done
/// already.
const BANNED: [&str; 5] = ["native-tls", "openssl", "openssl-sys", "async-std", "rmp-serde"];

/// The packages of this machine's build.
struct Graph {
    by_id: BTreeMap<String, Value>,
    /// What each needs outside tests, by its id.
    needs: BTreeMap<String, Vec<String>>,
    members: Vec<String>,
}

fn graph() -> Graph {
    // The one that runs the tests: where they run at another time, it does not.
    let cargo = std::env::var_os("CARGO").unwrap();
    let version = Command::new(&cargo).args(["--version", "--verbose"]).output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(&cargo)
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--all-features"])
        .args(["--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let needs = nodes.iter().map(|node| {
        let needs = node["deps"].as_array().unwrap().iter();
        let shipped = needs.filter(|need| {
            need["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].as_str() != Some("dev"))
        });
        (text(&node["id"]), shipped.map(|need| text(&need["pkg"])).collect())
    });
    Graph {
        by_id: packages.iter().map(|package| (text(&package["id"]), package.clone())).collect(),
        needs: needs.collect(),
        members: metadata["workspace_members"].as_array().unwrap().iter().map(text).collect(),
    }
}

#[test]
fn every_dependency_is_licensed_known_and_wanted() {
    let Graph { by_id, needs, members } = graph();
    let mut shipped: BTreeSet<&String> = members.iter().collect();
    let mut next: Vec<&String> = members.iter().collect();
    while let Some(id) = next.pop() {
        next.extend(needs[id].iter().filter(|need| shipped.insert(need)));
    }
    assert!(shipped.len() > members.len() && shipped.len() < by_id.len());

    let mut wrong = Vec::new();
    for (id, package) in &by_id {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none");
        let allowed = |name: &str| LICENCES.contains(&name) || !shipped.contains(id) && TOOLS.contains(&name);
        let fits = Expression::parse_mode(licence, ParseMode::LAX)
            .is_ok_and(|terms| terms.evaluate(|term| term.license.id().is_some_and(|id| allowed(id.name))));
        if !fits {
            wrong.push(format!("{name} is licensed under {licence}"));
        }
        let source = package["source"].as_str();
        if !members.contains(id) && !source.is_some_and(|source| source.starts_with("registry+")) {
            wrong.push(format!("{name} comes from {source:?}, not from the registry"));
        }
        if BANNED.contains(&name) {
            wrong.push(format!("{name} is not wanted here"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The packages that a crate of ours is built from, with these options.
fn built_from(options: &[&str]) -> BTreeSet<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap())
        .args(["tree", "--locked", "--offline", "--edges=normal,build", "--prefix=none", "--format={lib}"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn what_is_not_asked_for_is_not_compiled() {
    let cases: [(&[&str], &[&str], &[&str]); 5] = [
        (&["-p=form", "--no-default-features"], &["kvs"], &["n2o", "nitro", "maud", "bpe", "web"]),
        (&["-p=form", "--no-default-features", "--features=rest"], &["n2o"], &["nitro", "maud", "bpe"]),
        (&["-p=form"], &["nitro"], &["bpe", "axum", "web"]),
        (&["-p=web"], &["nitro", "axum"], &["form", "bpe", "rust_decimal", "quick_xml"]),
        (&["-p=web", "--features=rest"], &["form"], &["bpe", "quick_xml"]),
    ];
    for (options, has, lacks) in cases {
        let all = built_from(options);
        for name in has {
            assert!(all.contains(*name), "{options:?} lacks {name}: {all:?}");
        }
        for name in lacks {
            assert!(!all.contains(*name), "{options:?} compiles {name}");
        }
    }
}
