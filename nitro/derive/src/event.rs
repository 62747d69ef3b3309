//! `#[derive(Event)]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Data, DeriveInput, Error, Field, Fields, GenericArgument, Ident, LitStr, PathArguments, Result, Type,
    Variant,
};

/// A field of a variant.
struct Part<'a> {
    field: &'a Field,
    /// The variable that holds it.
    var: Ident,
    source: bool,
    /// A source that stands for inputs which are named where the event is bound.
    inputs: bool,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "an event is an enum: one variant for each thing the user can do",
        ));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "an event has no generics: its seals must mean one thing",
        ));
    }
    if data.variants.len() > 255 {
        return Err(Error::new_spanned(&input.ident, "an event has at most 255 variants"));
    }
    let name = &input.ident;
    let (mut variants, mut arms, mut constructors) = (Vec::new(), Vec::new(), Vec::new());
    let mut names: Vec<(String, Span)> = Vec::new();
    let mut taken: Vec<String> = Vec::new();
    for (number, variant) in data.variants.iter().enumerate() {
        let parts = parts(variant)?;
        for part in parts.iter().filter(|part| part.source && !part.inputs) {
            let name = part.var.to_string();
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, part.var.span()));
            }
        }
        let number = number as u8;
        taken.push(snake(&variant.ident.to_string()));
        variants.push(describe(variant, &parts));
        arms.push(open(variant, number, &parts));
        constructors.push(constructor(input, variant, number, &parts));
    }
    // Both would be `Event::name`, and the compiler's own words for that are of no help.
    if let Some((both, span)) = names.iter().find(|(name, _)| taken.contains(name)) {
        return Err(Error::new(
            *span,
            format!(
                "the source `{both}` and the event of that name would both be `{name}::{both}`: rename one"
            ),
        ));
    }
    let vis = &input.vis;
    let consts = names.iter().map(|(name, span)| {
        let constant = Ident::new(name, *span);
        let literal = LitStr::new(name.trim_start_matches("r#"), *span);
        let doc = format!("The input `{}`.", literal.value());
        quote! {
            #[doc = #doc]
            #[allow(non_upper_case_globals, dead_code)]
            #vis const #constant: ::nitro::Source = ::nitro::Source(#literal);
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #name {
            #(#consts)*
            #(#constructors)*
        }

        #[automatically_derived]
        impl ::nitro::Event for #name {
            const VARIANTS: &'static [::nitro::Variant] = &[#(#variants),*];

            fn open(
                variant: u8,
                sealed: &[u8],
                values: &mut ::nitro::event::Values<'_, '_>,
            ) -> ::core::result::Result<Self, ::nitro::event::Unfit> {
                match variant {
                    #(#arms)*
                    _ => ::core::result::Result::Err(::nitro::event::Unfit),
                }
            }
        }
    })
}

fn parts(variant: &Variant) -> Result<Vec<Part<'_>>> {
    let fields = variant.fields.iter().enumerate();
    let parts = fields.map(|(number, field)| {
        let source = field.attrs.iter().find(|attr| attr.path().is_ident("source"));
        if let (Some(attr), None) = (source, &field.ident) {
            return Err(Error::new_spanned(
                attr,
                "a source needs a name, that of its input: use a variant with named fields",
            ));
        }
        let var = field.ident.clone().unwrap_or_else(|| format_ident!("field{number}"));
        let inputs = source.is_some() && is_inputs(&field.ty);
        Ok(Part { field, var, source: source.is_some(), inputs })
    });
    let parts: Vec<_> = parts.collect::<Result<_>>()?;
    if let Some(second) = parts.iter().filter(|part| part.inputs).nth(1) {
        return Err(Error::new_spanned(second.field, "a variant has one source of type `Inputs` at most"));
    }
    Ok(parts)
}

