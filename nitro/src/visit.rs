//! A visit: the way of a visitor to a page, whoever carries it. A server does it for a browser, the test driver
//! for a small one of its own.

use std::{net::IpAddr, sync::Arc};

use n2o::{Connection, Dispatch, Error, Node, Result, SealError, Session, Token};

use crate::{
    live::Rendered,
    route::{Found, Routes},
    url::__encode,
};

/// How often a page is opened again when another commit came between.
const RETRIES: u32 = 3;

/// A visitor who asks for something, and what is asked.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The node that the pages live on.
    pub node: &'a Node,
    /// The pages.
    pub routes: &'a Routes,
    /// Where visitors without a login are sent.
    pub login: Option<&'a str>,
    /// The session's cookie; empty when the browser has none.
    pub cookie: &'a str,
    /// The visitor's language.
    pub lang: &'a str,
    /// The address that the client comes from, if known.
    pub address: Option<IpAddr>,
}

/// The answer to a visitor who asks for a page.
#[derive(Debug)]
pub struct Answer {
    /// The cookie that the browser keeps from now on, when it had none that is good.
    pub cookie: Option<String>,
    /// The page, or where the visitor is sent instead.
    pub opened: Opened,
}

/// A page that was opened, or where its visitor is sent instead.
#[derive(Debug)]
pub enum Opened {
    /// A page, which waits for its connection.
    Page {
        /// The title and the content.
        rendered: Rendered,
        /// The visitor's session.
        session: Arc<Session>,
        /// The page, for its page token.
        token: Token,
    },
    /// The visitor goes there.
    Elsewhere(String),
}

/// A page that was not opened.
#[derive(Debug)]
pub struct Failed {
    /// The reason.
    pub error: Error,
    /// The site of the failure in the source, in a debug build.
    pub site: String,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { error, site: String::new() }
    }
}

impl Visit<'_> {
    /// Opens the page at a path and query; again when another commit came between. A page that is not to be
    /// kept is not connected to.
    pub async fn open(&self, path: &str, keep: bool) -> Result<Answer, Failed> {
        let mut tries = 0;
        loop {
            match self.try_open(path, keep).await {
                Err(failed) if failed.error.is_conflict() && tries < RETRIES => tries += 1,
                answer => return answer,
            }
        }
    }

    async fn try_open(&self, path: &str, keep: bool) -> Result<Answer, Failed> {
        let Found { mut page, params } = self.routes.find(path).ok_or(Error::NotFound)?;
        let (session, cookie) = self.session().await?;
        let id = self.node.page_id();
        let cx = Dispatch::new(self.node, Arc::clone(&session), id, path, params, self.lang);
        let mut cx = cx.from_address(self.address);
        let opened = match cx.deadline().hold(page.open(&mut cx)).await {
            Ok(rendered) => {
                let cx = cx.commit().await?;
                if keep {
                    self.node.wait(page, cx);
                }
                Opened::Page { rendered, session, token: Token { page: id, path: path.to_owned() } }
            }
            Err(Error::Redirect(to)) => {
                cx.commit().await?;
                Opened::Elsewhere(to)
            }
            Err(Error::Denied) => {
                let login = self.login.filter(|login| session.user().is_none() && !path.starts_with(login));
                let mut to = format!("{}?to=", login.ok_or(Error::Denied)?);
                __encode(&mut to, &path);
                Opened::Elsewhere(to)
            }
            Err(error) => return Err(Failed { site: cx.site_of(&error), error }),
        };
        Ok(Answer { cookie, opened })
    }

    /// The session of the cookie, or a new one and its cookie.
    async fn session(&self) -> Result<(Arc<Session>, Option<String>)> {
        let sessions = self.node.sessions();
        if let Some(session) = sessions.open(self.cookie).await? {
            return Ok((session, None));
        }
        let session = sessions.create_after(self.cookie);
        let cookie = sessions.cookie(&session);
        Ok((session, Some(cookie)))
    }

    /// Trades the ticket of a login or logout: the new session's cookie, and where the visitor goes.
    pub async fn trade(&self, ticket: &str) -> Result<(String, String)> {
        // A logout has ended the session already; the ticket is bound to its id, not to its record.
        let old = self.node.sessions().known(self.cookie).ok_or(Error::Seal(SealError::Refused))?;
        self.node.sessions().trade(&old, ticket).await
    }

    /// The session and the page that a page token is good for, to [`connect`](Visit::connect) to. It is read
    /// before anything of the connection is.
    pub async fn known(&self, token: &str) -> Result<(Arc<Session>, Token)> {
        let session = self.node.sessions().open(self.cookie).await?.ok_or(SealError::Refused)?;
        let token = self.node.read_token(&session, token)?;
        Ok((session, token))
    }

    /// Gives a connection to its page, or closes it with the code that says why there is none.
    pub async fn connect(&self, known: Result<(Arc<Session>, Token)>, connection: Connection) {
        let (session, token) = match known {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!(%error, "connection without a session or page refused");
                return connection.close(4401, "no such session or page").await;
            }
        };
        // The route is looked up even when the page is in memory: it is cheap, and the page may be gone by then.
        let Some(Found { page, params }) = self.routes.find(&token.path) else {
            return connection.close(4404, "no such page").await;
        };
        self.node.connect(&token, connection, || {
            let cx = Dispatch::new(self.node, session, token.page, &token.path, params, self.lang);
            (page, cx.from_address(self.address))
        });
    }
}
