//! Forms that the browser sends itself, because the script does not run, or not yet: the same event, by the same way
//! as over a socket, and the page that it leads to as a document.

use std::{
    collections::{HashSet, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Form,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use n2o::{Channel, Connection, Error, Format, Gone, Incoming, Session, Token};
use nitro::{Rendered, Visit};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    app::Shared,
    get, native,
    native::{CHECK, NAME, SEVERAL},
    notice::{Notice, again},
    ws,
};

/// Most frames that wait to be read here; more is a page that talks to somebody else.
const FRAMES: usize = 64;
/// Most values of a form for each that an event may have: a form may have inputs that its event does not read.
const SPARE: usize = 4;
/// The time that an answer may take beyond its handler's.
const MORE: Duration = Duration::from_secs(10);

/// Runs the event of a form and answers the page as it is then.
///
/// Nobody else's page can do that: the origin must be ours, and page token and seal are those of the visitor's
/// session. A form that is sent twice is one event, as its number is the same.
pub(crate) async fn submit(
    app: &Arc<Shared>,
    request: Request,
    visit: &Visit<'_>,
    path: &str,
) -> Result<Response, Notice> {
    if !ws::is_own(app, request.headers()) {
        return Err(Notice::Denied);
    }
    let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|refused| {
        if refused.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            Notice::TooLarge
        } else {
            Notice::Method
        }
    })?;
    let sent = Sent::read(&pairs).ok_or(Notice::Method)?;
    if sent.is_too_much(app.node.limits().values) {
        return Err(Notice::TooLarge);
    }
    let (session, token) = visit.known(sent.token).await.map_err(|error| match error {
        Error::Seal(_) => Notice::Expired,
        error => get::notice(app, path, &error.into()),
    })?;
    if token.path != path {
        return Err(Notice::Expired);
    }
    let limit = app.node.limits().handler + MORE;
    let done = tokio::time::timeout(limit, run(app, &session, &token, &sent, visit)).await;
    done.unwrap_or(Err(Notice::Busy))
}

/// The forms that were sent of late, by page and number of the event: which values each had.
#[derive(Debug, Default)]
pub(crate) struct Posted {
    hasher: RandomState,
    /// Held for one look-up.
    known: Mutex<VecDeque<(u64, u64)>>,
}

/// Most forms that are remembered.
const POSTED: usize = 1_024;

impl Posted {
    /// Notes a form; `false` when it was sent before with other values, which will not be done, as one document makes
    /// one event.
    fn note(&self, sent: &Sent<'_>) -> bool {
        let form = self.hasher.hash_one((sent.token, sent.answered));
        let values = self.hasher.hash_one(sent.pairs);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, before)) = known.iter().find(|(known, _)| *known == form) {
            return *before == values;
        }
        if known.len() == POSTED {
            known.pop_front();
        }
        known.push_back((form, values));
        true
    }
}

async fn run(
    app: &Arc<Shared>,
    session: &Arc<Session>,
    token: &Token,
    sent: &Sent<'_>,
    visit: &Visit<'_>,
) -> Result<Response, Notice> {
    let (mut said, mut wrong) = (Vec::new(), Vec::new());
    let failed = if app.posted.note(sent) {
        match execute(app, session, token, sent, visit).await? {
            Done::Leave(to) => return Ok(get::redirect(&to)),
            Done::Here { said: told, wrong: faults, failed } => {
                (said, wrong) = (told, faults);
                failed
            }
        }
    } else {
        said.push(String::from(again(visit.lang)));
        true
    };
    // A second connection, of a client that has no document: it is sent the whole page.
    let mut client = Client::connect(app, session, token, visit, (sent.answered, None)).await?;
    let (mut page, mut last) = (Rendered { title: String::new(), html: String::new() }, sent.seq());
    loop {
        let frame = client.frame().await?;
        match frame[0].as_u64() {
            Some(4) => last = frame[2].as_u64().unwrap_or(last),
            Some(2) => {
                for op in frame[1].as_array().into_iter().flatten() {
                    let text = |at: usize| op[at].as_str().unwrap_or_default().to_owned();
                    match (op[0].as_u64(), op[1].as_str()) {
                        (Some(0), Some("")) => page.html = text(2),
                        (Some(14), _) => return Ok(get::redirect(&text(1))),
                        (Some(16), _) => page.title = text(1),
                        _ => {}
                    }
                }
                break;
            }
            _ => {}
        }
    }
    if failed {
        page.html = native::refill(&page.html, sent.pairs, &wrong);
    }
    if said.is_empty() {
        said.extend(wrong.into_iter().map(|(_, text)| text).take(1));
    }
    Ok(get::document(app, visit.lang, session, token, &page, (1, last), &said.join(" ")))
}

/// What an event of a form has come to.
enum Done {
    /// The visitor is sent elsewhere.
    Leave(String),
    /// They see the page, with what it says and what is wrong with the inputs.
    Here { said: Vec<String>, wrong: Vec<(String, String)>, failed: bool },
}

