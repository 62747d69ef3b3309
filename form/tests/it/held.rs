//! A list of records and the cards of those that were opened in one page, as components with events of their own.

use form::{Card, List, Opened, Outcome};
use maud::html;
use nitro::prelude::*;

use crate::app::{Client, ada, app, open};

// begin
#[derive(Default, Serialize, Deserialize)]
struct Desk {
    clients: Child<List<Client>>,
    cards: Keyed<String, Card<Client>>,
}
#[derive(Event)]
enum Act {
    Opened(Opened),
    Card(String, Outcome),
}
impl Page for Desk {
    type Event = Act;
    const ACCESS: Access = Access::User;
    fn children(&mut self) -> Children<'_, Act> {
        let list = Children::none().child("clients", &mut self.clients, Act::Opened);
        list.keyed("cards", &mut self.cards, Act::Card)
    }
    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (ui.place(&self.clients)) (ui.place_all(&self.cards)) }
    }
    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Opened(opened) => self.cards.open(opened.key(), opened.into()),
            Act::Card(_, Outcome::Saved(id)) => cx.alert(format!("{id} is saved")),
            Act::Card(key, Outcome::Closed | Outcome::Gone(_)) => drop(self.cards.close(&key)),
        }
        cx.refresh();
        Ok(())
    }
}
// end

#[test]
fn the_page_has_at_most_30_lines() {
    let lines = include_str!("held.rs").lines().skip_while(|line| *line != "// begin").skip(1);
    let count = lines.take_while(|line| *line != "// end").count();
    assert!(count <= 30, "{count}");
}

#[tokio::test]
async fn a_list_and_the_cards_of_its_records_stand_on_one_page() {
    let bo = Client { name: "Bo".into(), code: "BB-0001".into(), ..ada() };
    let (app, _) = app(vec![ada(), bo]).await;
    let mut page = open(&app.page::<Desk>("/desk"), "eve", "clerk", "/desk").await;
    assert_eq!(page.text("clients.f.total"), "Found: 2");
    page.press("BB-0001").await;
    page.press("AB-0001").await;
    for (card, name) in [("cards.BB-0001", "Bo"), ("cards.AB-0001", &ada().name)] {
        assert_eq!(page.text(&format!("{card}.f.title")), name, "{}", page.html());
        page.click(&format!("{card}.f.edit")).await;
    }
    // Each has its own fields, and what is typed in one is none of the others'.
    page.fill("cards.BB-0001.name", "Bob");
    page.click("cards.BB-0001.f.save").await;
    assert_eq!((page.error(), page.alerts().last().map(String::as_str)), (None, Some("BB-0001 is saved")));
    assert!(!page.changes().contains("clients"), "what was not touched is not sent: {}", page.changes());
    assert_eq!(page.text("cards.BB-0001.f.title"), "Bob");
    assert_eq!(page.value("cards.AB-0001.name"), ada().name);
    page.push().await;
    assert!(page.text("clients.f.rows").contains("Bob"), "the list hears of it");
    // A card that was closed and opened again refuses what was sealed for the one before.
    let old = page.bound("cards.BB-0001.f.edit");
    page.click("cards.BB-0001.f.close").await;
    page.press("BB-0001").await;
    page.force(&old, &[]).await;
    assert!(page.error().is_some());
}

#[tokio::test]
async fn a_new_record_and_one_that_goes_are_told() {
    let (app, _) = app(vec![ada()]).await;
    let mut page = open(&app.page::<Desk>("/desk"), "eve", "clerk", "/desk").await;
    page.click("clients.f.new").await;
    page.click("cards.new.f.save").await;
    assert!(page.error().is_none() && page.text("cards.new.f.note").contains("mend"), "{}", page.html());
    page.click("cards.new.f.cancel").await;
    assert!(!page.html().contains("cards.new"), "{}", page.html());
}

