//! What can be put into an instance, and the two entry points.

use jiff::Timestamp;

use super::run::Run;
use crate::effect::{Effect, Happened};
use crate::feel::Context;
use crate::library::Library;
use crate::model::NodeKind;
use crate::scope::Scope;
use crate::state::{Incident, Key, On, Pin, Resume, State, Status, Wait};
use crate::{Error, Limits, Result};

/// An input to an instance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// A job is done.
    Complete {
        /// The job.
        job: Key,
        /// What it gave.
        variables: Context,
    },
    /// A job failed.
    Fail {
        /// The job.
        job: Key,
        /// Why.
        what: String,
        /// How often it may be tried again; with none left it becomes an incident.
        retries: u32,
    },
    /// A job ended in a BPMN error.
    Throw {
        /// The job.
        job: Key,
        /// The code of the error.
        code: String,
        /// What it carries.
        variables: Context,
    },
    /// What a subscription waits for came: a message, a timer, or a hand.
    Fire {
        /// The subscription.
        subscription: Key,
        /// What it carries.
        variables: Context,
    },
    /// The event, boundary event or receive task of that id is triggered by hand, whatever it waits for.
    Trigger {
        /// The id.
        element: String,
        /// What it carries.
        variables: Context,
    },
    /// A signal was sent.
    Signal {
        /// Its name.
        name: String,
        /// What it carries.
        variables: Context,
    },
    /// Variables are set from outside, in the root scope.
    Set {
        /// The variables.
        variables: Context,
    },
    /// What caused an incident is mended: the token goes on.
    Retry {
        /// The token.
        token: Key,
    },
    /// The instance is cancelled.
    Cancel,
}

/// Starts an instance of the newest version of a process: at the start event `event`, or at the one without
/// trigger.
pub fn start(
    library: &Library,
    limits: &Limits,
    process: &str,
    event: Option<&str>,
    variables: Context,
    now: Timestamp,
) -> Result<(State, Vec<Effect>)> {
    let process = library.latest(process).ok_or_else(|| Error::NoProcess { id: process.to_owned() })?;
    let none = || Error::NoStart { process: (*process.id).to_owned(), event: event.map(str::to_owned) };
    let event = match event {
        Some(id) => {
            let node = process.find(id).ok_or_else(none)?;
            let starts = matches!(process.node(node).kind, NodeKind::Start { .. })
                && process.node(node).parent.is_none();
            Some(if starts { node } else { return Err(none()) })
        }
        None if process.has_plain_start() => None,
        None => return Err(none()),
    };
    let mut state = State::default();
    let mut run = Run::new(library, limits, &mut state, now)?;
    run.add_process(process.clone());
    run.state.processes.push(Pin { id: process.id.clone(), version: process.version });
    let mut root = Scope::new(None, None, 0, None);
    root.variables = variables.into_iter().map(|(name, value)| (name, value.into_data())).collect();
    let key = run.key();
    run.state.scopes.insert(key, root);
    run.process_entry(Happened::Started, key);
    run.begin(key, event);
    let effects = run.settle();
    Ok((state, effects))
}

/// Puts an input into an instance. On an error the state is as it was: everything is checked before the first
/// change.
pub fn step(
    library: &Library,
    limits: &Limits,
    state: &mut State,
    input: Input,
    now: Timestamp,
) -> Result<Vec<Effect>> {
    if state.status != Status::Active {
        return Err(Error::Ended);
    }
    let mut run = Run::new(library, limits, state, now)?;
    match input {
        Input::Complete { job, variables } => {
            run.job(job)?;
            run.effects.push(Effect::JobClosed(job));
            run.finish(job, variables);
        }
        Input::Fail { job, what, retries } => {
            run.job(job)?;
            if retries > 0 {
                run.entry(Happened::Failed, job, Some(what));
                run.wait(job, Wait::Job { retries });
                run.effects.push(Effect::JobOpened(job));
            } else {
                run.effects.push(Effect::JobClosed(job));
                run.incident(job, what, Resume::Job);
            }
        }
        Input::Throw { job, code, variables } => {
            run.job(job)?;
            run.effects.push(Effect::JobClosed(job));
            run.raise(job, Some(&code), variables, Resume::Job);
        }
        Input::Fire { subscription, variables } => {
            if !run.state.subscriptions.contains_key(&subscription) {
                return Err(Error::NotWaiting { what: subscription.to_string() });
            }
            run.fire(subscription, variables);
        }
        Input::Trigger { element, variables } => run.trigger(&element, variables)?,
        Input::Signal { name, variables } => run.signal(&name, &variables),
        Input::Set { variables } => {
            let root = run.state.scopes.keys().next().copied();
            for (name, value) in &variables {
                if let Some(root) = root {
                    run.set(None, root, name, value.clone());
                }
            }
        }
        Input::Retry { token } => run.retry(token)?,
        Input::Cancel => run.cancel(),
    }
    Ok(run.settle())
}

impl Run<'_> {
    fn job(&self, key: Key) -> Result<()> {
        match self.state.tokens.get(&key).map(|token| &token.wait) {
            Some(Wait::Job { .. }) => Ok(()),
            _ => Err(Error::NoJob { key }),
        }
    }

    fn retry(&mut self, key: Key) -> Result<()> {
        let missing = || Error::NotWaiting { what: format!("incident {key}") };
        let token = self.state.tokens.get_mut(&key).ok_or_else(missing)?;
        let Wait::Incident(Incident { resume, .. }) = &token.wait else { return Err(missing()) };
        let resume = *resume;
        token.wait = Wait::Ready;
        self.entry(Happened::Resolved, key, None);
        match resume {
            Resume::Enter => self.queue.push_back(key),
            Resume::Job => self.open_job(key),
            Resume::Complete => self.complete(key),
            Resume::Leave => self.leave(key),
            Resume::Subscribe => self.subscribe_again(key),
            Resume::Repeat => self.begin_rounds(key),
            Resume::Round => self.round_done(key),
        }
        Ok(())
    }

    /// By hand, whatever the event waits for: first what is subscribed, then boundary events and event
    /// sub-processes that are only looked for when something is thrown.
    fn trigger(&mut self, element: &str, variables: Context) -> Result<()> {
        let of = |run: &Self, key: Key| {
            let subscription = run.state.subscriptions.get(&key)?;
            Some(run.process_of(subscription.scope).node(subscription.node).id.clone())
        };
        let keys: Vec<Key> = self.state.subscriptions.keys().copied().collect();
        if let Some(key) = keys.into_iter().find(|key| of(self, *key).as_deref() == Some(element)) {
            if let Some(subscription) = self.state.subscriptions.get_mut(&key)
                && let On::Condition { was } = &mut subscription.on
            {
                *was = true;
            }
            self.fire(key, variables);
            return Ok(());
        }
        let waiting = || Error::NotWaiting { what: element.to_owned() };
        let catch = self.find_catch(element).ok_or_else(waiting)?;
        self.caught(catch, variables);
        Ok(())
    }
}
