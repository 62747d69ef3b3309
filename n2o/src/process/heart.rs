//! The heartbeat: the protocol that answers `PING`, at work or not.
//!
//! It is a part of the connection and not of the page: it answers also while one of the page's protocols is at work.

use super::{End, wire};
use crate::{channel::Connection, delivery::Delivery, formatter, limit::Limits};

/// Notes how many frames have arrived at the client, and answers.
pub(super) async fn beat(
    delivery: &mut Delivery,
    count: u64,
    to: &mut Option<Connection>,
    limits: &Limits,
) -> Result<(), End> {
    delivery.received(count);
    wire::send(to, formatter::pong(delivery.format()), limits).await
}
