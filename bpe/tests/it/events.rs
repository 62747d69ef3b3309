//! Events in combination with scopes: what stops, what goes on, and what is left afterwards.

use crate::common::{Instance, file, library, process, variables};
use bpe::{Happened, Input, On};

const ENDS: &str = "<startEvent id=\"s\"/><endEvent id=\"e\"/>";

fn sub(id: &str, inside: &str) -> String {
    format!("<subProcess id=\"{id}\">{inside}</subProcess>")
}

fn event_sub(id: &str, interrupting: bool, definition: &str, then: &str) -> String {
    format!(
        "<subProcess id=\"{id}\" triggeredByEvent=\"true\"><startEvent id=\"{id}s\" isInterrupting=\"{interrupting}\">\
         {definition}</startEvent><userTask id=\"{then}\"/><sequenceFlow id=\"{id}f\" sourceRef=\"{id}s\" \
         targetRef=\"{then}\"/></subProcess>"
    )
}

#[test]
fn an_event_sub_process_beside_the_flow_can_start_again_and_again() {
    let handler = event_sub("u", false, "<messageEventDefinition messageRef=\"m\"/>", "h");
    let inside = format!(
        "<message id=\"m\" name=\"note\"/>{}",
        process("p", &format!("{ENDS}<userTask id=\"a\"/>{handler}"), &["s->a", "a->e"])
    );
    let mut one = Instance::of(&file(&inside), "{}");
    one.message("note", None, "{}").message("note", None, "{}");
    assert_eq!(one.waiting(), ["a", "h", "h"]);
    one.complete("a", "{}").complete("h", "{}");
    assert_eq!(one.waiting(), ["h"]);
    assert!(one.complete("h", "{}").completed());
    assert!(one.state.subscriptions.is_empty());
}

#[test]
fn a_timer_can_start_an_event_sub_process_on_a_cycle() {
    let timer = "<timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>";
    let nodes = format!("{ENDS}<userTask id=\"a\"/>{}", event_sub("u", false, timer, "h"));
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->a", "a->e"])), "{}");
    assert_eq!(one.until("2026-01-01T05:00:00Z").waiting(), ["a", "h", "h"]);
    assert!(one.state.subscriptions.is_empty());
}

#[test]
fn a_terminate_end_ends_the_process_it_stands_in_and_no_other() {
    let inner = process(
        "inner",
        &format!(
            "{ENDS}<parallelGateway id=\"f\"/><userTask id=\"x\"/><userTask id=\"y\"/>\
                  <endEvent id=\"t\"><terminateEventDefinition/></endEvent>"
        ),
        &["s->f", "f->x", "f->y", "x->t", "y->e"],
    );
    let outer = process(
        "outer",
        &format!("{ENDS}<callActivity id=\"c\" calledElement=\"inner\"/><userTask id=\"after\"/>"),
        &["s->c", "c->after", "after->e"],
    );
    let mut one = Instance::start(library(&file(&format!("{outer}{inner}"))), "outer", "{}");
    assert_eq!(one.complete("x", "{}").waiting(), ["after"]);
    assert_eq!(one.happened(Happened::Terminated), ["y"]);
}

#[test]
fn an_error_in_one_instance_of_many_ends_them_all() {
    let repeat = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>";
    let nodes = format!(
        "{ENDS}{}<boundaryEvent id=\"b\" attachedToRef=\"u\"><errorEventDefinition/></boundaryEvent><userTask id=\"c\"/>",
        sub("u", &format!("{repeat}<userTask id=\"t\"/>"))
    );
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->u", "u->e", "b->c"])), "{}");
    assert_eq!(one.waiting(), ["t", "t", "t"]);
    assert_eq!(one.throw("t", "E").waiting(), ["c"]);
    assert_eq!(one.state.scopes.len(), 1);
    assert!(one.complete("c", "{}").completed());
}

