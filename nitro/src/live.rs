//! The nitro protocol: one page, alive.

use std::{
    any::{TypeId, type_name},
    collections::HashSet,
    future::Future,
    pin::Pin,
};

use n2o::{Cx, Error, Event, Info, Msg, Protocol, Result};

use crate::{
    attr, check,
    draft::Draft,
    event::{Event as _, Values, Variant},
    hash, inputs, op,
    op::{Dom, Part},
    page::{Access, Page},
    refresh, scope,
    tree::Tree,
    url::Url,
};

/// Where a browser trades the ticket of a login for its cookie.
pub const SESSION_PATH: &str = "/n2o/session";

const OLD_SEAL: &str = "the seal is of another version of the page";

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A page of any type.
pub trait Live: Protocol {
    /// Opens the page for a `GET`: rights, data, and the document's title and content.
    fn open<'a>(&'a mut self, cx: &'a mut Cx) -> Later<'a, Rendered>;
}

/// What a page looks like.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The document's title.
    pub title: String,
    /// The content of its body.
    pub html: String,
}

/// A page that has not been opened.
#[must_use]
pub fn live<P: Page>() -> Box<dyn Live> {
    Box::new(Held { page: P::default(), stale: false })
}

struct Held<P> {
    page: P,
    /// The page was put together from its saved state, which lacks what it does not serialise.
    stale: bool,
}

impl<P: Page> Live for Held<P> {
    fn open<'a>(&'a mut self, cx: &'a mut Cx) -> Later<'a, Rendered> {
        Box::pin(async move {
            cx.part::<Part>().event = TypeId::of::<P::Event>();
            cx.set_place(|_| type_name::<P>().to_owned());
            self.allowed(cx).await?;
            self.page.load(cx).await?;
            if let Some(to) = cx.part::<Part>().redirect.take() {
                return Err(Error::Redirect(leave(cx, &to).await?));
            }
            let draft = self.draft(cx);
            check(cx, &draft);
            let html = draft.html(0, &mut |id, bind| op::seal(cx, id, bind));
            let title = self.page.title(cx);
            if check::ON {
                let wrong = cx.part::<Part>().seen.rendered(&html);
                check::tell(cx, wrong);
            }
            let part = cx.part::<Part>();
            part.title = hash::of(title.as_bytes());
            part.tree = Tree::new(&draft.nodes);
            cx.out.clear();
            Ok(Rendered { title, html })
        })
    }
}

impl<P: Page> Protocol for Held<P> {
    fn info<'a>(&'a mut self, msg: Msg<'a>, cx: &'a mut Cx) -> Info<'a> {
        match msg {
            Msg::Init { restored } => Info::Later(Box::pin(self.init(restored, cx))),
            Msg::Event(event) => Info::Later(Box::pin(self.event(event, cx))),
            Msg::Info(message) => Info::Later(Box::pin(async move {
                if cx.part::<Part>().away.is_some() {
                    return Ok(());
                }
                cx.set_place(|_| format!("{}, message of {:?}", type_name::<P>(), message.topic()));
                self.fresh(cx).await?;
                let (random, event) = (cx.node().random().bytes(), TypeId::of::<P::Event>());
                scope::within(random, event, self.page.info(message, cx)).await?;
                self.settle(cx).await
            })),
            Msg::Refresh => Info::Later(Box::pin(async move {
                if cx.part::<Part>().away.is_none() {
                    self.fresh(cx).await?;
                }
                cx.part::<Part>().refresh = false;
                self.whole(cx);
                Ok(())
            })),
            Msg::Save => Info::Done(self.save(cx)),
            Msg::Final => {
                cx.part::<Part>().settle();
                Info::Done(Ok(()))
            }
            Msg::Restore(state) => Info::Done(self.restore(state, cx)),
            Msg::Ping(_) => Info::Unknown,
        }
    }
}

