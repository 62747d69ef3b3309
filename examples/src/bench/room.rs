//! Load on the room: some members speak, each again when it has seen its own words; all listen.

use std::{io, sync::Arc};

use memchr::memmem;
use n2o::Format;
use tokio::task::JoinSet;

use super::{
    Failure,
    frames::{self, Frame},
    load::{self, Link, Meter, Rate, Span, Target},
    seals::Seals,
    socket::Socket,
};

/// Members who speak.
const SPEAKERS: usize = 4;
/// The text box and the button.
const ELEMENT: &str = "send";

/// A member, with the seals of the page if it is to speak.
#[derive(Debug)]
struct Member {
    socket: Socket,
    seals: Option<Seals>,
}

/// Fills the room, and counts what its members receive.
pub(crate) async fn deliveries(
    server: Target,
    path: &'static str,
    count: usize,
    span: Span,
) -> Result<Rate, Failure> {
    let mut members = Vec::with_capacity(count);
    let mut link = Link::default();
    for number in 0..count {
        let page = link.to(&server).await?.visit(path).await?;
        let seals = (number < SPEAKERS).then(|| page.seals(Format::Cbor));
        members.push(Member { socket: page.connect(Format::Cbor).await?, seals });
    }
    let meter = Arc::new(Meter::default());
    let mut listening = JoinSet::new();
    let mut speaking = JoinSet::new();
    for (number, member) in members.into_iter().enumerate() {
        let meter = Arc::clone(&meter);
        match member.seals {
            Some(seals) => {
                speaking.spawn(speak(member.socket, number, seals, span, meter));
            }
            None => {
                listening.spawn(listen(member.socket, meter));
            }
        }
    }
    let (rate, _) = meter.measure(server, span, &mut speaking).await?;
    while let Some(spoken) = speaking.join_next().await {
        spoken??;
    }
    // A listener ends only when something went wrong; the others wait for words that nobody says any more.
    while let Some(heard) = listening.try_join_next() {
        heard??;
    }
    Ok(rate)
}

async fn listen(mut socket: Socket, meter: Arc<Meter>) -> io::Result<()> {
    loop {
        let got = socket.recv().await?;
        meter.add(heard(got)?);
    }
}

/// How many words were heard.
fn heard(got: &[u8]) -> io::Result<usize> {
    let frame = frames::read(Format::Cbor, got);
    let count = if let Frame::Push(ops) = frame { frames::count(ops) } else { None };
    count.ok_or_else(|| io::Error::other(format!("{frame:02x?} instead of a push")))
}

async fn speak(
    mut socket: Socket,
    number: usize,
    seals: Seals,
    span: Span,
    meter: Arc<Meter>,
) -> io::Result<()> {
    let (mut frame, mut turns) = (Vec::new(), 0);
    while !meter.is_over() && load::more(span, turns) {
        turns += 1;
        let words = format!("Member {number} says this for the time {turns}.");
        let seal = seals.of(ELEMENT)?;
        frames::event(Format::Cbor, &mut frame, turns as u64, ELEMENT, seal, Some(&words));
        socket.send(&frame).await?;
        loop {
            let got = socket.recv().await?;
            if let Frame::Answer(..) = frames::read(Format::Cbor, got) {
                continue;
            }
            meter.add(heard(got)?);
            if memmem::find(got, words.as_bytes()).is_some() {
                break;
            }
        }
    }
    Ok(())
}
