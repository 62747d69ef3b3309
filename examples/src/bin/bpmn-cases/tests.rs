//! Our own cases, one at least for each element that the engine runs, and the shared ones on top.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bpe::model::{NodeKind, Process, Trigger};
use bpe::{Limits, Model};

use crate::report;

/// A file of the shared test data, when it is named; a named one that is not there fails.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("N2O_SHARED")?).join(path);
    assert!(path.exists(), "{} is named by N2O_SHARED and not there", path.display());
    Some(path)
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bpe/tests/cases")
}

#[test]
fn every_case_passes() {
    let report = report::run(&own().join("cases.json")).unwrap();
    assert!(report.all_passed() && report.len() >= 90, "{report}");
    if let Some(path) = shared("bpmn/cases.json") {
        let report = report::run(&path).unwrap();
        assert!(!report.failed() && report.len() >= 100, "{report}");
    }
}

/// An element with what tells it from others of its name.
fn variants(process: &Process, into: &mut BTreeSet<String>) {
    for node in &process.nodes {
        let trigger = node.trigger().map_or("", |trigger| match trigger {
            Trigger::None => " none",
            Trigger::Message { .. } => " message",
            Trigger::Signal(_) => " signal",
            Trigger::Error(_) => " error",
            Trigger::Escalation(_) => " escalation",
            Trigger::Timer(_) => " timer",
            Trigger::Conditional(_) => " conditional",
            Trigger::Compensation(_) => " compensation",
            Trigger::Link(_) => " link",
            Trigger::Cancel => " cancel",
            Trigger::Terminate => " terminate",
            other => panic!("{other:?} has no case"),
        });
        let event_sub = |id| {
            matches!(
                &process.node(id).kind,
                NodeKind::SubProcess { kind: bpe::model::SubProcessKind::Event, .. }
            )
        };
        let how =
            match &node.kind {
                NodeKind::Start { interrupting, .. } if node.parent.is_some_and(event_sub) => {
                    if *interrupting { " interrupting" } else { " beside" }
                }
                NodeKind::Boundary { interrupting, trigger, .. }
                    if !matches!(trigger, Trigger::Compensation(_)) =>
                {
                    if *interrupting {
                        " interrupting"
                    } else {
                        " beside"
                    }
                }
                NodeKind::SubProcess { kind: bpe::model::SubProcessKind::Event, .. } => " by event",
                _ => "",
            };
        into.insert(format!("{}{trigger}{how}", node.element()));
        let repeat = node.repeat.as_ref().map(|repeat| match repeat {
            bpe::model::Loop::Standard { before: true, .. } => "loop before",
            bpe::model::Loop::Standard { .. } => "loop after",
            bpe::model::Loop::Multi { sequential: true, .. } => "one after another",
            bpe::model::Loop::Multi { .. } => "all at once",
            other => panic!("{other:?} has no case"),
        });
        into.extend(repeat.map(str::to_owned));
        into.extend(node.default.map(|_| format!("default of {}", node.element())));
        into.extend(node.for_compensation.then(|| "handler".to_owned()));
    }
    into.extend((!process.lanes.is_empty()).then(|| "lane".to_owned()));
}

#[test]
fn every_element_that_runs_has_a_case() {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(own()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".bpmn") || name.starts_with("bad-") {
            continue;
        }
        let model = Model::lenient(&std::fs::read(&path).unwrap(), &Limits::default()).unwrap();
        for process in &model.processes {
            variants(process, &mut found);
        }
    }
    let missing: Vec<&str> = WANTED.iter().filter(|wanted| !found.contains(**wanted)).copied().collect();
    assert!(missing.is_empty(), "no case has {missing:?}, only {found:?}");
    let unknown: Vec<&String> = found.iter().filter(|found| !WANTED.contains(&found.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?} is run and not in the list");
}

/// What the engine runs.
const WANTED: &[&str] = &[
    "task",
    "userTask",
    "manualTask",
    "serviceTask",
    "scriptTask",
    "sendTask",
    "businessRuleTask",
    "receiveTask message",
    "callActivity",
    "subProcess",
    "subProcess by event",
    "transaction",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "eventBasedGateway",
    "default of exclusiveGateway",
    "default of inclusiveGateway",
    "default of userTask",
    "startEvent none",
    "startEvent message",
    "startEvent signal",
    "startEvent timer",
    "startEvent message interrupting",
    "startEvent message beside",
    "startEvent signal interrupting",
    "startEvent signal beside",
    "startEvent timer interrupting",
    "startEvent timer beside",
    "startEvent conditional interrupting",
    "startEvent conditional beside",
    "startEvent escalation interrupting",
    "startEvent escalation beside",
    "startEvent error interrupting",
    "startEvent compensation interrupting",
    "intermediateCatchEvent message",
    "intermediateCatchEvent signal",
    "intermediateCatchEvent timer",
    "intermediateCatchEvent conditional",
    "intermediateCatchEvent link",
    "intermediateThrowEvent none",
    "intermediateThrowEvent message",
    "intermediateThrowEvent signal",
    "intermediateThrowEvent escalation",
    "intermediateThrowEvent compensation",
    "intermediateThrowEvent link",
    "boundaryEvent message interrupting",
    "boundaryEvent message beside",
    "boundaryEvent signal interrupting",
    "boundaryEvent signal beside",
    "boundaryEvent timer interrupting",
    "boundaryEvent timer beside",
    "boundaryEvent conditional interrupting",
    "boundaryEvent conditional beside",
    "boundaryEvent escalation interrupting",
    "boundaryEvent escalation beside",
    "boundaryEvent error interrupting",
    "boundaryEvent cancel interrupting",
    "boundaryEvent compensation",
    "endEvent none",
    "endEvent message",
    "endEvent signal",
    "endEvent error",
    "endEvent escalation",
    "endEvent compensation",
    "endEvent cancel",
    "endEvent terminate",
    "loop before",
    "loop after",
    "one after another",
    "all at once",
    "handler",
    "lane",
];
