//! An attribute that would run code, by a constant and by a string.

use nitro::prelude::*;

fn main() {
    let _ = span().attr(attr::ONCLICK, "alert(1)");
    let _ = span().attr("onclick", "alert(1)");
}
