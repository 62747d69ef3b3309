//! Running the steps of a case against a world.

use bpe::feel::Context;
use bpe::{Input, Limits};

use crate::case::{Case, Step};
use crate::deploy::Deployed;
use crate::expect;
use crate::world::World;

/// Runs a case; the error is the reason it fails.
pub(crate) fn run(case: &Case, deployed: Deployed) -> Result<(), String> {
    let processes = match deployed {
        Deployed::Processes(processes) => processes,
        Deployed::Refused(findings) => return expect::refused(case, &findings),
        Deployed::Unsupported(elements) => return Err(format!("needs {}", elements.join(", "))),
    };
    let mut world = World::new(processes, Limits::default());
    for (at, one) in case.steps.iter().enumerate() {
        let done = act(&mut world, case, one).and_then(|()| world.run_jobs(&case.auto, &case.wait));
        let done = done.and_then(|()| match one {
            Step::Expect(expected) => expect::check(&world, expected),
            _ => Ok(()),
        });
        done.map_err(|why| format!("step {}: {why}", at + 1))?;
    }
    Ok(())
}

fn act(world: &mut World, case: &Case, one: &Step) -> Result<(), String> {
    match one {
        Step::Start { process, event, variables } => {
            world.start(process.as_ref().unwrap_or(&case.process), event.as_deref(), variables.clone())
        }
        Step::Complete { element, variables, times } => {
            for _ in 0..times.unwrap_or(1) {
                let job = world.jobs(|id| id == element).into_iter().next();
                let (instance, job) = job.ok_or_else(|| format!("no job waits at `{element}`"))?;
                world.input(instance, Input::Complete { job, variables: variables.clone() })?;
                world.run_jobs(&case.auto, &case.wait)?;
            }
            Ok(())
        }
        Step::Drain { elements } => {
            while let Some((instance, job)) =
                world.jobs(|id| elements.iter().any(|e| e == id)).into_iter().next()
            {
                world.input(instance, Input::Complete { job, variables: Context::new() })?;
                world.run_jobs(&case.auto, &case.wait)?;
            }
            Ok(())
        }
        Step::ThrowError { element, code } => {
            let job = world.jobs(|id| id == element).into_iter().next();
            let (instance, job) = job.ok_or_else(|| format!("no job waits at `{element}`"))?;
            world.input(instance, Input::Throw { job, code: code.clone(), variables: Context::new() })
        }
        Step::Publish { message, key, variables } => world.publish(message, key.as_ref(), variables),
        Step::Signal { name } => world.signal(name),
        Step::Advance { duration } => world.advance(duration),
        Step::SetVariables { variables } => world.input(0, Input::Set { variables: variables.clone() }),
        Step::Trigger { element, times } => {
            for _ in 0..times.unwrap_or(1) {
                trigger(world, element)?;
                world.run_jobs(&case.auto, &case.wait)?;
            }
            Ok(())
        }
        Step::Decide { gateway, flows } => {
            world.decide(gateway, flows);
            Ok(())
        }
        Step::Cancel => world.input(0, Input::Cancel),
        Step::Expect(_) => Ok(()),
    }
}

fn trigger(world: &mut World, element: &str) -> Result<(), String> {
    if let Some((instance, job)) = world.jobs(|id| id == element).into_iter().next() {
        return world.input(instance, Input::Complete { job, variables: Context::new() });
    }
    let mut error = "there is no instance".to_owned();
    for at in 0..world.instances.len() {
        let input = Input::Trigger { element: element.to_owned(), variables: Context::new() };
        match world.input(at, input) {
            Ok(()) => return Ok(()),
            Err(why) => error = why,
        }
    }
    Err(error)
}
