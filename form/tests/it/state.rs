//! Rights by the state of a record: they hold for the record as it is stored, whoever looks for a way around them.

use form::{
    Act, Card, Denial, Ended, Filling, Form, Kind, Labels, List, Records, Who,
    rest::{self, Call, Match},
    table::{self, By, Saved},
};
use kvs::Store;
use nitro::{prelude::*, test::TestApp};
use serde_json::{Value, json};

use crate::app::{app as clients, open};

/// A clerk writes a parcel while it is open, a manager until it is packed. Who is to pay how much is a manager's from
/// the moment on that it is approved, and only a manager moves it.
#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(
    table = "parcel", labels = LABELS, read = ["clerk", "manager", "keeper", "packer"],
    write = ["clerk"] if state == "open" || state == "approved",
    write = ["packer"] if state == "packed",
    write = ["manager"] if state != "packed",
    delete = ["clerk", "manager"] if state == "open",
)]
struct Parcel {
    #[form(id)]
    code: String,
    #[form(title)]
    name: String,
    #[form(write = ["clerk"] if state == "open", write = ["manager"] if state != "packed")]
    price: String,
    #[form(options = ["open", "approved", "packed"], default = "open".to_owned(), write = ["manager"])]
    state: String,
}
const LABELS: Labels = Labels::new(
    "key | en | uk
parcel | Parcels | Посилки
parcel.code | Code | Код
parcel.name | Name | Назва
parcel.price | Price | Ціна
parcel.state | State | Стан
parcel.state.open | open | відкрита
parcel.state.approved | approved | погоджена
parcel.state.packed | packed | запакована",
);

fn parcel(state: &str) -> Parcel {
    let text = str::to_owned;
    Parcel { code: text("p1"), name: text("Lamps"), price: text("900"), state: text(state) }
}

async fn app(state: &str) -> (TestApp, Store) {
    let (app, store) = clients(vec![]).await;
    put(&store, state).await;
    (app.page::<List<Parcel>>("/parcels").page::<Card<Parcel>>("/parcels/{id}"), store)
}

/// Writes the parcel as another program would, which tells nobody.
async fn put(store: &Store, state: &str) {
    let mut txn = store.txn();
    txn.put(&parcel(state)).unwrap();
    txn.commit().await.unwrap();
}

/// Moves the parcel, as a manager does on a card, who tells the pages.
async fn moves(app: &TestApp, state: &str) {
    let mut max = open(app, "max", "manager", "/parcels/p1?do=edit").await;
    max.fill("state", state);
    max.click("f.save").await;
    assert_eq!(max.path(), "/parcels/p1", "{}", max.html());
}

async fn kept(store: &Store) -> Parcel {
    store.txn().get("p1").await.unwrap().unwrap()
}

fn who(role: &str) -> Who {
    Who::new("eve", &[role])
}

/// The status and what is denied.
async fn patch(store: &Store, role: &str, change: Value) -> (u16, Option<Denial>) {
    let (mut txn, who) = (store.txn(), who(role));
    let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
    let answer = rest::update(Records::of::<Parcel>(), call, "p1", Some(&Match::Any), &change).await.unwrap();
    if answer.is_ok() {
        txn.commit().await.unwrap();
    }
    answer.map_or_else(|problem| (problem.status, problem.denied), |reply| (reply.status, None))
}

#[tokio::test]
async fn what_a_request_makes_of_the_state_gives_no_right() {
    let (_, store) = app("approved").await;
    // The price of an approved parcel is not the clerk's, and moving it back in the same breath does not help.
    for change in [json!({ "price": "1" }), json!({ "price": "1", "state": "open" })] {
        let (status, _) = patch(&store, "clerk", change.clone()).await;
        assert!(matches!(status, 409 | 422), "{change}: {status}");
    }
    assert_eq!(
        (kept(&store).await.price, kept(&store).await.state),
        ("900".to_owned(), "approved".to_owned())
    );
    assert_eq!(patch(&store, "clerk", json!({ "name": "Lights", "price": "900" })).await.0, 200);
    assert_eq!(patch(&store, "manager", json!({ "price": "800", "state": "packed" })).await.0, 200);
    // Nor does it help the manager, who could have done it a moment ago.
    let (status, denied) = patch(&store, "manager", json!({ "price": "1", "state": "open" })).await;
    assert_eq!(status, 409);
    assert_eq!(denied.unwrap().state.unwrap()["state"], "packed");
    assert_eq!(kept(&store).await.price, "800");
}

