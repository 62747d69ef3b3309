//! `/ws`: the checks before the first frame, as `PROTOCOL.md`, section 3, orders them.

use std::sync::Arc;

use axum::{
    extract::{
        FromRequestParts, Query, Request, State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use n2o::{Connection, Format};
use serde::Deserialize;

use crate::{
    app::Shared,
    client::ClientAddress,
    cookie,
    front::{AGAIN, shown},
    socket::Socket,
    visitor::{lang, visit},
};

/// Bytes that a connection keeps for reading, whether or not it reads: what most events fit into. A longer one
/// is read in several steps.
const READ_BUFFER: usize = 768;

/// What stands in the address; `PROTOCOL.md`, section 3, says what it means.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    t: String,
    n: u32,
    a: u32,
    c: u64,
    r: Option<String>,
}

/// Upgrades a request to a page's connection.
pub(crate) async fn upgrade(State(app): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Query(asked) = match Query::<Asked>::try_from_uri(&parts.uri) {
        Ok(asked) => asked,
        Err(refused) => return refused.into_response(),
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(refused) => return refused.into_response(),
    };
    let ClientAddress(address) = ClientAddress::of(&parts.extensions);
    let headers = parts.headers;
    if !is_own(&app, &headers) {
        app.front.log(&app.front.logs.origin, |held| {
            let origin = headers.get(header::ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
            let origin = origin.as_deref().map(shown);
            tracing::warn!(?origin, client.address = ?address, held, "socket of a foreign origin refused");
        });
        return StatusCode::FORBIDDEN.into_response();
    }
    let limits = app.node.limits();
    let seats = app.front.seats(address, cookie::read(&headers, app.secure).unwrap_or_default());
    let (Ok(seats), Some(place)) = (seats, app.node.place()) else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, AGAIN)]).into_response();
    };
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(limits.answer + 4096)
        .max_message_size(limits.frame)
        .max_frame_size(limits.frame);
    // Asked for something that only another version speaks: told so by a code, because a browser cannot tell a
    // handshake that was refused from a network that is gone.
    if let Some(foreign) = foreign(&headers) {
        return upgrade.protocols([foreign]).on_upgrade(async move |mut socket: WebSocket| {
            let frame = CloseFrame { code: 4400, reason: Utf8Bytes::from_static("unknown subprotocol") };
            let _ = socket.send(Message::Close(Some(frame))).await;
            drop((seats, place));
        });
    }
    let upgrade = upgrade.protocols(Format::ALL.map(Format::subprotocol));
    let chosen = upgrade.selected_protocol().and_then(|chosen| chosen.to_str().ok());
    let Some(format) = Format::ALL.into_iter().find(|format| Some(format.subprotocol()) == chosen) else {
        return (StatusCode::BAD_REQUEST, "expected the subprotocol n2o.cbor.1 or n2o.json.1")
            .into_response();
    };
    let (count, answered, attempt) = (asked.n.into(), asked.a.into(), asked.c);
    let whole = asked.r.is_some();
    let lang = lang(&app, &headers);
    let known = visit(&app, &headers, lang, address).known(&asked.t).await;
    upgrade.on_upgrade(async move |socket: WebSocket| {
        let channel = Box::new(Socket::new(socket, format, seats));
        let place = Some(place);
        let connection = Connection { channel, format, count, answered, attempt, whole, place, address };
        visit(&app, &headers, lang, address).connect(known, connection).await;
    })
}

/// The first subprotocol that is asked for, when none of them is known here.
fn foreign(headers: &HeaderMap) -> Option<String> {
    let asked =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut asked = asked.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let first = asked.next()?;
    let known = |name: &str| Format::ALL.iter().any(|format| format.subprotocol() == name);
    (!known(first) && !asked.any(known)).then(|| first.to_owned())
}

/// Whether the page that opens the socket is ours: its origin is the host that was asked, or on the list.
pub(crate) fn is_own(app: &Shared, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    if headers.get_all(header::ORIGIN).iter().count() > 1 {
        return false;
    }
    let origin = origin.to_ascii_lowercase();
    let own =
        origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://").filter(|_| !app.secure));
    own.is_some_and(|own| own.eq_ignore_ascii_case(host)) || app.origins.contains(&origin)
}
