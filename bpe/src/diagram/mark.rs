//! Where the tokens are: marks by element, made from a state and a history.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::layout::Drawn;
use super::svg::Svg;
use crate::effect::{Entry, Happened};
use crate::library::Library;
use crate::state::{State, Wait};

/// What is known about an element of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mark {
    /// It was passed, and no token is there now.
    Passed,
    /// A token is there.
    Active,
    /// A token is stopped there.
    Incident,
}

impl Mark {
    /// The class an element gets.
    pub fn class(self) -> &'static str {
        match self {
            Self::Passed => "is-passed",
            Self::Active => "is-active",
            Self::Incident => "is-incident",
        }
    }
}

/// The marks of a drawing.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    marks: BTreeMap<Arc<str>, (Mark, usize)>,
}

impl Marks {
    /// Where the tokens of an instance are, within one of the processes it runs.
    pub fn of_state(state: &State, library: &Library, process: &str) -> Self {
        let mut marks = Self::default();
        for token in state.tokens.values() {
            let Some(running) = state.process(library, token.scope).filter(|running| *running.id == *process)
            else {
                continue;
            };
            let mark = if matches!(token.wait, Wait::Incident(_)) { Mark::Incident } else { Mark::Active };
            // The token around the instances of a loop is none of them.
            let inner = matches!(&token.wait, Wait::Scope(scope)
                if state.scopes.get(scope).is_some_and(|scope| scope.repeats(token.node)));
            marks.add(running.node(token.node).id.clone(), mark, usize::from(!inner));
        }
        marks
    }

    /// Also marks what a history says was passed.
    #[must_use]
    pub fn passed<'a>(mut self, history: impl IntoIterator<Item = &'a Entry>) -> Self {
        for entry in history {
            if matches!(entry.what, Happened::Completed | Happened::Taken | Happened::Triggered) {
                self.add(entry.element.clone(), Mark::Passed, 0);
            }
        }
        self
    }

    /// Marks an element; the graver mark wins.
    pub fn add(&mut self, element: impl Into<Arc<str>>, mark: Mark, tokens: usize) {
        let (known, count) = self.marks.entry(element.into()).or_insert((mark, 0));
        *known = (*known).max(mark);
        *count += tokens;
    }

    /// The mark of an element.
    pub fn of(&self, element: &str) -> Option<Mark> {
        self.marks.get(element).map(|(mark, _)| *mark)
    }

    /// The number to write on an element: only where it says more than the mark.
    pub fn count(&self, element: &str) -> Option<usize> {
        self.marks.get(element).map(|(_, count)| *count).filter(|count| *count > 1)
    }
}

/// The number of tokens, in the upper right corner.
pub(super) fn badge(svg: &mut Svg, drawn: &Drawn, count: usize) {
    let Drawn::Shape { bounds, .. } = drawn else { return };
    let (x, y) = (bounds.x + bounds.width, bounds.y);
    svg.open("circle")
        .attr("class", "bpmn-badge")
        .num("cx", x)
        .num("cy", y)
        .num("r", 9.0)
        .attr("fill", "#236")
        .end();
    svg.open("text")
        .attr("class", "bpmn-badge-text")
        .num("x", x)
        .num("y", y + 4.0)
        .attr("text-anchor", "middle");
    svg.attr("fill", "#fff").text(&count.to_string()).close("text");
}
