//! Tokens: what a client shows to be given a page.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{error::SealError, saved::PageId, services::Services, session::Session};

/// The words that a page token is bound to, in the place of a page and an element, whose ids are longer.
const TOKEN: &[&[u8]] = &[b"page token"];

/// The content of a page token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The page.
    pub page: PageId,
    /// Its path and query.
    pub path: String,
}

impl Services {
    /// The token of a page, for the same session only; empty, and good for nothing, when the session has
    /// sealed more than a key may.
    #[must_use]
    pub fn token(&self, session: &Session, token: &Token) -> String {
        let content = [token.page.as_bytes(), token.path.as_bytes()].concat();
        let life = u32::try_from(self.limits().restore.as_secs()).unwrap_or(u32::MAX);
        let expires = self.clock().secs().saturating_add(life);
        encoded(session.events.seal(0, TOKEN, expires, &content, self.random()))
    }

    /// Reads a page token.
    pub fn read_token(&self, session: &Session, token: &str) -> Result<Token, SealError> {
        let seal = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Refused)?;
        let content = session.events.open(&seal, TOKEN, self.clock().secs())?.content;
        session.events.forget();
        let (page, path) = content.split_first_chunk::<16>().ok_or(SealError::Refused)?;
        let path = String::from_utf8(path.to_vec()).map_err(|_| SealError::Refused)?;
        Ok(Token { page: PageId(*page), path })
    }
}

/// A seal as the text of a token.
pub(crate) fn encoded(seal: Result<Vec<u8>, SealError>) -> String {
    seal.map(|seal| URL_SAFE_NO_PAD.encode(seal)).unwrap_or_else(|error| {
        tracing::error!(%error, "a token was not made");
        String::new()
    })
}
