//! The story of an order that changes while it waits for approval: what is approved is what was shown, and what was
//! approved stays.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use form::process::{Inbox, Work};
use kvs::{Scope, Since, Watch};
use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::App;

use super::{
    order::OrderCard,
    record::{Client, Order},
};

/// Takes a place as `/sit/{user}/{role}`.
#[derive(Default, Serialize, Deserialize)]
struct Sit;

impl Page for Sit {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (user, role) = (cx.param("user").to_owned(), cx.param("role").to_owned());
        cx.login_as(&user, &[&role]).await?;
        cx.redirect(url!("/tasks"))
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html!()
    }

    async fn event(&mut self, event: Never, _: &mut Cx<'_, Self>) -> Result {
        match event {}
    }
}

struct Desk {
    app: TestApp,
    router: Router,
    orders: Watch,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::new()
            .page::<Sit>("/sit/{user}/{role}")
            .page::<OrderCard>("/orders/{id}")
            .page::<Inbox>("/tasks")
            .page::<Work>("/tasks/{task}");
        let node = app.node();
        // A store that has a client is not seeded.
        let client = Client { code: "C-0007".into(), name: "Oak".into(), ..Client::default() };
        let mut txn = node.store().txn();
        txn.put(&client).unwrap();
        txn.commit().await.unwrap();
        let orders = node.store().watch(Scope::Table("order".into()), Since::Now);
        super::open(&node).await.unwrap();
        let router = super::pages(App::new(node)).router();
        Desk { app, router, orders }
    }

    async fn sits(&self, user: &str, role: &str, path: &str) -> TestPage {
        let visitor = self.app.visitor();
        visitor.fetch(&format!("/sit/{user}/{role}")).await;
        visitor.open(path).await
    }

    async fn calls(&self, role: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let token = self.app.node().bearer("olena", &[role.to_owned()], Duration::from_secs(60));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "*");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 1 << 16).await.unwrap();
        (parts.status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn order(&self) -> Order {
        self.app.node().store().txn().get("1").await.unwrap().unwrap()
    }

    /// Waits until the process has brought the order there.
    async fn until(&mut self, state: &str) {
        while self.order().await.state != state {
            self.orders.next().await.unwrap();
        }
    }

    /// A clerk orders so many sofas, for which a manager is asked, who opens the task.
    async fn asks(&mut self, quantity: u32) -> TestPage {
        let order = json!({ "client": "C-0007", "product": "sofa", "quantity": quantity, "price": "24000" });
        let (status, made) = self.calls("clerk", "POST", "/api/records/order", order).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_ne!(self.order().await.state, "draft", "it is not the clerk's any more as soon as it is made");
        self.until("approval").await;
        let jobs = self.app.node().store().txn().range::<bpe::Job>("", None, 9).await.unwrap();
        let task = jobs.into_iter().find(|job| *job.element == *"approve").unwrap().id;
        self.sits("max", "manager", &format!("/tasks/{task}")).await
    }
}

#[tokio::test]
async fn a_manager_approves_what_is_shown_and_nothing_else() {
    let mut desk = Desk::open().await;
    let mut task = desk.asks(9).await;
    assert!(task.text("f.about").contains("216,000.00"), "{}", task.html());
    task.fill("decision", "approve");
    let before = task.bound("f.form");
    let change = json!({ "quantity": 500 });
    assert_eq!(desk.calls("clerk", "PATCH", "/api/records/order/1", change).await.0, StatusCode::OK);
    task.push().await;
    assert!(task.text("f.about").contains("12,000,000.00"), "{}", task.html());
    let moved = task.text("f.moved");
    assert!(moved.contains("by olena: Quantity: 9 \u{2192} 500; Total: 216,000.00"), "{moved}");
    // The button that was pressed beside 216,000 does not approve 12,000,000.
    task.force(&before, &["approve".into(), "".into()]).await;
    assert!(task.text("f.note").contains("has changed since it was shown"), "{}", task.html());
    assert_eq!(desk.order().await.state, "approval");
    task.click("f.send").await;
    assert_ne!(
        desk.order().await.state,
        "approval",
        "it is decided in the moment in which it is: {}",
        task.html()
    );
}

#[tokio::test]
async fn what_was_approved_is_neither_changed_nor_deleted() {
    let mut desk = Desk::open().await;
    let mut task = desk.asks(9).await;
    let mut card = desk.sits("olena", "clerk", "/orders/1?do=edit").await;
    card.fill("price", "0.01");
    card.click("f.fields").await;
    task.fill("decision", "approve");
    task.click("f.send").await;
    desk.until("packing").await;
    // Over REST,
    let change = json!({ "price": "0.01" });
    let (status, problem) = desk.calls("clerk", "PATCH", "/api/records/order/1", change).await;
    assert_eq!((status, &problem["denied"]["state"]["state"]), (StatusCode::CONFLICT, &json!("packing")));
    let (status, problem) = desk.calls("clerk", "DELETE", "/api/records/order/1", Value::Null).await;
    assert_eq!((status, &problem["denied"]["act"]), (StatusCode::CONFLICT, &json!("delete")));
    // on a card that was open before,
    card.push().await;
    assert!(!card.has("f.save") && card.text("price.r").contains("0.01"), "{}", card.html());
    assert!(card.text("f.note").contains("you may not change it"), "{}", card.text("f.note"));
    // and on one that is opened now.
    let card = desk.sits("olena", "clerk", "/orders/1").await;
    assert!(!card.has("f.edit") && !card.has("f.delete"));
    assert!(card.text("f.rights").contains("(State: being packed)"), "{}", card.text("f.rights"));
    assert_eq!(desk.order().await.price, 24_000.into());
}
