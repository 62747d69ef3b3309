//! Files of a folder, as they are on the disk.

use std::{convert::Infallible, path::PathBuf};

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tower::{Service, ServiceExt, service_fn};
use tower_http::services::ServeDir;

/// Serves a folder; what begins with a dot is not there.
pub(crate) fn serve(
    folder: PathBuf,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync {
    let files = ServeDir::new(folder).append_index_html_on_directories(false);
    service_fn(move |request: Request| {
        let files = files.clone();
        async move {
            if is_hidden(request.uri().path()) {
                return Ok(StatusCode::NOT_FOUND.into_response());
            }
            files.oneshot(request).await.map(IntoResponse::into_response)
        }
    })
}

/// A segment of the path begins with a dot, also where that is encoded.
fn is_hidden(path: &str) -> bool {
    path.replace("%2e", ".").replace("%2E", ".").split('/').any(|segment| segment.starts_with('.'))
}
