//! What a declaration says: computed fields, own checks, lookups, and the same as data.

use std::collections::BTreeMap;

use form::{Card, Document, Field, Form, Functions, Kind, Labels, List, Spec, Type, Typed, Who, show};
use jiff::civil::Date;
use kvs::Store;
use nitro::test::TestApp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::{Client, ada, app, user};

const LABELS: Labels = Labels::new(
    "key           | en
     order         | Orders
     number        | Number
     client        | Client
     price         | Price
     volume        | Volume
     net           | Net
     total         | Total
     placed        | Placed
     due           | Due
     due.check     | Not before it was placed.
     express       | Express
     reason        | Reason",
);

fn net(price: &Decimal, volume: &u32) -> Decimal {
    price * Decimal::from(*volume)
}

fn total(net: &Decimal, express: &bool) -> Decimal {
    if *express { net + Decimal::TEN } else { *net }
}

fn in_order(due: &Option<Date>, placed: &Date) -> bool {
    due.is_none_or(|due| due >= *placed)
}

/// A record of which nothing could be shown: a text has no range.
#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "bad", labels = BAD)]
struct Bad {
    #[form(id)]
    code: String,
    #[form(range = 1..=5)]
    name: String,
}

const BAD: Labels = Labels::new("key | en\n bad | Bad\n code | Code\n name | Name");

/// A page that may open cards of it.
#[derive(Default, nitro::prelude::Serialize, nitro::prelude::Deserialize)]
struct Hidden(nitro::Keyed<String, Card<Bad>>);

impl nitro::Page for Hidden {
    type Event = nitro::Never;
    const ACCESS: nitro::Access = nitro::Access::Anyone;

    fn children(&mut self) -> nitro::Children<'_, nitro::Never> {
        nitro::Children::none().keyed("cards", &mut self.0, |_, _| unreachable!())
    }

    fn render(&self, _: &nitro::Ui<'_, Self>) -> maud::Markup {
        maud::html! {}
    }

    async fn event(&mut self, never: nitro::Never, _: &mut nitro::Cx<'_, Self>) -> n2o::Result {
        match never {}
    }
}

#[test]
fn a_declaration_that_cannot_work_stops_the_start() {
    let starts: [fn(); 3] = [
        || drop(TestApp::new().page::<Card<Bad>>("/bad/{id}")),
        || drop(TestApp::new().page::<List<Bad>>("/bad")),
        || drop(TestApp::new().page::<Hidden>("/hidden")),
    ];
    for start in starts {
        let panic = std::panic::catch_unwind(start).expect_err("it cannot work");
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let told = panic.downcast_ref::<String>().cloned().or(text).unwrap_or_default();
        // The first says why; a static that has failed stays so.
        assert!(told.contains("the range") || told.contains("poisoned"), "{told}");
    }
}

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "order", labels = LABELS)]
struct Order {
    #[form(id, auto)]
    number: u64,
    #[form(lookup = Client, required)]
    client: String,
    #[form(range = "0.01"..)]
    price: Decimal,
    #[form(default = 1, range = 1..=100)]
    volume: u32,
    // Declared before what it needs: the order of computing is found.
    #[form(compute = total(net, express))]
    total: Decimal,
    #[form(compute = net(price, volume))]
    net: Decimal,
    placed: Date,
    #[form(check = in_order(due, placed))]
    due: Option<Date>,
    express: bool,
    #[form(visible = express, required = express && volume > 10, lines)]
    reason: String,
}

async fn orders() -> (TestApp, Store) {
    let (app, store) = app(vec![ada(), Client { code: "AB-0002".into(), name: "Bob".into(), ..ada() }]).await;
    (app.page::<List<Order>>("/orders").page::<Card<Order>>("/orders/{id}"), store)
}

