//! A field that is sealed into the page, of a type that cannot be written: one message, at the field.

use nitro::prelude::*;

struct Id(u64);

#[derive(Event)]
enum Row {
    Remove { row: u64, id: Id },
}

fn main() {
    let _ = Row::remove(7, Id(7));
}
