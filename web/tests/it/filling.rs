//! One table of inputs, driven through every way into a record: its card, the task of a process, REST for records
//! and REST for tasks. What a person is told is the same on both screens, what a program is told over both paths.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use bpe::Engine;
use form::process::{Inbox, ProcessForm, Processes, Work};
use form::{Card, Decimal, Fault, Form, Kind, Labels, Who};
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{App, rest::Rest};

use crate::leave::Enter;

/// A process with one task, whose form is the record.
pub(crate) const FILE: &[u8] = br#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="file" targetNamespace="https://example.org/deal">
  <process id="deal" name="Deal" isExecutable="true">
    <startEvent id="begun"><outgoing>f1</outgoing></startEvent>
    <userTask id="change" name="Change it">
      <extensionElements><zeebe:formDefinition formKey="deal" /></extensionElements>
      <incoming>f1</incoming><outgoing>f2</outgoing>
    </userTask>
    <endEvent id="changed"><incoming>f2</incoming></endEvent>
    <sequenceFlow id="f1" sourceRef="begun" targetRef="change" />
    <sequenceFlow id="f2" sourceRef="change" targetRef="changed" />
  </process>
</definitions>"#;

#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "client", labels = CLIENT)]
struct Client {
    #[form(id)]
    code: String,
    #[form(title)]
    name: String,
}
const CLIENT: Labels = Labels::new("key|en|uk\nclient|Clients|K\nclient.code|Code|K\nclient.name|Name|I");

#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "deal", labels = DEAL)]
struct Deal {
    #[form(id)]
    code: String,
    #[form(title, required, length = 2..=20)]
    name: String,
    #[form(lookup = Client)]
    client: String,
    #[form(options = ["plain", "vip"], default = "plain".to_owned())]
    kind: String,
    #[form(range = "0"..="1000", default = Decimal::ZERO)]
    price: Decimal,
    #[form(range = 1..=50, visible = kind == "vip")]
    discount: Option<u32>,
    #[form(readonly)]
    signed: String,
    #[form(read = ["boss"])]
    margin: String,
}
const DEAL: Labels = Labels::new(
    "key|en|uk
     deal|Deals|D
     deal.code|Code|K
     deal.name|Name|N
     deal.client|Client|C
     deal.kind|Kind|K
     deal.kind.plain|Plain|P
     deal.kind.vip|VIP|V
     deal.price|Price|P
     deal.discount|Discount|D
     deal.signed|Signed|S
     deal.margin|Margin|M",
);

/// The deal that everybody changes. Its client is not there any more.
fn deal() -> Deal {
    let text = str::to_owned;
    Deal {
        code: text("d1"),
        name: text("Chairs"),
        client: text("gone"),
        kind: text("plain"),
        price: Decimal::new(1250, 2),
        discount: Some(7),
        signed: text("by Ada"),
        margin: text("high"),
    }
}

/// What comes of a form: faults by field, or the values that have changed.
type Answer = Result<Vec<(&'static str, Value)>, Vec<(&'static str, Fault)>>;

/// What is given, as a person types it and as a program sends it, and what each is to be answered.
struct Case {
    what: &'static str,
    typed: Vec<(&'static str, &'static str)>,
    sent: Value,
    person: Answer,
    program: Answer,
}

/// A case in which persons and programs are answered alike.
fn same(what: &'static str, typed: &[(&'static str, &'static str)], sent: Value, answer: Answer) -> Case {
    Case { what, typed: typed.to_vec(), sent, person: answer.clone(), program: answer }
}

