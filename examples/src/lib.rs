//! The demo's pages, and the application made of them.

pub mod bench;
mod counter;

/// The demo as an application over a node.
pub fn app(node: n2o::Node) -> web::App {
    web::App::new(node).page::<counter::Counter>("/counter")
}
