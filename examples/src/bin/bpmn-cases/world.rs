//! A world of instances in memory: a clock that only moves when told, and the delivery of messages, signals
//! and timers between instances. It stands in for the engine, whose store and clock the cases do not need.

use bpe::feel::{Context, Value};
use bpe::model::{NodeKind, Process, StartOn};
use bpe::{
    Effect, Entry, Happened, Input, Key, Library, Limits, On, Schedule, State, Status, Wait, start, step,
};
use jiff::{Span, Timestamp};

use crate::case::Auto;

/// How many jobs may complete by themselves between two steps of a case.
const AUTOMATIC: usize = 100_000;

/// Everything a case created.
pub(crate) struct World {
    pub(crate) library: Library,
    pub(crate) instances: Vec<State>,
    pub(crate) history: Vec<Entry>,
    pub(crate) limits: Limits,
    processes: Vec<Process>,
    now: Timestamp,
    start_timers: Vec<(String, String, Schedule)>,
}

/// Something to be delivered after a step.
enum Sent {
    Signal { from: Option<usize>, name: String, variables: Context },
    Message { name: String, key: Option<Value>, variables: Context },
}

impl World {
    pub(crate) fn new(processes: Vec<Process>, limits: Limits) -> Self {
        let now = "2026-01-01T00:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let mut start_timers = Vec::new();
        for process in &processes {
            for found in process.starts(now, &limits) {
                if let StartOn::Timer(schedule) = found.on {
                    start_timers.push(((*process.id).to_owned(), (*found.event).to_owned(), schedule));
                }
            }
        }
        let (instances, history) = (Vec::new(), Vec::new());
        let mut world =
            Self { library: Library::new(), instances, history, limits, processes, now, start_timers };
        world.load();
        world
    }

    fn load(&mut self) {
        self.library = Library::new();
        for process in &self.processes {
            self.library.add(process.clone());
        }
    }

    pub(crate) fn start(
        &mut self,
        process: &str,
        event: Option<&str>,
        variables: Context,
    ) -> Result<(), String> {
        let (state, effects) = start(&self.library, &self.limits, process, event, variables, self.now)
            .map_err(|error| error.to_string())?;
        self.instances.push(state);
        self.done(Some(self.instances.len() - 1), effects)
    }

    pub(crate) fn input(&mut self, instance: usize, input: Input) -> Result<(), String> {
        let state = &mut self.instances[instance];
        let effects =
            step(&self.library, &self.limits, state, input, self.now).map_err(|error| error.to_string())?;
        self.done(Some(instance), effects)
    }

    fn done(&mut self, instance: Option<usize>, effects: Vec<Effect>) -> Result<(), String> {
        let mut sent = Vec::new();
        for effect in effects {
            match effect {
                Effect::Happened(entry) => self.history.push(entry),
                Effect::Signal { name, variables } => {
                    sent.push(Sent::Signal { from: instance, name: (*name).to_owned(), variables });
                }
                Effect::Message { name, key, variables } if !name.is_empty() => {
                    sent.push(Sent::Message { name: (*name).to_owned(), key, variables });
                }
                _ => {}
            }
        }
        for one in sent {
            match one {
                Sent::Signal { from, name, variables } => self.broadcast(from, &name, &variables)?,
                Sent::Message { name, key, variables } => self.publish(&name, key.as_ref(), &variables)?,
            }
        }
        Ok(())
    }

    pub(crate) fn signal(&mut self, name: &str) -> Result<(), String> {
        self.broadcast(None, name, &Context::new())
    }

    fn broadcast(&mut self, from: Option<usize>, name: &str, variables: &Context) -> Result<(), String> {
        for at in 0..self.instances.len() {
            if Some(at) != from && self.instances[at].status == Status::Active {
                self.input(at, Input::Signal { name: name.to_owned(), variables: variables.clone() })?;
            }
        }
        self.start_by(variables, |on| matches!(on, StartOn::Signal(known) if **known == *name))
    }

    pub(crate) fn publish(
        &mut self,
        message: &str,
        key: Option<&Value>,
        variables: &Context,
    ) -> Result<(), String> {
        for at in 0..self.instances.len() {
            let matches = |on: &On| match on {
                On::Message { name, key: own } => {
                    **name == *message && (key.is_none() || own.as_ref() == key)
                }
                _ => false,
            };
            let mut found = self.instances[at].subscriptions.iter().filter(|(_, found)| matches(&found.on));
            if let Some((subscription, _)) = found.next() {
                let subscription = *subscription;
                self.input(at, Input::Fire { subscription, variables: variables.clone() })?;
            }
        }
        self.start_by(variables, |on| matches!(on, StartOn::Message(known) if **known == *message))
    }

