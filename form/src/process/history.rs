//! The history of an instance as people read it.

use bpe::{Entry, Happened, Step, model::Process};
use maud::{Markup, html};
use nitro::prelude::*;

use super::{service::Processes, text::text};

/// Most steps that are shown; the newest.
const MOST: usize = 200;

/// The steps, the newest first.
pub(crate) fn show(processes: &Processes, process: &Process, steps: &[(u64, Step)], lang: &str) -> Markup {
    html! {
        @for (position, step) in steps.iter().rev().take(MOST) {
            @let told: Vec<&Entry> = step.entries.iter().filter(|entry| tells(process, entry)).collect();
            @if !told.is_empty() {
                (li().id(format!("h.{position}")).body(html! {
                    p class="by" {
                        (time(u64::try_from(step.at.as_millisecond()).unwrap_or_default()))
                        " "
                        @match &step.by { Some(by) => b { bdi { (by) } }, None => span { (text(lang).engine) } }
                    }
                    ul {
                        @for entry in told {
                            li class=(class(entry.what)) {
                                (name(processes, process, entry, lang)) ": " (word(entry.what, lang))
                                @if let Some(detail) = &entry.detail { " " em { (detail) } }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn name<'a>(processes: &'a Processes, process: &'a Process, entry: &'a Entry, lang: &str) -> &'a str {
    if *entry.element == *entry.process && *entry.process == *process.id {
        return processes.name(process, lang);
    }
    processes.element(process, &entry.element, lang)
}

/// Flows and gateways are to be seen in the diagram; people want to read of work and of events.
fn tells(process: &Process, entry: &Entry) -> bool {
    let node = process.find(&entry.element).map(|node| process.node(node));
    let work = node.is_none_or(|node| node.is_activity() || node.trigger().is_some());
    match entry.what {
        Happened::Taken => false,
        Happened::Entered | Happened::Completed | Happened::Terminated => work && !entry.element.is_empty(),
        _ => true,
    }
}

fn class(what: Happened) -> &'static str {
    match what {
        Happened::Raised | Happened::Failed => "bad",
        Happened::Completed | Happened::Ended | Happened::Resolved => "good",
        _ => "",
    }
}

fn word(what: Happened, lang: &str) -> &'static str {
    let t = text(lang);
    match what {
        Happened::Started => t.did_start,
        Happened::Ended => t.did_end,
        Happened::Cancelled => t.did_cancel,
        Happened::Entered => t.did_enter,
        Happened::Completed => t.did_complete,
        Happened::Terminated => t.did_leave,
        Happened::Triggered => t.did_trigger,
        Happened::Raised => t.did_raise,
        Happened::Resolved => t.did_resolve,
        Happened::Failed => t.did_fail,
        _ => "",
    }
}
