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

/// A file of the shared test data, when it is named; a named one that is not there fails.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("N2O_SHARED")?).join(path);
    assert!(path.exists(), "{} is named by N2O_SHARED and not there", path.display());
    Some(path)
}

/// The files of our own cases.
pub(crate) fn own() -> Vec<PathBuf> {
    let mut files = Vec::new();
    bpmn_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), &mut files);
    files
}

pub(crate) fn bpmn_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bpmn_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "bpmn") {
            into.push(path);
        }
    }
}

/// Reads, writes and reads again, and compares what there was.
fn survives(name: &str, bytes: &[u8]) -> Document {
    let limits = Limits::default();
    let before = Document::read(bytes, &limits).unwrap_or_else(|error| panic!("{name}: {error}"));
    let after = Document::read(before.to_string().as_bytes(), &limits).unwrap();
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    multiset(&before.root, "", &mut old);
    multiset(&after.root, "", &mut new);
    assert!(old == new, "{name} loses something");
    assert!(references(&before) == references(&after), "{name} loses a reference");
    before
}

#[test]
fn what_other_tools_write_survives_a_round_trip() {
    // Each kind of thing that stands in files of modelling tools, and that the engine does not know.
    let table = [
        ("prefixes", "<b:a xmlns:b=\"urn:b\"><b:c b:d=\"1\" e=\"2\"/></b:a>"),
        ("a default namespace that changes", "<a xmlns=\"urn:a\"><b xmlns=\"urn:b\"><c xmlns=\"\"/></b></a>"),
        ("one prefix for two namespaces", "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\" p:c=\"x\"/></p:a>"),
        ("two prefixes for one namespace", "<p:a xmlns:p=\"urn:1\" xmlns:q=\"urn:1\"><q:b/></p:a>"),
        ("the prefix that needs no declaration", "<a xml:lang=\"uk\" xml:space=\"preserve\"> x </a>"),
        ("a reference to an id", "<a><b id=\"x\"/><c ref=\"x\"/><d>x</d><e ref=\"p:x\"/></a>"),
        ("text that looks like markup", "<a>&lt;b&gt; &amp;amp; ]]&gt;</a>"),
        ("text in a section", "<a><![CDATA[if (a < b && c) { }]]></a>"),
        ("a value with every quote", "<a b=\"&quot;'&lt;&gt;&amp;\" c='\"'/>"),
        ("white space in a value", "<a b=\"1&#10;2&#9;3&#13;4\"/>"),
        ("numbered characters", "<a>&#65;&#x1F980;&#xa0;</a>"),
        ("letters of every width", "<a b=\"\u{e9}\u{456}\u{1f980}\">\u{202e}\u{4e16}</a>"),
        ("mixed content", "<a>one<b/>two<c>three</c>four</a>"),
        (
            "comments and instructions",
            "<?xml version=\"1.0\"?><!-- a --><?tool b?><a><!-- c --><?tool d?></a><!-- e -->",
        ),
        (
            "extensions",
            "<a><extensionElements xmlns:t=\"urn:t\"><t:v name=\"n\">{\"a\": [1]}</t:v></extensionElements></a>",
        ),
        (
            "a layout",
            "<a xmlns:dc=\"urn:dc\"><dc:Bounds x=\"1.50\" y=\"-0\" width=\"1e2\" height=\"NaN\"/><dc:waypoint x=\"1\" y=\"2\"/></a>",
        ),
        ("a byte order mark", "\u{feff}<a/>"),
        ("nothing inside", "<a></a>"),
    ];
    for (name, text) in table {
        survives(name, text.as_bytes());
    }
    let mut files = own();
    assert!(files.len() > 50, "only {} files of our own", files.len());
    if let Some(folder) = shared("bpmn") {
        bpmn_files(&folder, &mut files);
        assert!(files.len() > 350, "only {} files with {}", files.len(), folder.display());
    }
    for path in files {
        let document = survives(&path.display().to_string(), &std::fs::read(&path).unwrap());
        // Whether the model can run or not, reading it must not fail in another way.
        let _ = Model::of(document, &Limits::default()).unwrap();
    }
}
