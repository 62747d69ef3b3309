//! What clients send, read with bounds: nothing is allocated for a length that has not arrived.

mod json;

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use json::Json;

use crate::{
    formatter::Format,
    limit::{Limits, MAX_ID},
    value::Value,
};

/// The largest integer that every client can represent.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The kind of a heartbeat.
pub const PING: u8 = 0;
/// The kind of an event of the page.
pub const EVENT: u8 = 1;
/// The first of the kinds that protocols of applications may claim; those before are of `PROTOCOL.md`.
pub const FIRST_FREE: u8 = 16;

/// A frame of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame<'a> {
    /// A heartbeat, with the number of counted frames that have arrived.
    Ping(u64),
    /// An event of the page, or a message of a protocol of the application.
    Event(Event<'a>),
}

/// An event as it came from the client; nothing in it is trusted yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The kind of its frame, by which its protocol is found.
    pub kind: u8,
    /// Its number.
    pub seq: u64,
    /// The id of the element that was used; empty in a message of a protocol of the application, which names none.
    pub target: Cow<'a, str>,
    /// The element's seal; empty where there is no element.
    pub seal: Cow<'a, [u8]>,
    /// One value for each source, in the order that the event declares; or those of the message.
    pub values: Vec<Value<'a>>,
}

impl<'a> Event<'a> {
    /// A message of a protocol of the application.
    #[must_use]
    pub fn message(kind: u8, seq: u64, values: Vec<Value<'a>>) -> Self {
        Event { kind, seq, target: Cow::Borrowed(""), seal: Cow::Borrowed(&[]), values }
    }
}

/// The frame is malformed; the connection is closed with code 4400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed frame at byte {at}: expected {expected}")]
pub struct Malformed {
    /// Where reading stopped.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// Reads one frame.
pub fn read<'a>(format: Format, bytes: &'a [u8], limits: &Limits) -> Result<Frame<'a>, Malformed> {
    if bytes.len() > limits.frame {
        return Err(Malformed { at: limits.frame, expected: "the end of the frame" });
    }
    match format {
        Format::Cbor => Cbor { bytes, at: 0, limits }.frame(),
        Format::Json => json(bytes, limits),
    }
}

struct Cbor<'a, 'l> {
    bytes: &'a [u8],
    at: usize,
    limits: &'l Limits,
}

impl<'a> Cbor<'a, '_> {
    fn fail<T>(&self, expected: &'static str) -> Result<T, Malformed> {
        Err(Malformed { at: self.at, expected })
    }

    fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], Malformed> {
        let Some(slice) = self.bytes.get(self.at..).and_then(|rest| rest.get(..len)) else {
            return self.fail(expected);
        };
        self.at += len;
        Ok(slice)
    }

    /// An item's head: major type, and its number in the shortest form.
    fn head(&mut self, expected: &'static str) -> Result<(u8, u64), Malformed> {
        let first = self.take(1, expected)?[0];
        let (major, info) = (first >> 5, first & 31);
        let (value, least) = match info {
            0..=23 => (u64::from(info), 0),
            24..=27 => {
                let width = 1 << (info - 24);
                let value =
                    self.take(width, expected)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
                (value, [24, 0x100, 0x1_0000, 0x1_0000_0000][usize::from(info - 24)])
            }
            _ => return self.fail("a definite length"),
        };
        if value < least {
            return self.fail("the shortest form of a number");
        }
        Ok((major, value))
    }

    fn number(&mut self, major: u8, most: u64, expected: &'static str) -> Result<u64, Malformed> {
        match self.head(expected)? {
            (found, value) if found == major && value <= most => Ok(value),
            _ => self.fail(expected),
        }
    }

    fn text(&mut self, most: usize) -> Result<&'a str, Malformed> {
        let len = self.number(3, most as u64, "a text within its limit")?;
        let bytes = self.take(len as usize, "the rest of a text")?;
        std::str::from_utf8(bytes).or_else(|_| self.fail("UTF-8"))
    }

    fn frame(mut self) -> Result<Frame<'a>, Malformed> {
        let len = self.number(4, 5, "an array of at most 5")?;
        let kind = self.number(0, u64::from(u8::MAX), "a frame's kind")? as u8;
        let frame = match (kind, len) {
            (PING, 2) => Frame::Ping(self.number(0, MAX_INTEGER, "a count")?),
            (EVENT, 4 | 5) => {
                let seq = self.number(0, MAX_INTEGER, "an event's number")?;
                let target = Cow::Borrowed(self.text(MAX_ID)?);
                let seal = self.number(2, self.limits.frame as u64, "a seal")?;
                let seal = Cow::Borrowed(self.take(seal as usize, "the rest of a seal")?);
                let values = if len == 5 { self.values()? } else { Vec::new() };
                Frame::Event(Event { kind, seq, target, seal, values })
            }
            (FIRST_FREE.., 3) => {
                let seq = self.number(0, MAX_INTEGER, "a message's number")?;
                Frame::Event(Event::message(kind, seq, self.values()?))
            }
            _ => return self.fail("a known kind of frame of its length"),
        };
        if self.at == self.bytes.len() { Ok(frame) } else { self.fail("the end of the frame") }
    }

    fn values(&mut self) -> Result<Vec<Value<'a>>, Malformed> {
        let len = self.number(4, self.limits.values as u64, "an array of values within its limit")?;
        // Each value takes at least a byte, so the length cannot lie about more than what has arrived.
        let mut values = Vec::with_capacity((len as usize).min(self.bytes.len() - self.at));
        for _ in 0..len {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        match self.bytes.get(self.at) {
            Some(0xf4 | 0xf5) => Ok(Value::Bool(self.take(1, "")? == [0xf5])),
            Some(0xf6) => self.take(1, "").map(|_| Value::Null),
            Some(first) if first >> 5 == 4 => {
                let len = self.number(4, self.limits.values as u64, "an array of texts within its limit")?;
                let mut list = Vec::with_capacity((len as usize).min(self.bytes.len() - self.at));
                for _ in 0..len {
                    list.push(Cow::Borrowed(self.text(self.limits.text)?));
                }
                Ok(Value::List(list))
            }
            _ => match self.text(self.limits.frame)? {
                text if text.len() > self.limits.text => Ok(Value::TooLong),
                text => Ok(Value::Text(Cow::Borrowed(text))),
            },
        }
    }
}

