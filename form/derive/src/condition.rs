//! Conditions: an expression over fields and constants becomes a `form::Condition`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{BinOp, Error, Expr, Ident, Lit, Result, UnOp};

/// Says whether a name is a field, and whether it can be compared with a constant.
pub(crate) type Known<'a> = dyn Fn(&Ident, Option<&Expr>) -> Result<()> + 'a;

/// The condition that an expression states.
pub(crate) fn condition(expr: &Expr, known: &Known<'_>) -> Result<TokenStream> {
    match expr {
        Expr::Paren(inner) => condition(&inner.expr, known),
        Expr::Group(inner) => condition(&inner.expr, known),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(on) if on.value => Ok(quote!(::form::Condition::Always)),
            Lit::Bool(_) => Ok(quote!(::form::Condition::Never)),
            _ => Err(refuse(expr)),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
            let inner = condition(&unary.expr, known)?;
            Ok(quote!(::form::Condition::Not(::std::boxed::Box::new(#inner))))
        }
        Expr::Path(_) => {
            let field = name(expr, None, known)?;
            Ok(quote!(::form::Condition::Set(::std::string::String::from(#field))))
        }
        Expr::Binary(binary) => {
            let both = |list: TokenStream| -> Result<TokenStream> {
                let (left, right) = (condition(&binary.left, known)?, condition(&binary.right, known)?);
                Ok(quote!(::form::Condition::#list(::std::vec![#left, #right])))
            };
            let op = match binary.op {
                BinOp::And(_) => return both(quote!(All)),
                BinOp::Or(_) => return both(quote!(Any)),
                BinOp::Eq(_) => quote!(Eq),
                BinOp::Ne(_) => quote!(Ne),
                BinOp::Lt(_) => quote!(Lt),
                BinOp::Le(_) => quote!(Le),
                BinOp::Gt(_) => quote!(Gt),
                BinOp::Ge(_) => quote!(Ge),
                _ => return Err(refuse(expr)),
            };
            let value = constant(&binary.right).ok_or_else(|| refuse(expr))?;
            let field = name(&binary.left, Some(value), known)?;
            Ok(quote!(::form::Condition::test(#field, ::form::Op::#op, #value)))
        }
        _ => Err(refuse(expr)),
    }
}

fn name(expr: &Expr, value: Option<&Expr>, known: &Known<'_>) -> Result<String> {
    let Expr::Path(path) = expr else { return Err(refuse(expr)) };
    let ident = path.path.get_ident().ok_or_else(|| refuse(expr))?;
    known(ident, value)?;
    Ok(ident.to_string())
}

/// A constant, perhaps negative.
pub(crate) fn constant(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Lit(_) => Some(expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => constant(&unary.expr).map(|_| expr),
        _ => None,
    }
}

fn refuse(expr: &Expr) -> Error {
    Error::new_spanned(
        expr,
        "a condition compares fields with constants, such as `kind == \"vip\" && !paid`, because it is data",
    )
}
