//! The demo's pages, and the application made of them.
//!
//! `cargo run --release` at the root starts it; [`config::HELP`] lists the flags.

pub mod bench;
mod chat;
pub mod config;
mod counter;
pub mod data;
pub mod desk;
mod frame;
mod home;
pub mod log;
mod login;
mod text;

use axum::{Router, http::header, routing};
use n2o::{Limits, Node};
use web::App;

/// The pages, for who starts the demo.
pub const PAGES: [(&str, &str); 5] = [
    ("/", "what there is"),
    ("/counter", "a counter"),
    ("/login", "login as a guest or with an account"),
    ("/chat/lobby", "a chat room; any other name is a room, too"),
    ("/desk", "an order desk: records, forms and a process"),
];

const STYLE: &str = concat!(
    include_str!("style.css"),
    include_str!("chat.css"),
    include_str!("desk.css"),
    include_str!("board.css"),
    include_str!("diagram.css")
);

/// The demo as a router over a node: the pages, and beside them a route of the application's own.
pub fn router(node: Node, config: &config::Config) -> Router {
    let icon = ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("icon.svg"));
    // Browsers ask for this path unasked.
    app(node, config).router().merge(Router::new().route("/favicon.ico", routing::get(async move || icon)))
}

fn app(node: Node, config: &config::Config) -> App {
    node.provide(chat::Retention(config.chat_lines));
    let mut app = App::new(node)
        .style("style.css", STYLE)
        .login("/login")
        .secure(config.secure)
        .page::<home::Home>("/")
        .page::<counter::Counter>("/counter")
        .page::<login::Login>("/login")
        .page::<chat::Chat>("/chat/{room}");
    app = desk::pages(app);
    for host in &config.hosts {
        app = app.host(host);
    }
    for origin in &config.origins {
        app = app.origin(origin);
    }
    for proxy in &config.proxies {
        app = app.proxy(*proxy);
    }
    if config.bench { bench::pages(app) } else { app }
}

/// The bounds on clients: the documented ones, or for the benchmark such as its load does not reach.
#[must_use]
pub fn limits(config: &config::Config) -> Limits {
    if config.bench { bench::limits() } else { Limits::default() }
}
