//! Two who edit one record.

use crate::app::{ada, app, open, read};

#[tokio::test]
async fn a_lost_race_is_told_field_by_field_and_nothing_is_lost() {
    let (app, store) = app(vec![ada()]).await;
    let mut eve = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;

    max.fill("name", "Ada King");
    max.fill("tel", "+380441111111");
    max.fill("notes", "hers alone");
    max.click("f.save").await;
    eve.push().await;
    assert_eq!(
        eve.text("f.note"),
        "max has just saved this record. You will be asked what to keep when you save."
    );

    eve.fill("name", "Ada Lovelace");
    eve.fill("mail", "lovelace@example.org");
    eve.click("f.save").await;
    assert!(eve.text("f.note").starts_with("Somebody has saved this record"), "{}", eve.text("f.note"));
    assert_eq!(read(&store, "AB-0001").await.unwrap().name, "Ada King", "nothing was overwritten");
    let told = eve.text("name.r");
    assert!(["Ada", "Ada King", "Ada Lovelace"].iter().all(|text| told.contains(text)), "{told}");
    assert!(eve.has("tel.r") && !eve.has("mail.r") && !eve.has("notes.r"));
    assert_eq!(eve.value("name"), "Ada Lovelace", "mine is still there");
    assert_eq!(eve.value("tel"), "+380441111111", "what only they changed is taken over, and said so");

    eve.click("f.save").await;
    assert_eq!(eve.text("f.note"), "Choose theirs or yours for each field first.");
    eve.click("name.theirs").await;
    assert_eq!(eve.value("name"), "Ada King");
    eve.click("name.mine").await;
    assert_eq!(eve.value("name"), "Ada Lovelace");
    eve.click("tel.mine").await;
    assert_eq!(eve.value("tel"), "");
    eve.click("f.save").await;
    assert_eq!(eve.path(), "/clients/AB-0001");
    let saved = read(&store, "AB-0001").await.unwrap();
    let told = (saved.name.as_str(), saved.tel.as_str(), saved.mail.as_str(), saved.notes.as_str());
    assert_eq!(told, ("Ada Lovelace", "", "lovelace@example.org", "hers alone"));
}

#[tokio::test]
async fn a_third_save_while_one_decides_is_told_as_well() {
    let (app, store) = app(vec![ada()]).await;
    let mut eve = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    eve.fill("name", "Eve's");
    for name in ["One", "Two"] {
        let mut max = open(&app, "max", "manager", "/clients/AB-0001?do=edit").await;
        max.fill("name", name);
        max.click("f.save").await;
        eve.push().await;
        eve.click("f.save").await;
        assert!(eve.text("name.r").contains(name));
        eve.click("name.mine").await;
    }
    eve.click("f.save").await;
    assert_eq!(read(&store, "AB-0001").await.unwrap().name, "Eve's");
}

#[tokio::test]
async fn a_record_that_is_gone_can_be_made_anew_of_what_was_typed() {
    let (app, store) = app(vec![ada()]).await;
    let mut eve = open(&app, "eve", "clerk", "/clients/AB-0001?do=edit").await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001").await;
    eve.fill("name", "Ada L.");
    max.click("f.delete").await;
    eve.push().await;
    assert!(eve.text("f.note").starts_with("Somebody has deleted this record."));
    assert!(read(&store, "AB-0001").await.is_none());
    assert_eq!((eve.value("name"), eve.text("f.save")), ("Ada L.".into(), "Create anew".into()));
    eve.click("f.save").await;
    assert_eq!(read(&store, "AB-0001").await.unwrap().name, "Ada L.");
}

#[tokio::test]
async fn what_changed_since_one_looked_is_not_deleted() {
    let (app, store) = app(vec![ada()]).await;
    let mut max = open(&app, "max", "manager", "/clients/AB-0001").await;
    let mut changed = ada();
    changed.name = "Ada King".into();
    let mut txn = store.txn();
    txn.put(&changed).unwrap();
    txn.commit().await.unwrap();
    max.click("f.delete").await;
    assert_eq!(max.text("f.note"), "This record has changed meanwhile; here it is as it is now.");
    assert_eq!(max.text("name"), "Ada King");
    assert!(read(&store, "AB-0001").await.is_some());
}