fn cases() -> Vec<Case> {
    let unclear = Fault::Unclear { numbers: vec![String::from("99.50")] };
    let fixed = |field| Err(vec![(field, Fault::Fixed)]);
    vec![
        same("nothing", &[], json!({}), Ok(vec![])),
        same(
            "good values",
            &[("name", "Tables"), ("price", "99.50")],
            json!({ "name": "Tables", "price": "99.50" }),
            Ok(vec![("name", json!("Tables")), ("price", json!("99.50"))]),
        ),
        same(
            "a number of JSON",
            &[("price", "99.5")],
            json!({ "price": 99.5 }),
            Ok(vec![("price", json!("99.50"))]),
        ),
        same(
            "nothing where something must be",
            &[("name", "")],
            json!({ "name": "" }),
            Err(vec![("name", Fault::Required)]),
        ),
        same(
            "several faults at once",
            &[("name", "x"), ("price", "2000")],
            json!({ "name": "x", "price": "2000" }),
            Err(vec![("name", Fault::Short { min: 2 }), ("price", Fault::Large { max: json!("1000") })]),
        ),
        Case {
            what: "a number of another language",
            typed: vec![("price", "99,50")],
            sent: json!({ "price": "99,50" }),
            person: Err(vec![("price", unclear)]),
            program: Err(vec![("price", Fault::Number)]),
        },
        same(
            "no number",
            &[("price", "1__0")],
            json!({ "price": "1__0" }),
            Err(vec![("price", Fault::Number)]),
        ),
        same("a client", &[("client", "c1")], json!({ "client": "c1" }), Ok(vec![("client", json!("c1"))])),
        Case {
            what: "a client by name, which only persons know them by",
            typed: vec![("client", "ada")],
            sent: json!({ "client": "ada" }),
            person: Ok(vec![("client", json!("c1"))]),
            program: Err(vec![("client", Fault::Lookup)]),
        },
        same(
            "no client",
            &[("client", "c9")],
            json!({ "client": "c9" }),
            Err(vec![("client", Fault::Lookup)]),
        ),
        same(
            "the client that is gone, as it was",
            &[("client", "gone"), ("name", "Tables")],
            json!({ "client": "gone", "name": "Tables" }),
            Ok(vec![("name", json!("Tables"))]),
        ),
        same(
            "a field that another value opens",
            &[("kind", "vip"), ("discount", "60")],
            json!({ "kind": "vip", "discount": 60 }),
            Err(vec![("discount", Fault::Large { max: json!(50) })]),
        ),
        Case {
            what: "an id that is longer than any",
            typed: vec![],
            sent: json!({ "client": "x".repeat(50_000) }),
            person: Ok(vec![]),
            program: Err(vec![("client", Fault::Long { max: 255 })]),
        },
        // What follows is not on the screen, and a browser that sends it all the same is ignored.
        Case {
            what: "a hidden field",
            typed: vec![("discount", "9")],
            sent: json!({ "discount": 9 }),
            person: Ok(vec![]),
            program: fixed("discount"),
        },
        Case {
            what: "a hidden field as it was",
            typed: vec![("discount", "7")],
            sent: json!({ "discount": 7, "name": "Tables" }),
            person: Ok(vec![]),
            program: Ok(vec![("name", json!("Tables"))]),
        },
        Case {
            what: "a read-only field",
            typed: vec![("signed", "by me")],
            sent: json!({ "signed": "by me" }),
            person: Ok(vec![]),
            program: fixed("signed"),
        },
        Case {
            what: "all of it as it was read",
            typed: vec![("signed", "by Ada"), ("code", "d1")],
            sent: json!({ "code": "d1", "name": "Chairs", "client": "gone", "kind": "plain", "price": "12.50", "discount": 7, "signed": "by Ada" }),
            person: Ok(vec![]),
            program: Ok(vec![]),
        },
        Case {
            what: "the id",
            typed: vec![("code", "d2")],
            sent: json!({ "code": "d2" }),
            person: Ok(vec![]),
            program: fixed("code"),
        },
        Case {
            what: "a field that the caller may not see, and one that is none",
            typed: vec![("margin", "low")],
            sent: json!({ "margin": "low", "evil": 1 }),
            person: Ok(vec![]),
            program: Err(vec![("evil", Fault::Unknown), ("margin", Fault::Unknown)]),
        },
    ]
}

