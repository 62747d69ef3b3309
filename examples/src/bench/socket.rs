//! A WebSocket client that costs little more than its system calls: one buffer each way, no checks that a
//! load does not need. Not for use against a server that is not our own.

use std::{io, net::SocketAddr, ops::Range};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The mask of all frames: its bytes do not matter to anyone but caches between us and the server.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const BUFFER: usize = 4096;

/// A connected WebSocket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    buf: Vec<u8>,
    /// What has been read and not yet been given out.
    unread: Range<usize>,
    out: Vec<u8>,
    /// The first byte of a frame that carries a message.
    head: u8,
    /// Bytes received and sent in frames, with their heads.
    pub(crate) down: u64,
    pub(crate) up: u64,
}

impl Socket {
    /// Connects and upgrades, for messages of text or of bytes. `headers` are complete lines.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        headers: &str,
        is_text: bool,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let (head, buf) = (if is_text { 0x81 } else { 0x82 }, vec![0; BUFFER]);
        let mut socket = Socket { stream, buf, unread: 0..0, out: Vec::new(), head, down: 0, up: 0 };
        loop {
            socket.fill().await?;
            let text = &socket.buf[socket.unread.clone()];
            if let Some(end) = text.windows(4).position(|end| end == b"\r\n\r\n") {
                if !text.starts_with(b"HTTP/1.1 101") {
                    return Err(io::Error::other(String::from_utf8_lossy(text).into_owned()));
                }
                socket.unread.start += end + 4;
                return Ok(socket);
            }
        }
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.put(self.head, payload);
        self.up += self.out.len() as u64;
        self.stream.write_all(&self.out).await
    }

    fn put(&mut self, head: u8, payload: &[u8]) {
        let out = &mut self.out;
        out.clear();
        out.push(head);
        match payload.len() {
            len @ 0..=125 => out.push(0x80 | len as u8),
            len => {
                out.push(0x80 | 126);
                out.extend_from_slice(&(len as u16).to_be_bytes());
            }
        }
        out.extend_from_slice(&MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }

    /// The next message, whole. A close is an error.
    pub(crate) async fn recv(&mut self) -> io::Result<&[u8]> {
        loop {
            let bytes = &self.buf[self.unread.clone()];
            if let Some((start, len)) = length(bytes)
                && bytes.len() >= start + len
            {
                if bytes[0] & 0x0f == 8 {
                    let code =
                        bytes.get(start..start + 2).map_or(0, |code| (code[0] as u16) << 8 | code[1] as u16);
                    return Err(io::Error::other(format!(
                        "the server closed the connection with code {code}"
                    )));
                }
                let from = self.unread.start + start;
                self.unread.start = from + len;
                self.down += (start + len) as u64;
                return Ok(&self.buf[from..from + len]);
            }
            self.fill().await?;
        }
    }

    /// Reads once.
    async fn fill(&mut self) -> io::Result<()> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.buf.len() {
            if self.unread.start > 0 {
                self.buf.copy_within(self.unread.clone(), 0);
                self.unread = 0..self.unread.len();
            } else {
                self.buf.resize(self.buf.len() * 2, 0);
            }
        }
        let read = self.stream.read(&mut self.buf[self.unread.end..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.unread.end += read;
        Ok(())
    }

    /// Says good-bye as a browser does that leaves the page, and waits for the server to end the connection.
    pub(crate) async fn leave(mut self) -> io::Result<()> {
        self.put(0x88, &1001_u16.to_be_bytes());
        self.stream.write_all(&self.out).await?;
        while self.stream.read(&mut self.buf).await.is_ok_and(|read| read > 0) {}
        // No port is left waiting, of which a run of many connections would need more than there are.
        self.stream.set_zero_linger()
    }
}

/// Where the payload of the frame at the start of `bytes` begins, and its length.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.get(1)? & 0x7f {
        126 => Some((4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)))),
        127 => Some((10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize)),
        len => Some((2, usize::from(len))),
    }
}