impl<P: Page> Held<P> {
    /// Loads the page again when it was restored, after a restart or because a handler failed. What was
    /// loaded may be newer than what the document shows, so the document follows at the end of the turn.
    async fn fresh(&mut self, cx: &mut Cx) -> Result {
        if self.stale {
            self.page.load(cx).await?;
            self.stale = false;
            cx.refresh();
        }
        Ok(())
    }

    async fn allowed(&mut self, cx: &mut Cx) -> Result {
        let may = match P::ACCESS {
            Access::Anyone => true,
            Access::User => cx.user().is_some(),
            Access::Role(role) => cx.has_role(role),
        };
        if !may {
            return Err(Error::Denied);
        }
        self.page.authorize(cx).await?;
        match cx.part::<Part>().redirect.take() {
            Some(to) => Err(Error::Redirect(leave(cx, &to).await?)),
            None => Ok(()),
        }
    }

    async fn init(&mut self, restored: bool, cx: &mut Cx) -> Result {
        cx.part::<Part>().event = TypeId::of::<P::Event>();
        cx.set_place(|_| type_name::<P>().to_owned());
        match self.allowed(cx).await {
            Err(Error::Redirect(to)) => {
                // Nothing of the page is shown or done any more, also when the client does not go.
                let part = cx.part::<Part>();
                (part.tree, part.away) = (Tree::default(), Some(to));
                // A restored page is sent as a whole once its client has been welcomed, and this one with it.
                if !restored {
                    self.whole(cx);
                }
                return Ok(());
            }
            allowed => allowed?,
        }
        if restored {
            // A restored page is sent as a whole once its client has been welcomed.
            self.page.load(cx).await?;
            self.stale = false;
        }
        let (random, event) = (cx.node().random().bytes(), TypeId::of::<P::Event>());
        scope::within(random, event, self.page.init(cx)).await?;
        self.settle(cx).await
    }

    async fn event(&mut self, event: &Event<'_>, cx: &mut Cx) -> Result {
        let id = &*event.target;
        if !cx.part::<Part>().tree.can_fire(id) {
            return Err(Error::Refused("the element is not on the page, or disabled, or has no event"));
        }
        let known = |variant: u8| P::Event::VARIANTS.get(usize::from(variant));
        let (variant, sealed) =
            cx.depickle(id, &event.seal, |variant| known(variant).map(|known| known.print))?;
        let known = known(variant);
        let Variant { name, sources, inputs, .. } = *known.ok_or(Error::Refused("no such event"))?;
        let unpacked = if inputs { inputs::unpack(&sealed) } else { Ok((Vec::new(), &*sealed)) };
        let (reads, fields) = unpacked.map_err(|_| Error::Refused(OLD_SEAL))?;
        if event.values.len() != sources.len() + reads.len() {
            return Err(Error::Refused("the values are not those of the event's sources"));
        }
        let states = if event.values.is_empty() { Vec::new() } else { cx.part::<Part>().tree.states() };
        let mut values = Values::new(&event.values, sources, reads, states, cx.lang());
        let opened = P::Event::open(variant, fields, &mut values);
        let errors = std::mem::take(&mut values.errors);
        if !sources.is_empty() && !cx.part::<Part>().errors.is_empty() {
            for input in std::mem::take(&mut cx.part::<Part>().change().errors) {
                op::set(&mut cx.out, &format!("{input}.e"), "");
                cx.attr(input, attr::ARIA_INVALID, None);
            }
        }
        match opened {
            Ok(event) => {
                let line = cx.part::<Part>().seen.line(id).unwrap_or_default();
                cx.set_place(|_| format!("{}, element {id:?}{line}, event `{name}`", type_name::<P>()));
                self.fresh(cx).await?;
                let (random, of) = (cx.node().random().bytes(), TypeId::of::<P::Event>());
                scope::within(random, of, self.page.event(event, cx)).await?;
                self.settle(cx).await
            }
            Err(_) if errors.is_empty() => Err(Error::Refused(OLD_SEAL)),
            Err(_) => {
                for (input, message) in &errors {
                    cx.error(input, message);
                }
                if let Some((first, _)) = errors.first() {
                    cx.focus(first);
                }
                Ok(())
            }
        }
    }