/// A server of its own for each try, with the deal, a client, and a task about the deal.
struct Try {
    app: TestApp,
    router: Router,
    task: String,
}

impl Try {
    async fn new() -> Self {
        let app = TestApp::new()
            .page::<Enter>("/enter/{user}/{roles}")
            .page::<Card<Deal>>("/deals/{id}")
            .page::<Inbox>("/tasks")
            .page::<Work>("/tasks/{task}");
        let mut txn = app.node().store().txn();
        txn.put(&deal()).unwrap();
        txn.put(&Client { code: "c1".into(), name: "Ada".into() }).unwrap();
        txn.commit().await.unwrap();
        let engine = Engine::builder(app.node().store()).open().await.unwrap();
        engine.deploy(FILE).await.unwrap();
        let about = bpe::feel::Value::context([("code", bpe::feel::Value::from("d1"))]);
        engine.start("deal", &bpe::feel::Context::from_iter([("deal".into(), about)])).await.unwrap();
        let task = app.node().store().txn().range::<bpe::Job>("", None, 1).await.unwrap().remove(0).id;
        Processes::new(engine).form("deal", ProcessForm::record::<Deal>("deal")).start(&app.node());
        let router = App::new(app.node()).rest(Rest::new().record::<Deal>()).router();
        Try { app, router, task }
    }

    /// The values that differ from those of before.
    async fn changed(&self) -> Vec<(String, Value)> {
        let kept = self.app.node().store().txn().get::<Deal>("d1").await.unwrap().unwrap();
        let (before, after) = (form::to_data(&deal()).unwrap(), form::to_data(&kept).unwrap());
        after.into_iter().filter(|(name, value)| before[name] != *value).collect()
    }

    /// As a person on a screen; the faults by field and sentence.
    async fn screen(&self, path: &str, save: &str, case: &Case) -> Result<(), Vec<(String, String)>> {
        let visitor = self.app.visitor();
        visitor.fetch("/enter/eve/clerk").await;
        let mut page = visitor.open(path).await;
        let mut left = Vec::new();
        for (field, text) in &case.typed {
            // What opens a field comes first.
            if is_input(&page, field) {
                page.fill(field, text);
                page.click("f.fields").await;
            } else {
                left.push((*field, *text));
            }
        }
        if left.is_empty() {
            page.click(save).await;
        } else {
            // A browser that sends more than it was asked for.
            let value = |name: &String| match left.iter().find(|(field, _)| field == name) {
                Some((_, text)) => n2o::Value::Text((*text).into()),
                None if is_input(&page, name) => n2o::Value::Text(page.value(name).into()),
                None => n2o::Value::Null,
            };
            let names = Deal::spec().names(&Who::new("eve", &["clerk"]), Kind::Edit);
            let (bound, values) = (page.bound("f.form"), names.iter().map(value).collect::<Vec<_>>());
            page.force(&bound, &values).await;
        }
        let names = Deal::spec().document.fields.iter().map(|field| field.name.clone());
        let told: Vec<(String, String)> = names
            .filter(|name| page.has(&format!("{name}.e")))
            .map(|name| (name.clone(), page.text(&format!("{name}.e"))))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        if told.is_empty() { Ok(()) } else { Err(told) }
    }

