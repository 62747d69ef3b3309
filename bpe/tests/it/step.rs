//! The step, told as stories: gateways, variables, events, calls and what goes wrong.

use crate::common::{Instance, file, library, process};
use bpe::feel::{Context, Value};
use bpe::{Error, Happened, Input, Status};

const ENDS: &str = "<startEvent id=\"s\"/><endEvent id=\"e\"/>";

fn with(nodes: &str) -> String {
    format!("{ENDS}{nodes}")
}

#[test]
fn an_exclusive_gateway_takes_the_first_open_flow_or_its_default() {
    let nodes =
        with("<exclusiveGateway id=\"g\" default=\"g->c\"/><task id=\"a\"/><task id=\"b\"/><task id=\"c\"/>");
    let text = file(&process("p", &nodes, &["s->g", "g->c", "g->a: = n > 10", "g->b: = n > 5"]));
    for (n, expected) in [(11, "a"), (6, "b"), (1, "c")] {
        assert_eq!(Instance::of(&text, &format!("{{\"n\": {n}}}")).waiting(), [expected]);
    }
}

#[test]
fn an_undefined_variable_is_an_incident_that_can_be_mended() {
    let nodes = with("<exclusiveGateway id=\"g\"/><task id=\"a\"/>");
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->g", "g->a: = n > 10"])), "{}");
    let (what, token) = one.incident().unwrap();
    assert_eq!(
        what,
        "the condition `= n > 10` is neither true nor false: the variable `n` is undefined (flow `g->a`)"
    );
    one.input(Input::Set { variables: crate::common::variables("{\"n\": 11}") }).unwrap();
    one.input(Input::Retry { token }).unwrap();
    assert_eq!(one.waiting(), ["a"]);
    assert_eq!(one.happened(Happened::Resolved), ["g"]);
}

#[test]
fn parallel_branches_wait_for_each_other() {
    let nodes =
        with("<parallelGateway id=\"f\"/><task id=\"a\"/><task id=\"b\"/><parallelGateway id=\"j\"/>");
    let mut one =
        Instance::of(&file(&process("p", &nodes, &["s->f", "f->a", "f->b", "a->j", "b->j", "j->e"])), "{}");
    assert_eq!(one.waiting(), ["a", "b"]);
    assert_eq!(one.complete("a", "{}").waiting(), ["b", "j"]);
    assert!(one.complete("b", "{}").completed());
    assert_eq!(one.happened(Happened::Ended), ["p"]);
}

#[test]
fn an_inclusive_join_waits_only_for_who_can_come() {
    let nodes = with(
        "<inclusiveGateway id=\"f\"/><task id=\"a\"/><task id=\"b\"/><task id=\"c\"/><inclusiveGateway id=\"j\"/>",
    );
    let flows = ["s->f", "f->a: = x", "f->b: = y", "f->c: = z", "a->j", "b->j", "c->j", "j->e"];
    let mut one =
        Instance::of(&file(&process("p", &nodes, &flows)), "{\"x\": true, \"y\": true, \"z\": false}");
    assert_eq!(one.complete("a", "{}").waiting(), ["b", "j"]);
    assert!(one.complete("b", "{}").completed());
}

#[test]
fn a_job_is_completed_once() {
    let text = file(&process("p", &with("<userTask id=\"a\"/>"), &["s->a", "a->e"]));
    let mut one = Instance::of(&text, "{}");
    let job = one.jobs("a")[0];
    one.complete("a", "{}");
    let again = one.input(Input::Complete { job, variables: Context::new() });
    assert!(matches!(again, Err(Error::Ended)));
    let mut two = Instance::of(&text, "{}");
    let before = serde_json::to_string(&two.state).unwrap();
    assert!(matches!(
        two.input(Input::Complete { job: 99, variables: Context::new() }),
        Err(Error::NoJob { key: 99 })
    ));
    assert_eq!(serde_json::to_string(&two.state).unwrap(), before);
}

#[test]
fn a_loop_of_the_same_task_makes_new_jobs() {
    let nodes = with("<userTask id=\"a\"/><exclusiveGateway id=\"g\" default=\"g->a\"/>");
    let mut one = Instance::of(&file(&process("p", &nodes, &["s->a", "a->g", "g->a", "g->e: = done"])), "{}");
    let first = one.jobs("a")[0];
    one.complete("a", "{\"done\": false}");
    assert_ne!(one.jobs("a")[0], first);
    assert!(matches!(
        one.input(Input::Complete { job: first, variables: Context::new() }),
        Err(Error::NoJob { .. })
    ));
    assert!(one.complete("a", "{\"done\": true}").completed());
}

