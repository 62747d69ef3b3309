//! Indexes of lists: the same answers as without, and only the records of the page are read.

use form::{Date, Decimal, Form, Labels, Who, list};
use kvs::{Store, Txn};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "part", labels = LABELS, public)]
struct Part {
    #[form(id, auto)]
    number: u32,
    #[form(title, index)]
    name: String,
    #[form(options = ["wood", "steel", ""], index)]
    kind: String,
    #[form(index)]
    sold: bool,
    #[form(index)]
    price: Option<Decimal>,
    #[form(index)]
    since: Option<Date>,
    weight: f64,
}

const LABELS: Labels = Labels::new(
    "key | en
     part | Parts
     number | Number
     name | Name
     part.kind | Kind
     part.kind.wood | Wood
     part.kind.steel | Steel
     part.kind. | None
     sold | Sold
     price | Price
     since | Since
     weight | Weight",
);

fn part(number: u32) -> Part {
    let names = ["bolt a", "Bolt b", "їжак a", "Йод a", "Гвинт a", "ґанок a", "a\0a", ""];
    Part {
        number,
        name: names[number as usize % names.len()].to_owned(),
        kind: ["wood", "steel"][number as usize % 2].to_owned(),
        sold: number.is_multiple_of(3),
        price: (!number.is_multiple_of(7))
            .then(|| Decimal::new(50 * (400 - i64::from(number) % 90 * 9), number % 4)),
        since: (!number.is_multiple_of(5)).then(|| {
            Date::constant(2020, 1, 1).saturating_add(jiff::Span::new().days(i64::from(number) % 50))
        }),
        weight: 1.5,
    }
}

async fn store(count: u32) -> Store {
    let store = Store::open("memory:").await.unwrap();
    let mut txn = store.txn();
    for number in 1..=count {
        txn.put(&part(number)).unwrap();
    }
    txn.commit().await.unwrap();
    store
}

async fn find(txn: &mut Txn, query: &list::Query) -> list::Found {
    list::find::<Part>(txn, &Who::new("ann", &[]), query, "en").await.unwrap()
}

fn query(sort: &str, down: bool, page: usize, filter: Option<(&str, &str)>) -> list::Query {
    let filters = filter.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    list::Query { text: String::new(), sort: sort.to_owned(), down, page, filters, limit: 0 }
}

#[tokio::test]
async fn an_index_answers_what_a_scan_does() {
    let store = store(130).await;
    let mut txn = store.txn();
    // What this transaction wrote itself counts, too.
    txn.delete::<Part>("17");
    txn.put(&Part { name: "zz a".to_owned(), sold: true, ..part(18) }).unwrap();
    txn.put(&part(500)).unwrap();
    let filters = [None, Some(("kind", "steel")), Some(("sold", "true")), Some(("sold", "false"))];
    for sort in ["", "number", "name", "kind", "sold", "price", "since", "weight"] {
        for down in [false, true] {
            for (page, filter) in (0..3).flat_map(|page| filters.map(|filter| (page, filter))) {
                let quick = query(sort, down, page, filter);
                // Every part weighs as much, so that this search finds all, by looking at each.
                let slow = list::Query { text: "1.5".to_owned(), ..quick.clone() };
                let (quick, slow) = (find(&mut txn, &quick).await, find(&mut txn, &slow).await);
                assert_eq!(quick, slow, "{sort} {down} {page} {filter:?}");
            }
        }
    }
}

/// Whether what a query reads has to do with a record that is on another page.
async fn reads_all(query: &list::Query) -> bool {
    let store = store(200).await;
    let mut reader = store.txn();
    assert!(find(&mut reader, query).await.rows.iter().all(|(id, _)| id != "199"));
    reader.append("/seen", &1).unwrap();
    let mut writer = store.txn();
    writer.put(&Part { weight: 3.0, ..part(199) }).unwrap();
    writer.commit().await.unwrap();
    reader.commit().await.is_err()
}

#[tokio::test]
async fn only_the_records_of_the_page_are_read() {
    assert!(!reads_all(&query("", false, 0, None)).await);
    assert!(!reads_all(&query("price", true, 0, None)).await);
    assert!(!reads_all(&query("", false, 0, Some(("kind", "wood")))).await);
    assert!(reads_all(&query("weight", false, 0, None)).await, "no index has this order");
}
