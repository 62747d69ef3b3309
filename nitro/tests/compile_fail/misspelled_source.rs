//! An input that no event reads.

use nitro::prelude::*;

#[derive(Event)]
#[expect(dead_code)]
enum Ask {
    Enter {
        #[source]
        user: String,
    },
}

fn main() {
    let _ = textbox(Ask::usr);
}
