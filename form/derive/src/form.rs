//! The derive: reads the struct, checks its wiring, and writes the code that builds the document.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Fields, Ident, Lit, LitStr, Path, RangeLimits, Result,
};

use crate::{
    condition::{Known, condition, constant},
    field::{Call, Grant, Part, grant, roles},
};

/// What the attributes of the struct say.
#[derive(Default)]
struct Whole {
    labels: Option<Path>,
    table: Option<LitStr>,
    public: bool,
    read: Vec<LitStr>,
    write: Vec<Grant>,
    delete: Vec<Grant>,
}

impl Whole {
    fn new(attrs: &[Attribute]) -> Result<Self> {
        let mut whole = Whole::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("form")) {
            attr.parse_nested_meta(|meta| {
                let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                match name.as_str() {
                    "labels" => whole.labels = Some(meta.value()?.parse()?),
                    "table" => whole.table = Some(meta.value()?.parse()?),
                    "public" => whole.public = true,
                    "read" => whole.read = roles(&meta)?,
                    "write" => whole.write.push(grant(&meta)?),
                    "delete" => whole.delete.push(grant(&meta)?),
                    _ => {
                        return Err(
                            meta.error("unknown; a form knows: labels, table, public, read, write, delete")
                        );
                    }
                }
                Ok(())
            })?;
        }
        Ok(whole)
    }
}

