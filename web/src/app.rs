//! The application: its pages, its files, and who may talk to it, made into a router.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    handler::Handler,
    http::StatusCode,
    middleware,
    response::IntoResponse,
    routing,
};
use maud::{Markup, html};
use n2o::{Node, Protocol};
use nitro::{Component, Layout, Routes, Url};

use crate::{
    asset::Asset, folder, front::Front, get, headers, host::Hosts, network::Network, post::Posted,
    user::Home, visitor, ws,
};

/// Builds a router from pages.
#[derive(Clone, Debug)]
#[must_use = "call `router` and serve it"]
pub struct App {
    node: Node,
    routes: Routes,
    assets: Vec<Asset>,
    styles: Vec<Url>,
    head: String,
    folders: Vec<(String, PathBuf)>,
    login: Option<String>,
    origins: Vec<String>,
    proxies: Vec<Network>,
    hosts: Hosts,
    langs: Vec<&'static str>,
    secure: bool,
    #[cfg(feature = "rest")]
    rest: Option<crate::rest::Rest>,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) node: Node,
    /// The forms that browsers have sent themselves.
    pub(crate) posted: Posted,
    pub(crate) front: Arc<Front>,
    pub(crate) routes: Routes,
    pub(crate) script: String,
    pub(crate) styles: Vec<Url>,
    pub(crate) head: String,
    pub(crate) login: Option<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) langs: Vec<&'static str>,
    pub(crate) secure: bool,
}

impl App {
    /// An application without pages.
    pub fn new(node: Node) -> Self {
        App {
            node,
            routes: Routes::default(),
            assets: Vec::new(),
            styles: Vec::new(),
            head: String::new(),
            folders: Vec::new(),
            login: None,
            origins: Vec::new(),
            proxies: Vec::new(),
            hosts: Hosts::default(),
            langs: vec!["en", "uk"],
            secure: false,
            #[cfg(feature = "rest")]
            rest: None,
        }
    }

    /// Adds a page at a path; `{name}` in it stands for one segment, see [`Routes`].
    ///
    /// # Panics
    ///
    /// Where no visitor could come to the page, so that the mistake is found at the start: the pattern is
    /// malformed, another page has it, or the server answers the path itself.
    #[track_caller]
    pub fn page<P: Component + Default>(mut self, pattern: &'static str) -> Self {
        if let Err(error) = self.routes.add::<P>(pattern) {
            panic!("{error}");
        }
        self
    }

    /// Adds a protocol of the application's own, which every page speaks beside its own: see
    /// [`Node::protocol`], which also says when there is an error.
    pub fn protocol(self, make: fn() -> Box<dyn Protocol>) -> n2o::Result<Self> {
        self.node.protocol(make)?;
        Ok(self)
    }

    /// Adds a style sheet to every page: the name of its file, and its content.
    ///
    /// # Panics
    ///
    /// Where the name is none.
    #[track_caller]
    pub fn style(mut self, name: &str, css: &'static str) -> Self {
        let asset = Asset::new(name, "text/css; charset=utf-8", css.as_bytes());
        self.styles.extend(Url::local(&asset.path));
        self.assets.push(asset);
        self
    }

    /// Adds markup to the head of every page, such as `<meta>` and `<link>`; scripts are not run there.
    pub fn head(mut self, markup: &Markup) -> Self {
        self.head.push_str(&markup.0);
        self
    }

    /// Gives every page an icon: its file's name and content, of a kind such as `image/svg+xml`.
    ///
    /// # Panics
    ///
    /// Where the name or the kind is none.
    #[track_caller]
    pub fn icon(mut self, name: &str, kind: &'static str, content: &'static [u8]) -> Self {
        let asset = Asset::new(name, kind, content);
        let link = html! { link rel="icon" type=(kind) href=(asset.path); };
        self.assets.push(asset);
        self.head(&link)
    }

    /// Puts something around every page, such as a bar with links: see [`Layout`].
    pub fn layout(self, layout: fn(&n2o::Cx, &Markup) -> Markup) -> Self {
        self.node.provide(Layout(layout));
        self
    }

    /// Serves the files of a folder, as they are on the disk, below a path such as `/files`. Those whose names, or whose
    /// folders' names, begin with a dot are not served, and no folder is listed. Links on the disk are followed.
    ///
    /// # Panics
    ///
    /// Where the path is none below the root. Where a page stands below it, [`router`](App::router) does.
    #[track_caller]
    pub fn files(mut self, path: &str, folder: impl Into<PathBuf>) -> Self {
        let path = path.trim_end_matches('/');
        let is_path = path.len() > 1 && path.starts_with('/') && !path.contains(['{', '}', '*', '?', '#']);
        assert!(is_path, "expected a path for files, such as \"/files\"; got {path:?}");
        self.folders.push((path.to_owned(), folder.into()));
        self
    }

    /// Serves records and processes as JSON under `/api`.
    #[cfg(feature = "rest")]
    pub fn rest(mut self, rest: crate::rest::Rest) -> Self {
        self.rest = Some(rest);
        self
    }

    /// Where visitors without a login are sent; the path that they wanted goes along as `to`.
    pub fn login(mut self, path: &str) -> Self {
        self.login = Some(path.to_owned());
        self
    }

