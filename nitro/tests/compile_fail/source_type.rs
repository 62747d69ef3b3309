//! A source of a type that no text can be read into: one message, at the field.

use nitro::prelude::*;

struct Room;

#[derive(Event)]
enum Ask {
    Enter {
        #[source]
        room: Room,
    },
    Leave {
        #[source]
        room: Option<String>,
    },
}

fn main() {
    let _ = (textbox(Ask::room), Ask::enter());
}
