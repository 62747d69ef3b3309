//! States that earlier releases stored are still understood. A failure here means that running instances
//! would be lost by an upgrade: write a migration, and keep the old text.

use bpe::Status;

use crate::common::{Instance, file, process};

/// Parallel branches: an instance of many, a sub-process with a timer, a message, and a held token.
fn text() -> String {
    let nodes = "<startEvent id=\"s\"/><endEvent id=\"e\"/><parallelGateway id=\"f\"/><parallelGateway id=\"j\"/>\
        <userTask id=\"a\"><multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality>\
        </multiInstanceLoopCharacteristics></userTask><subProcess id=\"u\"><startEvent id=\"us\"/><userTask id=\"b\"/>\
        <sequenceFlow id=\"uf\" sourceRef=\"us\" targetRef=\"b\"/></subProcess>\
        <boundaryEvent id=\"t\" attachedToRef=\"u\" cancelActivity=\"false\"><timerEventDefinition>\
        <timeCycle>R3/PT1H</timeCycle></timerEventDefinition></boundaryEvent><userTask id=\"c\"/>\
        <intermediateCatchEvent id=\"m\"><messageEventDefinition messageRef=\"msg\"/></intermediateCatchEvent>\
        <exclusiveGateway id=\"g\"/>";
    let flows =
        ["s->f", "f->a", "f->u", "f->m", "f->g", "a->j", "u->j", "m->j", "g->j: = ok", "t->c", "j->e"];
    let declared = "<message id=\"msg\" name=\"go\"><extensionElements><zeebe:subscription correlationKey=\"= id\"/>\
        </extensionElements></message>";
    file(&format!("{declared}{}", process("p", nodes, &flows)))
}

const VARIABLES: &str = "{\"id\": \"o1\", \"total\": 12.5, \"items\": [1, \"x\", null]}";

const RELEASE_0_1: &str = r#"{"status":"Active","processes":[{"id":"p","version":1}],
"scopes":{"1":{"process":0,"kind":"Body","variables":{"id":"o1","items":[1,"x",null],"total":12.5},"tokens":5},
"8":{"parent":1,"token":4,"process":0,"node":4,"kind":{"Loop":{"total":2,"begun":2,"completed":1}},"variables":{"numberOfActiveInstances":1,"numberOfCompletedInstances":1,"numberOfInstances":2},"tokens":1},
"12":{"parent":1,"token":5,"process":0,"node":5,"kind":"Body","tokens":1}},
"tokens":{"4":{"scope":1,"node":4,"via":2,"wait":{"Scope":8}},
"5":{"scope":1,"node":5,"via":3,"wait":{"Scope":12},"subscribed":true},
"6":{"scope":1,"node":10,"via":4,"wait":"Event","subscribed":true},
"7":{"scope":1,"node":11,"via":5,"wait":{"Incident":{"what":"the condition `= ok` is neither true nor false: the variable `ok` is undefined (flow `g->j`)","resume":"Leave"}}},
"10":{"scope":8,"node":4,"wait":{"Job":{"retries":3}},"variables":{"loopCounter":2}},
"15":{"scope":12,"node":7,"via":0,"wait":{"Job":{"retries":3}}},
"17":{"scope":1,"node":9,"via":10,"wait":{"Job":{"retries":3}}}},
"subscriptions":{"11":{"scope":1,"token":5,"node":8,"on":{"Timer":{"due":"2026-01-01T02:00:00Z","repeat":{"from":"2026-01-01T00:00:00Z","every":"PT1H","count":2,"left":2}}}},
"14":{"scope":1,"token":6,"node":10,"on":{"Message":{"name":"go","key":"o1"}}}},"last":17}"#;

#[test]
fn the_first_release() {
    let mut one = Instance::of(&text(), VARIABLES);
    one.complete("a", "{}").until("2026-01-01T01:30:00Z");
    assert_eq!(
        serde_json::to_string(&one.state).unwrap(),
        RELEASE_0_1.replace('\n', ""),
        "new states are written as before"
    );

    one.state = serde_json::from_str(RELEASE_0_1).unwrap();
    let (what, token) = one.incident().unwrap();
    assert!(what.contains("the variable `ok` is undefined"));
    one.input(bpe::Input::Set { variables: crate::common::variables("{\"ok\": true}") }).unwrap();
    one.input(bpe::Input::Retry { token }).unwrap();
    one.complete("a", "{}").message("go", Some("o1"), "{}").complete("c", "{}").complete("b", "{}");
    assert_eq!(one.state.status, Status::Completed);
}
