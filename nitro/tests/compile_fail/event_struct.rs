//! An event that is no enum.

use nitro::prelude::*;

#[derive(Event)]
struct Enter {
    user: String,
}

fn main() {
    let _ = Enter { user: String::new() }.user;
}