    /// Allows pages of another origin, such as `https://example.org`, to open sockets here.
    /// The server's own origin is always allowed.
    pub fn origin(mut self, origin: &str) -> Self {
        self.origins.push(origin.trim_end_matches('/').to_ascii_lowercase());
        self
    }

    /// Serves requests for a host name, such as `example.org`, on every port. IP addresses, `localhost`, the names
    /// below it and the hosts of [allowed origins](App::origin) are always served; a request for any other host is
    /// answered with 421, which keeps pages of others from reaching the server through names of theirs.
    pub fn host(mut self, name: &str) -> Self {
        self.hosts.add(name);
        self
    }

    /// Trusts the proxies of a network, such as `10.0.0.0/8`: for a request that comes over a connection of
    /// theirs, the client's address is what they say in `Forwarded` (RFC 7239) or `X-Forwarded-For`, read from
    /// the right to the first address that is not trusted. Both headers are ignored in requests of others, and
    /// where both are there and disagree.
    pub fn proxy(mut self, network: Network) -> Self {
        self.proxies.push(network);
        self
    }

    /// The languages that the application speaks, as lower-case BCP 47 primary tags, preferred first.
    /// Default: `en`, `uk`.
    pub fn langs(mut self, langs: &[&'static str]) -> Self {
        langs.clone_into(&mut self.langs);
        self
    }

    /// Says that browsers reach the server over TLS: the cookie gets the prefix `__Host-` and the
    /// attribute `Secure`, and browsers are told to use nothing but TLS.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// The router, to be merged with the application's own routes. Paths that are not routed anywhere
    /// else are looked up among the pages.
    ///
    /// # Panics
    ///
    /// Where a page stands below `/api`, which [`rest`](App::rest) has, or below a path that has
    /// [`files`](App::files).
    #[track_caller]
    pub fn router(self) -> Router {
        if let Some(login) = self.login.as_deref().filter(|login| self.routes.find(login).is_none()) {
            tracing::warn!(
                login,
                "the login page is none of the application's pages; is it a route of its own?"
            );
        }
        let script =
            |name, text: &'static str| Asset::new(name, "text/javascript; charset=utf-8", text.as_bytes());
        let modules = crate::MODULES.map(|(name, text)| script(name, text));
        let script = script("n2o.js", crate::SCRIPT);
        let secure = self.secure;
        let mut hosts = self.hosts;
        self.origins.iter().for_each(|origin| hosts.add_origin(origin));
        let mut front = Front::new(self.node.limits(), self.node.clock().clone());
        (front.proxies, front.hosts, front.secure) = (self.proxies, hosts, secure);
        self.node.provide(front);
        let front = Front::of(&self.node);
        let shared = Arc::new(Shared {
            posted: Posted::default(),
            node: self.node,
            front,
            routes: self.routes,
            script: script.path.clone(),
            styles: self.styles,
            head: self.head,
            login: self.login,
            origins: self.origins,
            langs: self.langs,
            secure,
        });
        // A second router of the same node is another way to the same.
        _ = shared.front.home.set(Home(Arc::downgrade(&shared)));
        let form = DefaultBodyLimit::max(shared.node.limits().frame);
        let mut router = Router::new()
            .route("/ws", routing::get(ws::upgrade))
            .route(nitro::SESSION_PATH, routing::get(visitor::session))
            .route("/n2o/csp", routing::post(headers::report).layer(DefaultBodyLimit::max(headers::REPORT)))
            .route("/live", routing::get(async || "live"))
            .route("/ready", routing::get(ready))
            .fallback(get::page.layer(form));
        #[cfg(feature = "rest")]
        if let Some(rest) = self.rest {
            let below = shared.routes.patterns().find(|pattern| pattern.starts_with("/api/"));
            if let Some(below) = below {
                panic!("the page at {below:?} would not be seen: REST has all paths below /api");
            }
            let braked = middleware::from_fn_with_state(Arc::clone(&shared), crate::rest::braked);
            router = router.merge(rest.router().layer(braked));
        }
        for (path, files) in self.folders {
            let is_below =
                |pattern: &&str| pattern.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
            if let Some(below) = shared.routes.patterns().find(is_below) {
                panic!("the page at {below:?} would not be seen: {path:?} has files");
            }
            router = router.nest_service(&path, folder::serve(files));
        }
        for asset in self.assets.into_iter().chain(modules).chain([script]) {
            let path = asset.path.clone();
            let asset = Arc::new(asset);
            router = router.route(&path, routing::get(async move |headers| asset.answer(&headers)));
        }
        router.layer(middleware::from_fn_with_state(secure, headers::secure)).with_state(shared)
    }
}

/// Whether the server takes visitors: it is not about to stop, and the store can be relied upon. The text
/// says why not, in words that are fit for strangers; the log has the rest.
async fn ready(State(app): State<Arc<Shared>>) -> impl IntoResponse {
    if app.node.tasks().is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, String::from("stopping"));
    }
    let health = app.node.store().health().await;
    if let Some(trouble) = health.trouble {
        tracing::debug!(?trouble, "not ready");
        return (StatusCode::SERVICE_UNAVAILABLE, trouble.to_string());
    }
    let backup =
        if health.backup.is_some() { "\nthe last scheduled backup failed; the log says why" } else { "" };
    (StatusCode::OK, format!("ready{backup}"))
}
