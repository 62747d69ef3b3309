//! The frames that wait for a page's handler, bounded in bytes for the page and for all pages together.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{place::Place, services::Services};

/// Bytes that each page may hold without taking room from the others.
const FREE: usize = 16 * 1024;

/// A frame that is handled or waits for it, with the room that it takes.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    /// Given back when the frame is gone; `None` within the free part.
    _room: Option<Place>,
}

impl Held {
    /// Takes the room for a frame beside `others` bytes of the same page; `None` when there is none.
    pub(super) fn new(node: &Services, bytes: Bytes, others: usize) -> Option<Self> {
        let size = bytes.len();
        if others + size <= FREE {
            return Some(Held { bytes, _room: None });
        }
        node.room(size).map(|room| Held { bytes, _room: Some(room) })
    }
}

/// The frames that came while a handler ran.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<Held>);

/// A reason to close a connection: its code, and the words for it.
pub(super) type Cut = (u16, &'static str);

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<Held> {
        self.0.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Puts a frame at the end, of at most `most`.
    pub(super) fn push(&mut self, node: &Services, bytes: &Bytes, most: usize) -> Result<(), Cut> {
        let waiting: usize = self.0.iter().map(|held| held.bytes.len()).sum();
        if self.0.len() >= most {
            return Err((1008, "too many unanswered events"));
        }
        if waiting + bytes.len() > node.limits().queued_by_page {
            return Err((1008, "too much at once"));
        }
        // The frame may be a slice of what was read together, all of which it would keep.
        let held = Held::new(node, Bytes::copy_from_slice(bytes), waiting);
        self.0.push_back(held.ok_or(FULL)?);
        Ok(())
    }
}

/// No room in the server for what a client has sent.
pub(super) const FULL: Cut = (1013, "no room for more events");
