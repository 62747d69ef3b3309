//! Lists: which records are found, in which order, and which page of them is shown.

use kvs::Txn;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::Who,
    error::Result,
    field::{Field, Type},
    form::Form,
    lookup::words,
    show::{self, Titles},
    spec::Spec,
    table,
    value::{Data, decimal, is_empty, plain},
};

/// Records on a page.
pub const PAGE: usize = 50;

/// What is asked of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Words that a record must have, anywhere in the fields that are searched.
    pub text: String,
    /// The values of select and check fields that it must have.
    pub filters: Data,
    /// The field to sort by; the id when empty.
    pub sort: String,
    /// Whether the greatest comes first.
    pub down: bool,
    /// The page, from 0.
    pub page: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The records of the page, with their ids and what the visitor may see of them.
    pub rows: Vec<(String, Data)>,
    /// How many records were found on all pages.
    pub total: usize,
    /// The page, which is the last one when less was found than was asked for.
    pub page: usize,
    /// The titles of the records that the page looks up.
    pub titles: Titles,
}

/// What rows are sorted by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(rust_decimal::Decimal),
    Text(Vec<u32>),
    Nothing,
}

/// Finds a page of records. What the visitor may not see is neither searched, nor filtered or sorted by.
pub async fn find<R: Form>(txn: &mut Txn, who: &Who, query: &Query, lang: &str) -> Result<Found> {
    let spec = R::spec();
    let seen = |name: &str| spec.document.field(name).filter(|field| spec.may_see(who, field));
    let sort = seen(&query.sort).or_else(|| spec.document.field(&spec.document.id));
    let filters: Vec<(&Field, &Value)> = query
        .filters
        .iter()
        .filter_map(|(name, value)| Some((seen(name)?, value)))
        .filter(|(field, value)| field.is_filter() && !plain(value).is_empty())
        .collect();
    let words = words(&query.text);
    let mut titles = Titles::new();
    if !words.is_empty() || sort.is_some_and(|field| matches!(field.kind, Type::Lookup { .. })) {
        all_titles(txn, spec, who, &mut titles).await?;
    }
    let mut rows: Vec<(Key, String, Data)> = Vec::new();
    table::scan::<R>(txn, &mut |id, data| {
        let fits = filters.iter().all(|(field, wanted)| has(&data, field, wanted));
        if fits && (words.is_empty() || matches(spec, who, &data, &words, &titles, lang)) {
            let key = sort.map_or(Key::Nothing, |field| key(spec, field, &data, &titles, lang));
            rows.push((key, id, data));
        }
        true
    })
    .await?;
    rows.sort_by(|(a, a_id, _), (b, b_id, _)| a.cmp(b).then_with(|| a_id.cmp(b_id)));
    if query.down {
        rows.reverse();
    }
    let total = rows.len();
    let page = query.page.min(total.saturating_sub(1) / PAGE);
    let rows = rows.into_iter().skip(page * PAGE).take(PAGE);
    let rows: Vec<_> = rows.map(|(_, id, data)| (id, spec.seen(who, &data))).collect();
    for (_, data) in &rows {
        add_titles(txn, spec, who, data, &mut titles).await?;
    }
    Ok(Found { rows, total, page, titles })
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
            let found = lookup.find(txn, who, "", usize::MAX).await?;
            titles.extend(found.into_iter().map(|(id, title)| ((lookup.table().to_owned(), id), title)));
        }
    }
    Ok(())
}

fn has(data: &Data, field: &Field, wanted: &Value) -> bool {
    let found = data.get(&field.name).unwrap_or(&Value::Null);
    match field.kind {
        Type::Check => is_empty(found) != (plain(wanted) == "true"),
        _ => plain(found) == plain(wanted),
    }
}

fn matches(spec: &Spec, who: &Who, data: &Data, words: &[String], titles: &Titles, lang: &str) -> bool {
    let mut text = String::new();
    for field in spec.document.fields.iter().filter(|field| field.is_searched() && spec.may_see(who, field)) {
        let Some(value) = data.get(&field.name) else { continue };
        // As it is kept and as it is shown: people search for either.
        text.push_str(&plain(value).to_lowercase());
        text.push('\n');
        let same = matches!(field.kind, Type::Text | Type::Lines | Type::Email | Type::Phone);
        if !same {
            text.push_str(&show::titled(spec, field, value, titles, lang).to_lowercase());
            text.push('\n');
        }
    }
    words.iter().all(|word| text.contains(word))
}

fn key(spec: &Spec, field: &Field, data: &Data, titles: &Titles, lang: &str) -> Key {
    let value = data.get(&field.name).unwrap_or(&Value::Null);
    match field.kind {
        Type::Number { .. } | Type::Money { .. } => decimal(value).map_or(Key::Nothing, Key::Number),
        Type::Check => Key::Number(u64::from(!is_empty(value)).into()),
        _ if is_empty(value) => Key::Nothing,
        Type::Date => Key::Text(plain(value).chars().map(u32::from).collect()),
        _ => Key::Text(show::sort_key(&show::titled(spec, field, value, titles, lang))),
    }
}
