//! Chat rooms: a feed for each room's history, a topic for what happens now, and one order for everyone.
//!
//! A page registers with the room's topic first and reads the feed then, so that nothing falls between.
//! Each message carries its position in the feed: what is known is skipped, and what is missing is read.

mod brake;
mod line;
mod page;
mod people;
mod view;

use nitro::{Url, url};

pub(crate) use line::Retention;
pub(crate) use page::Chat;

/// Where those go who name no room.
const LOBBY: &str = "lobby";

/// Whether a room can have this name.
pub(crate) fn is_room(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control)
}

/// The address of a room; of the lobby when the name is empty.
pub(crate) fn path(room: &str) -> Url {
    let room = if room.is_empty() { LOBBY } else { room };
    url!("/chat/{room}")
}
