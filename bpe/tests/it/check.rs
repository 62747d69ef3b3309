//! A file that cannot run is refused with the element and the place.

use crate::common::{file, process};
use bpe::{Error, Limits, Model, Severity};

fn findings(inside: &str) -> Vec<String> {
    match Model::strict(file(inside).as_bytes(), &Limits::default()) {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(findings)) => findings.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn every_mistake_is_located() {
    let start = "<startEvent id=\"s\"/>";
    let table = [
        (String::new(), "line 1, column 1: `d` has no process"),
        (process("p", "", &[]), "`p` has no nodes"),
        (
            process("p", start, &["s->gone"]),
            "line 2, column 37: `s->gone` has the targetRef `gone`, which is not in",
        ),
        (
            process("p", "<task id=\"a\"/>\n<task id=\"a\"/>", &[]),
            "line 3, column 1: `a` is an id used twice",
        ),
        (
            process(
                "p",
                "<boundaryEvent id=\"b\" attachedToRef=\"x\"><errorEventDefinition/></boundaryEvent>",
                &[],
            ),
            "`b` has the attachedToRef `x`",
        ),
        (
            process(
                "p",
                "<intermediateCatchEvent id=\"c\"><messageEventDefinition/></intermediateCatchEvent>",
                &[],
            ),
            "`c` names no message",
        ),
        (
            process("p", "<startEvent id=\"c\"><messageEventDefinition messageRef=\"m\"/></startEvent>", &[]),
            "`c` refers to the message `m`, which is not declared",
        ),
        (
            process(
                "p",
                "<intermediateCatchEvent id=\"c\"><timerEventDefinition><timeDuration>2 h</timeDuration>\
                     </timerEventDefinition></intermediateCatchEvent>",
                &[],
            ),
            "`c` has a time that cannot be read: `2 h` is no ISO 8601 duration",
        ),
        (
            process("p", "<startEvent id=\"s\"/><task id=\"t\"/>", &["s->t: = a +"]),
            "`s->t` has the expression `= a +`, which is not FEEL: expected a value",
        ),
        (
            process("p", "<task id=\"t\" default=\"nope\"/>", &[]),
            "`t` has the default `nope`, which does not leave it",
        ),
        (
            process("p", "<complexGateway id=\"g\"/>", &[]),
            "`g` is a complexGateway, which the engine does not run",
        ),
        (process("p", "<startEvent id=\"s\"/><endEvent id=\"e\"/>", &["e->s"]), "begins at an end event"),
        (
            process(
                "p",
                "<startEvent id=\"s\"/><subProcess id=\"u\"><task id=\"t\"/></subProcess>",
                &["s->t"],
            ),
            "`s->t` crosses the border of a sub-process",
        ),
        (
            process("p", "<eventBasedGateway id=\"g\"/><task id=\"t\"/>", &["g->t"]),
            "`g` is an event-based gateway with a target that does not wait",
        ),
    ];
    for (inside, expected) in table {
        let found = findings(&inside);
        assert!(found.iter().any(|found| found.contains(expected)), "{expected:?} is not in {found:#?}");
    }
}

#[test]
fn a_lenient_reader_leaves_payloads_open() {
    let open = "<intermediateCatchEvent id=\"c\"><messageEventDefinition/></intermediateCatchEvent>";
    let text = file(&process("p", open, &[]));
    assert!(Model::strict(text.as_bytes(), &Limits::default()).is_err());
    let model = Model::lenient(text.as_bytes(), &Limits::default()).unwrap();
    assert!(model.findings.iter().all(|finding| finding.severity < Severity::Fatal));
    let broken = file(&process("p", "<startEvent id=\"s\"/>", &["s->gone"]));
    assert!(Model::lenient(broken.as_bytes(), &Limits::default()).is_err());
}
