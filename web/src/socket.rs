//! A WebSocket as a channel of n2o.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use n2o::{Channel, Format, Gone, Incoming};
use tokio_tungstenite::tungstenite;

use crate::{front::Seats, stream::Cut};

/// The WebSocket of a page.
pub(crate) struct Socket {
    inner: WebSocket,
    format: Format,
    /// The client has said that it leaves; its close is being answered.
    leaving: bool,
    /// Our close has been put into the socket.
    closing: bool,
    /// Held for as long as the connection is there.
    _seats: Seats,
}

impl Socket {
    pub(crate) fn new(inner: WebSocket, format: Format, seats: Seats) -> Self {
        Socket { inner, format, leaving: false, closing: false, _seats: seats }
    }

    fn inner(&mut self) -> Pin<&mut WebSocket> {
        Pin::new(&mut self.inner)
    }
}

impl Channel for Socket {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        loop {
            return Poll::Ready(match ready!(self.inner().poll_next(cx)) {
                Some(Ok(Message::Binary(frame))) if !self.format.is_text() => Some(Incoming::Frame(frame)),
                Some(Ok(Message::Text(frame))) if self.format.is_text() => {
                    Some(Incoming::Frame(frame.into()))
                }
                Some(Ok(Message::Binary(_) | Message::Text(_))) => Some(Incoming::Broken(4400)),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                // Polled on until the stream ends, so that the close is answered.
                Some(Ok(Message::Close(frame))) => {
                    self.leaving = frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001));
                    continue;
                }
                Some(Err(error)) => what(error),
                None => self.leaving.then(|| {
                    self.leaving = false;
                    Incoming::Leaving
                }),
            });
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, frame: &mut Option<Bytes>) -> Poll<Result<(), Gone>> {
        if frame.is_some() {
            ready!(self.inner().poll_ready(cx)).map_err(|_| Gone)?;
            if let Some(bytes) = frame.take() {
                let message = if self.format.is_text() {
                    Message::Text(Utf8Bytes::try_from(bytes).map_err(|_| Gone)?)
                } else {
                    Message::Binary(bytes)
                };
                self.inner().start_send(message).map_err(|_| Gone)?;
            }
        }
        self.inner().poll_flush(cx).map_err(|_| Gone)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, code: u16, reason: &'static str) -> Poll<()> {
        if !self.closing {
            if ready!(self.inner().poll_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            self.closing = true;
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            if self.inner().start_send(Message::Close(Some(frame))).is_err() {
                return Poll::Ready(());
            }
        }
        self.inner().poll_flush(cx).map(|_| ())
    }
}

/// What an error of the WebSocket itself means; `None` when the connection is gone.
fn what(error: axum::Error) -> Option<Incoming> {
    let error = error.into_inner();
    match error.downcast_ref::<tungstenite::Error>()? {
        tungstenite::Error::Io(error) => {
            let cut = error.get_ref().and_then(|error| error.downcast_ref::<Cut>())?;
            Some(Incoming::Broken(cut.code()))
        }
        tungstenite::Error::Capacity(_) => Some(Incoming::TooLong),
        tungstenite::Error::Utf8(_) => Some(Incoming::Broken(1007)),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(Incoming::Broken(1002)),
        _ => None,
    }
}
