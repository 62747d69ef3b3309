//! What holds for every route that the server is given: the client's address, and the headers.

use axum::{Router, routing};
use n2o::Limits;
use nitro::prelude::*;
use web::{App, ClientAddress};

use crate::served::{send, with};

#[derive(Default, Serialize, Deserialize)]
struct Address;

impl Page for Address {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        maud::html! { p { (format!("page of {:?}", ui.address())) } }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

/// An application with a page, and a route that is merged with its router.
fn both(app: App) -> Router {
    let whoami = async |ClientAddress(address): ClientAddress| format!("route of {address:?}");
    let own = Router::new().route("/whoami", routing::get(whoami));
    app.page::<Address>("/address").router().merge(own)
}

async fn get(address: &str, path: &str, lines: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n");
    send(address, request).await
}

#[tokio::test]
async fn a_stranger_cannot_say_where_it_comes_from() {
    with(Limits::default(), both, async |address| {
        for path in ["/address", "/whoami"] {
            let lines = "X-Forwarded-For: 203.0.113.1\r\nForwarded: for=203.0.113.1\r\n";
            let answer = get(&address, path, lines).await;
            assert!(answer.contains("of Some(127.0.0.1)"), "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_trusted_proxy_says_where_its_clients_come_from() {
    let trusting = |app: App| both(app.proxy("127.0.0.0/8".parse().expect("a network")));
    with(Limits::default(), trusting, async |address| {
        for path in ["/address", "/whoami"] {
            for line in ["X-Forwarded-For: 1.2.3.4, 203.0.113.1\r\n", "Forwarded: for=203.0.113.1\r\n"] {
                let answer = get(&address, path, line).await;
                assert!(answer.contains("of Some(203.0.113.1)"), "{answer}");
            }
            assert!(get(&address, path, "").await.contains("of Some(127.0.0.1)"), "it says nothing");
        }
    })
    .await;
}

#[tokio::test]
async fn routes_that_are_merged_carry_the_headers_too() {
    for secure in [false, true] {
        with(
            Limits::default(),
            |app| both(app.secure(secure)),
            async |address| {
                for path in ["/whoami", "/address", "/nowhere", "/live"] {
                    let answer = get(&address, path, "").await.to_ascii_lowercase();
                    for line in [
                        "content-security-policy: default-src 'none'; script-src 'self';",
                        "x-content-type-options: nosniff\r\n",
                        "referrer-policy: same-origin\r\n",
                        "cross-origin-opener-policy: same-origin\r\n",
                        "cross-origin-resource-policy: same-origin\r\n",
                        "permissions-policy: camera=()",
                    ] {
                        assert_eq!(answer.matches(line).count(), 1, "{path} {line}: {answer}");
                    }
                    assert_eq!(
                        answer.contains("strict-transport-security: max-age="),
                        secure,
                        "{path}: {answer}"
                    );
                }
            },
        )
        .await;
    }
}
