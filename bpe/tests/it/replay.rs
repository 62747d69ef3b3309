//! Writing a state down and reading it back between any two steps changes nothing.

use crate::common::{Instance, file, process};
use bpe::{Input, Status};
use proptest::prelude::*;

fn text() -> String {
    let nodes = "<startEvent id=\"s\"/><endEvent id=\"e\"/><parallelGateway id=\"f\"/><inclusiveGateway id=\"j\"/>\
        <userTask id=\"a\"><multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality>\
        <completionCondition>= numberOfCompletedInstances = 2</completionCondition></multiInstanceLoopCharacteristics>\
        </userTask><subProcess id=\"u\"><startEvent id=\"us\"/><userTask id=\"b\"/>\
        <sequenceFlow id=\"uf\" sourceRef=\"us\" targetRef=\"b\"/></subProcess>\
        <boundaryEvent id=\"t\" attachedToRef=\"u\" cancelActivity=\"false\"><timerEventDefinition>\
        <timeCycle>R/PT1H</timeCycle></timerEventDefinition></boundaryEvent><userTask id=\"c\"/>\
        <boundaryEvent id=\"x\" attachedToRef=\"a\"><errorEventDefinition/></boundaryEvent>";
    file(&process("p", nodes, &["s->f", "f->a", "f->u", "a->j", "u->j", "t->c", "c->j", "x->j", "j->e"]))
}

/// Does the thing the number chooses: a job done, a job failed by an error, or an hour gone by.
fn act(one: &mut Instance, choice: u16) {
    let jobs: Vec<u64> = one.state.jobs().map(|(key, _)| key).collect();
    let job = jobs.get(usize::from(choice) % jobs.len().max(1)).copied();
    match (job, choice % 7) {
        (Some(job), 0) => {
            drop(one.input(Input::Throw { job, code: "E".into(), variables: Default::default() }))
        }
        (Some(job), 1..=4) => {
            let variables = crate::common::variables(&format!("{{\"n\": {choice}.25}}"));
            one.input(Input::Complete { job, variables }).unwrap();
        }
        _ => {
            let later = one.now + jiff::SignedDuration::from_hours(1);
            one.until(&later.to_string());
        }
    }
}

proptest! {
    #[test]
    fn a_state_is_the_same_after_a_restart(choices in prop::collection::vec(any::<u16>(), 0..40)) {
        let (mut plain, mut restarted) = (Instance::of(&text(), "{}"), Instance::of(&text(), "{}"));
        for choice in choices {
            if plain.state.status != Status::Active {
                break;
            }
            act(&mut plain, choice);
            let written = serde_json::to_string(&restarted.state).unwrap();
            restarted.state = serde_json::from_str(&written).unwrap();
            act(&mut restarted, choice);
            let states = [&plain, &restarted].map(|one| serde_json::to_string(&one.state).unwrap());
            prop_assert_eq!(&states[0], &states[1]);
        }
        prop_assert_eq!(plain.history, restarted.history);
    }
}
