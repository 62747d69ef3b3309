//! A field of the struct with what its attributes say.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, Expr, ExprArray, ExprCall, Field, Ident, LitInt, LitStr, PathArguments, Result, Token, Type,
    meta::ParseNestedMeta,
};

/// A field, read.
pub(crate) struct Part<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) name: String,
    pub(crate) id: bool,
    pub(crate) auto: bool,
    pub(crate) title: bool,
    pub(crate) unlisted: bool,
    pub(crate) index: bool,
    /// The type, when the attributes say it.
    pub(crate) kind: Option<TokenStream>,
    pub(crate) options: Vec<LitStr>,
    pub(crate) lookup: Option<Type>,
    pub(crate) decimals: Option<LitInt>,
    pub(crate) visible: Option<Expr>,
    pub(crate) required: Option<Expr>,
    pub(crate) readonly: Option<Expr>,
    pub(crate) length: Option<Expr>,
    pub(crate) range: Option<Expr>,
    pub(crate) pattern: Option<LitStr>,
    pub(crate) one_of: Option<ExprArray>,
    pub(crate) check: Option<Call>,
    pub(crate) compute: Option<Call>,
    pub(crate) default: Option<Expr>,
    pub(crate) read: Vec<LitStr>,
    pub(crate) write: Vec<Grant>,
}

/// `["role"]`, or `["role"] if condition`.
pub(crate) struct Grant {
    pub(crate) roles: Vec<LitStr>,
    pub(crate) when: Option<Expr>,
}

/// A function over fields.
pub(crate) struct Call {
    pub(crate) function: Expr,
    pub(crate) fields: Vec<Ident>,
}

const KNOWN: &str = "id, auto, title, unlisted, index, email, phone, lines, options, lookup, decimals, visible, required, readonly, length, range, pattern, one_of, check, compute, default, read, write";

impl<'a> Part<'a> {
    pub(crate) fn new(field: &'a Field) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "a form is a struct with named fields"));
        };
        let name = ident.to_string();
        if name.starts_with("r#") {
            return Err(Error::new_spanned(ident, "a field that is named like a keyword cannot be an input"));
        }
        let mut part = Part {
            ident,
            ty: &field.ty,
            name,
            id: false,
            auto: false,
            title: false,
            unlisted: false,
            index: false,
            kind: None,
            options: Vec::new(),
            lookup: None,
            decimals: None,
            visible: None,
            required: None,
            readonly: None,
            length: None,
            range: None,
            pattern: None,
            one_of: None,
            check: None,
            compute: None,
            default: None,
            read: Vec::new(),
            write: Vec::new(),
        };
        for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("form")) {
            attr.parse_nested_meta(|meta| part.attribute(&meta))?;
        }
        Ok(part)
    }

    fn attribute(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "id" => self.id = true,
            "auto" => self.auto = true,
            "title" => self.title = true,
            "unlisted" => self.unlisted = true,
            "index" => self.index = true,
            "email" => self.kind = Some(quote!(Email)),
            "phone" => self.kind = Some(quote!(Phone)),
            "lines" => self.kind = Some(quote!(Lines)),
            "options" => self.options = roles(meta)?,
            "lookup" => self.lookup = Some(meta.value()?.parse()?),
            "decimals" => self.decimals = Some(meta.value()?.parse()?),
            "visible" => self.visible = Some(flag(meta)?),
            "required" => self.required = Some(flag(meta)?),
            "readonly" => self.readonly = Some(flag(meta)?),
            "length" => self.length = Some(meta.value()?.parse()?),
            "range" => self.range = Some(meta.value()?.parse()?),
            "pattern" => {
                let pattern: LitStr = meta.value()?.parse()?;
                if let Err(error) = regex_lite::Regex::new(&format!("^(?:{})$", pattern.value())) {
                    return Err(Error::new(
                        pattern.span(),
                        format!("this is no regular expression: {error}"),
                    ));
                }
                self.pattern = Some(pattern);
            }
            "one_of" => self.one_of = Some(meta.value()?.parse()?),
            "check" => self.check = Some(call(meta)?),
            "compute" => self.compute = Some(call(meta)?),
            "default" => self.default = Some(meta.value()?.parse()?),
            "read" => self.read = roles(meta)?,
            "write" => self.write.push(grant(meta)?),
            _ => return Err(meta.error(format!("unknown; a field knows: {KNOWN}"))),
        }
        Ok(())
    }

    /// The type inside an `Option`.
    pub(crate) fn inner(&self) -> Option<&Type> {
        let Type::Path(path) = self.ty else { return None };
        let last = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        arguments.args.first().and_then(|argument| match argument {
            syn::GenericArgument::Type(inner) => Some(inner),
            _ => None,
        })
    }

    pub(crate) fn is_string(&self) -> bool {
        let ty = self.inner().unwrap_or(self.ty);
        matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "String"))
    }
}

/// `name`, or `name = condition`.
fn flag(meta: &ParseNestedMeta<'_>) -> Result<Expr> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse();
    }
    Ok(Expr::Lit(syn::ExprLit {
        attrs: Vec::new(),
        lit: syn::Lit::Bool(syn::LitBool::new(true, Span::call_site())),
    }))
}

/// `name = ["a", "b"]`
pub(crate) fn roles(meta: &ParseNestedMeta<'_>) -> Result<Vec<LitStr>> {
    let array: ExprArray = meta.value()?.parse()?;
    let texts = array.elems.iter().map(|item| match item {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(Error::new_spanned(other, "expected a text")),
    });
    texts.collect()
}

/// `name = ["a", "b"]`, or `name = ["a"] if condition`
pub(crate) fn grant(meta: &ParseNestedMeta<'_>) -> Result<Grant> {
    let roles = roles(meta)?;
    let when = if meta.input.peek(Token![if]) {
        meta.input.parse::<Token![if]>()?;
        Some(meta.input.parse()?)
    } else {
        None
    };
    Ok(Grant { roles, when })
}

/// `name = function(field, field)`
fn call(meta: &ParseNestedMeta<'_>) -> Result<Call> {
    let call: ExprCall = meta.value()?.parse()?;
    let fields = call.args.iter().map(|argument| match argument {
        Expr::Path(path) if path.path.get_ident().is_some() => path.path.require_ident().cloned(),
        other => Err(Error::new_spanned(other, "expected the name of a field")),
    });
    let fields = fields.collect::<Result<_>>()?;
    Ok(Call { function: *call.func, fields })
}
