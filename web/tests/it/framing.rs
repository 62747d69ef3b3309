//! Requests that are odd, as bytes to a socket: each is answered with 400, and nothing behind it is read.

use n2o::Limits;

use crate::served::{send, with};

/// A request that would be answered, if it was read.
const NEXT: &str = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn an_odd_request_is_refused_and_ends_its_connection() {
    with(Limits::default(), |app| app.router(), async |address| {
        for head in [
            "GET /live HTTP/1.1\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost: local host\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost:\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost: a@localhost\r\n\r\n",
            "GET http://localhost/live HTTP/1.1\r\nHost: example.org\r\n\r\n",
            "GET /live HTTP/1.1\nHost: localhost\n\n",
            "GET /live HTTP/1.1\r\nHost: localhost\n\r\n",
            "GET /live HTTP/1.1\r\nHost: localhost\r\n\n",
            "GET /live HTTP/1.1\r\nHost: localhost\r\nX: y\r\n z\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n",
            "GET  /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /live#x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\nx",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 1\r\n\r\nx",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST /n2o/csp HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;\0\r\nx\r\n0\r\n\r\n",
        ] {
            for first in ["", NEXT] {
                let answer = send(&address, format!("{first}{head}{NEXT}")).await;
                let good = if first.is_empty() { 0 } else { 1 };
                assert_eq!(answer.matches("HTTP/1.1 400 Bad Request").count(), 1, "{head:?}: {answer}");
                assert_eq!(answer.matches("HTTP/1.1 ").count(), 1 + good, "nothing else: {head:?}: {answer}");
                assert_eq!(answer.matches("\r\n\r\nlive").count(), good, "{head:?}: {answer}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_framed_well_is_served_on_one_connection() {
    with(Limits::default(), |app| app.router(), async |address| {
        let requests = [
            NEXT,
            "\r\nGET http://localhost/live HTTP/1.1\r\nhost: LOCALHOST\r\n\r\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nx\r\n\n",
            "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nGET \r\n0\r\nX: y\r\n\r\n",
            "GET /live HTTP/1.1\r\nHost: [::1]:8000\r\nConnection: close\r\n\r\n",
        ];
        let answer = send(&address, requests.concat()).await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 204 No Content").count(), 2, "{answer}");
        assert!(send(&address, "GET /live HTTP/1.0\r\n\r\n").await.ends_with("live"), "old watchers name no host");
        let old = send(&address, "GET / HTTP/1.0\r\n\r\n").await;
        assert!(old.starts_with("HTTP/1.0 400 "), "{old}");
    })
    .await;
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let named = |app: web::App| app.host("Example.org").origin("https://app.example.net:8443").router();
    let ask = async |address: &str, host: &str, path: &str| {
        send(address, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
    };
    with(
        Limits::default(),
        |app| app.router(),
        async |address| {
            for host in ["127.0.0.1", "192.0.2.1:8000", "[::1]", "localhost:1", "app.localhost", "LocalHost."]
            {
                assert!(ask(&address, host, "/nowhere").await.starts_with("HTTP/1.1 404 "), "{host}");
            }
            for host in ["example.org", "localhost.example.org", "127.0.0.1.example.org", "127.1"] {
                assert!(ask(&address, host, "/nowhere").await.starts_with("HTTP/1.1 421 "), "{host}");
                assert!(ask(&address, host, "/ws").await.starts_with("HTTP/1.1 421 "), "{host}");
                assert!(
                    ask(&address, host, "/live").await.ends_with("live"),
                    "{host}: who watches may ask by any name"
                );
            }
            let absolute =
                "GET http://example.org/nowhere HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n";
            assert!(send(&address, absolute).await.starts_with("HTTP/1.1 421 "));
        },
    )
    .await;
    with(Limits::default(), named, async |address| {
        for host in ["example.org", "EXAMPLE.org:8000", "app.example.net", "127.0.0.1"] {
            assert!(ask(&address, host, "/nowhere").await.starts_with("HTTP/1.1 404 "), "{host}");
        }
        assert!(ask(&address, "www.example.org", "/nowhere").await.starts_with("HTTP/1.1 421 "));
    })
    .await;
}
