//! What the demo's pages have in common: the bar on top, and the avatar of a name.

use maud::html;
use nitro::prelude::*;

use crate::text::text;

/// The bar on top: the way home, and what the page puts at its end.
pub(crate) fn bar(cx: &n2o::Cx, end: &Markup) -> Markup {
    html! {
        header class="bar" {
            (link("N2O", url!("/")).class("brand").attr(attr::ARIA_LABEL, text(cx.lang()).home))
            (end)
        }
    }
}

/// A round mark with the initials of a name, in one of eight colours that follow from the name.
pub(crate) fn avatar(name: &str) -> Markup {
    let words = name.split(|char: char| !char.is_alphanumeric());
    let initials: String =
        words.filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).take(3).collect();
    let colour = name.bytes().fold(5_381_u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(byte)) % 8;
    html! { span class={ "avatar c" (colour) } aria-hidden="true" { (initials) } }
}
