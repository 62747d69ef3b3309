//! The order desk: clients and orders as screens of `form`, and the process of an order as a file for `bpe`.
//!
//! `record` declares the records, `order.bpmn` the process; the rest is what an application adds of its own:
//! services, the state of the process on the order, the frame around the screens, and something to look at.

mod board;
mod enter;
mod frame;
mod mirror;
mod order;
mod record;
mod seed;
mod service;
#[cfg(test)]
mod tests;
mod text;
mod todo;

use bpe::Engine;
use form::process::{Inbox, Instance, Overview, ProcessForm, Processes, Work};
use form::{Card, List};
use n2o::{Node, OrFail, Result};
use web::{App, rest::Rest};

use self::{
    board::Board,
    frame::Framed,
    record::{Approval, Client, Order, Packing},
    todo::Todo,
};

/// The process of an order.
const PROCESS: &[u8] = include_bytes!("order.bpmn");

/// Adds the desk's pages.
pub(crate) fn pages(app: App) -> App {
    app.rest(Rest::new().record::<Client>().started::<Order>("order"))
        .page::<enter::Enter>("/desk")
        .page::<Framed<List<Client>>>("/clients")
        .page::<Framed<Card<Client>>>("/clients/{id}")
        .page::<Framed<Board>>("/board")
        .page::<Framed<List<Order>>>("/orders")
        .page::<Framed<order::OrderCard>>("/orders/{id}")
        .page::<Framed<Inbox>>("/tasks")
        .page::<Framed<Work>>("/tasks/{task}")
        .page::<Framed<Todo>>("/todo")
        .page::<Framed<Overview>>("/processes")
        .page::<Framed<Work>>("/processes/{process}/start")
        .page::<Framed<Instance>>("/instances/{instance}")
}

/// Opens the desk on a node: seeds it at the first start, deploys its process and runs it.
pub async fn open(node: &Node) -> Result {
    // Whoever has a store of an earlier version has its lists looked through until their indexes are built anew.
    node.store().reindex_if_needed::<Client>().await?;
    node.store().reindex_if_needed::<Order>().await?;
    seed::seed(node).await?;
    let services = Engine::builder(node.store())
        .worker("stock", service::stock)
        .worker("invoice", service::invoice)
        .worker("escalate", service::escalate);
    let engine = services.open().await.or_fail()?;
    engine.deploy(PROCESS).await.or_fail()?;
    mirror::start(node, &engine);
    Processes::new(engine)
        .form("order", ProcessForm::record::<Order>("order").moves("state", "stock"))
        .form(
            "approval",
            ProcessForm::variables::<Approval>().about::<Order>("order").moves("state", "decided"),
        )
        .form("packing", ProcessForm::variables::<Packing>().about::<Order>("order"))
        .operators(&["manager"])
        .labels(text::ELEMENTS)
        .start(node);
    Ok(())
}