fn json<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Frame<'a>, Malformed> {
    let fail = |expected| Malformed { at: 0, expected };
    let text = |value: Option<Json<'a>>, most: usize| match value {
        Some(Json::Text(text)) if text.len() <= most => Ok(text),
        _ => Err(fail("a text within its limit")),
    };
    let number = |value: Option<Json<'a>>| match value {
        Some(Json::Number(number)) if number <= MAX_INTEGER => Ok(number),
        _ => Err(fail("a number")),
    };
    let value = |value: Json<'a>| match value {
        Json::Null => Ok(Value::Null),
        Json::Bool(value) => Ok(Value::Bool(value)),
        Json::Array(list) if list.len() <= limits.values => {
            let list: Result<Vec<_>, _> =
                list.into_iter().map(|item| text(Some(item), limits.text)).collect();
            list.map(Value::List)
        }
        Json::Text(text) if text.len() > limits.text => Ok(Value::TooLong),
        other => text(Some(other), limits.text).map(Value::Text),
    };
    let Json::Array(items) = json::read(bytes, limits)? else { return Err(fail("an array")) };
    let len = items.len();
    let mut items = items.into_iter();
    let values = |items: Vec<Json<'a>>| items.into_iter().map(&value).collect::<Result<_, _>>();
    let kind = u8::try_from(number(items.next())?).map_err(|_| fail("a frame's kind"))?;
    match (kind, len) {
        (PING, 2) => Ok(Frame::Ping(number(items.next())?)),
        (EVENT, 4 | 5) => {
            let seq = number(items.next())?;
            let target = text(items.next(), MAX_ID)?;
            let seal = text(items.next(), limits.frame)?;
            let seal = URL_SAFE_NO_PAD.decode(&*seal).map_err(|_| fail("base64url"))?;
            let values = match items.next() {
                None => Vec::new(),
                Some(Json::Array(items)) => values(items)?,
                Some(_) => return Err(fail("an array of values within its limit")),
            };
            Ok(Frame::Event(Event { kind, seq, target, seal: Cow::Owned(seal), values }))
        }
        (FIRST_FREE.., 3) => match (number(items.next())?, items.next()) {
            (seq, Some(Json::Array(items))) => Ok(Frame::Event(Event::message(kind, seq, values(items)?))),
            _ => Err(fail("an array of values within its limit")),
        },
        _ => Err(fail("a known kind of frame of its length")),
    }
}
