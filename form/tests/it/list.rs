//! The list: search, filters, order and pages.

use crate::app::{Client, ada, app, open, user};

fn clients(count: u32) -> Vec<Client> {
    let client = |n: u32| {
        let kind = if n.is_multiple_of(10) { "vip" } else { "regular" };
        let (name, kind) = (format!("Client {n}"), kind.to_owned());
        Client {
            code: format!("AA-{n:04}"),
            name,
            kind,
            active: n.is_multiple_of(2),
            credit: n.into(),
            ..ada()
        }
    };
    (1..=count).map(client).collect()
}

#[tokio::test]
async fn pages_hold_50_rows_and_say_how_many_there_are() {
    let (app, _) = app(clients(120)).await;
    let mut page = open(&app, "eve", "clerk", "/clients").await;
    let rows = |page: &nitro::test::TestPage| page.html_of("f.rows").matches("<tr").count();
    assert_eq!((page.text("f.total").as_str(), rows(&page)), ("Found: 120", 50));
    assert_eq!(page.text("f.page"), "Page 1 / 3");
    assert!(!page.is_enabled("f.previous"));
    page.click("f.next").await;
    page.click("f.next").await;
    assert_eq!((page.text("f.page").as_str(), rows(&page)), ("Page 3 / 3", 20));
    assert!(!page.is_enabled("f.next"));
}

#[tokio::test]
async fn a_search_finds_words_anywhere_and_filters_narrow_it() {
    let (app, _) = app(clients(120)).await;
    let mut page = open(&app, "eve", "clerk", "/clients").await;
    page.fill("f.text", "client 11");
    page.click("f.text").await;
    assert_eq!(page.text("f.total"), "Found: 11");
    page.fill("kind", "vip");
    page.click("f.filters").await;
    assert_eq!(page.text("f.total"), "Found: 1");
    assert!(page.text("f.rows").contains("AA-0110"));
    page.fill("active", "false");
    page.click("f.find").await;
    assert_eq!(page.text("f.found"), "Nothing was found. Change the search or the filters.");
    page.fill("f.text", "secret");
    page.fill("active", "");
    page.fill("kind", "");
    page.click("f.find").await;
    assert_eq!(page.text("f.total"), "Found: 0", "a clerk does not find by what only managers see");

    let page = open(&app, "max", "manager", "/clients?text=secret&kind=vip").await;
    assert_eq!((page.text("f.total").as_str(), page.value("kind").as_str()), ("Found: 12", "vip"));
}

/// A browser cuts what is typed; a script in it does not.
#[tokio::test]
async fn what_is_too_long_to_be_read_leaves_the_search_as_it_was() {
    let (app, _) = app(clients(120)).await;
    let mut page = open(&app, "eve", "clerk", "/clients").await;
    page.fill("f.text", "client 11");
    page.fill("kind", "vip");
    page.click("f.find").await;
    assert_eq!(page.text("f.total"), "Found: 1");
    let bound = page.bound("f.find");
    let value = |name: &str| match name {
        "kind" | "f.text" => n2o::Value::Text("x".repeat(40_000).into()),
        _ => n2o::Value::Text("".into()),
    };
    let values: Vec<_> = bound.sources.iter().map(|name| value(name)).collect();
    page.force(&bound, &values).await;
    assert_eq!(page.text("f.total"), "Found: 1");
    assert_eq!((page.value("f.text").as_str(), page.value("kind").as_str()), ("client 11", "vip"));
    assert_eq!(page.text("f.text.e"), "At most 200 characters.");
    page.fill("f.text", &"x".repeat(201));
    page.click("f.find").await;
    assert_eq!(
        (page.text("f.text.e").as_str(), page.text("f.total").as_str()),
        ("At most 200 characters.", "Found: 1")
    );
    page.fill("f.text", "client 110");
    page.click("f.find").await;
    assert_eq!((page.text("f.text.e").as_str(), page.text("f.total").as_str()), ("", "Found: 1"));
}

#[tokio::test]
async fn a_column_is_sorted_one_way_and_then_the_other() {
    let (app, _) = app(clients(120)).await;
    let mut page = open(&app, "eve", "clerk", "/clients").await;
    page.click("s.credit").await;
    assert_eq!(page.attr("h.credit", "aria-sort"), Some("ascending"));
    assert!(page.text("f.rows").starts_with("AA-0001"), "as numbers: 2 before 10");
    page.click("s.credit").await;
    assert_eq!(page.attr("h.credit", "aria-sort"), Some("descending"));
    assert!(page.text("f.rows").starts_with("AA-0120"));
    page.click("f.next").await;
    assert!(page.text("f.rows").starts_with("AA-0070"));
}

#[tokio::test]
async fn an_empty_table_says_so() {
    let (app, _) = app(vec![]).await;
    let page = open(&app, "eve", "clerk", "/clients").await;
    assert_eq!(page.text("f.found"), "There is nothing here yet.");
}

#[tokio::test]
async fn a_row_leads_to_its_card_whatever_its_id_is() {
    let odd = Client { code: "a/b ?\u{fc}".into(), ..ada() };
    let (app, _) = app(vec![odd]).await;
    let mut page = open(&app, "eve", "clerk", "/clients").await;
    assert!(page.html_of("f.rows").contains("href=\"/clients/a%2Fb%20%3F%C3%BC\""));
    page.go("/clients/a%2Fb%20%3F%C3%BC").await;
    assert_eq!(page.text("code"), "a/b ?\u{fc}");
}

/// Many look at a list while one changes a record that none of them sees: their pages have nothing to send.
#[tokio::test]
async fn a_change_that_is_not_on_the_page_is_not_sent_and_one_that_is_comes_to_all() {
    let bo = Client { name: "Bo".into(), code: "BB-0001".into(), kind: "vip".into(), ..ada() };
    let (app, _) = app(vec![ada(), bo]).await;
    let eve = user(&app, "eve", "clerk").await;
    let (mut all, mut vip) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        all.push(eve.open("/clients").await);
        vip.push(eve.open("/clients?kind=vip").await);
    }
    let mut edit = eve.open("/clients/AB-0001?do=edit").await;
    edit.fill("name", "Ada King");
    edit.click("f.save").await;
    for page in &mut all {
        page.push().await;
        assert!(page.text("f.rows").contains("Ada King"));
    }
    let mut edit = eve.open("/clients/BB-0001?do=edit").await;
    edit.fill("name", "Bob");
    edit.click("f.save").await;
    for page in &mut vip {
        // The first thing that comes is of the second change.
        assert_eq!(page.push().await.len(), 1, "{}", page.changes());
        assert!(page.text("f.rows").contains("Bob") && !page.changes().contains("Ada"), "{}", page.changes());
    }
}