#[test]
fn a_process_that_never_waits_is_stopped() {
    let nodes = with("<exclusiveGateway id=\"g\"/><exclusiveGateway id=\"h\"/>");
    let one = Instance::of(&file(&process("p", &nodes, &["s->g", "g->h", "h->g"])), "{}");
    assert!(one.incident().unwrap().0.contains("more than 10000 moves without waiting"));
    assert_eq!(one.state.status, Status::Active);
}

#[test]
fn an_activity_has_a_bounded_number_of_instances() {
    let task = "<userTask id=\"a\"><multiInstanceLoopCharacteristics><loopCardinality>= n</loopCardinality>\
                </multiInstanceLoopCharacteristics></userTask>";
    let process = file(&process("p", &with(task), &["s->a", "a->e"]));
    let one = Instance::of(&process, "{\"n\": 10001}");
    assert_eq!(one.incident().unwrap().0, "10001 instances are more than the limit of 10000");
    assert!(one.jobs("a").is_empty());
    assert_eq!(Instance::of(&process, "{\"n\": 3}").jobs("a").len(), 3);
}

#[test]
fn rounds_with_nothing_in_them_end_and_are_bounded() {
    let sub = |repeat: &str| format!("<subProcess id=\"u\">{repeat}</subProcess>");
    let multi = "<multiInstanceLoopCharacteristics isSequential=\"true\"><loopCardinality>5000</loopCardinality>\
                 </multiInstanceLoopCharacteristics>";
    let one = Instance::of(&file(&process("p", &with(&sub(multi)), &["s->u", "u->e"])), "{}");
    assert!(one.completed());
    let endless =
        "<standardLoopCharacteristics><loopCondition>true</loopCondition></standardLoopCharacteristics>";
    let mut one = Instance::of(&file(&process("p", &with(&sub(endless)), &["s->u", "u->e"])), "{}");
    let (what, token) = one.incident().unwrap();
    assert!(what.contains("without waiting"), "{what}");
    one.input(Input::Retry { token }).unwrap();
    assert!(one.incident().is_some());
}

#[test]
fn a_process_that_calls_itself_is_stopped() {
    let nodes = with("<callActivity id=\"c\" calledElement=\"p\"/>");
    let one = Instance::of(&file(&process("p", &nodes, &["s->c", "c->e"])), "{}");
    assert!(one.incident().unwrap().0.contains("nested deeper than"));
}

#[test]
fn a_failed_job_is_retried_and_then_an_incident() {
    let task = "<serviceTask id=\"a\"><extensionElements><zeebe:taskDefinition type=\"pay\" retries=\"2\"/>\
                </extensionElements></serviceTask>";
    let mut one = Instance::of(&file(&process("p", &with(task), &["s->a", "a->e"])), "{}");
    let job = one.jobs("a")[0];
    one.input(Input::Fail { job, what: "no network".into(), retries: 1 }).unwrap();
    assert_eq!(one.jobs("a"), [job]);
    one.input(Input::Fail { job, what: "no network".into(), retries: 0 }).unwrap();
    assert_eq!(one.incident(), Some(("no network".to_owned(), job)));
    one.input(Input::Retry { token: job }).unwrap();
    assert!(one.complete("a", "{}").completed());
}

#[test]
fn mappings_make_variables_on_the_way_in_and_out() {
    let task = "<serviceTask id=\"a\"><extensionElements><zeebe:ioMapping>\
                <zeebe:input source=\"= order.total * 2\" target=\"double\"/>\
                <zeebe:output source=\"= result + double\" target=\"order.sum\"/>\
                </zeebe:ioMapping></extensionElements></serviceTask>";
    let mut one =
        Instance::of(&file(&process("p", &with(task), &["s->a", "a->e"])), "{\"order\": {\"total\": 2.5}}");
    let job = one.jobs("a")[0];
    assert_eq!(one.state.visible(job).get("double"), Some(&Value::from(5)));
    one.complete("a", "{\"result\": 1}");
    assert_eq!(serde_json::to_string(&one.variable("order")).unwrap(), "{\"sum\":6,\"total\":2.5}");
    assert!(one.variable("double").is_null() && one.variable("result").is_null());
}

