//! Load on the room: some members speak, each again when it has seen its own words; all listen.

use std::{io, sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    Failure,
    frames::{self, Frame},
    load::{Meter, Rate, Target},
    socket::Socket,
};

/// Members who speak.
const SPEAKERS: usize = 4;
/// The text box and the button.
const ELEMENT: &str = "send";

/// A member, with the seal of the button if it is to speak.
#[derive(Debug)]
struct Member {
    socket: Socket,
    seal: Option<Vec<u8>>,
}

/// Fills the room, and counts what its members receive.
pub(crate) async fn deliveries(
    server: Target,
    path: &'static str,
    count: usize,
    time: Duration,
) -> Result<Rate, Failure> {
    let mut members = Vec::with_capacity(count);
    let mut http = None;
    for number in 0..count {
        let page = server.fetch(&mut http, path).await?;
        let seal = if number < SPEAKERS { Some(page.seal(ELEMENT)?) } else { None };
        members.push(Member { socket: page.connect().await?, seal });
    }
    let meter = Arc::new(Meter::default());
    let mut listening = JoinSet::new();
    let mut speaking = JoinSet::new();
    for (number, member) in members.into_iter().enumerate() {
        let meter = Arc::clone(&meter);
        match member.seal {
            Some(seal) => {
                speaking.spawn(speak(member.socket, number, seal, meter));
            }
            None => {
                listening.spawn(listen(member.socket, meter));
            }
        }
    }
    let rate = meter.measure(server, time).await;
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
        match frames::read(socket.recv().await?) {
            Frame::Push(ops) => meter.add(ops),
            other => return Err(io::Error::other(format!("{other:?} instead of a push"))),
        }
    }
}

async fn speak(mut socket: Socket, number: usize, seal: Vec<u8>, meter: Arc<Meter>) -> io::Result<()> {
    let mut frame = Vec::new();
    for seq in 1.. {
        if meter.is_over() {
            break;
        }
        let words = format!("Member {number} says this for the time {seq}.");
        frames::event(&mut frame, seq, ELEMENT, &seal, &[&words]);
        socket.send(&frame).await?;
        loop {
            let got = socket.recv().await?;
            match frames::read(got) {
                Frame::Push(ops) => {
                    meter.add(ops);
                    if got.windows(words.len()).any(|part| part == words.as_bytes()) {
                        break;
                    }
                }
                Frame::Answer => {}
                other => return Err(io::Error::other(format!("{other:?} instead of a push"))),
            }
        }
    }
    Ok(())
}
