//! Numbers as users type, paste and see them, and as programs send them.

use form::{
    Records, Who,
    rest::{self, Call},
};
use serde_json::{Value, json};

use crate::app::{Client, ada, app, open, read};

#[tokio::test]
async fn a_comma_on_an_english_page_is_refused_with_the_way_to_write_it() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    page.fill("credit", "12,50");
    page.click("f.save").await;
    assert_eq!(page.text("credit.e"), "Please write it as 12.50.");
    assert_eq!(page.value("credit"), "12,50", "as it was typed");
    assert_eq!(read(&store, "AB-0001").await.unwrap().credit, ada().credit);
    page.fill("credit", "1,230.00");
    page.click("f.save").await;
    assert_eq!((page.path(), page.text("credit").as_str()), ("/clients/AB-0001", "1,230.00"));
    assert_eq!(read(&store, "AB-0001").await.unwrap().credit.to_string(), "1230.00");
}

#[tokio::test]
async fn what_the_ukrainian_view_shows_can_be_pasted() {
    let (app, store) = app(vec![ada()]).await;
    let app = app.lang("uk");
    for (pasted, credit) in [("20 400,00", "20400.00"), ("20\u{202f}400,5", "20400.50"), ("12.50", "12.50")] {
        let mut page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
        page.fill("credit", pasted);
        page.click("f.fields").await;
        assert_eq!(page.value("credit"), credit.replace('.', ","), "normalised, without groups");
        page.click("f.save").await;
        assert_eq!(read(&store, "AB-0001").await.unwrap().credit.to_string(), credit, "{pasted}");
        let shown = page.text("credit");
        let mut page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
        page.fill("credit", &shown);
        page.click("f.save").await;
        assert_eq!(read(&store, "AB-0001").await.unwrap().credit.to_string(), credit, "{shown}");
    }
    let mut page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    page.fill("credit", "1,230");
    page.click("f.save").await;
    let told = page.text("credit.e");
    assert!(told.contains("1\u{a0}230,00") && told.contains(" 1,23."), "{told}");
    page.fill("credit", "1000000,01");
    page.click("f.save").await;
    assert!(page.text("credit.e").contains(" 1\u{a0}000\u{a0}000,00."), "{}", page.text("credit.e"));
}

#[tokio::test]
async fn a_default_is_not_rewritten_while_another_field_changes() {
    let (app, _) = app(vec![]).await;
    let mut page = open(&app, "max", "manager", "/clients/new?do=create").await;
    let before = page.html_of("credit");
    assert_eq!(page.value("credit"), "0.00");
    page.fill("name", "Ada");
    page.click("f.fields").await;
    assert_eq!(page.html_of("credit"), before);
    page.fill("credit", "2.50");
    page.click("f.fields").await;
    assert_eq!(page.value("credit"), "2.50");
}

#[tokio::test]
async fn what_nobody_changed_stays_what_it_is() {
    let fine = Client { credit: "0.125".parse().unwrap(), ..ada() };
    let (app, store) = app(vec![fine]).await;
    let mut page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    assert_eq!(page.value("credit"), "0.125");
    page.fill("name", "Ada L.");
    page.click("f.save").await;
    let saved = read(&store, "AB-0001").await.unwrap();
    assert_eq!((saved.name.as_str(), saved.credit.to_string().as_str()), ("Ada L.", "0.125"));
}

#[tokio::test]
async fn what_was_refused_is_never_taken_for_a_number_later() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app.lang("de"), "max", "manager", "/clients/AB-0001?do=edit").await;
    // It looks as an amount is kept, and is not written as German has it.
    page.fill("credit", "12.50");
    page.click("f.fields").await;
    page.fill("name", "Ada L.");
    page.click("f.fields").await;
    assert_eq!(page.value("credit"), "12.50");
    page.click("f.save").await;
    assert_eq!(page.text("credit.e"), "Please write it as 12,50.");
    assert_eq!(read(&store, "AB-0001").await.unwrap().credit, ada().credit);
}

#[tokio::test]
async fn arrows_and_the_wheel_change_no_number() {
    let (app, _) = app(vec![Client { kind: "vip".into(), ..ada() }]).await;
    let page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    for (input, keys) in [("credit", "decimal"), ("discount", "numeric")] {
        assert_eq!((page.attr(input, "type"), page.attr(input, "inputmode")), (Some("text"), Some(keys)));
        assert_eq!(
            (page.attr(input, "min"), page.attr(input, "max"), page.attr(input, "step")),
            (None, None, None)
        );
    }
}

#[tokio::test]
async fn lists_histories_and_conflicts_show_the_numbers_of_the_page() {
    let (app, _) = app(vec![ada()]).await;
    let app = app.lang("uk");
    let mut eve = open(&app, "eve", "manager", "/clients/AB-0001?do=edit").await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    max.fill("credit", "2000");
    max.click("f.save").await;
    eve.push().await;
    eve.fill("credit", "3 000,5");
    eve.click("f.save").await;
    let told = eve.text("credit.r");
    assert!(
        ["1\u{a0}500,00", "2\u{a0}000,00", "3\u{a0}000,50"].iter().all(|text| told.contains(text)),
        "{told}"
    );
    let page = open(&app, "max", "manager", "/clients/AB-0001").await;
    assert!(page.text("f.history").contains("2\u{a0}000,00"), "{}", page.text("f.history"));
    let list = open(&app, "max", "manager", "/clients").await;
    assert!(list.text("f.rows").contains("2\u{a0}000,00"), "{}", list.text("f.rows"));
}

#[tokio::test]
async fn programs_send_numbers_or_plain_decimals() {
    let (_, store) = app(vec![]).await;
    let (who, mut txn) = (Who::new("max", &["manager"]), store.txn());
    let mut create = async |credit: Value| {
        let body = json!({ "code": "AB-0001", "name": "Ada", "credit": credit });
        let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
        match rest::create(Records::of::<Client>(), call, &body).await.unwrap() {
            Ok(reply) => (reply.status, reply.body["credit"].clone()),
            Err(problem) => {
                (problem.status, json!(format!("{} {}", problem.errors[0].field, problem.errors[0].code)))
            }
        }
    };
    for credit in ["1,000", "1__0", "1e3", "1 000", "+1", "0x10", "12,50", "\u{661}"] {
        assert_eq!(create(json!(credit)).await, (422, json!("credit number")), "{credit}");
    }
    for credit in [json!(true), json!([1]), json!({ "typed": "1" })] {
        assert_eq!(create(credit.clone()).await, (422, json!("credit type")), "{credit}");
    }
    assert_eq!(create(json!("1230.5")).await, (201, json!("1230.50")));
}
