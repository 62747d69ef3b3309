//! The harder scopes: event sub-processes, compensation, transactions, escalation, signals and links.

use crate::common::{Instance, file, process};
use bpe::{Happened, Input};

const ENDS: &str = "<startEvent id=\"s\"/><endEvent id=\"e\"/>";

#[test]
fn an_interrupting_event_sub_process_replaces_what_runs() {
    let inside = format!(
        "<message id=\"m\" name=\"stop\"/>{}",
        process(
            "p",
            &format!(
                "{ENDS}<userTask id=\"a\"/><subProcess id=\"u\" triggeredByEvent=\"true\"><startEvent id=\"us\">\
                 <messageEventDefinition messageRef=\"m\"/></startEvent><userTask id=\"b\"/>\
                 <sequenceFlow id=\"uf\" sourceRef=\"us\" targetRef=\"b\"/></subProcess>"
            ),
            &["s->a", "a->e"],
        )
    );
    let mut one = Instance::of(&file(&inside), "{}");
    assert_eq!(one.message("stop", None, "{\"why\": \"late\"}").waiting(), ["b"]);
    assert_eq!(one.happened(Happened::Terminated), ["a"]);
    assert!(one.state.subscriptions.is_empty());
    assert_eq!(one.variable("why").as_str(), Some("late"));
    assert!(one.complete("b", "{}").completed());
}

#[test]
fn compensation_undoes_the_last_first() {
    let compensated = |id: &str| {
        format!(
            "<userTask id=\"{id}\"/><boundaryEvent id=\"b{id}\" attachedToRef=\"{id}\"><compensateEventDefinition/>\
             </boundaryEvent><userTask id=\"undo{id}\" isForCompensation=\"true\"/>\
             <association id=\"as{id}\" sourceRef=\"b{id}\" targetRef=\"undo{id}\"/>"
        )
    };
    let nodes = format!(
        "{ENDS}{}{}<intermediateThrowEvent id=\"t\"><compensateEventDefinition/></intermediateThrowEvent>",
        compensated("a"),
        compensated("b")
    );
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->a", "a->b", "b->t", "t->e"])), "{}");
    one.complete("a", "{}").complete("b", "{}");
    assert_eq!(one.waiting(), ["t", "undob"]);
    assert_eq!(one.complete("undob", "{}").waiting(), ["t", "undoa"]);
    assert!(one.complete("undoa", "{}").completed());
}

#[test]
fn a_signal_reaches_its_own_instance_and_leaves_it() {
    let inside = format!(
        "<signal id=\"g\" name=\"go\"/>{}",
        process(
            "p",
            &format!(
                "{ENDS}<parallelGateway id=\"f\"/><intermediateCatchEvent id=\"c\"><signalEventDefinition signalRef=\"g\"/>\
                 </intermediateCatchEvent><userTask id=\"a\"/><intermediateThrowEvent id=\"t\">\
                 <signalEventDefinition signalRef=\"g\"/></intermediateThrowEvent><userTask id=\"b\"/>"
            ),
            &["s->f", "f->c", "f->a", "a->t", "c->b", "b->e"],
        )
    );
    let mut one = Instance::of(&file(&inside), "{}");
    assert_eq!(one.waiting(), ["a", "c"]);
    assert_eq!(one.complete("a", "{}").waiting(), ["b"]);
    assert_eq!(one.sent, ["signal go"]);
}

#[test]
fn a_condition_is_asked_when_variables_change() {
    let nodes = format!(
        "{ENDS}<intermediateCatchEvent id=\"c\"><conditionalEventDefinition><condition>= n &gt; 3</condition>\
         </conditionalEventDefinition></intermediateCatchEvent>"
    );
    let text = file(&process("p", &nodes, &["s->c", "c->e"]));
    assert!(Instance::of(&text, "{\"n\": 4}").completed());
    let mut one = Instance::of(&text, "{\"n\": 1}");
    one.input(Input::Set { variables: crate::common::variables("{\"n\": 2}") }).unwrap();
    assert_eq!(one.waiting(), ["c"]);
    one.input(Input::Set { variables: crate::common::variables("{\"n\": 5}") }).unwrap();
    assert!(one.completed());
}

#[test]
fn a_message_event_carries_what_its_mappings_make() {
    let inside = format!(
        "<message id=\"m\" name=\"note\"/>{}",
        process(
            "p",
            &format!(
                "{ENDS}<intermediateThrowEvent id=\"t\"><extensionElements><zeebe:ioMapping>\
                 <zeebe:input source=\"= a + 1\" target=\"b\"/></zeebe:ioMapping></extensionElements>\
                 <messageEventDefinition messageRef=\"m\"/></intermediateThrowEvent>"
            ),
            &["s->t", "t->e"],
        )
    );
    let one = Instance::of(&file(&inside), "{\"a\": 1}");
    assert_eq!(one.sent, ["message note {\"b\":2}"]);
    assert!(one.completed());
}

#[test]
fn an_event_by_hand_is_fired_whatever_it_waits_for() {
    let nodes = format!(
        "{ENDS}<userTask id=\"a\"/><task id=\"x\"/><boundaryEvent id=\"b\" attachedToRef=\"a\">\
         <errorEventDefinition/></boundaryEvent>"
    );
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->a", "a->e", "b->x"])), "{}");
    assert_eq!(one.trigger("b").waiting(), ["x"]);
}