    /// Does what the handler left for its end.
    async fn settle(&mut self, cx: &mut Cx) -> Result {
        let part = cx.part::<Part>();
        let (redirect, refresh) = (part.redirect.take(), std::mem::take(&mut part.refresh));
        if redirect.is_some() || cx.is_leaving() {
            let here = || Url::local(cx.path()).unwrap_or_else(|| Url::__of(String::from("/")));
            let to = redirect.unwrap_or_else(here);
            let way = leave(cx, &to).await?;
            cx.out.op(14, 1).text(&way);
        } else if refresh {
            self.changes(cx);
        } else {
            let wrong = cx.part::<Part>().seen.settle();
            check::tell(cx, wrong);
        }
        Ok(())
    }

    fn draft(&self, cx: &mut Cx) -> Draft {
        let event = cx.part::<Part>().event;
        let expected = cx.part::<Part>().tree.count();
        let random = cx.node().random().bytes();
        let page = &self.page;
        let shared: &Cx = cx;
        Draft::new(scope::marked(random, event, expected, || page.render(shared).into_string()))
    }

    /// Sends what has changed since the last time.
    fn changes(&self, cx: &mut Cx) {
        let draft = self.draft(cx);
        check(cx, &draft);
        if check::ON {
            let wrong = cx.part::<Part>().seen.rendered(&draft.html(0, &mut |_, _| String::new()));
            check::tell(cx, wrong);
        }
        let old = std::mem::take(&mut cx.part::<Part>().tree);
        let mut out = std::mem::replace(&mut cx.out, n2o::Out::new(n2o::Format::default()));
        refresh::refresh(&old, &draft, &mut out, &mut |id, bind| op::seal(cx, id, bind));
        cx.out = out;
        cx.part::<Part>().put(old, Tree::new(&draft.nodes));
        let title = self.page.title(cx);
        if hash::of(title.as_bytes()) != cx.part::<Part>().title {
            cx.title(title);
        }
    }

    /// Sends the whole page.
    fn whole(&self, cx: &mut Cx) {
        let part = cx.part::<Part>();
        if let Some(to) = part.away.clone() {
            cx.out.op(14, 1).text(&to);
            return;
        }
        let known = std::mem::take(&mut part.tree);
        part.put(known, Tree::default());
        part.errors.clear();
        part.title = 0;
        self.changes(cx);
    }

    fn save(&self, cx: &mut Cx) -> Result {
        cx.state.clear();
        ciborium::into_writer(&self.page, &mut cx.state).map_err(Error::other)
    }

    fn restore(&mut self, state: &[u8], cx: &mut Cx) -> Result {
        cx.part::<Part>().restore();
        self.page = ciborium::from_reader(state).map_err(Error::other)?;
        self.stale = true;
        Ok(())
    }
}

/// Where to send the browser so that it arrives at `to`: there, or first to where its new cookie is set.
async fn leave(cx: &mut Cx, to: &Url) -> Result<String> {
    let ticket = cx.ticket(to.as_str()).await?;
    Ok(ticket.map_or_else(|| to.to_string(), |ticket| format!("{SESSION_PATH}?t={}", ticket.0)))
}

/// Finds an event that reads an input which is not on the page, and so would always read nothing.
fn check(cx: &mut Cx, draft: &Draft) {
    if !check::ON {
        return;
    }
    let known: HashSet<&str> = (1..draft.nodes.len()).map(|node| draft.id(node)).collect();
    for node in 1..draft.nodes.len() {
        let mut names = draft.bind(node).into_iter().flat_map(|bind| bind.names());
        if let Some(source) = names.find(|source| !known.contains(source)) {
            let element = draft.id(node);
            let wrong = format!(
                "the event of element {element:?} reads the input {source:?}, which is not on the page"
            );
            check::tell(cx, Some(wrong));
        }
    }
}
