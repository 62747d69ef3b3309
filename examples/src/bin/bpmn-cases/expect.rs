//! Comparing a world with what a case expects of it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bpe::feel::Value;
use bpe::model::{GatewayKind, NodeKind};
use bpe::{Finding, Happened, Status};

use crate::case::{Case, Expect, Step};
use crate::world::World;

type Counts = BTreeMap<String, usize>;

/// Checks everything a case says at one moment.
pub(crate) fn check(world: &World, expected: &Expect) -> Result<(), String> {
    let first = world.instances.first().ok_or("no instance was started")?;
    if let Some(state) = &expected.state {
        check_state(first, state)?;
    }
    let started = world.history.iter().filter(|entry| entry.what == Happened::Started).count();
    let ended =
        world.history.iter().filter(|e| matches!(e.what, Happened::Ended | Happened::Cancelled)).count();
    same("instances", expected.instances.as_ref(), &started)?;
    same("open_instances", expected.open_instances.as_ref(), &(started - ended))?;

    let flows = flows(world);
    same("flows", expected.flows.as_ref().map(nonzero).as_ref(), &flows)?;
    for (id, least) in expected.flows_at_least.iter().flatten() {
        let taken = flows.get(id).copied().unwrap_or(0);
        if taken < *least {
            return Err(format!("flow `{id}` was taken {taken} times, expected at least {least}"));
        }
    }
    let entered = counts(world.happened(Happened::Entered, is_activity));
    same("activities", expected.activities.as_ref().map(nonzero).as_ref(), &entered)?;
    listed("activated", expected.activated.as_ref(), &entered)?;
    let ends = counts(world.happened(Happened::Completed, |kind| matches!(kind, NodeKind::End(_))));
    listed("end_events", expected.end_events.as_ref(), &ends)?;

    let waiting = counts(world.waiting());
    same("waiting", expected.waiting.as_ref().map(nonzero).as_ref(), &waiting)?;
    if let Some(ids) = &expected.waiting_ids {
        let (mut wanted, found): (Vec<&String>, Vec<&String>) =
            (ids.iter().collect(), waiting.keys().collect());
        wanted.sort();
        wanted.dedup();
        same("waiting_ids", Some(&wanted), &found)?;
    }
    let mut passed = world.happened(Happened::Completed, |_| true);
    passed.extend(world.happened(Happened::Triggered, |_| true));
    all("passed", expected.passed.as_ref(), &passed)?;
    all("terminated", expected.terminated.as_ref(), &world.happened(Happened::Terminated, |_| true))?;

    let order = world.happened(Happened::Completed, is_activity);
    same("order", expected.order.as_ref(), &order)?;
    if let Some(wanted) = &expected.order_of {
        let only: Vec<String> = order.into_iter().filter(|id| wanted.contains(id)).collect();
        same("order_of", Some(wanted), &only)?;
    }
    let variables = first.variables().cloned().unwrap_or_default();
    for (name, value) in expected.variables.iter().flatten() {
        let found = variables.get(&**name).cloned().unwrap_or(Value::Null);
        same(&format!("variable {name}"), Some(value), &found)?;
    }
    if let Some(name) = expected.no_variables.iter().flatten().find(|name| variables.contains_key(&***name)) {
        return Err(format!("there is a variable `{name}`"));
    }
    if let Some(place) = &expected.incident {
        let found = first.incidents().filter_map(|(_, token, _)| first.node(&world.library, token));
        let found: Vec<String> = found.map(|node| (*node.id).to_owned()).collect();
        all("incident", Some(&vec![place.element.clone()]), &found)?;
    }
    match &expected.rejected {
        Some(place) => Err(format!("the deployment was not refused for `{}`", place.element)),
        None => Ok(()),
    }
}

/// Checks a refused deployment.
pub(crate) fn refused(case: &Case, findings: &[Finding]) -> Result<(), String> {
    let said = || findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let expected = case.steps.iter().find_map(|step| match step {
        Step::Expect(expected) if expected.state.as_deref() == Some("rejected") => Some(expected),
        _ => None,
    });
    let expected = expected.ok_or_else(|| format!("the deployment was refused: {}", said()))?;
    match &expected.rejected {
        Some(place) if !findings.iter().any(|found| *found.element == *place.element) => {
            Err(format!("refused, but not for `{}`: {}", place.element, said()))
        }
        _ => Ok(()),
    }
}

fn check_state(first: &bpe::State, state: &str) -> Result<(), String> {
    let incident = first.incidents().next().map(|(_, _, incident)| incident.what.clone());
    let holds = match state {
        "active" => first.status == Status::Active && incident.is_none(),
        "completed" => first.status == Status::Completed,
        "terminated" => first.status == Status::Terminated,
        "ended" => first.status != Status::Active,
        "incident" => incident.is_some(),
        _ => false,
    };
    let found =
        format!("{:?}{}", first.status, incident.map(|what| format!(" ({what})")).unwrap_or_default());
    if holds { Ok(()) } else { Err(format!("state: expected {state}, found {found}")) }
}

/// Flows taken, without those the schema leaves out.
fn flows(world: &World) -> Counts {
    let taken = world.history.iter().filter(|entry| entry.what == Happened::Taken);
    let counted = taken.filter(|entry| {
        let process = world.library.latest(&entry.process);
        let found = process.and_then(|process| {
            let flow = process.flows.iter().find(|flow| flow.id == entry.element)?;
            Some((flow.anonymous, &process.node(flow.source).kind))
        });
        matches!(found, Some((false, kind)) if !matches!(kind, NodeKind::Gateway(GatewayKind::EventBased)))
    });
    counts(counted.map(|entry| (*entry.element).to_owned()))
}

fn is_activity(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::Task(..) | NodeKind::SubProcess { .. } | NodeKind::Call(_))
}

fn counts(ids: impl IntoIterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for id in ids {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

fn nonzero(counts: &Counts) -> Counts {
    counts.iter().filter(|(_, count)| **count > 0).map(|(id, count)| (id.clone(), *count)).collect()
}

fn same<T: PartialEq + Debug>(what: &str, expected: Option<&T>, found: &T) -> Result<(), String> {
    match expected {
        Some(expected) if expected != found => Err(format!("{what}: expected {expected:?}, found {found:?}")),
        _ => Ok(()),
    }
}

fn listed(what: &str, expected: Option<&Counts>, found: &Counts) -> Result<(), String> {
    for (id, count) in expected.into_iter().flatten() {
        same(&format!("{what} {id}"), Some(count), &found.get(id).copied().unwrap_or(0))?;
    }
    Ok(())
}

fn all(what: &str, expected: Option<&Vec<String>>, found: &[String]) -> Result<(), String> {
    match expected.into_iter().flatten().find(|id| !found.contains(id)) {
        Some(id) => Err(format!("{what}: `{id}` is not among {found:?}")),
        None => Ok(()),
    }
}
