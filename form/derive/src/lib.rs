//! The `Form` derive; its output is plain code that builds a `form::Document`.

mod condition;
mod field;
mod form;

use proc_macro::TokenStream;

/// Makes a record a form.
///
/// On the struct, in `#[form(..)]`:
///
/// - `labels = PATH`: the label table, required. Every label is looked up while the program is compiled.
/// - `table = "name"`: makes the struct a `kvs::Record` of this table too.
/// - `read = ["role"]`, `write = [..]`, `delete = [..]`: the roles that may do so. `write` and `delete` may be
///   limited to states of the record, `write = ["clerk"] if state == "draft"`, and stand several times; one that
///   holds is enough, and `[]` are all roles. They ask the record as it is stored, not what somebody makes of it, and
///   a new one by its defaults; so a field that they ask for must say itself who moves it, by `write` or `readonly`.
/// - `public`: visitors who are not logged in may open the screens.
///
/// On a field:
///
/// - `id`: it is the record's id; `auto`: the server makes it. `title`: people know the record by it.
/// - `email`, `phone`, `lines`, `options = ["a", "b"]`, `lookup = Record`, `decimals = 2`: its type, where
///   the Rust type does not say it.
/// - `required`, `readonly`, `visible`, alone or with a condition: `required = kind == "vip" && !paid`.
/// - `length = 2..=80`, `range = "0.01"..="9999"`, `pattern = "[A-Z]+"`, `one_of = [1, 2]`: rules.
/// - `check = valid(this, other)`: a function over references to fields that answers `bool`.
/// - `compute = total(price, volume)`: a function over references to fields that makes the value.
/// - `default = expression`; `unlisted`: lists leave it out.
/// - `read = [..]`, `write = [..]`: roles; `write` also with states, as on the struct: `write = ["manager"] if
///   state == "draft"`. Whoever changes a field needs the right to write the record, too.
/// - `index`: lists that are sorted or filtered by it need not look at every record; the id has one anyway.
///   A table that had records before, or has an index that was made in another way, is scanned until
///   `kvs::Store::reindex_if_needed` has built the index.
#[proc_macro_derive(Form, attributes(form))]
pub fn form(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    form::derive(&input).into()
}
