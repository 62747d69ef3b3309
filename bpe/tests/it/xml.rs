//! Bad input is refused with its place, and good input survives a round trip.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bpe::xml::Element;
use bpe::{Document, Error, Limits, Model};

fn read(text: &str) -> Result<Document, Error> {
    Document::read(text.as_bytes(), &Limits::default())
}

#[test]
fn errors_name_line_and_column() {
    let table = [
        ("<a>\n  <b></c>\n</a>", "line 2, column 6"),
        ("<a>\n<b>", "line 2, column 1"),
        ("<a x=1/>", "line 1, column 1"),
        ("<a x=\"1\" x=\"2\"/>", "line 1, column 1"),
        ("<a>\n &undefined;</a>", "line 2, column 2: the entity `undefined` is not defined"),
        ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "line 1, column 1: a document type is not allowed"),
        ("<a/><b/>", "line 1, column 5"),
        ("<p:a/>", "the prefix `p` is not declared"),
        ("", "there is no element"),
        ("text", "line 1, column 1"),
        ("<a>\u{1}</a>", "line 1, column 4: the character U+0001 is not allowed"),
        ("<a>&#0;</a>", "line 1, column 4"),
        ("<a b=\"<\"/>", "line 1, column 1"),
    ];
    for (text, expected) in table {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text:?}: {error:?} does not say {expected:?}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
    assert!(matches!(read(&deep), Err(Error::TooDeep { limit: 64, .. })));
    assert!(read(&format!("{}{}", "<a>".repeat(64), "</a>".repeat(64))).is_ok());
    let large = format!("<a>{}</a>", "x".repeat(1 << 20));
    assert!(matches!(read(&large), Err(Error::TooLarge { .. })));
    assert!(matches!(read("<a/>").map(|d| Model::of(d, &Limits::default())), Ok(Err(Error::NotBpmn { .. }))));
}

proptest::proptest! {
    #[test]
    fn any_text_and_any_value_survive(text in "[\\PC\t\n\r\u{85}\u{2028}]*", value in "[\\PC\t\n\r<>&\"']*") {
        let mut document = read("<a><b/></a>").unwrap();
        let element = document.root.child_or_new("b");
        element.set_text(&text);
        element.set_attribute("k", &value);
        let again = read(&document.to_string()).unwrap().root;
        let again = again.elements().next().unwrap();
        proptest::prop_assert_eq!(again.attribute("k"), Some(&*value));
        proptest::prop_assert_eq!(again.text(), text.trim());
    }
}

/// What must survive: every element with its namespace, parent, attributes and text.
fn multiset(element: &Element, parent: &str, into: &mut BTreeMap<String, usize>) {
    let mut attributes: Vec<String> = element
        .attributes
        .iter()
        .filter(|attribute| !attribute.declares_namespace())
        .map(|attribute| format!("{{{}}}{}={}", attribute.namespace(), attribute.local(), attribute.value))
        .collect();
    attributes.sort();
    let key = format!(
        "{{{}}}{} {parent} {attributes:?} {:?}",
        element.namespace(),
        element.local(),
        element.text()
    );
    *into.entry(key).or_default() += 1;
    for child in element.elements() {
        multiset(child, element.attribute("id").unwrap_or("-"), into);
    }
}

/// The references that resolve, and the layout.
fn references(document: &Document) -> (Vec<String>, usize) {
    let mut ids = std::collections::HashSet::new();
    document.root.walk(&mut |element| ids.extend(element.attribute("id").map(str::to_owned)));
    let (mut resolved, mut layout) = (Vec::new(), 0);
    document.root.walk(&mut |element| {
        let texts =
            element.attributes.iter().map(|attribute| attribute.value.to_string()).chain([element.text()]);
        resolved.extend(texts.filter(|text| ids.contains(text.rsplit(':').next().unwrap_or(text))));
        layout += usize::from(matches!(element.local(), "Bounds" | "waypoint"));
    });
    resolved.sort();
    (resolved, layout)
}

fn bpmn_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bpmn_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "bpmn") {
            into.push(path);
        }
    }
}

#[test]
fn interchange_files_survive_a_round_trip() {
    let Some(shared) = std::env::var_os("N2O_SHARED") else { return };
    let mut files = Vec::new();
    bpmn_files(&PathBuf::from(shared).join("bpmn"), &mut files);
    let limits = Limits::default();
    for path in &files {
        let before = Document::read(&std::fs::read(path).unwrap(), &limits);
        let before = before.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let after = Document::read(before.to_string().as_bytes(), &limits).unwrap();
        let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
        multiset(&before.root, "", &mut old);
        multiset(&after.root, "", &mut new);
        assert!(old == new, "{} loses something", path.display());
        assert!(references(&before) == references(&after), "{} loses a reference", path.display());
        // Whether the model can run or not, reading it must not fail in another way.
        let _ = Model::of(before, &limits).unwrap();
    }
    assert!(files.len() > 300, "only {} files", files.len());
}

#[test]
fn hostile_files_are_refused_or_inert() {
    let Some(shared) = std::env::var_os("N2O_SHARED") else { return };
    let folder = PathBuf::from(shared).join("corpora/xml");
    let limits = Limits::default();
    let mut inputs = Vec::new();
    for folder in ["libxml2", "PayloadsAllTheThings"].map(|name| folder.join(name)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            inputs.push(std::fs::read(entry.unwrap().path()).unwrap());
        }
    }
    for line in std::fs::read_to_string(folder.join("xxe-oneliners.jsonl")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let payload = line["s"].as_str().unwrap();
        let node = "<startEvent id=\"s\"/>";
        inputs.push(payload.as_bytes().to_vec());
        inputs.push(
            format!("{payload}\n{}", crate::common::file(&crate::common::process("p", node, &[])))
                .into_bytes(),
        );
        inputs.push(
            crate::common::file(&crate::common::process("p", &format!("{node}{payload}"), &[])).into_bytes(),
        );
        let name = format!("<startEvent id=\"s\" name=\"{payload}\"/>");
        inputs.push(crate::common::file(&crate::common::process("p", &name, &[])).into_bytes());
    }
    let (mut refused, total) = (0, inputs.len());
    for input in inputs {
        let begun = std::time::Instant::now();
        match Document::read(&input, &limits) {
            Err(_) => refused += 1,
            // What is read holds no more than what stood in the file.
            Ok(document) => assert!(document.to_string().len() <= 6 * input.len() + 200),
        }
        assert!(
            begun.elapsed().as_millis() < 500,
            "slow: {:?}",
            String::from_utf8_lossy(&input[..input.len().min(80)])
        );
    }
    assert!(refused * 2 > total, "only {refused} of {total} refused");
}
