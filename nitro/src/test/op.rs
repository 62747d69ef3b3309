//! Ops and frames as a client sees them, in a form that reads well in a test.

use std::{
    borrow::Cow,
    fmt::{self, Display},
};

use ciborium::Value;
use n2o::Format;

/// An op of `PROTOCOL.md`, section 7. It is shown as its name, the id and the arguments: `set n "1"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    pub(crate) code: u8,
    pub(crate) args: Vec<Value>,
}

const NAMES: [&str; 18] = [
    "update",
    "insert_top",
    "insert_bottom",
    "insert_before",
    "insert_after",
    "replace",
    "remove",
    "clear",
    "set",
    "attr",
    "class",
    "show",
    "hide",
    "focus",
    "redirect",
    "alert",
    "title",
    "remove_beside",
];

impl Op {
    /// The name of the op, such as `set`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAMES.get(usize::from(self.code)).copied().unwrap_or("unknown")
    }

    pub(crate) fn text(&self, arg: usize) -> &str {
        self.args.get(arg).and_then(Value::as_text).unwrap_or_default()
    }

    fn has_id(&self) -> bool {
        !matches!(self.code, 14..=16)
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        for (at, arg) in self.args.iter().enumerate() {
            match arg {
                Value::Text(id) if at == 0 && self.has_id() => {
                    write!(f, " {}", if id.is_empty() { "*" } else { id })?;
                }
                Value::Text(html) if at == 1 && self.code <= 5 => write!(f, " {}", without_seals(html))?,
                Value::Text(text) => write!(f, " {text:?}")?,
                Value::Bool(value) => write!(f, " {value}")?,
                _ => f.write_str(" null")?,
            }
        }
        Ok(())
    }
}

/// HTML in which each seal, that is other bytes each time, is shown as three dots.
pub(crate) fn without_seals(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(" data-e=\"") {
        out.push_str(before);
        out.push_str(" data-e=\"...\"");
        rest = after.split_once('"').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

/// A frame of the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Frame {
    /// The answer to a heartbeat.
    Pong,
    /// Event `seq` was executed.
    Answer {
        /// The event's number.
        seq: u64,
        /// What changes.
        ops: Vec<Op>,
    },
    /// Something changes without an event of this page.
    Push(Vec<Op>),
    /// Event `seq` was refused or failed.
    Error {
        /// The event's number.
        seq: u64,
        /// A code of `PROTOCOL.md`, section 5.
        code: u64,
        /// What the user is told.
        text: String,
    },
    /// The reply of a protocol of the application to message `seq`; see `PROTOCOL.md`, section 12.
    Reply {
        /// The kind of the message.
        kind: u8,
        /// The message's number.
        seq: u64,
        /// What it says.
        values: Vec<n2o::Value<'static>>,
    },
    /// The connection begins.
    Welcome {
        /// The new value of the client's counter.
        count: u64,
        /// The last event that was executed.
        last: u64,
    },
    /// The connection was closed with this code.
    Closed(u16),
}

impl Frame {
    /// Reads a frame; panics when the server did not keep to the protocol.
    pub(crate) fn read(format: Format, bytes: &[u8]) -> Frame {
        let value: Option<Value> = match format {
            Format::Cbor => ciborium::from_reader(bytes).ok(),
            Format::Json => serde_json::from_slice(bytes).ok(),
        };
        let items = value.and_then(|value| value.into_array().ok()).unwrap_or_default();
        let number = |at: usize| {
            let number = items.get(at).and_then(Value::as_integer);
            number.and_then(|number| u64::try_from(number).ok())
        };
        let ops = |at: usize| -> Option<Vec<Op>> { items.get(at)?.as_array()?.iter().map(read_op).collect() };
        let frame = match (number(0), items.len()) {
            (Some(0), 1) => Some(Frame::Pong),
            (Some(1), 3) => number(1).zip(ops(2)).map(|(seq, ops)| Frame::Answer { seq, ops }),
            (Some(2), 2) => ops(1).map(Frame::Push),
            (Some(3), 4) => match (number(1), number(2), items[3].as_text()) {
                (Some(seq), Some(code), Some(text)) => {
                    Some(Frame::Error { seq, code, text: text.to_owned() })
                }
                _ => None,
            },
            (Some(4), 3 | 4) => number(1).zip(number(2)).map(|(count, last)| Frame::Welcome { count, last }),
            (Some(kind @ 16..=255), 3) => {
                let values = items[2].as_array().and_then(|values| values.iter().map(read_value).collect());
                number(1).zip(values).map(|(seq, values)| Frame::Reply { kind: kind as u8, seq, values })
            }
            _ => None,
        };
        frame.unwrap_or_else(|| panic!("the server sent a frame that is not in PROTOCOL.md: {bytes:02x?}"))
    }
}

/// How many arguments each op has.
const ARGS: [usize; 18] = [2, 2, 2, 2, 2, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 1, 1, 2];

fn read_value(value: &Value) -> Option<n2o::Value<'static>> {
    let text = |value: &Value| Some(Cow::Owned(value.as_text()?.to_owned()));
    match value {
        Value::Null => Some(n2o::Value::Null),
        Value::Bool(value) => Some(n2o::Value::Bool(*value)),
        Value::Array(list) => list.iter().map(text).collect::<Option<_>>().map(n2o::Value::List),
        value => text(value).map(n2o::Value::Text),
    }
}

fn read_op(value: &Value) -> Option<Op> {
    let (code, args) = value.as_array()?.split_first()?;
    let code = u8::try_from(code.as_integer()?).ok()?;
    let known = ARGS.get(usize::from(code)) == Some(&args.len()) && args.first()?.is_text();
    known.then(|| Op { code, args: args.to_vec() })
}
