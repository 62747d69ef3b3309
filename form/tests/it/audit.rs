//! The history of a record.

use crate::app::{ada, app, open};

#[tokio::test]
async fn each_change_is_told_with_who_and_what_as_far_as_the_reader_may_see_it() {
    let (app, _) = app(vec![ada()]).await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    max.fill("name", "Ada King");
    max.fill("notes", "wedding");
    max.click("f.save").await;
    let story = max.text("f.history");
    for told in ["max", "changed", "Name", "Ada", "Ada King", "Notes", "secret", "wedding"] {
        assert!(story.contains(told), "{told} in {story}");
    }
    let eve = open(&app, "eve", "clerk", "/clients/AB-0001").await;
    let story = eve.text("f.history");
    assert!(story.contains("Ada King") && story.contains("Fields that you may not see were changed."));
    assert!(!eve.html().contains("wedding") && !eve.html().contains("secret"));
}

#[tokio::test]
async fn who_looks_sees_changes_as_they_happen() {
    let (app, _) = app(vec![ada()]).await;
    let mut eve = open(&app, "eve", "clerk", "/clients/AB-0001").await;
    let mut list = open(&app, "eve", "clerk", "/clients").await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    max.fill("name", "Ada King");
    max.click("f.save").await;
    eve.push().await;
    assert_eq!(eve.text("name"), "Ada King");
    list.push().await;
    assert!(list.text("f.rows").contains("Ada King"));
}

#[tokio::test]
async fn a_save_that_changes_nothing_is_told_nobody_and_remembered_nowhere() {
    let (app, store) = app(vec![ada()]).await;
    let mut eve = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
    let version = async || store.txn().range_raw("client", "", None, 9).await.unwrap().pop().unwrap().version;
    let before = version().await;
    eve.click("f.save").await;
    assert_eq!((eve.path(), eve.error()), ("/clients/AB-0001", None));
    assert!(!eve.has("f.history") || !eve.text("f.history").contains("eve"), "{}", eve.text("f.history"));
    assert_eq!(version().await, before);
    max.fill("name", "Ada L.");
    max.click("f.save").await;
    assert_eq!((max.path(), max.error()), ("/clients/AB-0001", None), "nobody was in the way");
}
