//! The pages that load tools drive. They are what the comparisons with other frameworks need, and no examples
//! of how to write a page.

mod counter;
mod form;
mod list;
mod many;
mod record;
mod room;
mod step;

use n2o::Limits;
use web::App;

pub use step::open;

pub(super) use {form::value, many::PAIRS};

/// Adds the pages to an application.
pub fn pages(app: App) -> App {
    app.page::<counter::Counter<false>>("/bench/counter")
        .page::<counter::Counter<true>>("/bench/counter/refresh")
        .page::<many::Many>("/bench/many")
        .page::<form::Form<false>>("/bench/form")
        .page::<form::Form<true>>("/bench/form/one")
        .page::<form::Panels>("/bench/form/panels")
        .page::<list::List<false>>("/bench/list/{rows}")
        .page::<list::List<true>>("/bench/list/{rows}/refresh")
        .page::<list::Halves>("/bench/halves/{rows}")
        .page::<record::Written>("/bench/record")
        .page::<step::Step>("/bench/step")
        .page::<room::Room>("/bench/room")
}

/// Bounds under which a load tool is not taken for an attacker.
#[must_use]
pub fn limits() -> Limits {
    const MANY: u32 = 1_000_000;
    // The load comes from one address.
    Limits {
        rate: MANY,
        burst: MANY,
        // With the connections that are not a page's, as many as the files that the server is started with.
        connections: 15_000,
        connections_by_client: 15_000,
        connections_by_session: 15_000,
        requests_by_client: 100_000,
        visit_rate: MANY,
        visit_burst: MANY,
        client_rate: MANY,
        client_burst: MANY,
        socket_bytes: 1 << 30,
        waiting: 100_000,
        waiting_by_client: 100_000,
        waiting_by_session: 100_000,
        parked: 15_000,
        parked_by_client: 15_000,
        parked_by_session: 15_000,
        session_pages: 100_000,
        session_bytes: 1 << 30,
        session_work: MANY,
        address_work: MANY,
        ..Limits::default()
    }
}
