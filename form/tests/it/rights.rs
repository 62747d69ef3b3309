//! Rights to read and write, of records and of fields: where each of them counts, and when they are lost.

use form::{
    Card, Form, Labels, List, Records, Who,
    list::Query,
    rest::{self, Call},
    table::{self, By, Changed, Saved},
};
use kvs::{Store, Txn};
use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use serde_json::{Value, json};

use crate::app::{Client, ada, app as clients, user};

/// What only clerks and managers see, and which of its fields only managers.
#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "deal", labels = LABELS, read = ["clerk", "manager"], write = ["clerk", "manager"])]
struct Deal {
    #[form(id)]
    code: String,
    #[form(title, readonly = state == "signed")]
    name: String,
    #[form(options = ["open", "signed"], default = "open".to_owned())]
    state: String,
    #[form(options = ["low", "high"], read = ["manager"], default = "low".to_owned())]
    margin: String,
    #[form(lookup = Deal)]
    after: String,
}
const LABELS: Labels = Labels::new(
    "key | en | uk
deal | Deals | Угоди
deal.code | Code | Код
deal.name | Name | Назва
deal.state | State | Стан
deal.state.open | Open | Відкрита
deal.state.signed | Signed | Підписана
deal.margin | Margin | Маржа
deal.margin.low | Low | Низька
deal.margin.high | High | Висока
deal.after | After | Після",
);

/// Gives the visitor's session another role, as an administrator would while they work.
#[derive(Default, Serialize, Deserialize)]
struct Become;

impl Page for Become {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let role = cx.param("role").to_owned();
        cx.set_roles(&[&role])
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html!()
    }

    async fn event(&mut self, event: Never, _: &mut Cx<'_, Self>) -> Result {
        match event {}
    }
}

fn deal(code: &str, state: &str, margin: &str) -> Deal {
    let text = |text: &str| text.to_owned();
    Deal {
        code: text(code),
        name: format!("Deal {code}"),
        state: text(state),
        margin: text(margin),
        after: text(""),
    }
}

async fn app() -> (TestApp, Store) {
    let (app, store) = clients(vec![ada()]).await;
    let mut txn = store.txn();
    txn.put(&deal("a", "open", "low")).unwrap();
    txn.put(&Deal { after: "a".to_owned(), ..deal("b", "signed", "high") }).unwrap();
    txn.commit().await.unwrap();
    let app =
        app.page::<List<Deal>>("/deals").page::<Card<Deal>>("/deals/{id}").page::<Become>("/become/{role}");
    (app, store)
}

async fn open(app: &TestApp, role: &str, path: &str) -> TestPage {
    user(app, "eve", role).await.open(path).await
}

fn call<'a>(txn: &'a mut Txn, who: &'a Who) -> Call<'a> {
    Call { txn, who, lang: "en", now: 0 }
}

fn status(answer: &rest::Answer) -> u16 {
    match answer.as_ref().unwrap() {
        Ok(reply) => reply.status,
        Err(problem) => problem.status,
    }
}

#[tokio::test]
async fn who_may_not_read_finds_nothing_anywhere() {
    let (app, store) = app().await;
    let (guest, clerk) = (Who::new("eve", &["guest"]), Who::new("eve", &["clerk"]));
    for (who, list, get, write) in [(&guest, 403, 403, 403), (&clerk, 200, 200, 428)] {
        let mut txn = store.txn();
        assert_eq!(
            status(&rest::list(Records::of::<Deal>(), call(&mut txn, who), &Query::default()).await),
            list
        );
        assert_eq!(status(&rest::get(Records::of::<Deal>(), call(&mut txn, who), "a").await), get);
        assert_eq!(
            status(&rest::update(Records::of::<Deal>(), call(&mut txn, who), "a", None, &json!({})).await),
            write
        );
        assert_eq!(status(&rest::delete(Records::of::<Deal>(), call(&mut txn, who), "a", None).await), write);
    }
    let visitor = user(&app, "eve", "guest").await;
    for path in ["/deals", "/deals/a", "/deals/a?do=edit", "/deals/new?do=create"] {
        let error = visitor.try_open(path).await.unwrap_err();
        assert!(matches!(error, n2o::Error::Denied), "{path}: {error}");
    }
    let lookup = Deal::spec().lookup("after").unwrap();
    let mut txn = store.txn();
    assert_eq!(lookup.find(&mut txn, &guest, "", 9, "en").await.unwrap(), []);
    assert_eq!(lookup.title(&mut txn, &guest, "a").await.unwrap(), None);
    assert_eq!(lookup.title(&mut txn, &clerk, "a").await.unwrap(), Some("Deal a".to_owned()));
}