#[tokio::test]
async fn a_record_that_went_while_the_page_was_away_takes_its_card_with_it_and_nothing_else() {
    let bo = Client { name: "Bo".into(), code: "BB-0001".into(), ..ada() };
    let (app, store) = app(vec![ada(), bo]).await;
    let app = app.page::<Desk>("/desk");
    let mut page = open(&app, "eve", "clerk", "/desk").await;
    for code in ["AB-0001", "BB-0001"] {
        page.press(code).await;
    }
    page.click("cards.AB-0001.f.edit").await;
    // Without its client, the page is saved.
    let mut saved = store.watch(kvs::Scope::Table("page".to_owned()), kvs::Since::Now);
    page.drop_connection();
    saved.next().await.unwrap();
    app.restart().await;
    let mut txn = store.txn();
    txn.delete::<Client>("BB-0001");
    txn.commit().await.unwrap();
    page.reconnect().await;
    page.click("cards.AB-0001.f.save").await;
    assert_eq!((page.error(), page.closed()), (None, None));
    assert!(page.has("cards.AB-0001.f.title") && !page.html().contains("cards.BB-0001"), "{}", page.html());
}

#[tokio::test]
async fn a_record_deleted_elsewhere_is_told_at_once_and_its_values_stay_out_of_new_records() {
    let (app, store) = app(vec![ada()]).await;
    let app = app.page::<Desk>("/desk");
    let mut eve = open(&app, "eve", "clerk", "/desk").await;
    eve.press("AB-0001").await;
    eve.click("cards.AB-0001.f.edit").await;
    assert_eq!(eve.focused(), "cards.AB-0001.name");
    eve.fill("cards.AB-0001.name", "Ada L.");
    eve.click("cards.AB-0001.f.fields").await;

    let mut max = open(&app, "max", "manager", "/clients/AB-0001").await;
    max.click("f.delete").await;
    eve.push().await;
    let note = eve.text("cards.AB-0001.f.note");
    assert!(note.starts_with("Somebody has deleted this record."), "{note}");
    assert_eq!(eve.text("cards.AB-0001.f.save"), "Create anew");

    // Neither a new record here nor one in another tab is filled with them.
    eve.click("clients.f.new").await;
    assert_eq!(eve.value("cards.new.name"), "");
    let mut tab = eve.visitor().open("/clients/new?do=create").await;
    assert_eq!(tab.value("name"), "");
    // Two forms keep two drafts.
    eve.fill("cards.new.name", "Bo");
    eve.click("cards.new.f.fields").await;
    tab.reload().await;
    assert_eq!(tab.value("name"), "");
    let edit = eve.visitor().open("/clients/AB-0001?do=edit").await;
    assert_eq!((edit.value("name"), edit.text("f.save")), ("Ada L.".into(), "Create anew".into()));

    eve.click("cards.AB-0001.f.save").await;
    assert_eq!((eve.error(), eve.text("cards.AB-0001.f.title")), (None, "Ada L.".into()));
    assert_eq!(eve.focused(), "cards.AB-0001.f.title");
    assert_eq!(crate::app::read(&store, "AB-0001").await.unwrap().name, "Ada L.");
    assert_eq!(eve.value("cards.new.name"), "Bo", "the other form is as it was");
    let new = eve.visitor().open("/clients/new?do=create").await;
    assert_eq!(new.value("name"), "Bo", "and so is its draft");
}

#[tokio::test]
async fn a_deletion_that_is_told_late_leaves_what_is_to_be_made_anew() {
    let (app, _) = app(vec![ada()]).await;
    let app = app.page::<Desk>("/desk");
    let mut eve = open(&app, "eve", "clerk", "/desk").await;
    eve.press("AB-0001").await;
    eve.click("cards.AB-0001.f.edit").await;
    eve.fill("cards.AB-0001.name", "Ada L.");
    let mut max = open(&app, "max", "manager", "/clients/AB-0001").await;
    max.click("f.delete").await;
    // The save meets the deletion, before or after the message of it has come.
    eve.click("cards.AB-0001.f.save").await;
    eve.push().await;
    assert_eq!(eve.text("cards.AB-0001.f.save"), "Create anew", "{}", eve.html());
    assert_eq!(eve.value("cards.AB-0001.name"), "Ada L.");
}
