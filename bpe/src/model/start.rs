//! What starts a process from outside: the start events of its outermost level.

use std::sync::Arc;

use jiff::Timestamp;

use super::event::Trigger;
use super::node::NodeKind;
use super::process::Process;
use crate::Limits;
use crate::feel::{Context, Value};
use crate::timer::{self, Schedule};

/// A start event and what starts it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Start {
    /// The id of the start event.
    pub event: Arc<str>,
    /// What it waits for.
    pub on: StartOn,
}

/// What a start event waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StartOn {
    /// A call or a person.
    Plain,
    /// A message of that name.
    Message(Arc<str>),
    /// A signal of that name.
    Signal(Arc<str>),
    /// A time.
    Timer(Schedule),
}

impl Process {
    /// Whether a person or a call can start it: it has a start event without trigger, or no start event at
    /// all.
    pub fn has_plain_start(&self) -> bool {
        let mut starts = self.body.nodes.iter().filter_map(|id| match &self.node(*id).kind {
            NodeKind::Start { trigger, .. } => Some(matches!(trigger, Trigger::None)),
            _ => None,
        });
        let first = starts.next();
        first.is_none_or(|first| first || starts.any(|plain| plain))
    }

    /// The start events that can start it, with timers counted from `now`.
    pub fn starts(&self, now: Timestamp, limits: &Limits) -> Vec<Start> {
        let text = |expression: &super::Expression| match expression.evaluate(&Context::new(), now, limits) {
            Ok(answer) => match answer.value {
                Value::Text(text) => Some(text),
                _ => None,
            },
            Err(_) => None,
        };
        let start = |node: &super::Node| {
            let NodeKind::Start { trigger, .. } = &node.kind else { return None };
            let on = match trigger {
                Trigger::None => StartOn::Plain,
                Trigger::Message { name, .. } => StartOn::Message(text(name)?),
                Trigger::Signal(name) => StartOn::Signal(text(name)?),
                Trigger::Timer(timer) => {
                    let value = timer.value.as_ref()?.evaluate(&Context::new(), now, limits).ok()?.value;
                    StartOn::Timer(timer::schedule(timer.kind, &value, now).ok()?)
                }
                _ => return None,
            };
            Some(Start { event: node.id.clone(), on })
        };
        self.body.nodes.iter().filter_map(|id| start(self.node(*id))).collect()
    }
}
