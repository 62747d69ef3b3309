//! Making, editing, looking at and deleting one record.

use rust_decimal::Decimal;

use crate::app::{LABELS, ada, app, open, read, user};

#[tokio::test]
async fn a_record_is_made_with_mistakes_that_are_mended() {
    let (app, store) = app(vec![]).await;
    let mut page = open(&app, "eve", "clerk", "/clients").await;
    assert_eq!(page.text("f.total"), "Found: 0");
    page.press("New").await;

    page.fill("code", "1");
    page.fill("mail", "nowhere");
    page.click("f.save").await;
    assert_eq!(page.text("code.e"), "Two letters, a dash and four digits, such as AB-0001.");
    assert_eq!(page.text("name.e"), "Please fill in this field.");
    assert_eq!(page.text("mail.e"), "Please enter an e-mail address, such as name@example.org.");
    assert_eq!(page.text("f.note"), "Please mend what is marked: Code, Name, E-mail");
    assert_eq!(page.attr("mail", "aria-invalid"), Some("true"));
    assert_eq!(page.focused(), "code");
    assert_eq!(page.value("mail"), "nowhere", "what was typed is still there");

    page.fill("code", "AB-0001");
    page.fill("name", "Ada");
    page.fill("mail", "ada@example.org");
    page.click("f.save").await;
    assert_eq!(page.path(), "/clients/AB-0001");
    assert_eq!(page.text("name"), "Ada");
    let made = read(&store, "AB-0001").await.unwrap();
    assert_eq!((made.kind.as_str(), made.credit), ("new", Decimal::ZERO), "defaults");

    page.go("/clients/new?do=create&name=Bob").await;
    assert_eq!(page.value("name"), "Bob", "filled in by the address");
    page.fill("code", "AB-0001");
    page.click("f.save").await;
    assert_eq!(page.text("code.e"), "There is already a record with this value.");
}

#[tokio::test]
async fn what_the_browser_may_check_it_is_told() {
    let (app, _) = app(vec![ada()]).await;
    let page = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    assert_eq!(page.attr("name", "maxlength"), Some("33000"), "a paste that is cut is told to be too long");
    assert_eq!(page.attr("name", "minlength"), Some("2"));
    assert_eq!(page.attr("name", "required"), Some(""));
    assert_eq!(
        (page.attr("credit", "type"), page.attr("credit", "inputmode")),
        (Some("text"), Some("decimal"))
    );
    assert_eq!(page.attr("credit", "aria-describedby"), Some("credit.h credit.e"));
    assert_eq!(page.attr("since", "type"), Some("date"));
    assert_eq!((page.attr("mail", "type"), page.attr("mail", "inputmode")), (Some("text"), Some("email")));
    assert!(page.html().contains(r#"<label for="name" class="needed">Name</label>"#), "{}", page.html());
    assert!(page.html().contains("<output id=\"code\""), "the id is fixed");
}

#[tokio::test]
async fn a_condition_shows_a_field_and_hides_it_with_its_value() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    assert!(!page.is_visible("discount"));
    page.fill("kind", "vip");
    page.click("f.fields").await;
    page.fill("discount", "1001");
    page.click("f.save").await;
    assert_eq!(page.text("discount.e"), "Not more than 1,000.");
    page.fill("discount", "10");
    page.fill("name", "Ada L.");
    page.click("f.save").await;
    assert_eq!(page.path(), "/clients/AB-0001");
    assert_eq!(read(&store, "AB-0001").await.unwrap().discount, Some(10));

    page.press("Edit").await;
    page.fill("kind", "new");
    page.fill("discount", "99");
    page.click("f.save").await;
    let saved = read(&store, "AB-0001").await.unwrap();
    assert_eq!((saved.kind.as_str(), saved.discount), ("new", Some(10)), "hidden, it kept its value");
}

#[tokio::test]
async fn what_somebody_may_not_see_or_write_is_neither_there_nor_read() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    assert!(!page.html().contains("secret") && !page.html().contains("Notes"));
    assert!(page.html().contains("<output id=\"credit\""), "seen, not written");
    let bound = page.bound("f.form");
    assert!(!bound.sources.iter().any(|name| name == "credit" || name == "notes" || name == "code"));

    // Whatever the client sends in the place of the others, there is no place for these.
    page.fill("name", "Ada L.");
    page.click("f.save").await;
    let saved = read(&store, "AB-0001").await.unwrap();
    assert_eq!((saved.name.as_str(), saved.notes.as_str(), saved.credit), ("Ada L.", "secret", ada().credit));

    let stranger = user(&app, "joe", "nobody").await;
    let error = stranger.try_open("/clients/AB-0001?do=edit").await.unwrap_err();
    assert!(matches!(error, n2o::Error::Denied), "{error}");
    let mut page = stranger.open("/clients/AB-0001").await;
    assert!(!page.has("f.edit") && !page.has("f.delete"));
    page.go("/clients").await;
    assert!(!page.has("f.new"));
    let error = app.visitor().try_open("/clients").await.unwrap_err();
    assert!(matches!(error, n2o::Error::Denied), "{error}");
}

