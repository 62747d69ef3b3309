//! Requests that are framed well, and requests that are not.

use super::*;

const HOST: &str = "Host: localhost\r\n";

/// How a stream of requests ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With a whole request.
    Whole,
    /// In the middle of one.
    Begun,
    /// With a request for another protocol.
    Upgrade,
    Odd,
}

/// Follows bytes in pieces of `step`.
fn end(bytes: &[u8], step: usize) -> End {
    let mut requests = Requests::new(1024);
    for piece in bytes.chunks(step) {
        let (seen, framed) = requests.follow(piece);
        if framed.is_err() {
            assert!(seen < piece.len(), "there is a byte to be put something odd in the place of");
            return End::Odd;
        }
        assert!(seen == piece.len() || requests.is_upgrade());
    }
    match requests.at {
        At::Start if requests.line.is_empty() => End::Whole,
        At::Upgrade => End::Upgrade,
        _ => End::Begun,
    }
}

fn ends(bytes: &[u8], expected: End) {
    for step in [1, 2, 3, 7, bytes.len().max(1)] {
        assert_eq!(end(bytes, step), expected, "{step}: {:?}", String::from_utf8_lossy(bytes));
    }
}

fn head(line: &str, fields: &str) -> String {
    format!("{line}\r\n{fields}\r\n")
}

#[test]
fn requests_follow_one_another() {
    for request in [
        head("GET / HTTP/1.1", HOST),
        head("GET / HTTP/1.0", ""),
        head("OPTIONS * HTTP/1.1", HOST),
        head("get-it /a?b=c&d=%20 HTTP/1.1", HOST),
        head("GET http://localhost/a HTTP/1.1", HOST),
        head("GET https://LOCALHOST?a HTTP/1.1", HOST),
        head("CONNECT localhost:443 HTTP/1.1", "Host: localhost:443\r\n"),
        head("GET / HTTP/1.1", "hOST:\t [::1]:8000 \r\nX: \u{fc}\tz\r\nEmpty:\r\n"),
        head("POST / HTTP/1.1", "Host: a\r\nContent-Length: 4\r\n") + "\r\n\n\0",
        head("POST / HTTP/1.1", "Host: a\r\nContent-Length: 0\r\nUpgrade: x\r\n").replace("Upgrade", "Up"),
        head("POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: Chunked\r\n") + "0\r\n\r\n",
        head("POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: chunked\r\n")
            + "5\r\nGET /\r\n00a;b=c;d=\"e\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    ] {
        ends(request.as_bytes(), End::Whole);
        ends(format!("\r\n{request}{request}").as_bytes(), End::Whole);
        ends(&request.as_bytes()[..request.len() - 1], End::Begun);
    }
}

#[test]
fn what_follows_a_request_for_another_protocol_is_left_alone() {
    let ask = head("GET /ws HTTP/1.1", "Host: a\r\nUpgrade: websocket\r\n");
    ends(ask.as_bytes(), End::Upgrade);
    ends(format!("{ask}\n\0 no request").as_bytes(), End::Upgrade);
    let mut requests = Requests::new(1024);
    let bytes = format!("{ask}more");
    assert_eq!(requests.follow(bytes.as_bytes()), (ask.len(), Ok(())));
}

#[test]
fn a_host_is_named_once_and_as_hosts_are_named() {
    for fields in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "X-Host: a\r\n"] {
        ends(head("GET / HTTP/1.1", fields).as_bytes(), End::Odd);
    }
    ends(head("GET / HTTP/1.0", "Host: a\r\nHost: a\r\n").as_bytes(), End::Odd);
    for host in [
        "", " ", "a b", "a@b", "a/b", "a?b", "a#b", "http://a", "a:b", "a:99999", "a:80:80", "[::1", "::1]",
        ":80", "a\\b", "\"a\"", "<a>", "\u{430}", "a\u{0}", "a\tb", "[", "]", "@",
    ] {
        ends(head("GET / HTTP/1.1", &format!("Host: {host}\r\n")).as_bytes(), End::Odd);
    }
    ends(head("GET http://a/ HTTP/1.1", "Host: b\r\n").as_bytes(), End::Odd);
    ends(head("GET http://a/ HTTP/1.1", "").as_bytes(), End::Odd);
}

#[test]
fn the_length_of_a_body_is_told_once_and_in_one_way() {
    for fields in [
        "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: 1 1\r\n",
        "Content-Length:\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 0x1\r\n",
        "Content-Length: 1a\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "X: y\r\n\tmore\r\n",
        "X[]: y\r\n",
        ": y\r\n",
        "X: \0\r\n",
        "X: \u{7f}\r\n",
    ] {
        ends(head("POST / HTTP/1.1", &format!("{HOST}{fields}")).as_bytes(), End::Odd);
    }
    ends(head("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n").as_bytes(), End::Odd);
}

