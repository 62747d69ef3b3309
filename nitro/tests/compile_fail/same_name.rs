//! A source and an event of the same name.

use nitro::prelude::*;

#[derive(Event)]
enum Ask {
    Name {
        #[source]
        name: String,
    },
}

fn main() {}
