//! `url!`: a path with values in braces.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Ident, LitStr, Result};

pub(crate) fn expand(text: &LitStr) -> Result<TokenStream> {
    let path = text.value();
    let fail = |message: &str| Error::new(text.span(), message);
    let local = path.starts_with('/') && !path.starts_with("//");
    if !(local || ["https://", "http://"].iter().any(|scheme| path.starts_with(scheme))) {
        return Err(fail("a URL begins with `/`, `https://` or `http://`"));
    }
    if path.bytes().any(|byte| byte <= b' ' || byte == b'\\' || !byte.is_ascii()) {
        return Err(fail(
            "a URL holds no blanks, backslashes or letters beyond ASCII: write them percent-encoded",
        ));
    }
    let mut parts = Vec::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| fail("a `{` without its `}`"))?;
        let name: Ident = syn::parse_str(name).map_err(|_| {
            fail(&format!("expected the name of a variable between the braces, found `{name}`"))
        })?;
        let name = Ident::new(&name.to_string(), text.span());
        parts.push(quote!(url.push_str(#before);));
        let query = path[..path.len() - after.len()].contains('?');
        parts.push(if query {
            quote!(::nitro::__encode(&mut url, &#name);)
        } else {
            quote!(::nitro::__segment(&mut url, &#name);)
        });
        rest = after;
    }
    if rest.contains('}') {
        return Err(fail("a `}` without its `{`"));
    }
    Ok(quote! {{
        let mut url = ::std::string::String::new();
        #(#parts)*
        url.push_str(#rest);
        ::nitro::Url::__of(url)
    }})
}