#[test]
fn a_failing_output_is_an_incident_that_keeps_the_result() {
    let task = "<serviceTask id=\"a\"><extensionElements><zeebe:ioMapping>\
                <zeebe:output source=\"= for i in 1..limit return i\" target=\"x\"/>\
                </zeebe:ioMapping></extensionElements></serviceTask>";
    let mut one = Instance::of(&file(&process("p", &with(task), &["s->a", "a->e"])), "{\"limit\": 9999999}");
    one.complete("a", "{\"limit\": 9999999}");
    let (what, token) = one.incident().unwrap();
    assert!(what.contains("more steps than allowed"), "{what}");
    one.limits.feel_steps = 100_000_000;
    one.limits.instances = 1;
    // With a higher limit the same result goes through: nothing was lost.
    one.input(Input::Set { variables: crate::common::variables("{\"limit\": 3}") }).unwrap();
    if let Some(found) = one.state.tokens.get_mut(&token) {
        found.variables.insert("limit".into(), 3.into());
    }
    one.input(Input::Retry { token }).unwrap();
    assert_eq!(serde_json::to_string(&one.variable("x")).unwrap(), "[1,2,3]");
}

#[test]
fn timers_on_the_border_fire_in_order_and_can_repeat() {
    let nodes = with(
        "<userTask id=\"a\"/><userTask id=\"late\"/><task id=\"remind\"/>\
         <boundaryEvent id=\"stop\" attachedToRef=\"a\"><timerEventDefinition><timeDuration>P2D</timeDuration>\
         </timerEventDefinition></boundaryEvent>\
         <boundaryEvent id=\"again\" attachedToRef=\"a\" cancelActivity=\"false\"><timerEventDefinition>\
         <timeCycle>R3/PT12H</timeCycle></timerEventDefinition></boundaryEvent>",
    );
    let flows = ["s->a", "a->e", "stop->late", "again->remind", "late->e"];
    let mut one = Instance::of(&file(&process("p", &nodes, &flows)), "{}");
    assert_eq!(one.until("2026-01-02T00:00:00Z").waiting(), ["a", "remind", "remind"]);
    assert_eq!(one.until("2026-01-04T00:00:00Z").waiting(), ["late", "remind", "remind", "remind"]);
    assert_eq!(one.happened(Happened::Terminated), ["a"]);
    assert!(one.state.subscriptions.is_empty());
}

#[test]
fn a_message_finds_its_instance_by_key() {
    let inside = format!(
        "<message id=\"m\" name=\"paid\"><extensionElements><zeebe:subscription correlationKey=\"= id\"/>\
         </extensionElements></message>{}",
        process("p", &with("<receiveTask id=\"r\" messageRef=\"m\"/>"), &["s->r", "r->e"])
    );
    let mut one = Instance::of(&file(&inside), "{\"id\": \"o1\"}");
    assert_eq!(one.waiting(), ["r"]);
    assert!(one.message("paid", Some("o1"), "{\"sum\": 5}").completed());
    assert_eq!(one.variable("sum"), Value::from(5));
    let missing = Instance::of(&file(&inside), "{}");
    assert!(missing.incident().unwrap().0.contains("the correlation key `= id` is null"));
}

#[test]
fn an_event_gateway_takes_what_comes_first() {
    let inside = format!(
        "<message id=\"m\" name=\"go\"/>{}",
        process(
            "p",
            &with(
                "<eventBasedGateway id=\"g\"/><task id=\"a\"/><task id=\"b\"/>\
                 <intermediateCatchEvent id=\"cm\"><messageEventDefinition messageRef=\"m\"/></intermediateCatchEvent>\
                 <intermediateCatchEvent id=\"ct\"><timerEventDefinition><timeDuration>PT1H</timeDuration>\
                 </timerEventDefinition></intermediateCatchEvent>"
            ),
            &["s->g", "g->cm", "g->ct", "cm->a", "ct->b"],
        )
    );
    let text = file(&inside);
    assert_eq!(Instance::of(&text, "{}").message("go", None, "{}").waiting(), ["a"]);
    let mut late = Instance::of(&text, "{}");
    assert_eq!(late.until("2026-01-01T02:00:00Z").waiting(), ["b"]);
    assert!(late.state.subscriptions.is_empty());
}

