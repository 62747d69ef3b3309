//! The application that the tests use. `client.rs` and `client.labels` are all that a set of screens takes.

mod client;

use kvs::Store;
use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage, Visitor},
};
use rust_decimal::Decimal;

pub(crate) use client::{Client, LABELS, pages};

/// The code of the application, for counting it.
pub(crate) const CODE: &str = include_str!("client.rs");

/// Logs a visitor in as `/login/name/role`.
#[derive(Default, Serialize, Deserialize)]
struct Login;

impl Page for Login {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (user, role) = (cx.param("user").to_owned(), cx.param("role").to_owned());
        cx.login_as(&user, &[&role]).await?;
        cx.redirect(url!("/home"))
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html!()
    }

    async fn event(&mut self, event: Never, _: &mut Cx<'_, Self>) -> Result {
        match event {}
    }
}

/// Logs a visitor in as `/proven/name/role`, as somebody who has proven who they are.
#[derive(Default, Serialize, Deserialize)]
struct Proven;

impl Page for Proven {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (user, role) = (cx.param("user").to_owned(), cx.param("role").to_owned());
        cx.login_proven(&user, &[&role]).await?;
        cx.redirect(url!("/home"))
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html!()
    }

    async fn event(&mut self, event: Never, _: &mut Cx<'_, Self>) -> Result {
        match event {}
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Home;

impl Page for Home {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html!()
    }

    async fn event(&mut self, event: Never, _: &mut Cx<'_, Self>) -> Result {
        match event {}
    }
}

pub(crate) fn ada() -> Client {
    Client {
        code: "AB-0001".into(),
        name: "Ada".into(),
        mail: "ada@example.org".into(),
        tel: String::new(),
        kind: "regular".into(),
        since: Some(jiff::civil::date(2020, 2, 29)),
        discount: None,
        credit: Decimal::new(150_000, 2),
        active: true,
        notes: "secret".into(),
    }
}

/// An application with these clients.
pub(crate) async fn app(clients: Vec<Client>) -> (TestApp, Store) {
    let store = Store::open("memory:").await.unwrap();
    let mut txn = store.txn();
    clients.iter().for_each(|client| txn.put(client).unwrap());
    txn.commit().await.unwrap();
    let app = TestApp::over(store.clone()).page::<Login>("/login/{user}/{role}").page::<Home>("/home");
    (pages(app.page::<Proven>("/proven/{user}/{role}")), store)
}

/// Somebody who is logged in.
pub(crate) async fn user(app: &TestApp, name: &str, role: &str) -> Visitor {
    let visitor = app.visitor();
    visitor.open(&format!("/login/{name}/{role}")).await;
    visitor
}

/// Somebody who is logged in, and has proven who they are.
pub(crate) async fn proven(app: &TestApp, name: &str, role: &str) -> Visitor {
    let visitor = app.visitor();
    visitor.open(&format!("/proven/{name}/{role}")).await;
    visitor
}

/// A page that somebody who is logged in has opened.
pub(crate) async fn open(app: &TestApp, name: &str, role: &str, path: &str) -> TestPage {
    user(app, name, role).await.open(path).await
}

pub(crate) async fn read(store: &Store, id: &str) -> Option<Client> {
    store.txn().get(id).await.unwrap()
}