#[tokio::test]
async fn a_program_is_told_which_rule_it_is_and_in_which_state() {
    let (_, store) = app("packed").await;
    let (mut txn, who) = (store.txn(), who("manager"));
    let call = Call { txn: &mut txn, who: &who, lang: "uk", now: 0 };
    let problem =
        rest::delete(Records::of::<Parcel>(), call, "p1", Some(&Match::Any)).await.unwrap().unwrap_err();
    let told = serde_json::to_value(&problem).unwrap();
    assert_eq!(
        told,
        json!({
            "type": "urn:n2o:state", "title": "the record does not allow this as it is now", "status": 409,
            "detail": "У нинішньому стані запису (Стан: запакована) ви не можете його видалити.",
            "denied": { "act": "delete", "state": { "state": "packed" } },
        })
    );
    let keeper = Who::new("ivan", &["keeper"]);
    let call = Call { txn: &mut txn, who: &keeper, lang: "en", now: 0 };
    let problem =
        rest::delete(Records::of::<Parcel>(), call, "p1", Some(&Match::Any)).await.unwrap().unwrap_err();
    assert_eq!((problem.status, problem.kind), (403, "urn:n2o:denied"));
    assert!(!txn.wrote());
}

/// Who may write a parcel only once it is packed makes none, and is not offered to.
#[tokio::test]
async fn a_new_record_is_asked_for_by_its_defaults() {
    let (app, store) = app("packed").await;
    let list = open(&app, "ivan", "keeper", "/parcels").await;
    assert!(!list.has("f.new") && open(&app, "eve", "clerk", "/parcels").await.has("f.new"));
    let page = open(&app, "ivan", "packer", "/parcels/new?do=create").await;
    assert!(!page.has("f.save"), "{}", page.html());
    assert_eq!(page.text("f.rights"), "You may not create such a record (State: open).");
    for (role, body, status) in [
        ("packer", json!({ "code": "p2", "name": "Lamps" }), 409),
        ("packer", json!({}), 422),
        ("clerk", json!({ "code": "p2", "state": "packed" }), 422),
        ("clerk", json!({ "code": "p2", "name": "Lamps" }), 201),
    ] {
        let (mut txn, who) = (store.txn(), who(role));
        let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
        let answer = rest::create(Records::of::<Parcel>(), call, &body).await.unwrap();
        let denied = answer.as_ref().err().and_then(|problem| problem.denied.clone());
        assert_eq!(
            answer.as_ref().map_or_else(|problem| problem.status, |reply| reply.status),
            status,
            "{role}"
        );
        assert_eq!(denied.map(|denied| denied.act), (status == 409).then_some(Act::Create));
    }
}

/// Programs that write through a table, and not through a form that is filled in.
#[tokio::test]
async fn a_write_asks_the_rights_in_its_own_transaction() {
    let (_, store) = app("packed").await;
    let (mut txn, clerk) = (store.txn(), who("clerk"));
    let by = By { who: &clerk, now: 0 };
    let kept = table::get::<Parcel>(&mut txn, "p1").await.unwrap().unwrap();
    let mut data = kept.data.clone();
    data.insert("price".into(), "1".into());
    let saved = table::update::<Parcel>(&mut txn, by, "p1", kept.version, &data).await.unwrap();
    assert!(
        matches!(saved, Saved::Denied(Denial { act: Act::Update, field: None, state: Some(_), .. })),
        "{saved:?}"
    );
    let saved = table::delete::<Parcel>(&mut txn, by, "p1", kept.version).await.unwrap();
    assert!(matches!(saved, Saved::Denied(Denial { act: Act::Delete, .. })), "{saved:?}");
    let made =
        |code: &str, state: &str| form::to_data(&Parcel { code: code.into(), ..parcel(state) }).unwrap();
    let saved = table::create::<Parcel>(&mut txn, by, &made("p2", "approved")).await.unwrap();
    let Saved::Denied(denial) = saved else { panic!("{saved:?}") };
    assert_eq!(denial.field.as_deref(), Some("state"), "it would begin approved, by a clerk");
    assert!(!txn.wrote());
    let saved = table::create::<Parcel>(&mut txn, by, &made("p2", "open")).await.unwrap();
    assert!(matches!(saved, Saved::Done { .. }), "{saved:?}");
    // What the program does of itself is not the wish of anybody.
    let program = Who::program("process");
    let by = By { who: &program, now: 0 };
    let saved = table::update::<Parcel>(&mut txn, by, "p1", kept.version, &data).await.unwrap();
    assert!(matches!(saved, Saved::Done { .. }), "{saved:?}");
}

#[tokio::test]
async fn who_calls_themselves_a_program_is_none() {
    let who: Who = serde_json::from_value(json!({ "user": "eve", "roles": [], "program": true })).unwrap();
    assert!(!who.is_any(&["clerk".to_owned()]));
}

