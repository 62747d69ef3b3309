//! What stands in front of every route that is served, an application's own ones too, and what the handlers
//! share of it.

use std::{
    convert::Infallible,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::body::Incoming;
use n2o::{Clock, Limits, Node, Rate, Rates, Repeats};
use tower::ServiceExt;

use crate::{
    client::{self, ClientAddress},
    files::Connections,
    headers,
    host::Hosts,
    network::Network,
    places::{Place, Places},
    stream::Bounds,
    user::Home,
};

/// Milliseconds in which one line of a kind is logged.
const WINDOW: u64 = 60_000;
/// Most keys whose rate is remembered; each takes about 40 bytes.
const KEYS: usize = 100_000;
/// Most characters of what a client sent in a line of the log.
const SHOWN: usize = 200;
/// Most connections of one client at a time for which it has no place, each for one request.
const BRIEF: usize = 16;
/// Seconds after which a client that was refused may try again.
pub(crate) const AGAIN: HeaderValue = HeaderValue::from_static("5");

/// What an application says of its surroundings, and what is counted of its clients.
/// [`App::router`](crate::App::router) leaves it with the node, where the server finds it.
#[derive(Debug)]
pub(crate) struct Front {
    /// Proxies whose word about their clients is believed.
    pub(crate) proxies: Vec<Network>,
    /// Names that are served.
    pub(crate) hosts: Hosts,
    /// Browsers come over TLS.
    pub(crate) secure: bool,
    pub(crate) bounds: Arc<Bounds>,
    /// The application behind it.
    pub(crate) home: OnceLock<Home>,
    pub(crate) logs: Logs,
    clock: Clock,
    hasher: RandomState,
    /// Connections by client address that are not a page's.
    requests: Arc<Places>,
    /// Those beyond that, or for which there is no place at all.
    briefs: Arc<Places>,
    /// Connections of pages: all, by client address and by session.
    pub(crate) pages: Arc<Places>,
    pages_by_client: Arc<Places>,
    pages_by_session: Arc<Places>,
    /// Pages and REST requests, by session or user and by client address.
    visits: Rates<u64>,
    clients: Rates<u64>,
}

/// Brakes on the lines of the log that clients can cause at will.
#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) accept: Repeats,
    pub(crate) crowd: Repeats,
    pub(crate) host: Repeats,
    pub(crate) origin: Repeats,
    pub(crate) rate: Repeats,
    pub(crate) report: Repeats,
}

/// How a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// In full.
    Open,
    /// Its client has as many places as it may: it is answered once, and no body is waited for.
    Narrow,
    /// It has no place: only those who watch the server are answered.
    Reserved,
}

/// The places of a page's connection: in all, of its session, and of its client where that is known.
pub(crate) type Seats = (Place, Place, Option<Place>);

impl Front {
    pub(crate) fn new(limits: &Limits, clock: Clock) -> Self {
        Front {
            proxies: Vec::new(),
            hosts: Hosts::default(),
            secure: false,
            bounds: Arc::new(Bounds::new(limits)),
            home: OnceLock::new(),
            logs: Logs::default(),
            clock,
            hasher: RandomState::new(),
            requests: Places::new(limits.requests_by_client),
            briefs: Places::new(brief(limits.requests_by_client)),
            pages: Places::new(limits.connections),
            pages_by_client: Places::new(limits.connections_by_client),
            pages_by_session: Places::new(limits.connections_by_session),
            visits: Rates::new(Rate::new(limits.visit_rate, limits.visit_burst), KEYS),
            clients: Rates::new(Rate::new(limits.client_rate, limits.client_burst), KEYS),
        }
    }

    /// The front of the node's application, or one for a server without any.
    pub(crate) fn of(node: &Node) -> Arc<Self> {
        node.service().unwrap_or_else(|| {
            node.provide(Front::new(node.limits(), node.clock().clone()));
            node.service().unwrap_or_else(|| Arc::new(Front::new(node.limits(), node.clock().clone())))
        })
    }

    /// Says once a window, with the number of those that were not said.
    pub(crate) fn log(&self, repeats: &Repeats, say: impl FnOnce(u64)) {
        if let Some(held) = repeats.tell(self.clock.millis()) {
            say(held);
        }
    }

    /// Lowers what there may be of connections to what the server has files for. One client then has at most half
    /// of it, or the share that it has of the limits, if that is more.
    pub(crate) fn limit(&self, most: Connections, limits: &Limits) {
        let share = |of_client: usize, of_all: usize, most: usize| {
            (most / 2).max(of_client.saturating_mul(most) / of_all.max(1))
        };
        self.pages.limit(most.pages);
        if most.pages < limits.connections {
            self.pages_by_client.limit(share(limits.connections_by_client, limits.connections, most.pages));
        }
        if most.requests < limits.requests {
            let by_client = share(limits.requests_by_client, limits.requests, most.requests);
            self.requests.limit(by_client);
            self.briefs.limit(brief(by_client));
        }
    }

