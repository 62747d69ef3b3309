//! `#[derive(Event)]`.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Error, Field, Fields, GenericArgument, Ident, LitStr, PathArguments, Type, Variant,
    punctuated::Punctuated, spanned::Spanned,
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

/// Mistakes that were found. The code is made all the same, so that none of them is told again by the compiler
/// wherever the event is used.
#[derive(Default)]
struct Mistakes(Option<Error>);

impl Mistakes {
    fn add(&mut self, at: impl ToTokens, message: impl Display) {
        let error = Error::new_spanned(at, message);
        match &mut self.0 {
            Some(known) => known.combine(error),
            none => *none = Some(error),
        }
    }
}

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    if !input.generics.params.is_empty() {
        let message = "an event has no generics: its seals must mean one thing";
        return Error::new_spanned(&input.generics, message).to_compile_error();
    }
    let mut mistakes = Mistakes::default();
    let none = Punctuated::new();
    let found = match &input.data {
        Data::Enum(data) => &data.variants,
        _ => {
            mistakes.add(&input.ident, "an event is an enum: one variant for each thing the user can do");
            &none
        }
    };
    if found.len() > 255 {
        mistakes.add(&input.ident, "an event has at most 255 variants");
    }
    let name = &input.ident;
    let (mut variants, mut arms, mut constructors) = (Vec::new(), Vec::new(), Vec::new());
    let mut names: Vec<&Ident> = Vec::new();
    let mut taken: Vec<String> = Vec::new();
    let read: Vec<_> = found.iter().map(|variant| parts(variant, &mut mistakes)).collect();
    for (number, (variant, parts)) in found.iter().zip(&read).enumerate() {
        for part in parts.iter().filter(|part| part.source && !part.inputs) {
            if !names.contains(&&part.var) {
                names.push(&part.var);
            }
        }
        let number = number as u8;
        taken.push(snake(&variant.ident.to_string()));
        variants.push(describe(variant, parts));
        arms.push(open(variant, number, parts));
        constructors.push(constructor(input, variant, number, parts));
    }
    // Both would be `Event::name`, and the compiler's own words for that are of no help.
    names.retain(|both| {
        let is_free = !taken.contains(&both.to_string());
        if !is_free {
            mistakes.add(
                both,
                format!("the source `{both}` and the event of that name would both be `{name}::{both}`: rename one"),
            );
        }
        is_free
    });
    let mistakes = mistakes.0.map(|mistakes| mistakes.to_compile_error());
    let vis = &input.vis;
    let consts = names.iter().map(|constant| {
        let literal = LitStr::new(constant.to_string().trim_start_matches("r#"), constant.span());
        let doc = format!("The input `{}`.", literal.value());
        quote! {
            #[doc = #doc]
            #[allow(non_upper_case_globals, dead_code)]
            #vis const #constant: ::nitro::Source = ::nitro::Source(#literal);
        }
    });
    quote! {
        #mistakes

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
    }
}

fn parts<'a>(variant: &'a Variant, mistakes: &mut Mistakes) -> Vec<Part<'a>> {
    let fields = variant.fields.iter().enumerate();
    let parts = fields.map(|(number, field)| {
        let source = field.attrs.iter().find(|attr| attr.path().is_ident("source"));
        if let (Some(attr), None) = (source, &field.ident) {
            mistakes.add(attr, "a source needs a name, that of its input: use a variant with named fields");
        }
        let var = field.ident.clone().unwrap_or_else(|| format_ident!("field{number}"));
        let inputs = source.is_some() && is_inputs(&field.ty);
        Part { field, var, source: source.is_some(), inputs }
    });
    let parts: Vec<_> = parts.collect();
    if let Some(second) = parts.iter().filter(|part| part.inputs).nth(1) {
        mistakes.add(second.field, "a variant has one source of type `Inputs` at most");
    }
    parts
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
    let vars: Vec<_> = sealed.iter().map(|part| &part.var).collect();
    let unseal = if sealed.is_empty() {
        quote! { if !sealed.is_empty() { return ::core::result::Result::Err(::nitro::event::Unfit); } }
    } else {
        let codec = codec(number);
        quote! { let (#(#vars,)*) = Self::#codec.read(sealed)?; }
    };
    let sources: Vec<_> = parts.iter().filter(|part| part.source).collect();
    let mut at = 0_usize;
    let reads = sources.iter().map(|part| {
        let var = &part.var;
        let (method, ty) = reader(&part.field.ty);
        let span = ty.span();
        let read = quote_spanned! {span=> let #var = values.#method::<#ty>(#at); };
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
    let types: Vec<_> = sealed.iter().map(|part| &part.field.ty).collect();
    let codec = codec(number);
    // One place that names the types, so that one which cannot be sealed is told once.
    let named = (!sealed.is_empty()).then(|| {
        let span = types.first().map_or_else(Span::call_site, |ty| ty.span());
        quote_spanned! {span=>
            #[doc(hidden)]
            const #codec: ::nitro::__Codec<(#(#types,)*)> = ::nitro::__codec::<(#(#types,)*)>();
        }
    });
    let made = if sealed.is_empty() {
        quote!(::nitro::Postback::__new(#number))
    } else {
        quote!(::nitro::Postback::__of(#number, &Self::#codec, &(#(#vars,)*)))
    };
    let doc = format!("The event `{}`, to be bound to an element.", variant.ident);
    quote! {
        #named

        #[doc = #doc]
        #[allow(dead_code, clippy::self_named_constructors)]
        #vis fn #function(#(#vars: #types),*) -> ::nitro::Postback<Self> {
            #made
        }
    }
}

/// The constant that names how the sealed fields of a variant are written.
fn codec(number: u8) -> Ident {
    format_ident!("__FIELDS_{number}")
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
