//! Lookups: how a field that holds the id of another record finds that record.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin};

use kvs::Txn;

use crate::{
    access::{Act, Who},
    collation::Collation,
    error::Result,
    form::Form,
    show, table,
};

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A record that can be chosen: its id and its title.
pub type Choice = (String, String);

/// The records offered for lookups, by field.
pub type Choices = BTreeMap<String, Vec<Choice>>;

/// Where the records of a lookup are found.
#[derive(Clone, Copy)]
pub struct Lookup {
    table: &'static str,
    find: for<'a> fn(&'a mut Txn, &'a Who, &'a str, usize, &'a str) -> Later<'a, Vec<Choice>>,
    title: for<'a> fn(&'a mut Txn, &'a Who, &'a str) -> Later<'a, Option<String>>,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").field(&self.table).finish()
    }
}

impl Lookup {
    /// The records of a form, as far as the visitor may see them.
    #[must_use]
    pub fn of<R: Form>() -> Self {
        Lookup {
            table: R::TABLE,
            find: |txn, who, text, limit, lang| Box::pin(find::<R>(txn, who, text, limit, lang)),
            title: |txn, who, id| Box::pin(title::<R>(txn, who, id)),
        }
    }

    /// The records whose id or title has the words of a text, to a reader of a language; at most `limit` of them.
    pub async fn find(
        &self,
        txn: &mut Txn,
        who: &Who,
        text: &str,
        limit: usize,
        lang: &str,
    ) -> Result<Vec<Choice>> {
        (self.find)(txn, who, text, limit, lang).await
    }

    /// The title of a record; `None` when there is no such record that the visitor may see.
    pub async fn title(&self, txn: &mut Txn, who: &Who, id: &str) -> Result<Option<String>> {
        (self.title)(txn, who, id).await
    }

    pub(crate) fn table(&self) -> &'static str {
        self.table
    }
}

async fn find<R: Form>(
    txn: &mut Txn,
    who: &Who,
    text: &str,
    limit: usize,
    lang: &str,
) -> Result<Vec<Choice>> {
    let (spec, collation) = (R::spec(), Collation::of(lang));
    let words = collation.words(text);
    let mut found = Vec::new();
    if !spec.document.rights.allow(who, Act::Read) {
        return Ok(found);
    }
    table::scan::<R>(txn, &mut |id, data| {
        let title = named(spec, who, &id, &data);
        let has_all = || {
            let text = collation.fold(&format!("{id} {title}"));
            words.iter().all(|word| text.contains(word))
        };
        if words.is_empty() || has_all() {
            found.push((id, title));
        }
        found.len() < limit
    })
    .await?;
    Ok(found)
}

async fn title<R: Form>(txn: &mut Txn, who: &Who, id: &str) -> Result<Option<String>> {
    let spec = R::spec();
    if id.is_empty() || !spec.document.rights.allow(who, Act::Read) {
        return Ok(None);
    }
    let kept = table::get::<R>(txn, id).await?;
    Ok(kept.map(|kept| named(spec, who, id, &kept.data)))
}

/// What people call a record: its title when they may see it, else its id.
pub(crate) fn named(spec: &crate::Spec, who: &Who, id: &str, data: &crate::Data) -> String {
    let field = spec.document.field(spec.document.title_field()).filter(|field| spec.may_see(who, field));
    let title = field.and_then(|field| Some(show::value(spec, field, data.get(&field.name)?, "en")));
    title.filter(|title| !title.is_empty()).unwrap_or_else(|| id.to_owned())
}