/// The code of a form, or what is wrong with it. A form that is wrong is one all the same, so that its mistake is
/// not told again wherever it is used.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    if !input.generics.params.is_empty() {
        return Error::new_spanned(&input.generics, "a form has no generics").to_compile_error();
    }
    expand(input).unwrap_or_else(|error| {
        let (name, error) = (&input.ident, error.to_compile_error());
        let has_table = |attr: &&Attribute| {
            attr.path().is_ident("form") && attr.meta.to_token_stream().to_string().contains("table")
        };
        let record = input.attrs.iter().find(has_table).map(|_| {
            quote! {
                #[automatically_derived]
                impl ::form::kvs::Record for #name {
                    const TABLE: &'static str = "";

                    fn id(&self) -> ::std::borrow::Cow<'_, str> {
                        ::core::unreachable!()
                    }
                }
            }
        });
        quote! {
            #error
            #record

            #[automatically_derived]
            impl ::form::Form for #name {
                fn spec() -> &'static ::form::Spec {
                    ::core::unreachable!()
                }
            }
        }
    })
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(name, "a form is a struct with named fields"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(name, "a form is a struct with named fields"));
    };
    let whole = Whole::new(&input.attrs)?;
    let Some(labels) = &whole.labels else {
        return Err(Error::new_spanned(name, "say where its texts are: `#[form(labels = LABELS)]`"));
    };
    let parts = all(fields.named.iter().map(Part::new))?;
    let ids: Vec<&Part<'_>> = parts.iter().filter(|part| part.id).collect();
    let [id] = ids.as_slice() else {
        return Err(Error::new_spanned(name, "mark one field as the record's id: `#[form(id)]`"));
    };
    circle(&parts)?;
    let known = |ident: &Ident, value: Option<&Expr>| option(find(&parts, ident, name)?, value);
    let grants = parts.iter().flat_map(|part| &part.write).chain(&whole.write).chain(&whole.delete);
    all(grants.map(|grant| granted(grant, &parts, &known)))?;
    let fields = all(parts.iter().map(|part| declare(part, &known)))?;
    let functions = all(parts.iter().map(|part| functions(part, &parts, name)))?;
    let texts = parts.iter().map(|part| texts(part, name, labels));
    let (id_name, auto) = (&id.name, id.auto);
    let title = parts.iter().find(|part| part.title).map_or(id_name, |part| &part.name);
    let read = &whole.read;
    let grants = |list: &[Grant]| all(list.iter().map(|grant| grant_of(grant, &known)));
    let (write, delete) = (grants(&whole.write)?, grants(&whole.delete)?);
    let access = if whole.public { quote!(Anyone) } else { quote!(User) };
    let title_text = format!("the label table has no text `{}` for the title of `{name}`", table_key(&whole));
    let of = quote!(<#name as ::form::kvs::Record>::TABLE);
    let indexed = parts.iter().filter(|part| part.id || part.index);
    if let (None, Some(part)) = (&whole.table, parts.iter().find(|part| part.index)) {
        let message = "a record that implements `kvs::Record` itself declares its indexes there";
        return Err(Error::new_spanned(part.ident, message));
    }
    let record = whole.table.as_ref().map(|table| record(name, table, id, indexed));
    Ok(quote! {
        #record

        const _: () = assert!(#labels.has(#of, #of), #title_text);
        #(#texts)*

        #[automatically_derived]
        impl ::form::Form for #name {
            ::form::__access!(#access);

            fn spec() -> &'static ::form::Spec {
                static SPEC: ::std::sync::LazyLock<::form::Spec> = ::std::sync::LazyLock::new(|| {
                    let document = ::form::Document::new(<#name as ::form::kvs::Record>::TABLE, #id_name)
                        .auto(#auto)
                        .title(#title)
                        .rights(&[#(#read),*], &[], &[])
                        #(.write(#write))*
                        #(.delete(#delete))*
                        #(.field_added(#fields))*
                        .labels(&#labels);
                    let functions = ::form::Functions::new() #(#functions)*;
                    ::form::Spec::declared(document, functions)
                });
                &SPEC
            }
        }
    })
}

/// What was made of all fields, or the mistakes of all of them.
fn all<T>(made: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut all, mut mistakes) = (Vec::new(), None::<Error>);
    for made in made {
        match (made, &mut mistakes) {
            (Ok(made), _) => all.push(made),
            (Err(error), Some(known)) => known.combine(error),
            (Err(error), None) => mistakes = Some(error),
        }
    }
    mistakes.map_or(Ok(all), Err)
}

fn table_key(whole: &Whole) -> String {
    whole.table.as_ref().map_or_else(|| "the table's name".to_owned(), LitStr::value)
}

fn find<'a, 'p>(parts: &'a [Part<'p>], ident: &Ident, record: &Ident) -> Result<&'a Part<'p>> {
    parts
        .iter()
        .find(|part| part.ident == ident)
        .ok_or_else(|| Error::new_spanned(ident, format!("the record `{record}` has no field `{ident}`")))
}

/// A field that is compared with one of its options, or not at all.
fn option(part: &Part<'_>, value: Option<&Expr>) -> Result<()> {
    let Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = value else { return Ok(()) };
    let given = text.value();
    if part.options.is_empty()
        || given.is_empty()
        || part.options.iter().any(|option| option.value() == given)
    {
        return Ok(());
    }
    let options: Vec<String> = part.options.iter().map(|option| format!("`{}`", option.value())).collect();
    let message = format!("the field `{}` has no option `{given}`; it has {}", part.name, options.join(", "));
    Err(Error::new_spanned(text, message))
}

/// A grant as it is declared in the document.
fn grant_of(Grant { roles, when }: &Grant, known: &Known<'_>) -> Result<TokenStream> {
    let when = match when {
        Some(when) => condition(when, known)?,
        None => quote!(::form::Condition::Always),
    };
    Ok(quote!(::form::Grant::new(&[#(#roles),*], #when)))
}

/// Whether what a right depends on is there, and moved by those only of whom the form says so.
fn granted(grant: &Grant, parts: &[Part<'_>], known: &Known<'_>) -> Result<()> {
    if let Some(when) = &grant.when {
        condition(when, &|ident, value| {
            known(ident, value)?;
            let Some(part) = parts.iter().find(|part| part.ident == ident) else { return Ok(()) };
            let always =
                |expr: &Expr| matches!(expr, Expr::Lit(ExprLit { lit: Lit::Bool(on), .. }) if on.value);
            let is_fixed = part.id || part.compute.is_some() || part.readonly.as_ref().is_some_and(always);
            if is_fixed || !part.write.is_empty() {
                return Ok(());
            }
            let message = format!(
                "a right depends on `{ident}`, which anybody who writes could move: say who may, `#[form(write = [..])]` at `{ident}`, or that only the program does, `#[form(readonly)]`"
            );
            Err(Error::new_spanned(ident, message))
        })?;
    }
    Ok(())
}

/// Computed fields that need each other cannot be computed.
fn circle(parts: &[Part<'_>]) -> Result<()> {
    fn visit<'a>(parts: &'a [Part<'_>], part: &'a Part<'_>, path: &mut Vec<&'a Ident>) -> Result<()> {
        let Some(call) = &part.compute else { return Ok(()) };
        if let Some(at) = path.iter().position(|known| *known == part.ident) {
            let names: Vec<String> =
                path[at..].iter().chain([&part.ident]).map(ToString::to_string).collect();
            let message = format!("computed fields go in a circle: {}", names.join(" -> "));
            return Err(Error::new_spanned(&call.function, message));
        }
        path.push(part.ident);
        for field in &call.fields {
            if let Some(next) = parts.iter().find(|part| part.ident == field) {
                visit(parts, next, path)?;
            }
        }
        path.pop();
        Ok(())
    }
    parts.iter().try_for_each(|part| visit(parts, part, &mut Vec::new()))
}

/// The field as it is declared in the document.
fn declare(part: &Part<'_>, known: &Known<'_>) -> Result<TokenStream> {
    let Part { name, ty, options, .. } = part;
    let nullable = part.inner().is_some();
    let kind = match (&part.kind, &part.lookup) {
        (Some(kind), _) => Some(quote!(::form::Type::#kind)),
        (_, Some(other)) => Some(quote!(::form::Type::Lookup {
            table: ::std::string::String::from(::form::__table::<#other>())
        })),
        _ if !options.is_empty() => Some(quote!(::form::Type::Select {
            options: ::std::vec![#(::std::string::String::from(#options)),*]
        })),
        _ => None,
    };
    let mut field = match &kind {
        Some(kind) => quote!(::form::Field::new(#name, #kind).nullable(#nullable)),
        None => quote!(::form::Field::of::<#ty>(#name)),
    };
    if let Some(decimals) = &part.decimals {
        field = quote!(#field.decimals(#decimals));
    }
    // An enum has no value for nothing.
    if kind.is_some() && !nullable && !part.is_string() {
        field = quote!(#field.required(::form::Condition::Always));
    }
    for (method, given) in
        [("visible", &part.visible), ("required", &part.required), ("readonly", &part.readonly)]
    {
        if let Some(expr) = given {
            let (method, condition) = (Ident::new(method, part.ident.span()), condition(expr, known)?);
            field = quote!(#field.#method(#condition));
        }
    }
    if let Some(length) = &part.length {
        let (min, max) = bounds(length)?;
        let min = min.map_or_else(|| quote!(0), |min| quote!(#min));
        let max = max.map_or_else(|| quote!(None), |max| quote!(Some(#max)));
        field = quote!(#field.rule(::form::Rule::Length { min: #min, max: #max }));
    }
    if let Some(range) = &part.range {
        let (min, max) = bounds(range)?;
        let side = |side: Option<&Expr>| match side {
            Some(value) => quote!(Some((#value).into())),
            None => quote!(None),
        };
        let (min, max) = (side(min), side(max));
        field = quote!(#field.rule(::form::Rule::Range { min: #min, max: #max }));
    }
    if let Some(pattern) = &part.pattern {
        field = quote!(#field.rule(::form::Rule::Pattern(::std::string::String::from(#pattern))));
    }
    if let Some(array) = &part.one_of {
        let values = array.elems.iter();
        field = quote!(#field.rule(::form::Rule::OneOf(::std::vec![#((#values).into()),*])));
    }
    if let Some(call) = &part.check {
        let with = call.fields.iter().filter(|other| *other != part.ident).map(ToString::to_string);
        field = quote!(#field.rule(::form::Rule::Check {
            with: ::std::vec![#(::std::string::String::from(#with)),*]
        }));
    }
    if let Some(default) = &part.default {
        field = quote!(#field.default_value(::form::computed::<#ty>(|| Some(#default))));
    }
    if let Some(call) = &part.compute {
        let from = call.fields.iter().map(ToString::to_string);
        field = quote!(#field.computed(&[#(#from),*]));
    }
    let Part { read, write, .. } = part;
    if !read.is_empty() {
        field = quote!(#field.read(&[#(#read),*]));
    }
    for grant in write {
        let grant = grant_of(grant, known)?;
        field = quote!(#field.writable(#grant));
    }
    if part.unlisted {
        field = quote!(#field.unlisted());
    }
    Ok(field)
}

/// The ends of `a..=b`, each of which may be left out.
fn bounds(expr: &Expr) -> Result<(Option<&Expr>, Option<&Expr>)> {
    let wrong = || Error::new_spanned(expr, "expected a range with constants, such as `2..=80` or `1..`");
    let Expr::Range(range) = expr else { return Err(wrong()) };
    if range.end.is_some() && matches!(range.limits, RangeLimits::HalfOpen(_)) {
        return Err(Error::new_spanned(expr, "write `..=`: the greatest value belongs to the range"));
    }
    let side = |side: &Option<Box<Expr>>| side.as_ref().is_none_or(|side| constant(side).is_some());
    if !side(&range.start) || !side(&range.end) {
        return Err(wrong());
    }
    Ok((range.start.as_deref(), range.end.as_deref()))
}

/// The functions that the field is registered with.
fn functions(part: &Part<'_>, parts: &[Part<'_>], record: &Ident) -> Result<TokenStream> {
    let name = &part.name;
    let arguments = |call: &Call| -> Result<Vec<TokenStream>> {
        let fields = call.fields.iter().map(|field| {
            let other = find(parts, field, record)?;
            let (ty, name) = (other.ty, &other.name);
            Ok(quote!(&::form::get::<#ty>(data, #name)?))
        });
        fields.collect()
    };
    let mut out = TokenStream::new();
    if let Some(call) = &part.compute {
        let (ty, function, arguments) = (part.ty, &call.function, arguments(call)?);
        out.extend(
            quote!(.compute(#name, |data| ::form::computed::<#ty>(|| Some(#function(#(#arguments),*))))),
        );
    }
    if let Some(call) = &part.check {
        let (function, arguments) = (&call.function, arguments(call)?);
        out.extend(quote!(.check(#name, |data| {
            let holds = || -> ::core::option::Option<bool> { Some(#function(#(#arguments),*)) };
            // A field that has no value cannot be checked; that it must have one is another rule.
            holds().unwrap_or(true)
        })));
    }
    if let Some(other) = &part.lookup {
        out.extend(quote!(.lookup(#name, ::form::Lookup::of::<#other>())));
    }
    Ok(out)
}

/// Looks the texts of the field up while the program is compiled; each for itself, so that all that are missing
/// are told at once.
fn texts(part: &Part<'_>, record: &Ident, labels: &Path) -> TokenStream {
    let name = &part.name;
    let table = quote!(<#record as ::form::kvs::Record>::TABLE);
    let missing = |key: &str, what: &str| {
        format!("the label table has no text `{key}` in every language for {what} of `{record}`")
    };
    let message = missing(name, &format!("the field `{name}`"));
    let span = part.ident.span();
    let mut out = quote_spanned!(span=> const _: () = assert!(#labels.has(#table, #name), #message););
    for option in &part.options {
        let key = format!("{name}.{}", option.value());
        let message = missing(&key, &format!("an option of the field `{name}`"));
        out.extend(
            quote_spanned!(span=> const _: () = assert!(#labels.has(#table, #key) || #labels.has(#table, #option), #message);),
        );
    }
    if part.check.is_some() {
        let key = format!("{name}.check");
        let message = missing(&key, &format!("the check of the field `{name}`"));
        out.extend(quote_spanned!(span=> const _: () = assert!(#labels.has(#table, #key), #message);));
    }
    out
}

fn record<'a>(
    name: &Ident,
    table: &LitStr,
    id: &Part<'_>,
    indexed: impl Iterator<Item = &'a Part<'a>>,
) -> TokenStream {
    let field = id.ident;
    let indexes = indexed.map(|part| {
        let (ident, name) = (part.ident, &part.name);
        quote! {
            ::form::kvs::Index::many(#name, |record: &Self| ::form::index::<Self>(#name, &record.#ident, &record.#field))
                .version(::form::index_version::<Self>)
        }
    });
    let id = if id.is_string() && id.inner().is_none() {
        quote!(::std::borrow::Cow::Borrowed(&self.#field))
    } else {
        quote!(::std::borrow::Cow::Owned(::std::string::ToString::to_string(&self.#field)))
    };
    quote! {
        #[automatically_derived]
        impl ::form::kvs::Record for #name {
            const TABLE: &'static str = #table;
            const INDEXES: &'static [::form::kvs::Index<Self>] = &[#(#indexes),*];

            fn id(&self) -> ::std::borrow::Cow<'_, str> {
                #id
            }
        }
    }
}
