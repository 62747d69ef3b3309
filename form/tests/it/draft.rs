//! Drafts: whose they are, and what is kept in them of what does not fit.

use std::time::Duration;

use n2o::{Limits, Tries};
use nitro::test::{TestPage, Visitor};

use crate::app::{Client, ada, app, proven, read, user};

const EDIT: &str = "/clients/AB-0001?do=edit";
const AGAIN: &str = "What you typed earlier and did not save is here again.";

/// Types a name and goes.
async fn types(visitor: &Visitor, name: &str) {
    let mut page = visitor.open(EDIT).await;
    page.fill("name", name);
    page.click("f.fields").await;
    page.leave();
}

fn shows(page: &TestPage) -> (String, bool) {
    (page.value("name"), page.text("f.note") == AGAIN)
}

#[tokio::test]
async fn a_guest_finds_nothing_of_the_user_whose_name_they_take() {
    let (app, _) = app(vec![ada()]).await;
    let eve = proven(&app, "eve", "clerk").await;
    types(&eve, "Ada L.").await;
    let guest = user(&app, "eve", "clerk").await;
    assert_eq!(shows(&guest.open(EDIT).await), ("Ada".into(), false));
    types(&guest, "Ada of the guest").await;
    let other = user(&app, "eve", "clerk").await;
    assert_eq!(shows(&other.open(EDIT).await), ("Ada".into(), false), "another guest");
    let elsewhere = proven(&app, "eve", "clerk").await;
    assert_eq!(shows(&elsewhere.open(EDIT).await), ("Ada L.".into(), true), "in another browser");
}

#[tokio::test]
async fn a_guest_finds_the_draft_again_until_the_session_is_another_user_s() {
    let (app, _) = app(vec![ada()]).await;
    let guest = user(&app, "eve", "clerk").await;
    types(&guest, "Ada L.").await;
    app.restart().await;
    assert_eq!(shows(&guest.open(EDIT).await), ("Ada L.".into(), true));
    guest.open("/login/eve/clerk").await;
    assert_eq!(shows(&guest.open(EDIT).await), ("Ada L.".into(), true), "the same name again");
    guest.open("/login/max/clerk").await;
    assert_eq!(shows(&guest.open(EDIT).await), ("Ada".into(), false));
    guest.open("/login/eve/clerk").await;
    assert_eq!(shows(&guest.open(EDIT).await), ("Ada".into(), false), "somebody else was here");
}

/// A browser cuts what is typed; a script in it does not.
#[tokio::test]
async fn a_text_that_is_far_too_long_is_told_at_once_and_loses_nothing() {
    let (app, store) = app(vec![ada()]).await;
    let eve = user(&app, "eve", "clerk").await;
    let mut page = eve.open("/clients/new?do=create").await;
    page.fill("code", "AB-0002");
    page.fill("name", "Ada L.");
    page.click("f.fields").await;
    for length in [20_000, 40_000] {
        page.fill("name", &"x".repeat(length));
        page.click("f.fields").await;
        assert!(page.text("name.e").contains("80"), "{}", page.text("name.e"));
        assert_eq!(page.value("name").len(), length, "the input is not emptied");
        page.fill("mail", "ada@example.org");
        page.click("f.fields").await;
        assert_eq!((page.value("name").len(), page.value("mail").as_str()), (length, "ada@example.org"));
    }
    page.click("f.save").await;
    assert!(read(&store, "AB-0002").await.is_none(), "nothing else is saved in its place");
    page.leave();
    let mut page = eve.open("/clients/new?do=create").await;
    assert_eq!((page.value("name").as_str(), page.value("mail").as_str()), ("Ada L.", "ada@example.org"));
    page.fill("name", &"x".repeat(20_000));
    page.click("f.fields").await;
    page.fill("name", "Ada K.");
    page.click("f.fields").await;
    assert_eq!(page.text("name.e"), "");
    page.click("f.save").await;
    assert_eq!(read(&store, "AB-0002").await.unwrap().name, "Ada K.");
}

#[tokio::test]
async fn a_new_record_has_one_draft_whatever_stands_in_its_address() {
    let (app, store) = app(vec![ada()]).await;
    for (eve, table) in [
        (user(&app, "eve", "clerk").await, "form.draft.guest"),
        (proven(&app, "eve", "clerk").await, "form.draft"),
    ] {
        for id in ["new", "any-id", "another"] {
            let mut page = eve.open(&format!("/clients/{id}?do=create")).await;
            page.fill("name", id);
            page.click("f.fields").await;
            page.leave();
        }
        let drafts = store.txn().range_raw(table, "", None, 9).await.unwrap();
        assert_eq!(drafts.len(), 1, "{table}");
    }
}

#[tokio::test]
async fn a_user_has_fifty_drafts_and_the_oldest_go_first() {
    let (app, store) = app((0..53).map(|n| Client { code: format!("AB-{n:04}"), ..ada() }).collect()).await;
    for (eve, table) in [
        (user(&app, "eve", "clerk").await, "form.draft.guest"),
        (proven(&app, "eve", "clerk").await, "form.draft"),
    ] {
        for n in (0..53).rev() {
            let mut page = eve.open(&format!("/clients/AB-{n:04}?do=edit")).await;
            page.fill("name", "Ada L.");
            page.click("f.fields").await;
            page.leave();
        }
        let drafts = store.txn().range_raw(table, "", None, 99).await.unwrap();
        assert_eq!(drafts.len(), 50, "{table}");
        assert!(drafts.iter().all(|draft| !draft.id.ends_with("AB-0052")), "the first one is gone");
    }
}

#[tokio::test]
async fn guests_of_an_address_keep_so_many_drafts_and_users_as_many_as_they_like() {
    let limits = Limits { guest_records: Tries::new(2, Duration::from_secs(10)), ..Limits::default() };
    let clients = (0..4).map(|n| Client { code: format!("AB-{n:04}"), ..ada() }).collect();
    let (app, store) = app(clients).await;
    let app = app.limits(limits);
    let begin = async |visitor: &Visitor, n: u32, name: &str| {
        let mut page = visitor.open(&format!("/clients/AB-{n:04}?do=edit")).await;
        page.fill("name", name);
        page.click("f.fields").await;
        assert_eq!(
            (page.error(), page.value("name").as_str()),
            (None, name),
            "it is on the page all the same"
        );
        page.leave();
    };
    let count = async |table| store.txn().range_raw(table, "", None, 9).await.unwrap().len();
    for n in 0..4 {
        // A guest for each.
        begin(&user(&app, "eve", "clerk").await, n, "Ada L.").await;
    }
    assert_eq!(count("form.draft.guest").await, 2);
    let eve = proven(&app, "eve", "clerk").await;
    for n in 0..4 {
        begin(&eve, n, "Ada L.").await;
    }
    assert_eq!(count("form.draft").await, 4);
    app.advance(Duration::from_secs(10));
    let guest = user(&app, "eve", "clerk").await;
    begin(&guest, 0, "Ada M.").await;
    begin(&guest, 0, "Ada N.").await;
    assert_eq!(count("form.draft.guest").await, 3, "what is kept already goes on to be kept");
    assert_eq!(guest.open("/clients/AB-0000?do=edit").await.value("name"), "Ada N.");
}