fn describe(variant: &Variant, parts: &[Part<'_>]) -> TokenStream {
    let name = variant.ident.to_string();
    let sources = parts
        .iter()
        .filter(|part| part.source && !part.inputs)
        .map(|part| part.var.to_string().trim_start_matches("r#").to_owned());
    let inputs = parts.iter().any(|part| part.inputs);
    let print = print(variant);
    quote!(::nitro::Variant { name: #name, sources: &[#(#sources),*], inputs: #inputs, print: #print })
}

/// The FNV-1a hash of a variant as it is written.
fn print(variant: &Variant) -> u64 {
    let (name, fields) = (&variant.ident, &variant.fields);
    let text = quote!(#name #fields).to_string();
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn open(variant: &Variant, number: u8, parts: &[Part<'_>]) -> TokenStream {
    let ident = &variant.ident;
    let sealed: Vec<_> = parts.iter().filter(|part| !part.source).collect();
    let (vars, types): (Vec<_>, Vec<_>) = sealed.iter().map(|part| (&part.var, &part.field.ty)).unzip();
    let unseal = if sealed.is_empty() {
        quote! { if !sealed.is_empty() { return ::core::result::Result::Err(::nitro::event::Unfit); } }
    } else {
        quote! { let (#(#vars,)*): (#(#types,)*) = ::nitro::event::__unseal(sealed)?; }
    };
    let sources: Vec<_> = parts.iter().filter(|part| part.source).collect();
    let mut at = 0_usize;
    let reads = sources.iter().map(|part| {
        let var = &part.var;
        let (method, ty) = reader(&part.field.ty);
        let read = quote! { let #var = values.#method::<#ty>(#at); };
        at += usize::from(!part.inputs);
        read
    });
    let reads: Vec<_> = reads.collect();
    let checks = sources.iter().map(|part| {
        let var = &part.var;
        quote! { let ::core::option::Option::Some(#var) = #var else { return ::core::result::Result::Err(::nitro::event::Unfit) }; }
    });
    let vars = parts.iter().map(|part| &part.var);
    let built = match &variant.fields {
        Fields::Named(_) => quote!(Self::#ident { #(#vars),* }),
        Fields::Unnamed(_) => quote!(Self::#ident(#(#vars),*)),
        Fields::Unit => quote!(Self::#ident),
    };
    quote! {
        #number => {
            #unseal
            #(#reads)*
            #(#checks)*
            ::core::result::Result::Ok(#built)
        }
    }
}

/// How a source of this type is read: one value, perhaps one, or many.
fn reader(ty: &Type) -> (Ident, &Type) {
    let inner = |wrapper: &str| {
        let Type::Path(path) = ty else { return None };
        let last = path.path.segments.last().filter(|segment| segment.ident == wrapper)?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        arguments.args.first().and_then(|argument| match argument {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        })
    };
    if let Some(inner) = inner("Option") {
        (format_ident!("__maybe"), inner)
    } else if let Some(inner) = inner("Vec") {
        (format_ident!("__many"), inner)
    } else if is_inputs(ty) {
        (format_ident!("__inputs"), ty)
    } else {
        (format_ident!("__one"), ty)
    }
}

fn is_inputs(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Inputs"))
}

fn constructor(input: &DeriveInput, variant: &Variant, number: u8, parts: &[Part<'_>]) -> TokenStream {
    let vis = &input.vis;
    let snake = snake(&variant.ident.to_string());
    // A variant such as `Move` has a keyword for its name in lower case.
    let plain = syn::parse_str::<Ident>(&snake).is_ok();
    let span = variant.ident.span();
    let function = if plain { Ident::new(&snake, span) } else { Ident::new_raw(&snake, span) };
    let sealed: Vec<_> = parts.iter().filter(|part| !part.source).collect();
    let vars: Vec<_> = sealed.iter().map(|part| &part.var).collect();
    let types = sealed.iter().map(|part| &part.field.ty);
    let empty = sealed.is_empty();
    let doc = format!("The event `{}`, to be bound to an element.", variant.ident);
    quote! {
        #[doc = #doc]
        #[allow(dead_code, clippy::self_named_constructors)]
        #vis fn #function(#(#vars: #types),*) -> ::nitro::Postback<Self> {
            ::nitro::Postback::__new(#number, &(#(&#vars,)*), #empty)
        }
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (at, char) in name.chars().enumerate() {
        if char.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.extend(char.to_lowercase());
    }
    out
}
