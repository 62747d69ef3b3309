//! A text where a checked address is expected.

use nitro::prelude::*;

fn main() {
    let to = String::from("javascript:alert(1)");
    let _ = link("Click", to);
    let _ = url!("javascript:alert(1)");
}