    /// As a program; the faults by field and code.
    async fn call(&self, method: &str, path: &str, case: &Case) -> Result<(), Vec<(String, String)>> {
        let token = self.app.node().bearer("eve", &["clerk".to_owned()], std::time::Duration::from_secs(60));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "*");
        let request = request.body(Body::from(case.sent.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        if response.status().is_success() {
            return Ok(());
        }
        assert_eq!(response.status(), 422, "{}", case.what);
        let problem: Value =
            serde_json::from_slice(&to_bytes(response.into_body(), 1 << 16).await.unwrap()).unwrap();
        let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
        let errors = problem["errors"].as_array().unwrap().iter();
        Err(errors.map(|error| (text(error, "field"), text(error, "code"))).collect())
    }
}

fn is_input(page: &TestPage, field: &str) -> bool {
    let tags = ["<input", "<select", "<textarea"];
    page.has(field) && tags.iter().any(|tag| page.html_of(field).starts_with(tag))
}

/// Compares an answer and what has changed with what is to come.
async fn compare(
    tried: &Try,
    found: Result<(), Vec<(String, String)>>,
    wanted: &Answer,
    told: impl Fn(&str, &Fault) -> String,
    what: &str,
) {
    let wanted_faults: Vec<(String, String)> = wanted
        .as_ref()
        .err()
        .into_iter()
        .flatten()
        .map(|(field, fault)| ((*field).to_owned(), told(field, fault)))
        .collect();
    let mut faults = found.err().unwrap_or_default();
    faults.sort();
    assert_eq!(faults, wanted_faults, "{what}");
    let changed: Vec<(String, Value)> = wanted
        .as_ref()
        .ok()
        .into_iter()
        .flatten()
        .map(|(field, value)| ((*field).to_owned(), value.clone()))
        .collect();
    let mut found = tried.changed().await;
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, changed, "{what}");
}

#[tokio::test]
async fn every_way_in_answers_alike() {
    let sentence = |field: &str, fault: &Fault| fault.text(Deal::spec(), field, "en");
    for case in cases() {
        for way in ["card", "task"] {
            let tried = Try::new().await;
            let found = match way {
                "card" => tried.screen("/deals/d1?do=edit", "f.save", &case).await,
                _ => tried.screen(&format!("/tasks/{}", tried.task), "f.send", &case).await,
            };
            compare(&tried, found, &case.person, sentence, &format!("{}, by {way}", case.what)).await;
        }
        for way in ["records", "tasks"] {
            let tried = Try::new().await;
            let found = match way {
                "records" => tried.call("PATCH", "/api/records/deal/d1", &case).await,
                _ => tried.call("POST", &format!("/api/tasks/{}", tried.task), &case).await,
            };
            compare(
                &tried,
                found,
                &case.program,
                |_, fault| fault.code(),
                &format!("{}, by REST for {way}", case.what),
            )
            .await;
        }
    }
}

/// While a lookup is typed into, only its own text is sent.
#[tokio::test]
async fn offers_for_a_lookup_leave_the_other_fields_as_they_were_typed() {
    for way in ["card", "task"] {
        let tried = Try::new().await;
        let visitor = tried.app.visitor();
        visitor.fetch("/enter/eve/clerk").await;
        let task = format!("/tasks/{}", tried.task);
        let (path, save) = if way == "card" { ("/deals/d1?do=edit", "f.save") } else { (&*task, "f.send") };
        let mut page = visitor.open(path).await;
        page.fill("name", "Tables");
        page.click("f.fields").await;
        page.fill("client", "ad");
        page.click("client").await;
        assert!(page.html_of("client.c").contains("Ada"), "{way}: {}", page.html());
        assert_eq!((page.value("name").as_str(), page.value("client").as_str()), ("Tables", "ad"), "{way}");
        // What is too long for any id is told at once, and stays to be mended.
        let long = "x".repeat(1_000);
        page.fill("client", &long);
        page.click("client").await;
        assert_eq!(page.value("client"), long, "{way}");
        assert_eq!(
            page.text("client.e"),
            Fault::Long { max: 255 }.text(Deal::spec(), "client", "en"),
            "{way}"
        );
        page.fill("client", "c1");
        page.click("client").await;
        assert_eq!(page.text("client.e"), "", "{way}");
        page.click(save).await;
        let changed = [("client".to_owned(), json!("c1")), ("name".to_owned(), json!("Tables"))];
        assert_eq!(tried.changed().await, changed, "{way}");
    }
}