#[tokio::test]
async fn a_manager_deletes_after_a_question() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app, "max", "manager", "/clients/AB-0001").await;
    assert_eq!(page.attr("f.delete", "data-c"), Some("Delete this record? This cannot be undone."));
    page.click("f.delete").await;
    assert_eq!(page.path(), "/clients");
    assert!(read(&store, "AB-0001").await.is_none());
    let error = page.visitor().try_open("/clients/AB-0001").await.unwrap_err();
    assert!(matches!(error, n2o::Error::NotFound), "{error}");
}

#[tokio::test]
async fn what_was_typed_survives_a_restart() {
    let (app, store) = app(vec![ada()]).await;
    let mut page = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    page.fill("name", "Ada L.");
    page.click("f.fields").await;
    page.fill("tel", "+380441234567");
    app.restart().await;
    page.reconnect().await;
    assert_eq!((page.value("name").as_str(), page.value("tel").as_str()), ("Ada L.", "+380441234567"));
    page.click("f.save").await;
    assert_eq!(read(&store, "AB-0001").await.unwrap().tel, "+380441234567");
}

#[tokio::test]
async fn what_was_typed_and_not_saved_is_there_again() {
    let (app, store) = app(vec![ada()]).await;
    let eve = user(&app, "eve", "clerk").await;
    let mut page = eve.open("/clients/AB-0001?do=edit").await;
    page.fill("name", "Ada L.");
    page.click("f.fields").await;
    page.leave();
    let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    assert_eq!(max.value("name"), "Ada", "a draft is its author's");
    max.fill("name", "Ada King");
    max.click("f.save").await;

    let mut page = eve.open("/clients/AB-0001?do=edit").await;
    assert_eq!(page.text("f.note"), "What you typed earlier and did not save is here again.");
    assert_eq!(page.value("name"), "Ada L.");
    page.click("f.save").await;
    assert!(page.text("name.r").contains("Ada King"), "the race is noticed also now");
    page.click("f.cancel").await;
    assert_eq!(page.text("name"), "Ada King");
    page.press("Edit").await;
    assert_eq!((page.value("name").as_str(), page.is_visible("f.note")), ("Ada King", false));

    page.fill("name", "Ada L.");
    page.click("f.fields").await;
    max.click("f.delete").await;
    let mut page = eve.open("/clients/AB-0001?do=edit").await;
    assert!(page.text("f.note").starts_with("Somebody has deleted"));
    page.click("f.save").await;
    assert_eq!(read(&store, "AB-0001").await.unwrap().name, "Ada L.");
}

#[tokio::test]
async fn the_screens_speak_ukrainian() {
    let (app, _) = app(vec![ada()]).await;
    let app = app.lang("uk");
    let mut page = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    assert_eq!(page.title(), format!("Ada - {}", LABELS.get("client", "uk").unwrap()));
    assert_eq!(page.text("credit"), "1\u{a0}500,00");
    page.fill("name", "");
    page.click("f.save").await;
    assert!(!page.text("name.e").is_empty() && !page.text("name.e").contains("Please"));
}

