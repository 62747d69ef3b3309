//! What a program asks a list for is answered, or refused with what was expected.

use form::{
    Date, Decimal, Form, Labels, Records, Who, list,
    rest::{self, Call, Problem},
};
use kvs::Store;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const LABELS: Labels = Labels::new(
    "key | en | uk
     offer | Offers | Пропозиції
     number | Number | Номер
     city | City | Місто
     mail | Mail | Пошта
     offer.kind | Kind | Вид
     offer.kind.new | New | Нова
     offer.kind.old | Old | Стара
     price | Price | Ціна
     weight | Weight | Вага
     since | Since | З
     active | Active | Діє
     secret | Secret | Таємне",
);

#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(table = "offer", labels = LABELS, read = ["clerk"])]
#[serde(default)]
struct Offer {
    #[form(id, auto)]
    number: u32,
    #[form(index)]
    city: String,
    #[form(email)]
    mail: String,
    #[form(options = ["new", "old"], index)]
    kind: String,
    #[form(index)]
    price: Option<Decimal>,
    weight: Option<f64>,
    since: Option<Date>,
    active: bool,
    #[form(read = ["boss"])]
    secret: String,
}

fn clerk() -> Who {
    Who::new("eve", &["clerk"])
}

fn ask(pairs: &[(&str, &str)]) -> Result<list::Query, Box<Problem>> {
    rest::query(Records::of::<Offer>(), &clerk(), "en", pairs.iter().copied())
}

fn offer(number: u32) -> Offer {
    Offer {
        number,
        city: ["Kyiv", "Львів", "", "kyiv"][number as usize % 4].to_owned(),
        kind: ["new", "old", ""][number as usize % 3].to_owned(),
        price: (!number.is_multiple_of(5)).then(|| Decimal::new(i64::from(number % 7) * 50, 2)),
        weight: (!number.is_multiple_of(2)).then(|| f64::from(number % 3) * 0.5),
        since: (!number.is_multiple_of(3)).then(|| Date::constant(2026, 11, 28)),
        active: number.is_multiple_of(2),
        ..Offer::default()
    }
}

async fn store() -> Store {
    let store = Store::open("memory:").await.unwrap();
    let mut txn = store.txn();
    (1..=60).for_each(|number| txn.put(&offer(number)).unwrap());
    txn.commit().await.unwrap();
    store
}

/// The numbers of the records on a page, how many there are on all, and the page.
async fn numbers(store: &Store, pairs: &[(&str, &str)]) -> (Vec<u32>, u64, u64) {
    let (who, mut txn) = (clerk(), store.txn());
    let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
    let query = ask(pairs).unwrap();
    let body = rest::list(Records::of::<Offer>(), call, &query).await.unwrap().unwrap().body;
    let rows = body["rows"].as_array().unwrap().iter();
    let rows = rows.map(|row| u32::try_from(row["number"].as_u64().unwrap()).unwrap()).collect();
    (rows, body["total"].as_u64().unwrap(), body["page"].as_u64().unwrap())
}

#[tokio::test]
async fn a_filter_is_a_value_of_its_field() {
    let store = store().await;
    type Has = fn(&Offer) -> bool;
    let cases: [(&[(&str, &str)], Has); 14] = [
        (&[("city", "Kyiv")], |it| it.city == "Kyiv"),
        (&[("city", "Львів")], |it| it.city == "Львів"),
        (&[("city", "")], |it| it.city.is_empty()),
        (&[("kind", "old")], |it| it.kind == "old"),
        (&[("kind", "")], |it| it.kind.is_empty()),
        (&[("price", "1.5")], |it| it.price == Some(Decimal::new(150, 2))),
        (&[("price", "1.50")], |it| it.price == Some(Decimal::new(150, 2))),
        (&[("price", "")], |it| it.price.is_none()),
        (&[("weight", "0.5")], |it| it.weight == Some(0.5)),
        (&[("since", "2026-11-28")], |it| it.since.is_some()),
        (&[("since", "")], |it| it.since.is_none()),
        (&[("active", "false")], |it| !it.active),
        (&[("number", "17")], |it| it.number == 17),
        (&[("active", "true"), ("kind", "new"), ("city", "")], |it| {
            it.active && it.kind == "new" && it.city.is_empty()
        }),
    ];
    for (pairs, has) in cases {
        let expected: Vec<u32> = (1..=60).filter(|number| has(&offer(*number))).collect();
        assert!(!expected.is_empty(), "{pairs:?}");
        let (found, total, _) = numbers(&store, pairs).await;
        assert_eq!((found, total as usize), (expected.clone(), expected.len()), "{pairs:?}");
    }
}

#[tokio::test]
async fn a_limit_and_a_page_are_kept_to() {
    let store = store().await;
    assert_eq!(numbers(&store, &[("limit", "5")]).await, ((1..=5).collect(), 60, 1));
    assert_eq!(numbers(&store, &[("limit", "25"), ("page", "3")]).await, ((51..=60).collect(), 60, 3));
    assert_eq!(numbers(&store, &[("limit", "25"), ("page", "4")]).await, (vec![], 60, 4), "behind the last");
    assert_eq!(numbers(&store, &[("limit", "5"), ("sort", "-number")]).await.0, [60, 59, 58, 57, 56]);
    assert_eq!(numbers(&store, &[]).await.0.len(), 50);
    assert_eq!(numbers(&store, &[("limit", "200")]).await.0.len(), 60);
    let (dearest, ..) = numbers(&store, &[("limit", "3"), ("sort", "-price")]).await;
    assert!(dearest.iter().all(|number| offer(*number).price == Some(Decimal::new(300, 2))), "{dearest:?}");
}

