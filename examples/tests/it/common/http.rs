//! HTTP/1.1 by hand: one request for each connection, which is all that a client of the protocol needs.

use std::collections::BTreeMap;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(pub(crate) BTreeMap<String, String>);

impl Jar {
    pub(crate) fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn take(&mut self, reply: &Reply) {
        if let Some((name, value)) = reply.header("set-cookie").and_then(|cookie| cookie.split_once('=')) {
            let value = value.split(';').next().unwrap();
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Reply> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    // Not all servers close when they are asked to, so the answer is read as long as it says it is.
    let mut bytes = Vec::new();
    loop {
        if let Some(reply) = whole(&bytes) {
            return Ok(reply);
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// An answer, when all of it has come.
fn whole(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]);
    let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default();
    let mut reply = Reply { status, head, body: String::new() };
    if reply.header("transfer-encoding") == Some("chunked") {
        body.ends_with(b"0\r\n\r\n").then(|| reply.body = joined(&String::from_utf8_lossy(body)))?;
    } else {
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reply.body = String::from_utf8_lossy(body.get(..length)?).into_owned();
    }
    Some(reply)
}

/// The body of a chunked answer.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        body.push_str(rest.get(..size).unwrap_or_default());
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    body
}