    fn key(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    /// A place for a connection of `peer`; `Ok(None)` for one that is not counted.
    pub(crate) fn place(&self, peer: IpAddr) -> Result<Option<Place>, Crowded> {
        self.counted(&self.requests, peer)
    }

    /// A place for a moment, for a connection of `peer` that has no other; `Ok(None)` for one that is not counted.
    pub(crate) fn brief(&self, peer: IpAddr) -> Result<Option<Place>, Crowded> {
        self.counted(&self.briefs, peer)
    }

    fn counted(&self, places: &Arc<Places>, peer: IpAddr) -> Result<Option<Place>, Crowded> {
        if self.proxies.iter().any(|network| network.contains(peer)) {
            return Ok(None);
        }
        match places.take(self.key(Network::of_client(peer))) {
            Some(place) => Ok(Some(place)),
            None => {
                self.log(&self.logs.crowd, |held| {
                    tracing::warn!(client.address = %peer, held, "connection without a place: its client has as many as \
                        `Limits::requests_by_client`; a proxy is to be named with `App::proxy`");
                });
                Err(Crowded)
            }
        }
    }

    /// Places for a page's connection of a session, known by its cookie.
    pub(crate) fn seats(&self, address: Option<IpAddr>, cookie: &str) -> Result<Seats, Crowded> {
        let by_client = |address| self.pages_by_client.take(self.key(Network::of_client(address)));
        let seats = || {
            let by_client = match address {
                Some(address) => Some(by_client(address)?),
                None => None,
            };
            Some((self.pages.take(0)?, self.pages_by_session.take(self.key(cookie))?, by_client))
        };
        seats().ok_or_else(|| {
            self.log(&self.logs.crowd, |held| {
                tracing::warn!(client.address = ?address, held, "page's connection refused: the server, its \
                    client or its session has as many as `Limits` allows");
            });
            Crowded
        })
    }

    /// A page or a REST request of a client may be worked on.
    pub(crate) fn visit_of_client(&self, address: Option<IpAddr>) -> Result<(), Crowded> {
        let key = address.map(|address| self.key(Network::of_client(address)));
        self.rated(&self.clients, key, address)
    }

    /// A page or a REST request of a session or a user may be worked on.
    pub(crate) fn visit_of(&self, who: impl Hash, address: Option<IpAddr>) -> Result<(), Crowded> {
        self.rated(&self.visits, Some(self.key(who)), address)
    }

    fn rated(&self, rates: &Rates<u64>, key: Option<u64>, address: Option<IpAddr>) -> Result<(), Crowded> {
        if key.is_none_or(|key| rates.allow(&key, self.clock.millis())) {
            return Ok(());
        }
        self.log(&self.logs.rate, |held| {
            tracing::warn!(client.address = ?address, held, "request refused: its session, user or client \
                asks more often than `Limits` allows; a proxy is to be named with `App::proxy`");
        });
        Err(Crowded)
    }

    /// Answers a request that came over a connection of `peer`.
    pub(crate) async fn answer(
        &self,
        peer: IpAddr,
        lane: Lane,
        request: hyper::Request<Incoming>,
        router: Router,
    ) -> Result<Response, Infallible> {
        let mut request: Request = request.map(Body::new);
        let asks_to_switch = request.headers().contains_key(header::UPGRADE);
        let mut response = match self.refuse(lane, &request) {
            Some(refused) => refused,
            None => {
                let address = client::address(peer, request.headers(), &self.proxies);
                request.extensions_mut().insert(ClientAddress(Some(address)));
                request.extensions_mut().insert(headers::Served);
                if let Some(home) = self.home.get() {
                    request.extensions_mut().insert(home.clone());
                }
                router.oneshot(request).await?
            }
        };
        headers::put(response.headers_mut(), self.secure);
        if asks_to_switch && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            // What a client sends behind such a request may be of either protocol.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// The answer to a request that no route gets to see.
    fn refuse(&self, lane: Lane, request: &Request) -> Option<Response> {
        // Those who watch a server ask by whatever name they know.
        if matches!(request.uri().path(), "/live" | "/ready") {
            return None;
        }
        let has_body = request.headers().contains_key(header::TRANSFER_ENCODING)
            || request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
        if lane == Lane::Reserved || (lane == Lane::Narrow && has_body) {
            let again = [(header::RETRY_AFTER, AGAIN)];
            return Some((StatusCode::SERVICE_UNAVAILABLE, again, "too many connections").into_response());
        }
        let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = request.uri().authority().map(|authority| authority.as_str()).or(named);
        let Some(host) = host else {
            return Some((StatusCode::BAD_REQUEST, "the request names no host").into_response());
        };
        if self.hosts.allow(host) {
            return None;
        }
        self.log(&self.logs.host, |held| {
            tracing::warn!(host = ?shown(host), held, "request for a host that is not served; allow it with \
                `App::host` (the demo: --host NAME)");
        });
        Some((StatusCode::MISDIRECTED_REQUEST, "this server does not serve that host").into_response())
    }
}

/// How many connections a client may have for a moment beside as many as it may keep.
fn brief(by_client: usize) -> usize {
    (by_client / 4).clamp(1, BRIEF)
}

/// There are as many already as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crowded;

impl Default for Logs {
    fn default() -> Self {
        let brake = || Repeats::new(WINDOW);
        Logs {
            accept: brake(),
            crowd: brake(),
            host: brake(),
            origin: brake(),
            rate: brake(),
            report: brake(),
        }
    }
}

/// The beginning of what a client sent.
pub(crate) fn shown(text: &str) -> &str {
    text.char_indices().nth(SHOWN).map_or(text, |(end, _)| &text[..end])
}