/// Asserts that a list is refused: the name, the code, and the words of the problem.
fn refused(pairs: &[(&str, &str)], name: &str, code: &str, words: &[&str]) {
    let problem = ask(pairs).unwrap_err();
    assert_eq!((problem.status, problem.kind), (400, "urn:n2o:malformed"), "{pairs:?}");
    let wrong = &problem.errors[0];
    assert_eq!((wrong.field.as_str(), wrong.code.as_str()), (name, code), "{pairs:?}");
    for word in words {
        assert!(problem.detail.contains(word), "{pairs:?}: {word} is not in {}", problem.detail);
    }
}

#[test]
fn an_unknown_name_is_refused_with_those_that_there_are() {
    refused(&[("town", "Kyiv")], "town", "unknown", &["`town`", "text, sort, page, limit, number, city"]);
    refused(&[("secret", "x")], "secret", "unknown", &["`secret`"]);
    assert!(
        !ask(&[("town", "Kyiv")]).unwrap_err().detail.contains("secret"),
        "what is hidden is not told of"
    );
}

#[test]
fn an_unknown_order_is_refused() {
    for sort in ["nope", "-nope", "", "-", "--city", "secret"] {
        refused(&[("sort", sort)], "sort", "unknown", &["number, city"]);
    }
}

#[test]
fn a_page_and_a_limit_that_are_no_numbers_are_refused() {
    for page in ["abc", "0", "-1", "1.5", "", "+1", "99999999999999999999"] {
        refused(&[("page", page)], "page", "number", &["from 1", &format!("`{page}`")]);
    }
    for limit in ["0", "201", "five", "-5"] {
        refused(&[("limit", limit)], "limit", "number", &["from 1 to 200", &format!("`{limit}`")]);
    }
}

#[test]
fn a_value_that_is_none_of_its_field_is_refused() {
    refused(&[("price", "1,50")], "price", "number", &["`price`", "`1,50`", "enter a number"]);
    refused(&[("price", "1e3")], "price", "number", &["`1e3`"]);
    refused(&[("number", "1.5")], "number", "whole", &["`1.5`"]);
    refused(&[("since", "28.11.2026")], "since", "date", &["`28.11.2026`"]);
    refused(&[("since", "-004000-01-01")], "since", "date", &["`-004000-01-01`"]);
    refused(&[("kind", "king")], "kind", "choice", &["`king`", "new, old"]);
    refused(&[("active", "perhaps")], "active", "type", &["`perhaps`", "true, false"]);
    refused(&[("active", "")], "active", "type", &["true, false"]);
    refused(&[("mail", "nobody")], "mail", "email", &["`nobody`"]);
    refused(&[("city", "a\u{202e}b")], "city", "character", &["U+202E"]);
    refused(&[("city", "\u{200b}")], "city", "type", &[]);
    refused(&[("text", &"x".repeat(201))], "text", "long", &["200"]);
}

#[test]
fn a_name_that_stands_twice_is_refused_in_the_caller_s_language() {
    refused(&[("sort", "city"), ("sort", "price")], "sort", "twice", &["`sort`", "twice"]);
    let problem =
        rest::query(Records::of::<Offer>(), &clerk(), "uk", [("kind", "new"), ("kind", "old")]).unwrap_err();
    assert_eq!(problem.detail, "`kind` стоїть в адресі двічі.");
}

#[test]
fn who_may_not_read_is_not_told_what_there_is() {
    let problem = rest::query(Records::of::<Offer>(), &Who::default(), "en", [("town", "x")]).unwrap_err();
    assert_eq!((problem.status, problem.errors.len()), (403, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever is asked is asked, or the problem names it.
    #[test]
    fn nothing_that_is_asked_is_left_out(
        names in prop::collection::vec("text|sort|page|limit|city|kind|price|since|active|secret|[a-z]{1,5}", 1..4),
        values in prop::collection::vec("|-?[a-z]{1,6}|-?[0-9.]{1,4}|true|new|city|Kyiv|2026-11-28", 4),
    ) {
        let pairs: Vec<(&str, &str)> = names.iter().zip(&values).map(|(a, b)| (a.as_str(), b.as_str())).collect();
        match ask(&pairs) {
            Ok(query) => {
                for (name, value) in &pairs {
                    let is_asked = match *name {
                        "text" => query.text == *value,
                        "sort" => query.sort == value.trim_start_matches('-') && query.down == value.starts_with('-'),
                        "page" => (query.page + 1).to_string() == value.trim_start_matches('0'),
                        "limit" => query.limit.to_string() == value.trim_start_matches('0'),
                        name => query.filters.contains_key(name),
                    };
                    prop_assert!(is_asked, "{} {} {:?}", name, value, query);
                }
            }
            Err(problem) => {
                prop_assert_eq!(problem.status, 400);
                prop_assert!(names.contains(&problem.errors[0].field), "{:?}", problem);
            }
        }
    }
}
