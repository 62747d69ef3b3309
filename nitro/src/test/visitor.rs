//! A visitor: a browser with a cookie, which fetches documents and follows redirects.

use std::sync::{Arc, Mutex, PoisonError};

use n2o::{Dispatch, Error, SealError, Session, Token};

use super::{Server, page::TestPage};
use crate::{document::Document, live::SESSION_PATH, url::__encode};

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
            let ticket = path.strip_prefix(SESSION_PATH).and_then(|query| query.strip_prefix("?t="));
            if let Some(ticket) = ticket {
                path = self.trade(ticket).await?;
                continue;
            }
            match self.document(&path).await {
                Err(Error::Redirect(to)) => path = to,
                html => return html.map(|html| Got::Document { path, html }),
            }
        }
        panic!("{path} was the end of {HOPS} redirects")
    }

    async fn trade(&self, ticket: &str) -> Result<String, Error> {
        let node = self.server.node();
        let old = node.sessions().known(&self.cookie()).ok_or(Error::Seal(SealError::Refused))?;
        let (cookie, to) = node.sessions().trade(&old, ticket).await?;
        self.set_cookie(cookie);
        Ok(to)
    }

    async fn session(&self) -> Result<Arc<Session>, Error> {
        let node = self.server.node();
        if let Some(session) = node.sessions().open(&self.cookie()).await? {
            return Ok(session);
        }
        let session = node.sessions().create_after(&self.cookie());
        self.set_cookie(node.sessions().cookie(&session));
        Ok(session)
    }

    /// Does what the server does for a `GET`.
    async fn document(&self, path: &str) -> Result<String, Error> {
        let (node, login, lang, found) = {
            let state = self.server.state();
            (state.node.clone(), state.login.clone(), state.lang.clone(), state.routes.find(path))
        };
        let found = found.ok_or(Error::NotFound)?;
        let session = self.session().await?;
        let (id, mut page) = (node.page_id(), found.page);
        let mut cx = Dispatch::new(&node, Arc::clone(&session), id, path, found.params, &lang);
        match cx.deadline().hold(page.open(&mut cx)).await {
            Ok(rendered) => {
                cx = cx.commit().await?;
                let token = node.token(&session, &Token { page: id, path: path.to_owned() });
                let (title, html) = (rendered.title, rendered.html);
                let document = Document {
                    lang: &lang,
                    title: &title,
                    token: &token,
                    script: "/n2o.js",
                    styles: &[],
                    html: &html,
                    ..Document::default()
                };
                node.wait(page, cx);
                Ok(document.render())
            }
            Err(Error::Redirect(to)) => {
                cx.commit().await?;
                Err(Error::Redirect(to))
            }
            Err(Error::Denied) => match login {
                Some(login) if session.user().is_none() && !path.starts_with(&login) => {
                    let mut to = format!("{login}?to=");
                    __encode(&mut to, &path);
                    Err(Error::Redirect(to))
                }
                _ => Err(Error::Denied),
            },
            Err(error) => Err(error),
        }
    }
}
