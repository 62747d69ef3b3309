//! The `Event` derive and the `url!` macro of nitro; their output is plain code.

mod event;
mod url;

use proc_macro::TokenStream;

/// Makes an enum an event: a constructor for each variant that takes the fields to be sealed, and a
/// constant for each `#[source]` field that names its input.
#[proc_macro_derive(Event, attributes(source))]
pub fn event(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    event::derive(&input).into()
}

/// Makes a `Url` from a path like `"/chat/{room}"`: each value in braces is percent-encoded.
#[proc_macro]
pub fn url(input: TokenStream) -> TokenStream {
    let text = syn::parse_macro_input!(input as syn::LitStr);
    url::expand(&text).unwrap_or_else(|error| error.to_compile_error()).into()
}