#[test]
fn a_head_has_lines_of_one_kind() {
    for line in [
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /\t HTTP/1.1",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET ftp://localhost/ HTTP/1.1",
        "GET",
        "G@T / HTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET /\0 HTTP/1.1",
        "PRI * HTTP/2.0",
        "\u{16}\u{3}\u{1}",
    ] {
        ends(head(line, HOST).as_bytes(), End::Odd);
    }
    for request in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\rGET / HTTP/1.1\r\n",
    ] {
        ends(request.as_bytes(), End::Odd);
    }
    let long = head("GET / HTTP/1.1", &format!("{HOST}X: {}\r\n", "y".repeat(2000)));
    ends(long.as_bytes(), End::Odd);
    ends(format!("{}GET / HTTP/1.1\r\n", "\r\n".repeat(600)).as_bytes(), End::Odd);
    let many = "X: y\r\n".repeat(300);
    ends(head("GET / HTTP/1.1", &format!("{HOST}{many}")).as_bytes(), End::Odd);
}

#[test]
fn chunks_are_told_by_plain_sizes() {
    let chunked = head("POST / HTTP/1.1", &format!("{HOST}Transfer-Encoding: chunked\r\n"));
    for body in [
        "0x1\r\na\r\n",
        "+1\r\na\r\n",
        "-1\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "1 ;a\r\na\r\n",
        "\r\n",
        ";a\r\n",
        "g\r\n",
        "1_0\r\n",
        "1\na\r\n",
        "1\r\na\n",
        "1\r\nab\r\n",
        "1\r\na\r0\r\n",
        "1;a\nb\r\na\r\n",
        "1;\0\r\na\r\n",
        "fffffffffffffffff\r\n",
        "10000000000000000\r\n",
        "0\n\r\n",
        "0\r\n\n",
        "0\r\nX y\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX: y\n\r\n",
    ] {
        ends(format!("{chunked}{body}").as_bytes(), End::Odd);
    }
    ends(format!("{chunked}1;{}\r\na\r\n", "x".repeat(500)).as_bytes(), End::Odd);
}

/// The text of a case of llhttp's documentation as bytes.
fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace("\\\n", "").replace('\n', "\r\n");
    let text = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\f", "\u{c}");
    text.into_bytes()
}

/// Whether a request in the notation of llhttp's documentation is refused, or ends where its head does.
fn is_odd(request: &str) -> bool {
    let mut request = request.to_owned();
    if !request.to_ascii_lowercase().contains("\nhost:")
        && let Some(end) = request.find('\n')
    {
        request.insert_str(end + 1, "Host: localhost\n");
    }
    let end = end(&bytes(&request), 1);
    end != End::Whole && end != End::Upgrade
}

#[test]
fn what_strict_parsers_reject_is_odd() {
    for request in [
        "GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 1\n\nx",
        "POST / HTTP/1.1\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n",
        "POST / HTTP/1.1\nTransfer-Encoding: chunked, gzip\n\n0\n\n",
        "POST / HTTP/1.1\nContent-Length: +1\n\nx",
        "POST / HTTP/1.1\nContent-Length: 1 1\n\nx",
        "GET / HTTP/1.1\nName : value\n\n",
        "GET / HTTP/1.1\nName: value\n folded\n\n",
        "GET / HTTP/1.1\n: value\n\n",
        "GET  / HTTP/1.1\n\n",
    ] {
        assert!(is_odd(request), "{request:?}");
    }
    if let Some(shared) = std::env::var_os("N2O_SHARED") {
        llhttp(&shared);
    }
}

/// The cases of llhttp, which are not part of this repository.
fn llhttp(shared: &std::ffi::OsStr) {
    let file = std::path::Path::new(shared).join("corpora/http/llhttp-request-cases.json");
    let cases: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(file).expect("the cases")).expect("JSON");
    // Methods and protocols of others are no matter of framing, nor is what comes when a connection is to end.
    let other = ["Pause on CONNECT/Upgrade", "Invalid method for", "Data after `Connection: close`"];
    let mut checked = 0;
    for case in &cases {
        let text = |name: &str| case[name].as_str().expect("a text");
        let strict = case["meta"]["type"] == "request" && case["rejects"] == true;
        if strict && !other.iter().any(|why| text("log").contains(why)) {
            assert!(is_odd(text("http_md")), "{}: {:?}", text("title"), text("http_md"));
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} cases");
}

#[test]
fn a_plain_host_is_what_the_parser_takes_for_one() {
    let names =
        ["", "a", "localhost", "example.org", "127.0.0.1", "-", "..", "a_b", "a b", "[::1]", "::1", "a%20"];
    let ports = [
        "", ":", ":0", ":80", ":080", ":00080", ":65535", ":65536", ":99999", ":000080", ":+80", ":8a",
        ":1:2",
    ];
    for host in names.iter().flat_map(|name| ports.iter().map(move |port| format!("{name}{port}"))) {
        assert!(!is_plain_host(&host) || is_authority(&host), "{host}");
        assert_eq!(is_host(&host), is_authority(&host), "{host}");
    }
    assert!(["localhost", "example.org", "127.0.0.1:8000"].into_iter().all(is_plain_host));
}
