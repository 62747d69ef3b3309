//! Lists: which records are found, in which order, and which page of them is shown.

use kvs::{IndexKey, Txn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::Who,
    collation::Collation,
    error::Result,
    field::{Field, Type},
    form::Form,
    index, number,
    show::{self, Titles},
    spec::Spec,
    table,
    value::{Data, is_empty, plain},
};

/// Records on a page.
pub const PAGE: usize = 50;

/// What is asked of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Words that a record must have, anywhere in the fields that are searched.
    pub text: String,
    /// The values of fields that it must have: nothing where it is `null`, and any where it is an empty text.
    pub filters: Data,
    /// The field to sort by; the id when empty.
    pub sort: String,
    /// Whether the greatest comes first.
    pub down: bool,
    /// The page, from 0.
    pub page: usize,
    /// Records on a page; [`PAGE`] when it is 0.
    pub limit: usize,
}

impl Query {
    /// Records on a page.
    fn size(&self) -> usize {
        if self.limit == 0 { PAGE } else { self.limit }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The records of the page, with their ids and what the visitor may see of them.
    pub rows: Vec<(String, Data)>,
    /// How many records were found on all pages.
    pub total: usize,
    /// Whether there may be more, because not all records of a very large table were looked at.
    pub more: bool,
    /// The page, which is the last one when less was found than was asked for.
    pub page: usize,
    /// The titles of the records that the page looks up.
    pub titles: Titles,
}

/// Finds a page of records. What the visitor may not see is neither searched, nor filtered or sorted by.
///
/// An index answers a list that is sorted, or filtered by one field, without looking at the other records.
/// A search, and a list that no index fits, looks at [`LOOK`](table::LOOK) records at most.
pub async fn find<R: Form>(txn: &mut Txn, who: &Who, query: &Query, lang: &str) -> Result<Found> {
    let spec = R::spec();
    let seen = |name: &str| spec.document.field(name).filter(|field| spec.may_see(who, field));
    let sort = seen(&query.sort).or_else(|| spec.document.field(&spec.document.id));
    let filters: Vec<(&Field, &Value)> = query
        .filters
        .iter()
        .filter_map(|(name, value)| Some((seen(name)?, value)))
        .filter(|(_, value)| value.is_null() || !plain(value).is_empty())
        .collect();
    let words = Collation::of(lang).words(&query.text);
    let asked = Asked { who, sort, filters, words, down: query.down, size: query.size(), lang };
    let mut titles = Titles::new();
    let (ids, total, more) = match asked.indexed::<R>(txn, query.page).await? {
        Some((ids, total)) => (ids, total, false),
        None => asked.scanned::<R>(txn, &mut titles).await?,
    };
    let page = asked.last(query.page, total);
    let mut rows = Vec::new();
    for id in ids.into_iter().skip(page * asked.size).take(asked.size) {
        if let Some(kept) = table::get::<R>(txn, &id).await? {
            rows.push((id, spec.seen(who, &kept.data)));
        }
    }
    for (_, data) in &rows {
        add_titles(txn, spec, who, data, &mut titles).await?;
    }
    Ok(Found { rows, total, more, page, titles })
}

/// A query, as far as the visitor may ask it.
struct Asked<'a> {
    who: &'a Who,
    sort: Option<&'a Field>,
    filters: Vec<(&'a Field, &'a Value)>,
    words: Vec<String>,
    down: bool,
    size: usize,
    lang: &'a str,
}

