//! Search and order: what people take for the same is found, in the order of their language, and nothing comes last.

use form::{Form, Labels, Who, list};
use kvs::Store;
use serde::{Deserialize, Serialize};

const LABELS: Labels = Labels::new(
    "key | en | uk
     place | Places | Місця
     number | Number | Номер
     name | Name | Назва
     plain | Plain | Проста
     tel | Telephone | Телефон
     place.kind | Kind | Вид
     place.kind.city | City | Місто
     place.kind.village | Village | Село",
);

#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(table = "place", labels = LABELS, public)]
#[serde(default)]
struct Place {
    #[form(id, auto)]
    number: u32,
    #[form(title, index)]
    name: String,
    plain: String,
    #[form(phone)]
    tel: String,
    #[form(options = ["city", "village"])]
    kind: String,
}

async fn store(names: &[&str]) -> Store {
    let store = Store::open("memory:").await.unwrap();
    let mut txn = store.txn();
    for (number, name) in (1_u32..).zip(names) {
        let kind = if number.is_multiple_of(2) { "village" } else { "city" }.to_owned();
        let (name, plain) = ((*name).to_owned(), (*name).to_owned());
        txn.put(&Place { number, name, plain, kind, tel: String::new() }).unwrap();
    }
    txn.commit().await.unwrap();
    store
}

async fn found(store: &Store, query: &list::Query, lang: &str) -> Vec<String> {
    let found = list::find::<Place>(&mut store.txn(), &Who::default(), query, lang).await.unwrap();
    found.rows.into_iter().map(|(_, data)| data["name"].as_str().unwrap().to_owned()).collect()
}

async fn finds(typed: &str, kept: &str) -> bool {
    let store = store(&[kept]).await;
    let query = list::Query { text: typed.to_owned(), ..list::Query::default() };
    found(&store, &query, "en").await == [kept]
}

#[tokio::test]
async fn letters_apart_find_letters_composed_and_the_reverse() {
    assert!(finds("Kra\u{301}l\u{30c}", "Kráľ").await);
    assert!(finds("Kráľ", "Kra\u{301}l\u{30c}").await);
    assert!(finds("Ки\u{457}в", "Киі\u{308}в").await);
}

#[tokio::test]
async fn kral_finds_a_name_with_accents() {
    assert!(finds("kral", "Kráľ").await);
    assert!(finds("lodz", "Łódź").await);
    assert!(!finds("krel", "Kráľ").await);
}

#[tokio::test]
async fn strasse_in_capitals_finds_a_sharp_s() {
    assert!(finds("STRASSE", "Lange Straße 5").await);
    assert!(finds("straße", "LANGE STRASSE 5").await);
}

#[tokio::test]
async fn istanbul_finds_a_dotted_capital_i() {
    assert!(finds("istanbul", "İstanbul").await);
    assert!(finds("İSTANBUL", "istanbul").await);
}

#[tokio::test]
async fn a_straight_apostrophe_finds_a_curved_one() {
    assert!(finds("o'neil", "O’Neil").await);
    assert!(finds("кам'янець", "Камʼянець").await);
    assert!(finds("кам’янець", "Кам'янець").await);
}

#[tokio::test]
async fn a_number_without_blanks_finds_one_with_them_and_the_reverse() {
    let store = store(&["Ada"]).await;
    let mut txn = store.txn();
    let ada = Place { number: 1, name: "Ada".into(), tel: "+380 44 668-20-37".into(), ..Place::default() };
    txn.put(&ada).unwrap();
    txn.commit().await.unwrap();
    for typed in ["+380446682037", "+380 44 668 20 37", "6682037", "(044) 668-20-37", "380446682037"] {
        let query = list::Query { text: typed.to_owned(), ..list::Query::default() };
        assert_eq!(found(&store, &query, "en").await, ["Ada"], "{typed}");
    }
    let query = list::Query { text: "+380446682038".to_owned(), ..list::Query::default() };
    assert!(found(&store, &query, "en").await.is_empty());
}

