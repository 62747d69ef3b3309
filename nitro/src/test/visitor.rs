//! A visitor: a browser with a cookie, which fetches documents and follows redirects.

use std::sync::{Arc, Mutex, PoisonError};

use n2o::Error;

use super::{Server, page::TestPage};
use crate::{
    document::Document,
    live::{Rendered, SESSION_PATH},
    visit::{Answer, Opened},
};

/// How often a browser is sent on before it gives up.
const HOPS: usize = 10;

/// Somebody with a browser. All pages that one visitor opens share a session.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub(crate) server: Arc<Server>,
    // A std lock: held for one read or write, never across an await.
    cookie: Arc<Mutex<String>>,
}

/// What a browser got.
pub(crate) enum Got {
    /// A document, and the path that it came from.
    Document { path: String, html: String },
    /// The application sent it to another site.
    Elsewhere(String),
}

impl Visitor {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Visitor { server, cookie: Arc::default() }
    }

    /// Opens a page, follows redirects, and connects.
    pub async fn open(&self, path: &str) -> TestPage {
        match self.try_open(path).await {
            Ok(page) => page,
            Err(error) => {
                let routes = self.server.state().routes.clone();
                panic!("{path} did not open: {error}; the paths are {routes:?}")
            }
        }
    }

    /// Opens a page that may refuse.
    pub async fn try_open(&self, path: &str) -> Result<TestPage, Error> {
        let mut page = TestPage::new(self.clone());
        page.visit(path).await?;
        Ok(page)
    }

    /// Gets a page's document and does not connect until [`reconnect`](TestPage::reconnect), as a browser
    /// with a slow network.
    pub async fn fetch(&self, path: &str) -> TestPage {
        let mut page = TestPage::new(self.clone());
        if let Err(error) = page.fetch(path).await {
            panic!("{path} did not open: {error}");
        }
        page
    }

    /// The value of the session's cookie; empty before the first page was opened.
    #[must_use]
    pub fn cookie(&self) -> String {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another cookie into the browser.
    pub fn set_cookie(&self, cookie: impl Into<String>) {
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = cookie.into();
    }

    /// Fetches a document.
    pub(crate) async fn get(&self, path: &str) -> Result<Got, Error> {
        let mut path = path.to_owned();
        for _ in 0..HOPS {
            if !path.starts_with('/') {
                return Ok(Got::Elsewhere(path));
            }
            match self.document(&path).await? {
                Got::Elsewhere(to) => path = to,
                document => return Ok(document),
            }
        }
        panic!("{path} was the end of {HOPS} redirects")
    }

    /// Does what the server does for a `GET`.
    async fn document(&self, path: &str) -> Result<Got, Error> {
        let state = self.server.state().clone();
        let cookie = self.cookie();
        let visit = state.visit(&cookie);
        let ticket = path.strip_prefix(SESSION_PATH).and_then(|query| query.strip_prefix("?t="));
        if let Some(ticket) = ticket {
            let (cookie, to) = visit.trade(ticket).await?;
            self.set_cookie(cookie);
            return Ok(Got::Elsewhere(to));
        }
        let Answer { cookie, opened } = visit.open(path, true).await.map_err(|failed| failed.error)?;
        cookie.into_iter().for_each(|cookie| self.set_cookie(cookie));
        let (Rendered { title, html }, token) = match opened {
            Opened::Page { rendered, session, token } => (rendered, state.node.token(&session, &token)),
            Opened::Elsewhere(to) => return Ok(Got::Elsewhere(to)),
        };
        let document = Document {
            lang: &state.lang,
            title: &title,
            token: &token,
            script: "/n2o.js",
            styles: &[],
            html: &html,
            ..Document::default()
        };
        Ok(Got::Document { path: path.to_owned(), html: document.render() })
    }
}