#[test]
fn an_error_goes_to_the_nearest_who_catches_it() {
    let inside = format!(
        "<error id=\"e1\" errorCode=\"E1\"/>{}",
        process(
            "p",
            &with(
                "<subProcess id=\"u\"><startEvent id=\"us\"/><serviceTask id=\"t\"/>\
                 <sequenceFlow id=\"uf\" sourceRef=\"us\" targetRef=\"t\"/></subProcess>\
                 <task id=\"caught\"/><task id=\"all\"/>\
                 <boundaryEvent id=\"b1\" attachedToRef=\"u\"><errorEventDefinition errorRef=\"e1\"/></boundaryEvent>\
                 <boundaryEvent id=\"b0\" attachedToRef=\"u\"><errorEventDefinition/></boundaryEvent>"
            ),
            &["s->u", "u->e", "b1->caught", "b0->all"],
        )
    );
    let text = file(&inside);
    assert_eq!(Instance::of(&text, "{}").throw("t", "E1").waiting(), ["caught"]);
    assert_eq!(Instance::of(&text, "{}").throw("t", "E2").waiting(), ["all"]);
    let plain = file(&process("p", &with("<serviceTask id=\"t\"/>"), &["s->t", "t->e"]));
    let mut uncaught = Instance::of(&plain, "{}");
    uncaught.throw("t", "E9");
    assert_eq!(uncaught.incident().unwrap().0, "nobody catches the error `E9`");
}

#[test]
fn a_call_passes_variables_and_comes_back() {
    let inner = process("inner", &with("<userTask id=\"t\"/>"), &["s->t", "t->e"]);
    let outer =
        process("outer", &with("<callActivity id=\"c\" calledElement=\"inner\"/>"), &["s->c", "c->e"]);
    let mut one = Instance::start(library(&file(&format!("{outer}{inner}"))), "outer", "{\"a\": 1}");
    let job = one.jobs("t")[0];
    assert_eq!(one.state.visible(job).get("a"), Some(&Value::from(1)));
    assert!(one.complete("t", "{\"b\": 2}").completed());
    assert_eq!(one.variable("b"), Value::from(2));
    assert_eq!(one.happened(Happened::Started), ["outer", "inner"]);
    let alone = Instance::start(library(&file(&outer)), "outer", "{}");
    assert_eq!(alone.incident().unwrap().0, "the process `inner` is not deployed");
}

#[test]
fn cancelling_ends_everything_and_keeps_the_variables() {
    let inner = process("inner", &with("<userTask id=\"t\"/>"), &["s->t", "t->e"]);
    let outer =
        process("outer", &with("<callActivity id=\"c\" calledElement=\"inner\"/>"), &["s->c", "c->e"]);
    let mut one = Instance::start(library(&file(&format!("{outer}{inner}"))), "outer", "{\"a\": 1}");
    one.input(Input::Cancel).unwrap();
    assert_eq!(one.state.status, Status::Terminated);
    assert_eq!(one.happened(Happened::Cancelled), ["inner", "outer"]);
    assert!(one.state.tokens.is_empty() && one.state.scopes.len() == 1);
    assert_eq!(one.variable("a"), Value::from(1));
}

#[test]
fn instances_of_a_task_collect_their_results_in_order() {
    let task = "<userTask id=\"t\"><multiInstanceLoopCharacteristics><extensionElements>\
                <zeebe:loopCharacteristics inputCollection=\"= items\" inputElement=\"item\" \
                outputCollection=\"results\" outputElement=\"= item * factor\"/></extensionElements>\
                </multiInstanceLoopCharacteristics></userTask>";
    let mut one = Instance::of(
        &file(&process("p", &with(task), &["s->t", "t->e"])),
        "{\"items\": [1, 2, 3], \"factor\": 10}",
    );
    let jobs = one.jobs("t");
    assert_eq!(jobs.len(), 3);
    for job in jobs.into_iter().rev() {
        one.input(Input::Complete { job, variables: Context::new() }).unwrap();
    }
    assert!(one.completed());
    assert_eq!(serde_json::to_string(&one.variable("results")).unwrap(), "[10,20,30]");
    let mut wrong = Instance::of(&file(&process("p", &with(task), &["s->t", "t->e"])), "{\"items\": 7}");
    let (what, token) = wrong.incident().unwrap();
    assert_eq!(what, "`= items` gives `7`, which is no list");
    wrong
        .input(Input::Set { variables: crate::common::variables("{\"items\": [], \"factor\": 1}") })
        .unwrap();
    wrong.input(Input::Retry { token }).unwrap();
    assert!(wrong.completed());
}

#[test]
fn a_state_survives_being_written_and_read() {
    let nodes = with(
        "<parallelGateway id=\"f\"/><userTask id=\"a\"/><userTask id=\"b\"/><parallelGateway id=\"j\"/>",
    );
    let text = file(&process("p", &nodes, &["s->f", "f->a", "f->b", "a->j", "b->j", "j->e"]));
    let mut one = Instance::of(&text, "{\"n\": 1.5}");
    one.complete("a", "{}");
    let written = serde_json::to_string(&one.state).unwrap();
    one.state = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&one.state).unwrap(), written);
    assert!(one.complete("b", "{}").completed());
}