#[tokio::test]
async fn an_option_is_found_by_its_label_in_the_language_of_the_page() {
    let store = store(&["Kyiv", "Verba"]).await;
    let query = |text: &str| list::Query { text: text.to_owned(), ..list::Query::default() };
    assert_eq!(found(&store, &query("село"), "uk").await, ["Verba"]);
    assert_eq!(found(&store, &query("VILLAGE"), "en").await, ["Verba"]);
    assert!(found(&store, &query("village"), "uk").await.is_empty(), "its code stands on no page");
}

#[tokio::test]
async fn nothing_comes_last_in_both_directions_with_an_index_and_without() {
    let store = store(&["b", "", "a", "", "c"]).await;
    for sort in ["name", "plain"] {
        let query = |down| list::Query { sort: sort.to_owned(), down, ..list::Query::default() };
        assert_eq!(found(&store, &query(false), "en").await, ["a", "b", "c", "", ""], "{sort}");
        assert_eq!(found(&store, &query(true), "en").await, ["c", "b", "a", "", ""], "{sort}");
    }
}

#[tokio::test]
async fn the_order_is_that_of_the_page_s_language_with_an_index_and_without() {
    let store = store(&["Яр", "Їжак", "Ґанок", "Гай", "Ірис", "Єва", "ель", "Zed", "eel", "Éclair"]).await;
    let query = |sort: &str| list::Query { sort: sort.to_owned(), ..list::Query::default() };
    let uk = ["Гай", "Ґанок", "ель", "Єва", "Ірис", "Їжак", "Яр", "Éclair", "eel", "Zed"];
    let en = ["Éclair", "eel", "Zed", "Гай", "Ґанок", "Єва", "ель", "Ірис", "Їжак", "Яр"];
    for sort in ["name", "plain"] {
        assert_eq!(found(&store, &query(sort), "uk").await, uk, "{sort}");
        let found = found(&store, &query(sort), "en").await;
        assert_eq!(found[..3], en[..3], "{sort}");
    }
    // A language that the form has no labels in is in no index, and has its order all the same.
    let store = self::store(&["z", "ä", "a"]).await;
    assert_eq!(found(&store, &query("name"), "sv").await, ["a", "z", "ä"]);
}

/// The same place, as the form had it before it spoke another language.
mod before {
    use super::*;

    #[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
    #[form(table = "place", labels = LABELS, public)]
    pub(super) struct Place {
        #[form(id, auto)]
        pub(super) number: u32,
        #[form(title, index)]
        pub(super) name: String,
    }

    const LABELS: Labels = Labels::new("key | en\nplace | Places\nnumber | Number\nname | Name");
}

#[tokio::test]
async fn a_store_whose_index_has_other_languages_is_looked_through_and_indexed_anew() {
    let store = Store::open("memory:").await.unwrap();
    let mut txn = store.txn();
    txn.put(&before::Place { number: 1, name: "Ґанок".into() }).unwrap();
    txn.commit().await.unwrap();
    let index = async || {
        let all = kvs::Query::starts(kvs::IndexKey::of("uk"));
        store.txn().find_ids::<Place>("name", all, false, 9).await.map(|ids| ids.len())
    };
    assert!(matches!(index().await, Err(kvs::Error::NotIndexed { .. })));
    let query = list::Query { sort: "name".to_owned(), ..list::Query::default() };
    assert_eq!(found(&store, &query, "uk").await, ["Ґанок"], "looked through");
    assert_eq!(store.reindex_if_needed::<Place>().await.unwrap(), 1);
    assert_eq!(index().await.unwrap(), 1);
    assert_eq!(found(&store, &query, "uk").await, ["Ґанок"], "by the index");
    assert_eq!(store.reindex_if_needed::<Place>().await.unwrap(), 0);
}