#[test]
fn an_interrupting_event_on_a_call_ends_the_called_process() {
    let inner = process("inner", &format!("{ENDS}<userTask id=\"x\"/>"), &["s->x", "x->e"]);
    let boundary = "<boundaryEvent id=\"b\" attachedToRef=\"c\"><timerEventDefinition><timeDuration>PT1H</timeDuration>\
                    </timerEventDefinition></boundaryEvent><userTask id=\"late\"/>";
    let nodes = format!("{ENDS}<callActivity id=\"c\" calledElement=\"inner\"/>{boundary}");
    let outer = process("outer", &nodes, &["s->c", "c->e", "b->late", "late->e"]);
    let mut one = Instance::start(library(&file(&format!("{outer}{inner}"))), "outer", "{}");
    assert_eq!(one.until("2026-01-01T01:00:00Z").waiting(), ["late"]);
    assert_eq!(one.happened(Happened::Cancelled), ["inner"]);
    assert!(one.complete("late", "{}").completed());
}

#[test]
fn many_calls_run_over_a_list_and_each_sees_its_item() {
    let inner = process("inner", &format!("{ENDS}<userTask id=\"x\"/>"), &["s->x", "x->e"]);
    let call = "<callActivity id=\"c\" calledElement=\"inner\"><multiInstanceLoopCharacteristics>\
                <extensionElements><zeebe:loopCharacteristics inputCollection=\"= items\" inputElement=\"item\" \
                outputCollection=\"all\" outputElement=\"= got\"/></extensionElements>\
                </multiInstanceLoopCharacteristics><extensionElements><zeebe:ioMapping>\
                <zeebe:input source=\"= null\" target=\"got\"/></zeebe:ioMapping></extensionElements></callActivity>";
    let outer = process("outer", &format!("{ENDS}{call}"), &["s->c", "c->e"]);
    let mut one = Instance::start(library(&file(&format!("{outer}{inner}"))), "outer", "{\"items\": [1, 2]}");
    for job in one.jobs("x") {
        let item = one.state.visible(job)["item"].clone();
        let got = serde_json::to_string(&item).unwrap();
        let variables = variables(&format!("{{\"got\": {got}}}"));
        one.input(Input::Complete { job, variables }).unwrap();
    }
    assert!(one.completed());
    assert_eq!(serde_json::to_string(&one.variable("all")).unwrap(), "[1,2]");
}

#[test]
fn a_loop_goes_on_while_its_condition_holds() {
    let task = |repeat: &str| format!("{ENDS}<userTask id=\"t\">{repeat}</userTask>");
    let again = "<standardLoopCharacteristics loopMaximum=\"3\"><loopCondition>= more</loopCondition>\
                 </standardLoopCharacteristics>";
    let text = file(&process("p", &task(again), &["s->t", "t->e"]));
    let mut one = Instance::of(&text, "{\"more\": true}");
    assert!(one.complete("t", "{}").complete("t", "{}").complete("t", "{}").completed());
    let mut one = Instance::of(&text, "{\"more\": true}");
    assert!(one.complete("t", "{}").complete("t", "{\"more\": false}").completed());
}

#[test]
fn a_condition_on_the_border_fires_each_time_it_becomes_true() {
    let nodes = format!(
        "{ENDS}<userTask id=\"a\"/><userTask id=\"w\"/><boundaryEvent id=\"b\" attachedToRef=\"a\" cancelActivity=\"false\">\
         <conditionalEventDefinition><condition>= hot</condition></conditionalEventDefinition></boundaryEvent>"
    );
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->a", "a->e", "b->w"])), "{\"hot\": false}");
    for hot in [true, true, false, true] {
        one.input(Input::Set { variables: variables(&format!("{{\"hot\": {hot}}}")) }).unwrap();
    }
    assert_eq!(one.waiting(), ["a", "w", "w"]);
    assert!(one.state.subscriptions.values().all(|found| matches!(found.on, On::Condition { was: true })));
}

