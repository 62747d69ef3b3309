//! The scenarios: which clients give the figures of which rows, beside which echo.

use n2o::Format::{self, Cbor, Json};

use super::{
    acts,
    client::{Act, Step},
    store::Kind,
};

/// Bytes of a click, which is what the echo of it carries.
const CLICK: usize = 50;
/// Bytes of the answer of a form whose fields all change.
const FORM: usize = 780;
/// Bytes of the counter's document, which is what a visitor of the echo fetches.
pub(crate) const DOCUMENT: usize = 1_020;
/// Clients of most scenarios.
const CLIENTS: usize = 64;
/// The page that is visited.
const COUNTER: &str = "/bench/counter";

/// What is measured together, because it needs the same server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// The row of the figure that the measurement is about.
    pub(crate) row: &'static str,
    /// Rows of what is found beside it.
    pub(crate) also: &'static [&'static str],
    pub(crate) ours: Ours,
    pub(crate) echo: Option<Echo>,
    /// The store that it is about.
    pub(crate) store: Option<Kind>,
}

/// What is measured of the pages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ours {
    /// Clients that act again and again.
    Turns(Crowd),
    /// One client's round trips.
    Wait(Crowd),
    /// One client whose events are of two kinds, in turn.
    Both(Crowd),
    /// Memory of each of many pages.
    Memory(Crowd),
    /// Deliveries in a room of so many.
    Room(usize),
    /// Visits of a page.
    Visits(&'static str),
    /// The size of the script, plain and compressed.
    Script,
}

/// What is measured of the echo. It is measured once in a run, however many rows are held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Echo {
    Turns { bytes: usize, clients: usize },
    Wait { bytes: usize },
    Memory,
    Visits { document: usize, bytes: usize },
}

/// The clients of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// The page; `{rows}` stands for their number.
    pub(crate) path: &'static str,
    pub(crate) rows: usize,
    pub(crate) format: Format,
    pub(crate) act: Act,
    /// How many; for memory 0, which is the number of the command line.
    pub(crate) clients: usize,
}

const fn crowd(path: &'static str, act: fn(u64, &mut Step)) -> Crowd {
    Crowd { path, rows: 0, format: Cbor, act: Act::Use(act), clients: CLIENTS }
}

const fn list(path: &'static str, act: fn(u64, &mut Step)) -> Crowd {
    Crowd { rows: 1_000, ..crowd(path, act) }
}

const fn look(path: &'static str, rows: usize, clients: usize) -> Crowd {
    Crowd { path, rows, format: Cbor, act: Act::Look, clients }
}

/// Turns beside the echo of a click by as many clients.
const fn turns(row: &'static str, crowd: Crowd) -> Scenario {
    let echo = Some(Echo::Turns { bytes: CLICK, clients: crowd.clients });
    Scenario { row, also: &[], ours: Ours::Turns(crowd), echo, store: None }
}

/// Turns with a store.
const fn stored(row: &'static str, crowd: Crowd, kind: Kind) -> Scenario {
    Scenario { store: Some(kind), ..turns(row, crowd) }
}

const fn alone(row: &'static str, also: &'static [&'static str], ours: Ours) -> Scenario {
    Scenario { row, also, ours, echo: None, store: None }
}

const FORM_ECHO: Option<Echo> = Some(Echo::Turns { bytes: FORM, clients: CLIENTS });
const REFRESHED: Crowd = crowd("/bench/counter/refresh", acts::inc);
const MANY: Crowd = crowd("/bench/many", acts::many);
const ALL: Crowd = crowd("/bench/form", acts::form);
const LIST: &str = "/bench/list/{rows}";
const FOUND: &str = "/bench/list/{rows}/refresh";
const WRITE: Crowd = crowd("/bench/record", acts::inc);
const STEP: Crowd = crowd("/bench/step", acts::complete);

/// All scenarios, in the order of their rows.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { also: &["cpu"], ..turns("counter-64", crowd(COUNTER, acts::inc)) },
    turns("counter-json", Crowd { format: Json, ..crowd(COUNTER, acts::inc) }),
    turns("counter-refresh", REFRESHED),
    turns("counter-refresh-json", Crowd { format: Json, ..REFRESHED }),
    turns("counter-1000", Crowd { clients: 1_000, ..crowd(COUNTER, acts::inc) }),
    Scenario {
        echo: Some(Echo::Wait { bytes: CLICK }),
        ..alone("counter-1", &["p50", "p99"], Ours::Wait(Crowd { clients: 1, ..crowd(COUNTER, acts::inc) }))
    },
    turns("many", MANY),
    turns("many-json", Crowd { format: Json, ..MANY }),
    Scenario { also: &["form-down", "form-up"], echo: FORM_ECHO, ..turns("form", ALL) },
    Scenario { echo: FORM_ECHO, ..turns("form-json", Crowd { format: Json, ..ALL }) },
    turns("form-one", crowd("/bench/form/one", acts::field)),
    turns("form-part", crowd("/bench/form/panels", acts::part)),
    turns("touch", list(LIST, acts::touch)),
    turns("touch-refresh", list(FOUND, acts::touch)),
    turns("append", list(LIST, acts::append)),
    turns("append-refresh", list(FOUND, acts::append)),
    alone(
        "halve",
        &["restore"],
        Ours::Both(Crowd { rows: 10_000, clients: 1, ..crowd("/bench/halves/{rows}", acts::halve) }),
    ),
    alone("viewer", &[], Ours::Memory(look(LIST, 1_000, 1_000))),
    Scenario {
        echo: Some(Echo::Turns { bytes: CLICK, clients: 1_000 }),
        ..alone("room", &[], Ours::Room(1_000))
    },
    stored("write-memory", WRITE, Kind::Memory),
    stored("write-redb", WRITE, Kind::Redb),
    stored("write-postgres", WRITE, Kind::Postgres),
    stored("step-memory", STEP, Kind::Memory),
    stored("step-redb", STEP, Kind::Redb),
    stored("step-postgres", STEP, Kind::Postgres),
    Scenario {
        echo: Some(Echo::Visits { document: DOCUMENT, bytes: CLICK }),
        ..alone("visit", &[], Ours::Visits(COUNTER))
    },
    Scenario { echo: Some(Echo::Memory), ..alone("idle", &[], Ours::Memory(look(COUNTER, 0, 0))) },
    alone("script", &["brotli"], Ours::Script),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    #[test]
    fn every_row_has_its_scenario() {
        let given = SCENARIOS.iter().flat_map(|scenario| [&[scenario.row], scenario.also].concat());
        let mut given: Vec<&str> = given.collect();
        let mut rows: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
        given.sort_unstable();
        rows.sort_unstable();
        assert_eq!(given, rows);
    }
}
