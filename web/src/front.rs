//! What stands in front of every route that is served, an application's own ones too.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::body::Incoming;
use n2o::Node;
use tower::ServiceExt;

use crate::{
    client::{self, ClientAddress},
    headers,
    network::Network,
};

/// What an application says of its surroundings. [`App::router`](crate::App::router) leaves it with the
/// node, where the server finds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Front {
    /// Proxies whose word about their clients is believed.
    pub(crate) proxies: Vec<Network>,
    /// Browsers come over TLS.
    pub(crate) secure: bool,
}

impl Front {
    pub(crate) fn of(node: &Node) -> Arc<Self> {
        node.service().unwrap_or_default()
    }

    /// Answers a request that came over a connection of `peer`.
    pub(crate) async fn answer(
        &self,
        peer: IpAddr,
        request: hyper::Request<Incoming>,
        router: Router,
    ) -> Result<Response, Infallible> {
        let mut request: Request = request.map(Body::new);
        let address = client::address(peer, request.headers(), &self.proxies);
        request.extensions_mut().insert(ClientAddress(Some(address)));
        let mut response = router.oneshot(request).await?;
        headers::put(response.headers_mut(), self.secure);
        Ok(response)
    }
}