#[test]
fn a_cancelled_transaction_undoes_what_was_done_in_it() {
    let done = |id: &str| {
        format!(
            "<userTask id=\"{id}\"/><boundaryEvent id=\"b{id}\" attachedToRef=\"{id}\"><compensateEventDefinition/>\
             </boundaryEvent><userTask id=\"undo{id}\" isForCompensation=\"true\"/>\
             <association id=\"as{id}\" sourceRef=\"b{id}\" targetRef=\"undo{id}\"/>"
        )
    };
    let flow = |from: &str, to: &str| {
        format!("<sequenceFlow id=\"{from}_{to}\" sourceRef=\"{from}\" targetRef=\"{to}\"/>")
    };
    let inner = sub(
        "inner",
        &format!("{}<endEvent id=\"x\"><cancelEventDefinition/></endEvent>{}", done("b"), flow("b", "x")),
    );
    let nodes = format!(
        "{ENDS}<transaction id=\"tx\"><startEvent id=\"ts\"/>{}{inner}{}{}</transaction>\
         <boundaryEvent id=\"c\" attachedToRef=\"tx\"><cancelEventDefinition/></boundaryEvent><userTask id=\"after\"/>",
        done("a"),
        flow("ts", "a"),
        flow("a", "inner")
    );
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->tx", "tx->e", "c->after"])), "{}");
    one.complete("a", "{}").complete("b", "{}");
    // What the unfinished sub-process had done goes down with it; what the transaction had done is undone.
    assert_eq!(one.waiting(), ["undoa", "x"]);
    assert_eq!(one.complete("undoa", "{}").waiting(), ["after"]);
}

#[test]
fn an_escalation_lets_its_thrower_go_on_unless_it_is_caught_to_interrupt() {
    let thrower = "<startEvent id=\"us\"/><intermediateThrowEvent id=\"th\"><escalationEventDefinition escalationRef=\"x\"/>\
                   </intermediateThrowEvent><userTask id=\"t\"/><sequenceFlow id=\"g1\" sourceRef=\"us\" targetRef=\"th\"/>\
                   <sequenceFlow id=\"g2\" sourceRef=\"th\" targetRef=\"t\"/>";
    for (cancel, expected) in [("true", vec!["c"]), ("false", vec!["c", "t"])] {
        let nodes = format!(
            "{ENDS}{}<userTask id=\"c\"/><boundaryEvent id=\"b\" attachedToRef=\"u\" cancelActivity=\"{cancel}\">\
             <escalationEventDefinition escalationRef=\"x\"/></boundaryEvent>",
            sub("u", thrower)
        );
        let declared = "<escalation id=\"x\" escalationCode=\"X\"/>";
        let one = Instance::of(
            &file(&format!("{declared}{}", process("p", &nodes, &["s->u", "u->e", "b->c"]))),
            "{}",
        );
        assert_eq!(one.waiting(), expected);
    }
}

#[test]
fn an_inclusive_join_in_a_loop_does_not_wait_for_itself() {
    let nodes = format!(
        "{ENDS}<inclusiveGateway id=\"j\"/><userTask id=\"a\"/><exclusiveGateway id=\"x\" default=\"x->e\"/>"
    );
    let text = file(&process("p", &nodes, &["s->j", "j->a", "a->x", "x->j: = again", "x->e"]));
    let mut one = Instance::of(&text, "{}");
    assert_eq!(one.complete("a", "{\"again\": true}").waiting(), ["a"]);
    assert!(one.complete("a", "{\"again\": false}").completed());
}

#[test]
fn a_sub_process_without_start_begins_where_nothing_leads_to() {
    let inside = "<userTask id=\"x\"/><userTask id=\"y\"/><userTask id=\"z\"/><sequenceFlow id=\"g\" sourceRef=\"y\" targetRef=\"z\"/>";
    let mut one =
        Instance::of(&file(&process("p", &format!("{ENDS}{}", sub("u", inside)), &["s->u", "u->e"])), "{}");
    assert_eq!(one.waiting(), ["x", "y"]);
    assert!(one.complete("x", "{}").complete("y", "{}").complete("z", "{}").completed());
}

#[test]
fn a_call_brings_back_what_it_set_and_nothing_else() {
    let inner = process("inner", &format!("{ENDS}<userTask id=\"x\"/>"), &["s->x", "x->e"]);
    let nodes = format!(
        "{ENDS}<parallelGateway id=\"f\"/><callActivity id=\"c\" calledElement=\"inner\"/><userTask id=\"y\"/>"
    );
    let outer = process("outer", &nodes, &["s->f", "f->c", "f->y", "c->e", "y->e"]);
    let mut one =
        Instance::start(library(&file(&format!("{outer}{inner}"))), "outer", "{\"a\": 1, \"b\": 1}");
    one.complete("y", "{\"a\": 2}").complete("x", "{\"b\": 2}");
    assert_eq!((one.variable("a"), one.variable("b")), (2.into(), 2.into()));
}