#[tokio::test]
async fn a_form_that_was_filled_in_before_the_record_moved_is_not_saved() {
    let (_, store) = app("open").await;
    let (records, clerk, mut txn) = (Records::of::<Parcel>(), who("clerk"), store.txn());
    let kept = records.get(&mut txn, "p1").await.unwrap().unwrap();
    let mut filling = Filling::of(Kind::Edit, kept);
    filling.give(records.spec(), &clerk, &json!({ "price": "1", "name": "Lights" }), &mut txn).await.unwrap();
    assert!(filling.faults.is_empty());
    put(&store, "packed").await;
    let mut txn = store.txn();
    let ended = filling.save(records, &mut txn, By { who: &clerk, now: 0 }).await.unwrap();
    assert_eq!((ended, txn.wrote()), (Ended::Lost, false));
    let ended = filling.save(records, &mut txn, By { who: &clerk, now: 0 }).await.unwrap();
    assert!(
        matches!(ended, Ended::Saved { act: None, .. }),
        "theirs holds, and there is nothing to write: {ended:?}"
    );
    assert!(filling.conflict.is_locked() && !txn.wrote());
}

#[tokio::test]
async fn a_card_offers_what_may_be_done_and_says_why_not_the_rest() {
    let (app, _) = app("open").await;
    let mut view = open(&app, "eve", "clerk", "/parcels/p1").await;
    assert!(
        view.has("f.edit") && view.has("f.delete") && view.text("f.rights").is_empty(),
        "{}",
        view.html()
    );
    moves(&app, "approved").await;
    view.push().await;
    assert!(view.has("f.edit") && !view.has("f.delete"));
    assert_eq!(view.text("f.rights"), "As this record is now (State: approved), you may not delete it.");

    let edit = open(&app, "eve", "clerk", "/parcels/p1?do=edit").await;
    assert_eq!(edit.text("f.rights"), "As this record is now (State: approved), you may not change: Price.");
    assert!(edit.html_of("price").starts_with("<output") && edit.html_of("name").starts_with("<input"));
    assert_eq!(edit.text("price"), "900");

    moves(&app, "packed").await;
    view.push().await;
    assert!(!view.has("f.edit") && !view.has("f.delete"));
    assert_eq!(
        view.text("f.rights"),
        "As this record is now (State: packed), you may not change it. \
         As this record is now (State: packed), you may not delete it."
    );
    // By its address it can be opened, to be read.
    let edit = open(&app, "eve", "clerk", "/parcels/p1?do=edit").await;
    assert!(!edit.has("f.save") && edit.html_of("name").starts_with("<output"), "{}", edit.html());
    assert_eq!(edit.text("f.rights"), "As this record is now (State: packed), you may not change it.");
    // Who never may is told nothing of a state that would not help them.
    let keeper = open(&app, "ivan", "keeper", "/parcels/p1").await;
    assert_eq!((keeper.text("f.rights").as_str(), keeper.has("f.edit")), ("", false));
}

#[tokio::test]
async fn buttons_of_a_card_that_is_behind_do_nothing() {
    let (app, store) = app("open").await;
    let mut view = open(&app, "eve", "clerk", "/parcels/p1").await;
    let mut edit = open(&app, "eve", "clerk", "/parcels/p1?do=edit").await;
    put(&store, "packed").await;
    view.click("f.delete").await;
    assert_eq!(view.text("f.note"), "This record has changed meanwhile; here it is as it is now.");
    assert!(!view.has("f.delete") && view.text("f.rights").contains("may not delete"));
    edit.fill("price", "1");
    edit.click("f.save").await;
    assert!(edit.text("f.note").starts_with("As this record is now (State: packed), you may not change it."));
    assert!(!edit.has("f.save"), "{}", edit.html());
    let told = edit.text("price.r");
    assert!(told.contains("900") && told.contains('1'), "{told}");
    let kept = kept(&store).await;
    assert_eq!((kept.price.as_str(), kept.state.as_str()), ("900", "packed"));
}