#[tokio::test]
async fn a_text_far_beyond_its_field_is_said_to_be_too_long_and_not_kept() {
    let (app, store) = app(vec![ada()]).await;
    let eve = user(&app, "eve", "clerk").await;
    let mut page = eve.open("/clients/AB-0001?do=edit").await;
    page.fill("name", &"x".repeat(20_000));
    page.click("f.save").await;
    assert!(!page.text("name.e").is_empty());
    assert_eq!(page.value("name").len(), 20_000, "it is still in the input");
    page.click("f.fields").await;
    page.leave();
    let draft = loop {
        let drafts = store.txn().range_raw("form.draft.guest", "", None, 9).await.unwrap();
        if let Some(draft) = drafts.into_iter().next() {
            break draft;
        }
        tokio::task::yield_now().await;
    };
    assert!(draft.bytes.len() < 5_000, "a draft of {} bytes", draft.bytes.len());
}

#[tokio::test]
async fn what_is_typed_is_written_once_in_a_while() {
    let limits = n2o::Limits { save: std::time::Duration::from_hours(1), ..n2o::Limits::default() };
    let (app, store) = app(vec![ada()]).await;
    let app = app.limits(limits);
    let eve = user(&app, "eve", "clerk").await;
    let mut page = eve.open("/clients/AB-0001?do=edit").await;
    let draft = async || store.txn().range_raw("form.draft.guest", "", None, 9).await.unwrap().pop();
    let mut first = None;
    for number in 0..50 {
        page.fill("name", &format!("Ada {number}"));
        page.click("f.fields").await;
        let version = draft().await.unwrap().version;
        assert_eq!(*first.get_or_insert(version), version, "the first at once, and not each change");
    }
    page.leave();
    while draft().await.map(|draft| draft.version) == first {
        tokio::task::yield_now().await;
    }
    let page = eve.open("/clients/AB-0001?do=edit").await;
    assert_eq!(page.value("name"), "Ada 49");
}

/// A browser asks for the page anew before the server has heard that the old one is gone.
#[tokio::test]
async fn what_was_typed_a_moment_ago_is_there_after_a_reload() {
    let limits = n2o::Limits { save: std::time::Duration::from_hours(1), ..n2o::Limits::default() };
    let (app, store) = app(vec![ada()]).await;
    let app = app.limits(limits);
    let eve = user(&app, "eve", "clerk").await;
    let mut old = eve.open("/clients/AB-0001?do=edit").await;
    for (id, text) in [("name", "Ada of old"), ("name", "Ada of now"), ("mail", "now@example.org")] {
        old.fill(id, text);
        old.click("f.fields").await;
    }
    let mut new = eve.open("/clients/AB-0001?do=edit").await;
    assert_eq!((new.value("name").as_str(), new.value("mail").as_str()), ("Ada of now", "now@example.org"));
    new.fill("name", "Ada of later");
    new.click("f.fields").await;
    // What the old page has is in the store, and is not written over what came later.
    let version =
        async || store.txn().range_raw("form.draft.guest", "", None, 9).await.unwrap().pop().unwrap().version;
    let before = version().await;
    old.leave();
    new.fill("name", "Ada of the end");
    new.click("f.fields").await;
    new.leave();
    while version().await == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(eve.open("/clients/AB-0001?do=edit").await.value("name"), "Ada of the end");
}

#[tokio::test]
async fn who_comes_back_to_a_form_that_was_saved_finds_the_record_as_it_is_now() {
    let (app, store) = app(vec![ada()]).await;
    let eve = user(&app, "eve", "clerk").await;
    let mut edit = eve.open("/clients/AB-0001?do=edit").await;
    // As a tab that is shown again by Back.
    edit.stay();
    edit.fill("name", "Ada L.");
    edit.click("f.save").await;
    edit.reload().await;
    assert_eq!((edit.value("name").as_str(), edit.text("f.note").as_str()), ("Ada L.", ""));
    edit.stay();
    edit.fill("name", "Ada King");
    edit.click("f.save").await;
    assert_eq!((edit.error(), edit.text("f.note").as_str()), (None, ""), "no conflict with oneself");
    assert_eq!(crate::app::read(&store, "AB-0001").await.unwrap().name, "Ada King");
    let mut new = eve.open("/clients/new?do=create").await;
    new.stay();
    for (id, text) in [("code", "BB-0001"), ("name", "Bo")] {
        new.fill(id, text);
    }
    new.click("f.save").await;
    new.reload().await;
    assert_eq!((new.value("name").as_str(), new.value("code").as_str()), ("", ""), "{}", new.html());
}
