//! The matrix of rights: who may do what with an order in which state, written down from a paragraph of prose, and
//! tried for each role, state and field over each way in.
//!
//! A clerk makes out an order: while it is a draft, the quantity, the price and the note are the clerk's, and the clerk
//! may throw it away. While it waits for approval the clerk may still mend the quantity and the note, but the price is
//! the manager's now, and so is whether the order is thrown away. What is packed stays: nobody deletes it, and only the
//! storekeeper writes on it, a note. A manager, and nobody else, says by hand in which state an order is, as long as it
//! is not packed; a manager may throw away what is not packed.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use bpe::Engine;
use form::process::{Inbox, ProcessForm, Processes, Work};
use form::{Card, Form, Kind, Labels, Who};
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{App, rest::Rest};

use crate::{filling::FILE, leave::Enter};

#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(
    table = "deal", labels = LABELS, read = ["clerk", "manager", "keeper"],
    write = ["clerk"] if state == "draft" || state == "waits", write = ["manager"] if state != "packed",
    write = ["keeper"] if state == "packed",
    delete = ["clerk"] if state == "draft", delete = ["manager"] if state != "packed",
)]
struct Order {
    #[form(id)]
    code: String,
    #[form(write = ["clerk"])]
    quantity: u32,
    #[form(write = ["clerk"] if state == "draft", write = ["manager"] if state == "waits")]
    price: String,
    #[form(write = ["clerk", "keeper"])]
    note: String,
    #[form(options = ["draft", "waits", "packed"], default = "draft".to_owned(), write = ["manager"])]
    state: String,
}
const LABELS: Labels = Labels::new(
    "key|en|uk\ndeal|Orders|Z\ndeal.code|Code|K\ndeal.quantity|Quantity|K\ndeal.price|Price|C\ndeal.note|Note|P
deal.state|State|S\ndraft|Draft|C\nwaits|Waits|C\npacked|Packed|Z",
);

const ROLES: [&str; 3] = ["clerk", "manager", "keeper"];
const STATES: [&str; 3] = ["draft", "waits", "packed"];
/// The fields, and what each is changed to: as it is typed, and as a program sends it.
const FIELDS: [(&str, &str); 4] = [("quantity", "12"), ("price", "1"), ("note", "new"), ("state", "")];

/// Written by hand from the paragraph above. A cell names what may be done: the quantity, the price, the note, the state,
/// and to delete the order.
const TABLE: [[&str; 3]; 3] = [
    // draft                        waits                    packed
    ["quantity price note delete", "quantity note", ""], // clerk
    ["state delete", "price state delete", ""],          // manager
    ["", "", "note"],                                    // keeper
];

fn may(role: &str, state: &str, what: &str) -> bool {
    let at = |list: [&str; 3], one: &str| list.iter().position(|known| *known == one).unwrap();
    TABLE[at(ROLES, role)][at(STATES, state)].split(' ').any(|word| word == what)
}

/// What the field becomes; the state any other.
fn to(state: &str, field: &str, text: &str) -> String {
    let other = if state == "draft" { "waits" } else { "draft" };
    if field == "state" { other.to_owned() } else { text.to_owned() }
}

struct Desk {
    app: TestApp,
    router: Router,
    engine: Engine,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::new()
            .page::<Enter>("/enter/{user}/{roles}")
            .page::<Card<Order>>("/deals/{id}")
            .page::<Inbox>("/tasks")
            .page::<Work>("/tasks/{task}");
        let engine = Engine::builder(app.node().store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        let form = ProcessForm::record::<Order>("deal");
        Processes::new(engine.clone()).form("deal", form).start(&app.node());
        let router = App::new(app.node()).rest(Rest::new().record::<Order>()).router();
        Desk { app, router, engine }
    }

    async fn put(&self, state: &str) {
        let text = str::to_owned;
        let order = Order {
            code: text("d1"),
            quantity: 9,
            price: text("24000"),
            note: text("old"),
            state: text(state),
        };
        let mut txn = self.app.node().store().txn();
        txn.put(&order).unwrap();
        txn.commit().await.unwrap();
    }

    async fn kept(&self) -> Option<Value> {
        let kept = self.app.node().store().txn().get::<Order>("d1").await.unwrap();
        kept.map(|kept| Value::Object(form::to_data(&kept).unwrap()))
    }