#[tokio::test]
async fn who_may_not_write_changes_nothing() {
    let (_, store) = app().await;
    let guest = Who::new("eve", &["guest"]);
    let mut txn = store.txn();
    let version =
        rest::get(Records::of::<Client>(), call(&mut txn, &guest), "AB-0001").await.unwrap().unwrap().version;
    let change = json!({ "name": "mine" });
    assert_eq!(
        status(
            &rest::update(
                Records::of::<Client>(),
                call(&mut txn, &guest),
                "AB-0001",
                version.map(rest::Match::from).as_ref(),
                &change
            )
            .await
        ),
        403
    );
    assert_eq!(
        status(
            &rest::delete(
                Records::of::<Client>(),
                call(&mut txn, &guest),
                "AB-0001",
                version.map(rest::Match::from).as_ref()
            )
            .await
        ),
        403
    );
    assert_eq!(status(&rest::create(Records::of::<Client>(), call(&mut txn, &guest), &change).await), 403);
    assert!(!txn.wrote());
}

#[tokio::test]
async fn a_list_is_neither_sorted_nor_filtered_by_what_is_hidden() {
    let (app, store) = app().await;
    // Whether there is such a field is not told either.
    for (role, sorted, filtered) in [("clerk", None, None), ("manager", Some((2, "b")), Some((1, "b")))] {
        let who = Who::new("eve", &[role]);
        for (pair, expected) in [(("sort", "margin"), sorted), (("margin", "high"), filtered)] {
            let mut txn = store.txn();
            let answer = match rest::query(Records::of::<Deal>(), &who, "en", [pair]) {
                Ok(query) => rest::list(Records::of::<Deal>(), call(&mut txn, &who), &query).await.unwrap(),
                Err(problem) => Err(*problem),
            };
            let rows = answer.map(|reply| reply.body["rows"].as_array().unwrap().clone());
            match (rows, expected) {
                (Ok(rows), Some((found, first))) => {
                    assert_eq!((rows.len(), &rows[0]["code"]), (found, &Value::from(first)), "{pair:?}");
                }
                (Err(problem), None) => assert_eq!(problem.status, 400, "{pair:?}"),
                other => panic!("{pair:?} of a {role}: {other:?}"),
            }
        }
    }
    let page = open(&app, "clerk", "/deals?margin=high").await;
    assert_eq!((page.text("f.total").as_str(), page.has("margin")), ("Found: 2", false));
}

#[tokio::test]
async fn a_field_that_is_read_only_now_keeps_its_value() {
    let (_, store) = app().await;
    let (clerk, mut txn) = (Who::new("eve", &["clerk"]), store.txn());
    for (id, expected) in [("a", 200), ("b", 422)] {
        let version =
            rest::get(Records::of::<Deal>(), call(&mut txn, &clerk), id).await.unwrap().unwrap().version;
        let change = json!({ "name": "other" });
        let answer = rest::update(
            Records::of::<Deal>(),
            call(&mut txn, &clerk),
            id,
            version.map(rest::Match::from).as_ref(),
            &change,
        )
        .await;
        assert_eq!(status(&answer), expected, "{answer:?}");
    }
    let kept: Deal = txn.get("b").await.unwrap().unwrap();
    assert_eq!(kept.name, "Deal b");
}

#[tokio::test]
async fn a_lookup_of_what_is_not_there_is_a_fault() {
    let (_, store) = app().await;
    let (clerk, mut txn) = (Who::new("eve", &["clerk"]), store.txn());
    for (after, expected) in [("nowhere", 422), ("a", 201)] {
        let body = json!({ "code": "c", "after": after });
        assert_eq!(
            status(&rest::create(Records::of::<Deal>(), call(&mut txn, &clerk), &body).await),
            expected
        );
    }
}

#[tokio::test]
async fn a_record_does_not_change_its_id() {
    let (_, store) = app().await;
    let (clerk, mut txn) = (Who::new("eve", &["clerk"]), store.txn());
    let kept = table::get::<Deal>(&mut txn, "a").await.unwrap().unwrap();
    let mut data = kept.data.clone();
    data.insert("code".to_owned(), Value::from("z"));
    let by = By { who: &clerk, now: 0 };
    let saved = table::update::<Deal>(&mut txn, by, "a", kept.version, &data).await.unwrap();
    assert!(matches!(saved, Saved::Moved), "{saved:?}");
    assert!(!txn.wrote());
}

#[tokio::test]
async fn rights_that_are_lost_while_a_page_is_open_count_at_once() {
    let (app, store) = app().await;
    let mut list = open(&app, "clerk", "/deals").await;
    let mut told = list.visitor().open("/deals").await;
    let mut view = list.visitor().open("/deals/a").await;
    let mut edit = list.visitor().open("/deals/a?do=edit").await;
    list.visitor().open("/become/guest").await;

    list.click("f.find").await;
    assert_eq!(list.error_code(), Some(2), "the list is not read again");
    edit.fill("name", "mine");
    edit.click("f.save").await;
    assert_eq!((edit.error_code(), edit.value("name").as_str()), (Some(2), "mine"));
    let kept: Deal = store.txn().get("a").await.unwrap().unwrap();
    assert_eq!(kept.name, "Deal a");

    let changed = Changed { id: "a".to_owned(), who: "max".to_owned(), act: form::Act::Update };
    app.node().registry().send(&table::topic("deal"), changed.clone());
    told.push().await;
    assert_eq!(told.closed(), Some(4403));
    app.node().registry().send(&table::record_topic("deal", "a"), changed);
    view.push().await;
    assert_eq!(view.closed(), Some(4403));
}
