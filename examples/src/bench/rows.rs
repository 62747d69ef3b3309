//! The rows of the table, and what each is to reach.

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// What it is to reach, on the machine that the comparison was made on.
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

impl Row {
    const fn target(self, target: f64) -> Self {
        Row { target: Some(target), ..self }
    }

    /// The target as a part of what the echo reached on that machine.
    const fn beside(self, target: f64, echo: f64) -> Self {
        Row { target: Some(target), share: Some(target / echo), ..self }
    }

    const fn times(self, share: f64) -> Self {
        Row { share: Some(share), ..self }
    }
}

use Better::{Less, More};

/// All rows in order.
pub(crate) const ROWS: &[Row] = &[
    row("counter-64", "counter click, 64 connections", "events/s", More).beside(150_000.0, 187_000.0),
    row("counter-1000", "counter click, 1,000 connections", "events/s", More).beside(120_000.0, 160_000.0),
    row("counter-1", "counter click, 1 connection", "events/s", More),
    row("cpu", "server CPU per click", "us", Less).beside(6.6, 5.3),
    row("p50", "round trip, 1 connection, p50", "us", Less).times(1.2),
    row("p99", "round trip, 1 connection, p99", "us", Less),
    row("form", "60-field form, 64 connections", "forms/s", More).beside(70_000.0, 182_000.0),
    row("form-down", "down for that form", "bytes", Less).target(800.0),
    row("form-up", "up for that form", "bytes", Less).target(60.0),
    row("touch", "list of 1,000 rows, update one", "events/s", More).beside(100_000.0, 187_000.0),
    row("append", "list of 1,000 rows, append one", "events/s", More),
    row("viewer", "memory per viewer of that list", "bytes", Less).target(20_000.0),
    row("room", "chat, 1,000 members", "deliveries/s", More).beside(150_000.0, 160_000.0),
    row("visit", "GET + connect + init of the counter", "visits/s", More).beside(13_000.0, 16_700.0),
    row("idle", "memory per idle page", "bytes", Less).target(6_000.0),
    row("script", "client script, minified", "bytes", Less).target(5_840.0),
    row("brotli", "client script, brotli", "bytes", Less).target(2_600.0),
];
