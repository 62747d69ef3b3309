//! Who calls: a session in the browser, or a program with a bearer token.

use axum::http::{HeaderMap, Method, StatusCode, header};
use n2o::{Bearer, Owner};

use crate::{
    app::Shared, client::ClientAddress, cookie, front::Crowded, problem::Problem, visitor::lang, ws::is_own,
};

/// Who calls, in which language.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) roles: Vec<String>,
    pub(crate) owner: Owner,
    #[cfg_attr(not(feature = "rest"), expect(dead_code, reason = "only REST says sentences"))]
    pub(crate) lang: &'static str,
}

/// Finds out who calls, and that they do not call too often.
pub(crate) async fn caller(
    app: &Shared,
    method: &Method,
    ClientAddress(address): ClientAddress,
    headers: &HeaderMap,
) -> Result<Caller, Problem> {
    let caller = known(app, method, headers).await?;
    // By owner: a guest of the same name takes nothing from the account's.
    app.front.visit_of(&caller.owner, address).map_err(|Crowded| Problem::too_many())?;
    Ok(caller)
}

async fn known(app: &Shared, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    let lang = lang(app, headers);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(authorization) = text(header::AUTHORIZATION) {
        let token = authorization.strip_prefix("Bearer ").ok_or_else(Problem::nobody)?;
        let Bearer { user, roles, owner } =
            app.node.read_bearer(token.trim()).map_err(|_| Problem::nobody())?;
        return Ok(Caller { user, roles, owner, lang });
    }
    let value = cookie::read(headers, app.secure).ok_or_else(Problem::nobody)?;
    let session = app.node.sessions().open(value).await.map_err(|error| Problem::failed(app, &error))?;
    let session = session.ok_or_else(Problem::nobody)?;
    let (user, owner) = session.user().zip(session.owner()).ok_or_else(Problem::nobody)?;
    if !method.is_safe() && !is_ours(app, headers) {
        let why = "a write with the session's cookie must come from a page of this server";
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", why));
    }
    Ok(Caller { user, roles: session.roles(), owner, lang })
}

/// Whether the browser says that one of our pages asks. A cookie alone is no proof of that.
fn is_ours(app: &Shared, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter().map(|site| site.as_bytes());
    match (sites.next(), sites.next()) {
        // A browser that says both says the same by both.
        (Some(b"same-origin"), None) => !headers.contains_key(header::ORIGIN) || is_own(app, headers),
        // Browsers that say nothing of the site say the origin.
        (None, _) => is_own(app, headers),
        _ => false,
    }
}
