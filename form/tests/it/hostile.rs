//! What a client sends that no browser would.

use n2o::Value;

use crate::app::{ada, app, open, read, user};

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

#[tokio::test]
async fn values_that_do_not_fit_are_faults_and_change_nothing() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    let bound = page.bound("f.form");
    assert_eq!(bound.sources, ["name", "mail", "tel", "kind", "since", "discount", "active"]);
    let good = || [text("Ada"), text(""), text(""), text("new"), text(""), text(""), Value::Bool(true)];
    let bad = [
        (0, text(&"x".repeat(81)), "name"),
        (0, text(&"x".repeat(40_000)), "name"),
        (0, text("two\nlines"), "name"),
        (0, Value::Bool(true), "name"),
        (1, text("<script>@x.ua"), "mail"),
        (3, text("king"), "kind"),
        (3, Value::List(vec!["a".into(); 100]), "kind"),
        (4, text("2026-02-30"), "since"),
        (4, text("yesterday"), "since"),
        (6, text("perhaps"), "active"),
    ];
    for (at, value, field) in bad {
        let mut values = good();
        values[at] = value;
        page.force(&bound, &values).await;
        assert_eq!(page.path(), "/clients/AB-0001?do=edit");
        assert!(!page.text(&format!("{field}.e")).is_empty(), "{field}: {}", page.html());
    }
    let mut fewer = good().to_vec();
    fewer.pop();
    page.force(&bound, &fewer).await;
    assert_eq!(page.error_code(), Some(2));
    assert_eq!(read(&store, "AB-0001").await.unwrap().name, "Ada");
    // What no input said stays as it was.
    let mut nothing = good();
    nothing[0] = Value::Null;
    page.force(&bound, &nothing).await;
    assert_eq!(
        (page.path(), read(&store, "AB-0001").await.unwrap().name.as_str()),
        ("/clients/AB-0001", "Ada")
    );
    assert!(!page.html().contains("<script>"));
}

#[tokio::test]
async fn a_seal_is_worth_nothing_to_another() {
    let (app, store) = app(vec![ada()]).await;
    let max = open(&app, "max", "manager", "/clients/AB-0001").await;
    let delete = max.bound("f.delete");
    let mut eve = open(&app, "eve", "clerk", "/clients/AB-0001").await;
    assert!(!eve.has("f.delete"));
    eve.force(&delete, &[]).await;
    assert_eq!(eve.error_code(), Some(2));
    assert!(read(&store, "AB-0001").await.is_some());
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_not_found() {
    let (app, _) = app(vec![ada()]).await;
    let max = user(&app, "max", "manager").await;
    for path in ["/clients/AB-9999", "/clients/AB-9999?do=edit", "/clients/%00", "/clients/new"] {
        let error = max.try_open(path).await.unwrap_err();
        assert!(matches!(error, n2o::Error::NotFound), "{path}: {error}");
    }
    let page = max.open("/clients?page=99999999999999999999&sort=nothing&kind=king&text=%20").await;
    assert_eq!(page.text("f.total"), "Found: 0");
    let page = max.open("/clients/new?do=create&name=%3Cb%3E&credit=many&code=").await;
    assert_eq!(page.value("name"), "<b>");
    assert!(!page.html().contains("<b>"));
}