    fn start_by(&mut self, variables: &Context, matches: impl Fn(&StartOn) -> bool) -> Result<(), String> {
        let mut found = Vec::new();
        for process in self.library.all() {
            let starts =
                process.starts(self.now, &self.limits).into_iter().filter(|start| matches(&start.on));
            found.extend(starts.map(|start| (process.id.clone(), start.event)));
        }
        for (process, event) in found {
            self.start(&process, Some(&event), variables.clone())?;
        }
        Ok(())
    }

    /// Moves the clock, firing what is due in the order of its time.
    pub(crate) fn advance(&mut self, duration: &str) -> Result<(), String> {
        let span: Span = duration.parse().map_err(|error| format!("{duration}: {error}"))?;
        let until = self
            .now
            .to_zoned(jiff::tz::TimeZone::UTC)
            .checked_add(span)
            .map_err(|error| error.to_string())?;
        let until = until.timestamp();
        loop {
            let timers = self.instances.iter().enumerate().flat_map(|(at, state)| {
                state.subscriptions.iter().filter_map(move |(key, found)| match &found.on {
                    On::Timer(schedule) => Some((schedule.due, at, *key)),
                    _ => None,
                })
            });
            let next = timers.min();
            let starts =
                self.start_timers.iter().enumerate().map(|(at, (_, _, schedule))| (schedule.due, at)).min();
            match (next, starts) {
                (next, Some((due, at))) if due <= until && next.is_none_or(|(other, ..)| due <= other) => {
                    self.now = self.now.max(due);
                    let (process, event, schedule) = self.start_timers[at].clone();
                    match schedule.next() {
                        Some(next) => self.start_timers[at].2 = next,
                        None => drop(self.start_timers.remove(at)),
                    }
                    self.start(&process, Some(&event), Context::new())?;
                }
                (Some((due, at, subscription)), _) if due <= until => {
                    self.now = self.now.max(due);
                    self.input(at, Input::Fire { subscription, variables: Context::new() })?;
                }
                _ => break,
            }
        }
        self.now = until;
        Ok(())
    }

    /// Makes a gateway take exactly these flows from now on.
    pub(crate) fn decide(&mut self, gateway: &str, flows: &[String]) {
        for process in &mut self.processes {
            let Some(id) = process.find(gateway) else { continue };
            process.decide(id, |flow| flows.iter().any(|taken| **taken == *flow.id));
        }
        self.load();
    }

    /// The waiting jobs at an element, as instance and key.
    pub(crate) fn jobs(&self, element: impl Fn(&str) -> bool) -> Vec<(usize, Key)> {
        let mut found = Vec::new();
        for (at, state) in self.instances.iter().enumerate() {
            for (key, token) in state.jobs() {
                if state.node(&self.library, token).is_some_and(|node| element(&node.id)) {
                    found.push((at, key));
                }
            }
        }
        found
    }

    /// Completes the jobs that complete by themselves.
    pub(crate) fn run_jobs(&mut self, auto: &Auto, wait: &[String]) -> Result<(), String> {
        for _ in 0..AUTOMATIC {
            let automatic = |id: &str| match auto {
                Auto::All(all) => *all && !wait.iter().any(|wait| wait == id),
                Auto::Some(ids) => ids.iter().any(|known| known == id),
            };
            let Some((instance, job)) = self.jobs(automatic).into_iter().next() else { return Ok(()) };
            self.input(instance, Input::Complete { job, variables: Context::new() })?;
        }
        Err("the jobs never end".to_owned())
    }

    /// Where the world waits: jobs, receive tasks, catching events and event-based gateways.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let mut found = Vec::new();
        for state in &self.instances {
            for token in state.tokens.values() {
                if matches!(token.wait, Wait::Job { .. } | Wait::Event)
                    && let Some(node) = state.node(&self.library, token)
                {
                    found.push((*node.id).to_owned());
                }
            }
        }
        found
    }

    /// The entries of one kind about elements for which `which` holds.
    pub(crate) fn happened(&self, what: Happened, which: impl Fn(&NodeKind) -> bool) -> Vec<String> {
        let entries = self.history.iter().filter(|entry| entry.what == what);
        let found = entries.filter(|entry| {
            let process = self.library.latest(&entry.process);
            let node = process.and_then(|process| Some(process.node(process.find(&entry.element)?)));
            node.is_some_and(|node| which(&node.kind))
        });
        found.map(|entry| (*entry.element).to_owned()).collect()
    }
}