#[tokio::test]
async fn computed_fields_follow_what_they_are_computed_from() {
    let (app, store) = orders().await;
    let mut page = user(&app, "eve", "clerk").await.open("/orders/new?do=create").await;
    assert_eq!(page.value("volume"), "1");
    page.fill("price", "12.5");
    page.fill("volume", "20");
    page.check("express", true);
    page.click("f.fields").await;
    assert_eq!((page.text("net").as_str(), page.text("total").as_str()), ("250.00", "260.00"));
    assert_eq!(page.value("price"), "12.50", "put into its form");
    assert_eq!(page.text("client.e"), "", "no complaint before the user tried to save");

    page.fill("placed", "2026-01-02");
    page.fill("due", "2026-01-01");
    page.fill("client", "nobody");
    page.click("f.save").await;
    assert_eq!(page.text("due.e"), "Not before it was placed.");
    assert_eq!(page.text("reason.e"), "Please fill in this field.");
    page.fill("due", "2026-01-03");
    page.fill("reason", "a\nb");
    page.click("f.save").await;
    assert_eq!(page.text("client.e"), "There is no such record.");
    assert_eq!(page.text("due.e"), "");

    page.fill("client", "ad");
    page.click("client").await;
    assert!(page.html_of("client.c").contains(r#"<option value="AB-0001">Ada</option>"#));
    page.fill("client", "ada");
    page.click("f.save").await;
    assert_eq!(page.path(), "/orders/1");
    assert_eq!(page.text("client"), "Ada");
    let order: Order = store.txn().get("1").await.unwrap().unwrap();
    assert_eq!((order.client.as_str(), order.total), ("AB-0001", Decimal::new(26_000, 2)));
    page.go("/orders").await;
    assert!(page.text("f.rows").contains("Ada"), "{}", page.html());
    page.fill("f.text", "bob");
    page.click("f.text").await;
    assert_eq!(page.text("f.total"), "Found: 0");
    page.fill("f.text", "ada 260.00");
    page.click("f.text").await;
    assert_eq!(page.text("f.total"), "Found: 1", "by the title of what is looked up");
}

#[test]
fn what_is_computed_is_never_taken_from_outside() {
    let (spec, who) = (Order::spec(), Who::default());
    let given = json!({ "price": "10", "volume": 2, "net": "1", "total": "1", "placed": "2026-01-01", "client": "x" });
    let filled = spec.fill(&who, Kind::Create, given.as_object().unwrap(), &spec.blank());
    assert_eq!((&filled.data["net"], &filled.data["total"]), (&json!("20.00"), &json!("20.00")));
    assert!(filled.faults.is_empty(), "{:?}", filled.faults);
}

#[test]
fn a_number_is_grouped_but_where_it_names_its_record() {
    let spec = Order::spec();
    let shown = |name, value| show::value(spec, spec.document.field(name).unwrap(), &value, "en");
    assert_eq!(
        (shown("price", json!("1234.50")), shown("number", json!(2001))),
        ("1,234.50".into(), "2001".into())
    );
}

#[test]
fn numbers_beyond_the_type_of_the_record_are_faults() {
    let (spec, who) = (Order::spec(), Who::default());
    for volume in [json!(-1), json!(101), json!(4_294_967_296_u64), json!("1e9"), json!(1.5), json!("")] {
        let given = json!({ "volume": volume });
        let filled = spec.fill(&who, Kind::Create, given.as_object().unwrap(), &spec.blank());
        assert!(filled.faults.contains_key("volume"), "{volume}");
    }
}

#[test]
fn a_document_is_the_same_as_data() {
    for spec in [Order::spec(), Client::spec()] {
        let json = serde_json::to_string_pretty(&spec.document).unwrap();
        let again: Document = serde_json::from_str(&json).unwrap();
        assert_eq!(again, spec.document);
        again.check().unwrap();
    }
    let json = serde_json::to_value(&Order::spec().document).unwrap();
    assert_eq!(
        json["fields"][9],
        json!({
            "name": "reason", "type": "lines", "unlisted": true, "visible": { "set": "express" },
            "required": { "all": [
                { "set": "express" }, { "test": { "field": "volume", "op": "gt", "value": 10 } }
            ] }
        })
    );
}

#[test]
fn a_program_builds_a_document_and_reads_a_form_by_it() {
    let document = Document::new("sum", "")
        .field_added(Field::new("a", Type::Number { decimals: 0 }))
        .field_added(Field::new("twice", Type::Number { decimals: 0 }).computed(&["a"]))
        .labels(&Labels::new("key|en\nsum|Sum\na|A\ntwice|Twice"));
    let twice = |data: &form::Data| data["a"].as_i64().map_or(Value::Null, |a| (a * 2).into());
    let spec = Spec::new(document, Functions::new().compute("twice", twice)).unwrap();
    let inputs = [("a".to_owned(), n2o::Value::Text("21".into()))].into_iter().collect();
    let filled = spec.read(&Who::default(), Kind::Create, Typed::new(&inputs, "en"), &spec.blank());
    assert_eq!(Value::Object(filled.data), json!({ "a": 21, "twice": 42 }));
}

#[test]
fn what_is_wrong_with_a_document_is_told_with_its_place() {
    let broken = |change: &dyn Fn(&mut Document)| {
        let mut document = Order::spec().document.clone();
        change(&mut document);
        document.check().unwrap_err().to_string()
    };
    let field = |document: &mut Document, change: &dyn Fn(&mut Field)| change(&mut document.fields[3]);
    assert_eq!(
        broken(&|d| field(d, &|f| f.visible = form::Condition::Set("colour".into()))),
        "`visible` of `volume` speaks of the field `colour`, which `order` lacks"
    );
    assert_eq!(
        broken(&|d| field(d, &|f| f.rules.push(form::Rule::Pattern("(".into())))).split(": ").next(),
        Some("the pattern of `order.volume`")
    );
    assert_eq!(
        broken(&|d| field(d, &|f| f.default = Some("many".into()))),
        "the default of `order.volume` does not fit its type"
    );
    assert_eq!(broken(&|d| d.texts = BTreeMap::new()), "`order` has no text `` in the language `en`");
    assert_eq!(
        broken(&|d| field(d, &|f| f.name = "Volume".into())),
        "`order` has a field `Volume`: a name is 1 to 48 of a-z 0-9 _ and begins with a letter"
    );
    for json in [
        r#"{"name":"x"}"#,
        r#"{"name":"x","fields":[],"colour":1}"#,
        r#"{"name":"x","fields":[{"name":"a","type":"colour"}]}"#,
    ] {
        assert!(serde_json::from_str::<Document>(json).is_err(), "{json}");
    }
}

#[test]
fn wrong_declarations_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[tokio::test]
async fn history_names_the_records_that_were_looked_up() {
    let (app, _) = orders().await;
    let mut page = user(&app, "eve", "clerk").await.open("/orders/new?do=create").await;
    for (field, value) in [("client", "AB-0001"), ("price", "12.5"), ("placed", "2026-01-02")] {
        page.fill(field, value);
    }
    page.click("f.save").await;
    assert_eq!(page.path(), "/orders/1");
    page.go("/orders/1?do=edit").await;
    page.fill("client", "AB-0002");
    page.click("f.save").await;
    let history = page.text("f.history");
    assert!(history.contains("Ada Bob") && !history.contains("AB-"), "{history}");
}
