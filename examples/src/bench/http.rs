//! Opening pages: a kept connection for `GET`, and what a client needs from the document.

use std::{io, net::SocketAddr};

use n2o::Format;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    frames::{self, Frame},
    seals::Seals,
    socket::Socket,
};

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    stream: TcpStream,
    buf: Vec<u8>,
}

/// A page that was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    address: SocketAddr,
    cookie: String,
    token: String,
    html: String,
}

impl Http {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Http { address, stream, buf: Vec::with_capacity(16 * 1024) })
    }

    /// Fetches a document; answers its head, and its text.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<(String, String)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.write_all(request.as_bytes()).await?;
        self.buf.clear();
        let (head, len) = loop {
            self.read().await?;
            if let Some(end) = self.buf.windows(4).position(|end| end == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buf[..end]).into_owned();
                let len = header(&head, "content-length:").and_then(|len| len.parse().ok()).unwrap_or(0);
                break (head, end + 4 + len);
            }
        };
        while self.buf.len() < len {
            self.read().await?;
        }
        if !head.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(format!("{path}: {head}")));
        }
        let text = String::from_utf8_lossy(&self.buf[head.len() + 4..]).into_owned();
        Ok((head, text))
    }

    /// Fetches a page as a visitor who was never here before.
    pub(crate) async fn visit(&mut self, path: &str) -> io::Result<Fetched> {
        let (head, html) = self.get(path).await?;
        let cookie = header(&head, "set-cookie:").and_then(|cookie| cookie.split(';').next());
        let token = between(&html, "<meta name=\"n2o\" content=\"");
        let (Some(cookie), Some(token)) = (cookie, token) else {
            return Err(io::Error::other(format!("{path} has no cookie or no token")));
        };
        Ok(Fetched { address: self.address, cookie: cookie.to_owned(), token: token.to_owned(), html })
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buf).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Fetched {
    /// The seals of the page's elements.
    pub(crate) fn seals(&self, format: Format) -> Seals {
        let mut seals = Seals::new(format);
        seals.read(self.html.as_bytes());
        seals
    }

    /// Connects, and waits for the welcome.
    pub(crate) async fn connect(&self, format: Format) -> io::Result<Socket> {
        let headers = format!(
            "Origin: http://{}\r\nCookie: {}\r\nSec-WebSocket-Protocol: {}\r\n",
            self.address,
            self.cookie,
            format.subprotocol()
        );
        let path = format!("/ws?t={}", self.token);
        let mut socket = Socket::open(self.address, &path, &headers, format.is_text()).await?;
        match frames::read(format, socket.recv().await?) {
            Frame::Welcome => Ok(socket),
            other => Err(io::Error::other(format!("{other:?} instead of a welcome"))),
        }
    }
}

/// The value of a header whose name is given in lower case with its colon.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let line = head
        .lines()
        .find(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))?;
    Some(line[name.len()..].trim())
}

fn between<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split_once(before).and_then(|(_, rest)| rest.split('"').next())
}
