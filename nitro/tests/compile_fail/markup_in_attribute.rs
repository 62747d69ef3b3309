//! Markup where text is expected.

use maud::html;
use nitro::prelude::*;

fn main() {
    let _ = span().attr(attr::TITLE, html! { b { "bold" } });
}
