//! A source without a name, which no input could have.

use nitro::prelude::*;

#[derive(Event)]
enum Ask {
    Name(#[source] String),
}

fn main() {}