impl Asked<'_> {
    /// The page that is shown when this one was asked for.
    fn last(&self, page: usize, total: usize) -> usize {
        page.min(total.saturating_sub(1) / self.size)
    }

    /// The ids up to the end of the page, and how many there are on all pages, when an index knows it all.
    async fn indexed<R: Form>(&self, txn: &mut Txn, page: usize) -> Result<Option<(Vec<String>, usize)>> {
        let Some(sort) = self.sort.filter(|_| self.words.is_empty()) else { return Ok(None) };
        match self.filters.as_slice() {
            [] if index::sorts(sort) => {
                let total = usize::try_from(txn.count_of::<R>().await?).unwrap_or(usize::MAX);
                let limit = (self.last(page, total) + 1) * self.size;
                let ids = index::ids::<R>(txn, sort, None, self.lang, self.down, limit).await?;
                Ok(ids.map(|ids| (ids, total)))
            }
            [(field, wanted)] if sort.name == R::spec().document.id && !field.is_text() => {
                let these = Some(*wanted);
                let ids = index::ids::<R>(txn, field, these, self.lang, self.down, usize::MAX).await?;
                Ok(ids.map(|ids| (ids.len(), ids)).map(|(total, ids)| (ids, total)))
            }
            _ => Ok(None),
        }
    }

    /// All ids in their order, how many they are, and whether there may be more.
    async fn scanned<R: Form>(
        &self,
        txn: &mut Txn,
        titles: &mut Titles,
    ) -> Result<(Vec<String>, usize, bool)> {
        let spec = R::spec();
        if !self.words.is_empty() || self.sort.is_some_and(|field| matches!(field.kind, Type::Lookup { .. }))
        {
            all_titles(txn, spec, self.who, titles).await?;
        }
        let titles = &*titles;
        let mut found: Vec<(bool, IndexKey, String)> = Vec::new();
        let sought = Sought { collation: &Collation::of(self.lang), words: &self.words };
        let whole = table::scan::<R>(txn, &mut |id, data| {
            if self.filters.iter().all(|(field, wanted)| has(&data, field, wanted))
                && (self.words.is_empty() || sought.is_in(spec, self.who, &data, titles, self.lang))
            {
                let is_last = self.sort.is_some_and(|sort| index::is_last(sort, &data));
                found.push((is_last, index::place(spec, self.sort, &data, titles, self.lang), id));
            }
            true
        })
        .await?;
        found.sort_unstable();
        if self.down {
            found.reverse();
            // Nothing comes last, in whichever order.
            found.sort_by_key(|(is_last, ..)| *is_last);
        }
        let total = found.len();
        Ok((found.into_iter().map(|(.., id)| id).collect(), total, !whole))
    }
}

/// Adds the titles of the records that these values look up.
pub async fn add_titles(txn: &mut Txn, spec: &Spec, who: &Who, data: &Data, titles: &mut Titles) -> Result {
    for field in spec.document.fields.iter().filter(|field| spec.may_see(who, field)) {
        let (Some(lookup), Some(Value::String(id))) = (spec.lookup(&field.name), data.get(&field.name))
        else {
            continue;
        };
        let key = (lookup.table().to_owned(), id.clone());
        if !titles.contains_key(&key)
            && let Some(title) = lookup.title(txn, who, id).await?
        {
            titles.insert(key, title);
        }
    }
    Ok(())
}

/// The titles of all records that could be looked up: one pass over each of their tables, where asking for
/// each row's would be one read for each.
async fn all_titles(txn: &mut Txn, spec: &Spec, who: &Who, titles: &mut Titles) -> Result {
    for field in spec.document.fields.iter().filter(|field| spec.may_see(who, field)) {
        let Some(lookup) = spec.lookup(&field.name) else { continue };
        if !titles.keys().any(|(table, _)| table == lookup.table()) {
            let found = lookup.find(txn, who, "", table::LOOK, "").await?;
            titles.extend(found.into_iter().map(|(id, title)| ((lookup.table().to_owned(), id), title)));
        }
    }
    Ok(())
}

fn has(data: &Data, field: &Field, wanted: &Value) -> bool {
    let found = data.get(&field.name).unwrap_or(&Value::Null);
    match field.kind {
        Type::Check => is_empty(found) != (plain(wanted) == "true"),
        _ if is_empty(wanted) => is_empty(found),
        Type::Number { .. } | Type::Money { .. } => number::of(found) == number::of(wanted),
        _ => plain(found) == plain(wanted),
    }
}

/// The words of a search, for a reader of a language.
struct Sought<'a> {
    collation: &'a Collation,
    words: &'a [String],
}

impl Sought<'_> {
    /// Whether a record has all of the words in the fields that are searched.
    fn is_in(&self, spec: &Spec, who: &Who, data: &Data, titles: &Titles, lang: &str) -> bool {
        let (mut text, mut phones) = (String::new(), String::new());
        let mut add = |found: &str| {
            text.push_str(&self.collation.fold(found));
            text.push('\n');
        };
        for field in
            spec.document.fields.iter().filter(|field| field.is_searched() && spec.may_see(who, field))
        {
            let Some(value) = data.get(&field.name) else { continue };
            // People search for a value as it is kept and as it is shown; of an option they know the label only.
            if !matches!(field.kind, Type::Select { .. }) {
                add(&plain(value));
            }
            if !field.is_text() {
                add(&show::titled(spec, field, value, titles, lang));
            }
            if field.kind == Type::Phone {
                phones.extend(digits(&plain(value)));
                phones.push('\n');
            }
        }
        self.words.iter().all(|word| {
            let has_number = || is_of_phone(word) && phones.contains(&digits(word).collect::<String>());
            text.contains(word) || has_number()
        })
    }
}

fn digits(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(char::is_ascii_digit)
}

/// Whether a word may be a telephone number, or a part of one.
fn is_of_phone(word: &str) -> bool {
    let is_of = |byte: u8| byte.is_ascii_digit() || b"+-().".contains(&byte);
    word.bytes().all(is_of) && digits(word).count() > 1
}
