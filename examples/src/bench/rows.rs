//! The rows of the table, and what each is to reach.

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// What it is to reach where there is no echo to be compared with.
    pub(crate) target: Option<f64>,
    /// Which multiple of the echo's figure is wanted: machines differ, and this is what they have in common.
    pub(crate) share: Option<f64>,
    pub(crate) better: Better,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

const fn row(id: &'static str, name: &'static str, unit: &'static str, better: Better) -> Row {
    Row { id, name, unit, target: None, share: None, better }
}

/// A row of events.
const fn rate(id: &'static str, name: &'static str) -> Row {
    row(id, name, EVENTS, More)
}

impl Row {
    const fn target(self, target: f64) -> Self {
        Row { target: Some(target), ..self }
    }

    const fn times(self, share: f64) -> Self {
        Row { share: Some(share), ..self }
    }
}

use Better::{Less, More};

/// The unit of most rows.
pub(crate) const EVENTS: &str = "events/s";

/// All rows in order. Where nothing else is said, 64 clients that speak CBOR each act again when they are
/// answered; refresh means that the handler changes the page's state, and that the difference is found. Shares
/// that are fractions come from a comparison with other frameworks, in which the echo reached the divisor.
pub(crate) const ROWS: &[Row] = &[
    rate("counter-64", "counter").times(150.0 / 187.0),
    rate("counter-json", "counter, JSON"),
    rate("counter-refresh", "counter by refresh").times(0.60),
    rate("counter-refresh-json", "counter by refresh, JSON"),
    rate("counter-1000", "counter, 1,000 clients").times(120.0 / 160.0),
    rate("counter-1", "counter, 1 client"),
    row("cpu", "counter, us of processor", "us", Less).times(6.6 / 5.3),
    row("p50", "counter, 1 client, us, half", "us", Less).times(1.2),
    row("p99", "counter, 1 client, us, 99 %", "us", Less),
    rate("many", "32 inputs and buttons in turn"),
    rate("many-json", "32 inputs and buttons in turn, JSON"),
    rate("form", "60 fields, all change").times(0.27),
    rate("form-json", "60 fields, all change, JSON"),
    row("form-down", "60 fields, all change, bytes down", "bytes", Less).target(800.0),
    row("form-up", "60 fields, all change, bytes up", "bytes", Less).target(60.0),
    rate("form-one", "60 fields, one changes"),
    rate("form-part", "6 panels of 10 fields, one changes").times(0.42),
    rate("touch", "row of 1,000 touched").times(100.0 / 187.0),
    rate("touch-refresh", "row of 1,000 touched by refresh").target(10_000.0),
    rate("append", "row appended to 1,000"),
    rate("append-refresh", "row appended to 1,000 by refresh"),
    row("halve", "10,000 rows halved by refresh, ms", "ms", Less).target(5.0),
    row("restore", "5,000 rows restored by refresh, ms", "ms", Less),
    row("viewer", "viewer of 1,000 rows, bytes", "bytes", Less).target(20_000.0),
    row("room", "chat of 1,000, deliveries/s", "deliveries/s", More).times(150.0 / 160.0),
    rate("write-memory", "record written, memory"),
    rate("write-redb", "record written, redb"),
    rate("write-postgres", "record written, PostgreSQL"),
    rate("step-memory", "process task completed, memory"),
    rate("step-redb", "process task completed, redb"),
    rate("step-postgres", "process task completed, PostgreSQL"),
    row("visit", "GET + connect + init, visits/s", "visits/s", More).times(13_000.0 / 16_700.0),
    row("idle", "idle page, bytes", "bytes", Less).target(6_000.0),
    row("script", "client script, bytes", "bytes", Less).target(5_840.0),
    row("brotli", "client script, bytes of Brotli", "bytes", Less).target(2_600.0),
];