    /// A task to change the order.
    async fn task(&self) -> String {
        let about = bpe::feel::Value::context([("code", bpe::feel::Value::from("d1"))]);
        let id = self
            .engine
            .start("deal", &bpe::feel::Context::from_iter([("deal".into(), about)]))
            .await
            .unwrap();
        self.engine.jobs(&id).await.unwrap().remove(0).id
    }

    async fn page(&self, role: &str, path: &str) -> TestPage {
        let visitor = self.app.visitor();
        visitor.fetch(&format!("/enter/eve/{role}")).await;
        visitor.open(path).await
    }

    /// Types a value where there is an input for it, and sends it all the same where there is none. Says whether there
    /// was one.
    async fn types(&self, role: &str, path: &str, save: &str, field: &str, value: &str) -> bool {
        let mut page = self.page(role, path).await;
        let is_input = |page: &TestPage, name: &str| {
            ["<input", "<select"].iter().any(|tag| page.html_of(name).starts_with(tag))
        };
        let is_open = is_input(&page, field);
        if is_open {
            page.fill(field, value);
            page.click(save).await;
        } else {
            let names = Order::spec().names(&Who::new("eve", &[role]), Kind::Edit);
            let sent = |name: &String| {
                let held = if is_input(&page, name) { page.value(name) } else { page.text(name) };
                n2o::Value::Text(if name == field { value.to_owned().into() } else { held.into() })
            };
            let (bound, values) = (page.bound("f.form"), names.iter().map(sent).collect::<Vec<_>>());
            page.force(&bound, &values).await;
        }
        is_open
    }

    async fn calls(&self, role: &str, method: &str, path: &str, body: Value) -> StatusCode {
        let token = self.app.node().bearer("eve", &[role.to_owned()], Duration::from_secs(60));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "*");
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.router.clone().oneshot(request).await.unwrap().status()
    }

    /// Tries to change a field by one way. The way itself must say what it did.
    async fn change(&self, way: &str, role: &str, field: &str, value: &str) -> bool {
        let sent = if field == "quantity" { json!({ field: 12 }) } else { json!({ field: value }) };
        match way {
            "card" => self.types(role, "/deals/d1?do=edit", "f.save", field, value).await,
            "record" => self.calls(role, "PATCH", "/api/records/deal/d1", sent).await.is_success(),
            "task" => {
                let task = self.task().await;
                self.types(role, &format!("/tasks/{task}"), "f.send", field, value).await
            }
            _ => {
                let task = self.task().await;
                self.calls(role, "POST", &format!("/api/tasks/{task}"), sent).await.is_success()
            }
        }
    }

    /// Tries to delete the order by one way.
    async fn delete(&self, way: &str, role: &str) -> bool {
        if way == "record" {
            return self.calls(role, "DELETE", "/api/records/deal/d1", Value::Null).await.is_success();
        }
        let mut page = self.page(role, "/deals/d1").await;
        let is_offered = page.has("f.delete");
        if is_offered {
            page.click("f.delete").await;
        }
        is_offered
    }
}

#[tokio::test]
async fn the_matrix_of_rights_is_that_of_the_prose() {
    let desk = Desk::open().await;
    let (mut cells, mut wrong) = (0, Vec::new());
    for role in ROLES {
        for state in STATES {
            for way in ["card", "record", "task", "task over REST"] {
                for (field, text) in FIELDS {
                    let value = to(state, field, text);
                    desk.put(state).await;
                    let before = desk.kept().await.unwrap();
                    let said = desk.change(way, role, field, &value).await;
                    let after = desk.kept().await.unwrap();
                    let is_changed = before[field] != after[field];
                    let others = before.as_object().unwrap().iter().filter(|(name, _)| *name != field);
                    assert!(
                        others.clone().all(|(name, value)| after[name] == *value),
                        "{role} {state} {field} {way}"
                    );
                    cells += 1;
                    if (said, is_changed) != (may(role, state, field), may(role, state, field)) {
                        wrong.push(format!(
                            "{role}, {state}, {field}, by {way}: said {said}, changed {is_changed}"
                        ));
                    }
                }
            }
            for way in ["card", "record"] {
                desk.put(state).await;
                let said = desk.delete(way, role).await;
                let is_gone = desk.kept().await.is_none();
                cells += 1;
                if (said, is_gone) != (may(role, state, "delete"), may(role, state, "delete")) {
                    wrong.push(format!("{role}, {state}, delete, by {way}: said {said}, gone {is_gone}"));
                }
            }
        }
    }
    assert_eq!((cells, wrong), (3 * 3 * (4 * 4 + 2), Vec::new()));
}
