//! A protocol of an application, spoken over a WebSocket in both formats.

use n2o::{Dispatch, Error, Event, Format, Later, Limits, Protocol, Value};
use nitro::prelude::*;
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};
use web::App;

use crate::served::{connect, send, until, with};

/// Adds what it is told, and answers the sum: `[16, 1, ["add", "5"]]`.
#[derive(Default)]
struct Tally(u64);

impl Protocol for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn claims(&self) -> &'static [u8] {
        &[16]
    }

    fn event<'a>(&'a mut self, message: &'a Event<'a>, cx: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async move {
            let [Value::Text(what), Value::Text(number)] = &message.values[..] else {
                return Err(Error::Refused("a tally is told what to do, and a number"));
            };
            let number: u64 = number.parse().map_err(|_| Error::user("That is not a number."))?;
            match &**what {
                "add" => self.0 = self.0.saturating_add(number),
                _ => return Err(Error::Refused("a tally only adds")),
            }
            cx.kvs().append("/tally", &number)?;
            cx.reply(self.0.to_string());
            Ok(())
        })
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Home;

impl Page for Home {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        maud::html! { p { "Home" } }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

/// Opens the page's WebSocket in a format, and reads the answer's head.
async fn socket(address: &str, format: Format) -> TcpStream {
    let page =
        send(address, format!("GET /home HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await;
    let between = |from: &str, to: &str| {
        let (_, rest) = page.split_once(from).expect("the beginning");
        rest.split_once(to).expect("the end").0.to_owned()
    };
    let (cookie, token) = (between("set-cookie: ", ";"), between("<meta name=\"n2o\" content=\"", "\""));
    let mut client = connect(address).await;
    let head = format!(
        "GET /ws?t={token} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        format.subprotocol()
    );
    client.write_all(head.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(client.read_u8().await.expect("the answer's head"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    client
}

/// Sends one message, and reads the next one.
async fn ask(client: &mut TcpStream, format: Format, message: &[u8]) -> Vec<u8> {
    let opcode = if format.is_text() { 0x81 } else { 0x82 };
    let size = u8::try_from(message.len()).expect("a short message");
    let frame = [&[opcode, 0x80 | size, 0, 0, 0, 0], message].concat();
    client.write_all(&frame).await.expect("a message");
    receive(client).await
}

async fn receive(client: &mut TcpStream) -> Vec<u8> {
    let _opcode = client.read_u8().await.expect("a message");
    let mut size = usize::from(client.read_u8().await.expect("its length"));
    if size == 126 {
        size = usize::from(client.read_u16().await.expect("its length"));
    }
    let mut message = vec![0; size];
    client.read_exact(&mut message).await.expect("its content");
    message
}

/// The message of an application's protocol, written as `PROTOCOL.md` says.
fn message(format: Format, seq: u8, what: &str, number: &str) -> Vec<u8> {
    if format.is_text() {
        return format!(r#"[16,{seq},["{what}","{number}"]]"#).into_bytes();
    }
    let mut bytes = vec![0x83, 16, seq, 0x82];
    for text in [what, number] {
        bytes.push(0x60 | text.len() as u8);
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

#[tokio::test]
async fn a_protocol_of_thirty_lines_is_spoken_in_both_formats() {
    let make = |app: App| {
        let app = app.protocol(|| Box::new(Tally::default())).expect("a kind that is free");
        let again = app.clone().protocol(|| Box::new(Tally::default())).expect_err("a kind that is not");
        assert!(again.to_string().contains(r#""tally" and "tally""#), "{again}");
        app.page::<Home>("/home").router()
    };
    with(Limits::default(), make, async |address| {
        let mut client = socket(&address, Format::Json).await;
        assert_eq!(receive(&mut client).await, b"[4,0,0]");
        let say = |seq, number| message(Format::Json, seq, "add", number);
        assert_eq!(ask(&mut client, Format::Json, &say(1, "5")).await, br#"[16,1,["5"]]"#);
        assert_eq!(ask(&mut client, Format::Json, &say(2, "7")).await, br#"[16,2,["12"]]"#);
        assert_eq!(ask(&mut client, Format::Json, &say(3, "x")).await, br#"[3,3,1,"That is not a number."]"#);

        let mut client = socket(&address, Format::Cbor).await;
        assert_eq!(receive(&mut client).await, [0x83, 4, 0, 0]);
        let say = |seq, number| message(Format::Cbor, seq, "add", number);
        let reply = |seq, sum: &[u8]| [&[0x83, 16, seq, 0x81, 0x60 | sum.len() as u8][..], sum].concat();
        assert_eq!(ask(&mut client, Format::Cbor, &say(1, "40")).await, reply(1, b"40"), "one for each page");
        assert_eq!(ask(&mut client, Format::Cbor, &say(2, "2")).await, reply(2, b"42"));
        let subtract = message(Format::Cbor, 3, "sub", "2");
        assert!(ask(&mut client, Format::Cbor, &subtract).await.starts_with(&[0x84, 3, 3, 2]), "refused");
        let unknown = [0x83, 17, 4, 0x80];
        let close = ask(&mut client, Format::Cbor, &unknown).await;
        assert_eq!(close[..2], 4400_u16.to_be_bytes(), "no protocol answers it");
        assert_eq!(until(&mut client, "").await, "");
    })
    .await;
}
