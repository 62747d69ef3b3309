//! What clients do on each page at each of their turns, and what they want to see then.

use super::{
    client::Step,
    pages::{PAIRS, value},
};

/// Presses the button of a counter.
pub(crate) fn inc(turn: u64, step: &mut Step) {
    step.on("inc").shows(turn);
}

/// Completes the task of a process.
pub(crate) fn complete(turn: u64, step: &mut Step) {
    step.on("complete").shows(turn);
}

/// Types into one input after the other, and presses one button after the other, in turn.
pub(crate) fn many(turn: u64, step: &mut Step) {
    let pairs = PAIRS as u64;
    let (at, round) = (turn / 2 % pairs, turn / 2 / pairs);
    if turn.is_multiple_of(2) {
        step.on(format_args!("i{at}")).sends(format_args!("text {turn}")).shows(format_args!("text {turn}"));
    } else {
        step.on(format_args!("b{at}")).shows(format_args!("pressed {}<", round + 1));
    }
}

/// Changes all fields of a form, and looks at the first and the last.
pub(crate) fn form(turn: u64, step: &mut Step) {
    step.on("recalc").shows(value(turn, 0)).shows(value(turn, 59));
}

/// Changes one field of a form after the other.
pub(crate) fn field(turn: u64, step: &mut Step) {
    let (field, round) = ((turn - 1) % 60, (turn - 1) / 60 + 1);
    step.on("recalc").shows(value(round, field));
}

/// Changes one part of a form after the other, and looks at its first and its last field.
pub(crate) fn part(turn: u64, step: &mut Step) {
    let (part, round) = ((turn - 1) % 6, (turn - 1) / 6 + 1);
    step.on("recalc").shows(value(round, part * 10)).shows(value(round, part * 10 + 9));
}

/// Touches a row of a list.
pub(crate) fn touch(turn: u64, step: &mut Step) {
    step.on("touch").shows(format_args!("Row</td><td>{turn}<"));
}

/// Appends a row to a list.
pub(crate) fn append(turn: u64, step: &mut Step) {
    step.on("append").shows(format_args!("New</td><td>{turn}<"));
}

/// Halves a list, or restores it.
pub(crate) fn halve(turn: u64, step: &mut Step) {
    step.on("turn").shows(format_args!("turn {turn}"));
}