async fn execute(
    app: &Arc<Shared>,
    session: &Arc<Session>,
    token: &Token,
    sent: &Sent<'_>,
    visit: &Visit<'_>,
) -> Result<Done, Notice> {
    let event = Bytes::from(sent.event().to_string());
    let mut client = Client::connect(app, session, token, visit, (sent.answered, Some(event))).await?;
    let (mut said, mut wrong) = (Vec::new(), Vec::new());
    loop {
        let mut frame = client.frame().await?;
        if frame[1] != sent.seq() {
            continue;
        }
        match frame[0].as_u64() {
            Some(1) => {
                for op in frame[2].take().as_array().into_iter().flatten() {
                    let text = |at: usize| op[at].as_str().unwrap_or_default().to_owned();
                    match (op[0].as_u64(), text(1).strip_suffix(".e")) {
                        (Some(8), Some(input)) if !text(2).is_empty() => {
                            wrong.push((input.to_owned(), text(2)))
                        }
                        (Some(14), _) => return Ok(Done::Leave(text(1))),
                        (Some(15), _) => said.push(text(1)),
                        _ => {}
                    }
                }
                let failed = !wrong.is_empty();
                return Ok(Done::Here { said, wrong, failed });
            }
            Some(3) => {
                said.push(frame[3].as_str().unwrap_or_default().to_owned());
                return Ok(Done::Here { said, wrong, failed: true });
            }
            _ => {}
        }
    }
}

/// The content of a form that was sent.
struct Sent<'a> {
    token: &'a str,
    /// The last event of the page when the document was made.
    answered: u64,
    form: &'a str,
    seal: &'a str,
    sources: Vec<&'a str>,
    pairs: &'a [(String, String)],
}

impl<'a> Sent<'a> {
    fn read(pairs: &'a [(String, String)]) -> Option<Self> {
        let (_, about) = pairs.iter().find(|(name, _)| name == NAME)?;
        let mut parts = about.split(' ');
        let (token, answered) = (parts.next()?, parts.next()?.parse::<u32>().ok()?);
        let (form, seal) = (parts.next()?, parts.next()?);
        Some(Sent { token, answered: answered.into(), form, seal, sources: parts.collect(), pairs })
    }

    fn seq(&self) -> u64 {
        self.answered + 1
    }

    /// There is more than an event can have, or something is to be read more than once, so that reading it would take
    /// much more than the form has.
    fn is_too_much(&self, most: usize) -> bool {
        let name = |source: &&'a str| source.trim_start_matches([CHECK, SEVERAL]);
        let names: HashSet<&str> = self.sources.iter().map(name).collect();
        names.len() < self.sources.len() || self.sources.len() > most || self.pairs.len() > SPARE * most
    }

    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn event(&self) -> Value {
        let read = |source: &&str| match (source.strip_prefix(CHECK), source.strip_prefix(SEVERAL)) {
            (Some(name), _) => json!(self.values(name).next().is_some()),
            (_, Some(name)) => json!(self.values(name).collect::<Vec<_>>()),
            // Browsers send a line break as two characters, and the script as one.
            _ => self.values(source).next().map_or(Value::Null, |text| json!(text.replace("\r\n", "\n"))),
        };
        json!([1, self.seq(), self.form, self.seal, self.sources.iter().map(read).collect::<Vec<_>>()])
    }
}

/// The page's client for as long as a request takes.
struct Client {
    /// Dropping it loses the connection.
    _send: mpsc::Sender<Incoming>,
    said: mpsc::Receiver<Said>,
}

enum Said {
    Frame(Bytes),
    Closed(u16),
}

impl Client {
    async fn connect(
        app: &Arc<Shared>,
        session: &Arc<Session>,
        token: &Token,
        visit: &Visit<'_>,
        (answered, event): (u64, Option<Bytes>),
    ) -> Result<Self, Notice> {
        let whole = event.is_none();
        let place = Some(app.node.place().ok_or(Notice::Busy)?);
        let (send, frames) = mpsc::channel(1);
        if let Some(event) = event {
            let _ = send.try_send(Incoming::Frame(event));
        }
        let (out, said) = mpsc::channel(FRAMES);
        let channel = Box::new(Pipe { frames, out });
        let (format, address, attempt) = (Format::Json, visit.address, 0);
        let connection = Connection { channel, format, count: 0, answered, attempt, whole, place, address };
        visit.connect(Ok((Arc::clone(session), token.clone())), connection).await;
        Ok(Client { _send: send, said })
    }

    async fn frame(&mut self) -> Result<Value, Notice> {
        match self.said.recv().await {
            Some(Said::Frame(bytes)) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Some(Said::Closed(4403)) => Err(Notice::Denied),
            Some(Said::Closed(4404)) => Err(Notice::NotFound),
            Some(Said::Closed(4400 | 4401)) => Err(Notice::Expired),
            Some(Said::Closed(_)) | None => Err(Notice::Busy),
        }
    }
}

struct Pipe {
    frames: mpsc::Receiver<Incoming>,
    out: mpsc::Sender<Said>,
}

impl Channel for Pipe {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.frames.poll_recv(cx)
    }

    fn poll_send(&mut self, _: &mut Context<'_>, frame: &mut Option<Bytes>) -> Poll<Result<(), Gone>> {
        let sent =
            frame.take().map_or(Ok(()), |frame| self.out.try_send(Said::Frame(frame)).map_err(|_| Gone));
        Poll::Ready(sent)
    }

    fn poll_close(&mut self, _: &mut Context<'_>, code: u16, _: &'static str) -> Poll<()> {
        let _ = self.out.try_send(Said::Closed(code));
        Poll::Ready(())
    }
}