#[tokio::test]
async fn a_record_that_moves_under_an_open_card_closes_its_fields_and_keeps_what_was_typed() {
    let (app, store) = app("open").await;
    let eve = crate::app::user(&app, "eve", "clerk").await;
    let mut edit = eve.open("/parcels/p1?do=edit").await;
    edit.fill("price", "750");
    edit.fill("name", "Lights");
    edit.click("f.fields").await;
    moves(&app, "approved").await;
    edit.push().await;
    let shown = |page: &nitro::test::TestPage| {
        assert!(page.html_of("price").starts_with("<output"), "{}", page.html());
        let told = page.text("price.r");
        assert!(
            told.contains("900") && told.contains("750") && told.contains("may not be changed now"),
            "{told}"
        );
        assert!(!page.has("price.mine"), "there is nothing to choose");
        assert_eq!(page.value("name"), "Lights");
    };
    shown(&edit);
    assert!(edit.text("f.note").contains("What you had typed is kept"), "{}", edit.text("f.note"));
    // It is kept wherever the user goes, also when they have gone on with what is open.
    edit.fill("name", "Light");
    edit.click("f.fields").await;
    edit.fill("name", "Lights");
    edit.click("f.fields").await;
    edit.leave();
    app.restart().await;
    let mut edit = eve.open("/parcels/p1?do=edit").await;
    shown(&edit);
    // What is open is saved without it.
    edit.fill("name", "Lighting");
    edit.click("f.fields").await;
    shown_again(&edit);
    moves(&app, "open").await;
    edit.push().await;
    assert!(edit.has("price.mine") && edit.html_of("price").starts_with("<input"), "{}", edit.html());
    edit.click("price.mine").await;
    assert_eq!(edit.value("price"), "750");
    edit.click("f.save").await;
    let kept = kept(&store).await;
    assert_eq!((kept.price.as_str(), kept.name.as_str()), ("750", "Lighting"), "{}", edit.html());
}

fn shown_again(page: &nitro::test::TestPage) {
    assert!(page.text("price.r").contains("750"), "{}", page.html());
}

/// The event has left the browser before the page heard of what closes the field.
#[tokio::test]
async fn what_was_on_its_way_when_a_field_was_closed_is_kept_to_be_read() {
    let (app, _) = app("open").await;
    let mut edit = open(&app, "eve", "clerk", "/parcels/p1?do=edit").await;
    let names = Parcel::spec().names(&who("clerk"), Kind::Edit);
    let values: Vec<n2o::Value<'_>> = names
        .iter()
        .map(|name| n2o::Value::Text(if name == "price" { "750".into() } else { "Lamps".into() }))
        .collect();
    let bound = edit.bound("f.fields");
    moves(&app, "approved").await;
    edit.push().await;
    assert!(!edit.has("price.r"));
    edit.force(&bound, &values).await;
    assert!(edit.has("price.r") && edit.text("price.r").contains("750"), "{}", edit.html());
}

#[tokio::test]
async fn what_is_made_anew_of_a_deleted_record_begins_like_a_new_one() {
    let (app, store) = app("approved").await;
    let mut eve = open(&app, "eve", "clerk", "/parcels/p1?do=edit").await;
    eve.fill("name", "Lights");
    let mut txn = store.txn();
    txn.delete::<Parcel>("p1");
    txn.commit().await.unwrap();
    eve.click("f.save").await;
    assert_eq!(eve.text("f.save"), "Create anew", "{}", eve.html());
    eve.click("f.save").await;
    let kept = kept(&store).await;
    assert_eq!((kept.name.as_str(), kept.state.as_str()), ("Lights", "open"), "a clerk approves nothing");
}

#[tokio::test]
async fn the_sentences_are_said_in_ukrainian() {
    let denial =
        |act, role| Parcel::spec().denial(&who(role), act, &form::to_data(&parcel("packed")).unwrap());
    let text = |act| denial(act, "clerk").unwrap().text(Parcel::spec(), "uk");
    assert_eq!(
        text(Act::Update),
        "У нинішньому стані запису (Стан: запакована) ви не можете його змінювати."
    );
    assert_eq!(text(Act::Delete), "У нинішньому стані запису (Стан: запакована) ви не можете його видалити.");
    assert_eq!(denial(Act::Read, "clerk"), None);
    assert_eq!(denial(Act::Update, "keeper").unwrap().state, None);
}

/// A document may be written by hand, too.
#[tokio::test]
async fn rights_that_hang_on_what_anybody_moves_are_refused() {
    let mut document = Parcel::spec().document.clone();
    let json = serde_json::to_value(&document).unwrap();
    assert_eq!(serde_json::from_value::<form::Document>(json).unwrap(), document);
    for field in &mut document.fields {
        field.write = form::Grants::default();
    }
    let error = document.check().unwrap_err().to_string();
    assert!(error.contains("`write` depends on the field `state` of `parcel`"), "{error}");
    document.rights.write =
        form::Grants::default().and(form::Grant::new(&[], form::Condition::Set("stat".into())));
    let error = document.check().unwrap_err().to_string();
    assert!(error.contains("`write` speaks of the field `stat`"), "{error}");
}
