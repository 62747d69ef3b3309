//! The nitro protocol: one page, alive.

use std::{
    any::{TypeId, type_name},
    collections::HashSet,
    pin::pin,
    sync::Arc,
};

use n2o::{Dispatch, EVENT, Error, Event, Later, Message, Protocol, Result};

use crate::{
    check,
    component::{self, Click, Component},
    cx::Cx,
    doc::Doc,
    draft::Draft,
    event, hash,
    known::Known,
    lang::text,
    nodes::Nodes,
    op,
    op::Dom,
    page::Layout,
    refresh, scope, state,
    tree::Tree,
    url::Url,
};

/// Where a browser trades the ticket of a login for its cookie.
pub const SESSION_PATH: &str = "/n2o/session";

/// How often components that have just been opened may say what opens others.
const ROUNDS: u32 = 32;

/// Refreshes that write all controls after one that had to be rendered twice, because controls that were left out of
/// it had to be sent.
const WHOLES: u8 = 8;

/// A page of any type.
pub trait Live: Protocol {
    /// Opens the page for a `GET`: rights, data, and the document's title and content.
    fn open<'a>(&'a mut self, cx: &'a mut Dispatch) -> Later<'a, Rendered>;
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
pub fn live<P: Component + Default>() -> Box<dyn Live> {
    let held = Held { page: P::default(), stale: false, admitted: None };
    Box::new(Nitro { held, doc: Doc::new(TypeId::of::<P::Event>()) })
}

/// The nitro protocol of one page: the page, and its document.
struct Nitro<P> {
    held: Held<P>,
    doc: Doc,
}

struct Held<P> {
    page: P,
    /// The page was put together from its saved state, which lacks what it does not serialise.
    stale: bool,
    /// The [rights](n2o::Cx::rights) with which the visitor was last let in.
    admitted: Option<u64>,
}

impl<P: Component + Default> Nitro<P> {
    /// The page, and the context of its handlers.
    fn with<'a>(&'a mut self, dispatch: &'a mut Dispatch) -> (&'a mut Held<P>, Cx<'a, P>) {
        (&mut self.held, Cx::new(dispatch, &mut self.doc))
    }
}

impl<P: Component + Default> Live for Nitro<P> {
    fn open<'a>(&'a mut self, dispatch: &'a mut Dispatch) -> Later<'a, Rendered> {
        let (held, mut cx) = self.with(dispatch);
        Box::pin(async move { held.open(&mut cx).await })
    }
}

impl<P: Component + Default> Protocol for Nitro<P> {
    fn name(&self) -> &'static str {
        "page"
    }

    fn claims(&self) -> &'static [u8] {
        &[EVENT]
    }

    fn event<'a>(&'a mut self, event: &'a Event<'a>, dispatch: &'a mut Dispatch) -> Later<'a> {
        let (held, mut cx) = self.with(dispatch);
        Box::pin(async move { held.event(event, &mut cx).await })
    }

    fn init<'a>(&'a mut self, restored: bool, dispatch: &'a mut Dispatch) -> Later<'a> {
        let (held, mut cx) = self.with(dispatch);
        Box::pin(async move { held.init(restored, &mut cx).await })
    }

    fn info<'a>(&'a mut self, message: &'a Message, dispatch: &'a mut Dispatch) -> Later<'a> {
        let (held, mut cx) = self.with(dispatch);
        Box::pin(async move { held.info(message, &mut cx).await })
    }

    fn time<'a>(&'a mut self, what: &'a [u8], dispatch: &'a mut Dispatch) -> Later<'a> {
        let (held, mut cx) = self.with(dispatch);
        Box::pin(async move { held.time(what, &mut cx).await })
    }

    fn refresh<'a>(&'a mut self, dispatch: &'a mut Dispatch) -> Later<'a> {
        let (held, mut cx) = self.with(dispatch);
        Box::pin(async move { held.refresh(&mut cx).await })
    }

    fn save(&self, state: &mut Vec<u8>) -> Result {
        state::write(&self.held.page, state)
    }

    fn restore(&mut self, state: &[u8]) -> Result {
        self.doc.restore();
        self.held.page = state::read(state)?;
        (self.held.stale, self.held.admitted) = (true, None);
        Ok(())
    }

    fn settle(&mut self) {
        self.doc.settle();
    }
}

impl<P: Component + Default> Held<P> {
    async fn open(&mut self, cx: &mut Cx<'_, P>) -> Result<Rendered> {
        cx.set_site(|_| type_name::<P>().to_owned());
        self.allowed(cx).await?;
        self.page.load(cx).await?;
        self.rouse(false, cx).await?;
        if let Some(to) = cx.doc.redirect.take() {
            return Err(Error::Redirect(leave(cx, &to).await?));
        }
        let (draft, _) = self.draft(cx, false);
        let html = draft.html(0, &mut |id, bind| op::seal(cx, id, bind));
        let title = self.page.title(&cx.ui());
        if check::ON {
            let wrong = cx.doc.seen.rendered(&html, true);
            check::tell(cx, wrong);
        }
        let part = &mut *cx.doc;
        part.title = hash::of(title.as_bytes());
        part.tree = draft.into_tree();
        cx.dispatch.out.clear();
        Ok(Rendered { title, html })
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, P>) -> Result {
        if cx.doc.away.is_some() {
            return Ok(());
        }
        cx.doc.home();
        cx.set_site(|_| format!("{}, message of {:?}", type_name::<P>(), message.topic()));
        self.admit(cx).await?;
        self.fresh(cx).await?;
        if cx.doc.hears(0, message.topic()) {
            let (random, event) = (cx.node().random().bytes(), TypeId::of::<P::Event>());
            scope::within(random, event, pin!(self.page.info(message, cx))).await?;
        }
        component::tell(&mut self.page, None, message, cx.dispatch, cx.doc).await?;
        self.settle(cx).await
    }

    async fn refresh(&mut self, cx: &mut Cx<'_, P>) -> Result {
        if cx.doc.away.is_none() {
            self.admit(cx).await?;
            self.fresh(cx).await?;
        }
        let part = &mut *cx.doc;
        part.refresh = false;
        let (redirect, after) = (part.redirect.take(), part.after.take());
        self.whole(cx);
        if let Some(to) = redirect {
            let way = leave(cx, &to).await?;
            cx.dispatch.out.op(14, 1).text(&way);
        } else if let Some(after) = after {
            cx.dispatch.out.append(&after);
        }
        Ok(())
    }

    /// Loads the page again when it was restored, after a restart or because a handler failed. What was
    /// loaded may be newer than what the document shows, so the document follows at the end of the turn.
    async fn fresh(&mut self, cx: &mut Cx<'_, P>) -> Result {
        if self.stale {
            Box::pin(self.page.load(cx)).await?;
            self.stale = false;
            self.rouse(true, cx).await?;
            cx.refresh();
        }
        Ok(())
    }

    /// Loads and begins the components that are new, and leaves the topics of those that are gone.
    async fn rouse(&mut self, begin: bool, cx: &mut Cx<'_, P>) -> Result {
        let mut rounds = 0..ROUNDS;
        loop {
            cx.doc.go_round();
            component::rouse(&mut self.page, None, begin, cx.dispatch, cx.doc).await?;
            // What was heard may have opened and closed others.
            if !cx.doc.has_heard() {
                break;
            }
            if rounds.next().is_none() {
                return Err(Error::other("the components of the page open each other without end"));
            }
        }
        for topic in cx.doc.forget_gone() {
            cx.dispatch.unreg(&topic);
        }
        let doc = &*cx.doc;
        cx.dispatch
            .retain_timers(EVENT, |what| component::open(what).is_ok_and(|((.., path), _)| doc.has(&path)));
        Ok(())
    }

    async fn allowed(&mut self, cx: &mut Cx<'_, P>) -> Result {
        component::allowed(&mut self.page, cx).await?;
        self.admitted = cx.rights();
        match cx.doc.redirect.take() {
            Some(to) => Err(Error::Redirect(leave(cx, &to).await?)),
            None => Ok(()),
        }
    }

    /// Refuses a visitor who may not see the page any more, where that is not known for the rights that they have now.
    async fn admit(&mut self, cx: &mut Cx<'_, P>) -> Result {
        let known = self.admitted.is_some() && self.admitted == cx.rights();
        if known { Ok(()) } else { self.still_allowed(cx).await }
    }

    async fn still_allowed(&mut self, cx: &mut Cx<'_, P>) -> Result {
        component::still_allowed(&mut self.page, cx).await?;
        self.admitted = cx.rights();
        Ok(())
    }

    async fn init(&mut self, restored: bool, cx: &mut Cx<'_, P>) -> Result {
        cx.set_site(|_| type_name::<P>().to_owned());
        match self.allowed(cx).await {
            Err(Error::Redirect(to)) => {
                // Nothing of the page is shown or done any more, also when the client does not go.
                let part = &mut *cx.doc;
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
        scope::within(random, event, pin!(self.page.init(cx))).await?;
        self.rouse(true, cx).await?;
        self.settle(cx).await
    }

    async fn event(&mut self, event: &Event<'_>, cx: &mut Cx<'_, P>) -> Result {
        cx.doc.home();
        let id = &*event.target;
        if !cx.doc.tree.can_fire(id) {
            return Err(Error::Refused("the element is not on the page, or disabled, or has no event"));
        }
        let (variant, sealed) = cx.depickle(id, &event.seal, |variant| match variant {
            component::OF_CHILD => Some(component::PRINT),
            _ => event::print::<P::Event>(variant),
        })?;
        let own = || (variant, event::print::<P::Event>(variant).unwrap_or_default(), Vec::new());
        let ((variant, print, path), sealed) = match variant {
            component::OF_CHILD => component::open(&sealed)?,
            _ => (own(), &*sealed),
        };
        let click = Click { target: id, variant, print, path: &path, sealed, values: &event.values };
        self.click(&click, cx).await
    }

    async fn time(&mut self, what: &[u8], cx: &mut Cx<'_, P>) -> Result {
        if cx.doc.away.is_some() {
            return Ok(());
        }
        cx.doc.home();
        let ((variant, print, path), sealed) = component::open(what)?;
        self.click(&Click { target: "", variant, print, path: &path, sealed, values: &[] }, cx).await
    }

    /// Runs an event of the page, or of a component in it.
    async fn click(&mut self, click: &Click<'_>, cx: &mut Cx<'_, P>) -> Result {
        self.still_allowed(cx).await?;
        self.fresh(cx).await?;
        if click.path.is_empty() {
            cx.set_site(|_| String::new());
            let (random, of) = (cx.node().random().bytes(), TypeId::of::<P::Event>());
            scope::within(random, of, pin!(component::run(&mut self.page, click, cx))).await?;
        } else {
            cx.set_site(|_| format!("{}, ", type_name::<P>()));
            component::call(&mut self.page, None, click, cx.dispatch, cx.doc).await?;
        }
        self.settle(cx).await
    }

    /// Does what the handler left for its end.
    async fn settle(&mut self, cx: &mut Cx<'_, P>) -> Result {
        self.rouse(true, cx).await?;
        let part = &mut *cx.doc;
        part.home();
        let (redirect, refresh) = (part.redirect.take(), std::mem::take(&mut part.refresh));
        let after = part.after.take();
        if redirect.is_some() || cx.dispatch.is_leaving() {
            let here = || Url::local(cx.path()).unwrap_or_else(|| Url::__of(String::from("/")));
            let to = redirect.unwrap_or_else(here);
            let way = leave(cx, &to).await?;
            cx.doc.seen.leave();
            cx.dispatch.out.op(14, 1).text(&way);
        } else if refresh {
            self.changes(cx);
            if let Some(after) = after {
                cx.dispatch.out.append(&after);
            }
        } else {
            let wrong = cx.doc.seen.settle();
            check::tell(cx, wrong);
            if check::ON && cx.dispatch.out.is_empty() {
                check::hint(cx, |cx| self.looks_other(cx));
            }
        }
        Ok(())
    }

    /// The page would be shown otherwise than it was, and is still shown.
    fn looks_other(&self, cx: &mut Cx<'_, P>) -> bool {
        if cx.doc.seen.has_left() || cx.doc.tree.nodes().len() == 0 {
            return false;
        }
        let (draft, _) = self.draft(cx, true);
        let mut ops = n2o::Out::new(n2o::Format::default());
        refresh::refresh(cx.doc.tree.nodes(), &draft, &mut ops, &mut |_, _| String::new()) && !ops.is_empty()
    }

    /// Renders the page, where it may be without the parts that are known to be as they were; `true` when what is
    /// remembered of the page cannot be compared with it, because two ids that have one key were parted.
    fn draft(&self, cx: &mut Cx<'_, P>, may_keep: bool) -> (Draft, bool) {
        let Doc { event, tree, .. } = &*cx.doc;
        let (event, keying, nodes) = (*event, tree.keying(), Arc::clone(tree.nodes()));
        let random = cx.node().random().bytes();
        let (page, ui) = (&self.page, cx.ui());
        let known = may_keep.then(|| Known::new(Arc::clone(&nodes), keying, cx.doc.wholes == 0));
        let round = cx.doc.round();
        let layout = cx.node().service::<Layout>();
        let mut is_shown = true;
        let marked = scope::marked(random, event, known, round, || {
            let content = page.render(&ui);
            let Some(layout) = layout else { return content.into_string() };
            let whole = (layout.0)(&ui, &content).into_string();
            is_shown = !check::ON || whole.contains(&content.0);
            whole
        });
        let mut draft = Draft::new(marked, &nodes, keying, text(ui.lang()));
        let has_twins = draft.has_twins(&nodes);
        if has_twins && draft.has_stubs {
            return self.draft(cx, false);
        }
        if has_twins {
            draft.part_twins();
        }
        let lost = "the layout does not show the page: put its second argument into what it answers";
        check::tell(cx, (!is_shown).then(|| lost.to_owned()));
        check(cx, &draft);
        (draft, has_twins)
    }

    /// Sends what has changed since the last time.
    fn changes(&self, cx: &mut Cx<'_, P>) {
        let mut out = std::mem::replace(&mut cx.dispatch.out, n2o::Out::new(n2o::Format::default()));
        let mut send = |(draft, parted): &(Draft, bool), cx: &n2o::Cx, old: &Nodes| {
            let known = if *parted { &Nodes::none() } else { old };
            refresh::refresh(known, draft, &mut out, &mut |id, bind| op::seal(cx, id, bind))
        };
        let mut rendered = self.draft(cx, true);
        let nodes = Arc::clone(cx.doc.tree.nodes());
        cx.doc.wholes = cx.doc.wholes.saturating_sub(1);
        if !send(&rendered, cx, &nodes) {
            // Most likely the next time, too, something that holds controls has changed.
            cx.doc.wholes = WHOLES;
            rendered = self.draft(cx, false);
            send(&rendered, cx, &nodes);
        }
        drop(nodes);
        let draft = rendered.0;
        if check::ON {
            let html = draft.html(0, &mut |_, _| String::new());
            let wrong = cx.doc.seen.rendered(&html, draft.is_made);
            check::tell(cx, wrong);
        }
        let old = std::mem::take(&mut cx.doc.tree);
        cx.dispatch.out = out;
        cx.doc.put(old, draft.into_tree());
        let title = self.page.title(&cx.ui());
        if hash::of(title.as_bytes()) != cx.doc.title {
            cx.title(title);
        }
    }

    /// Sends the whole page.
    fn whole(&self, cx: &mut Cx<'_, P>) {
        let part = &mut *cx.doc;
        if let Some(to) = part.away.clone() {
            cx.dispatch.out.op(14, 1).text(&to);
            return;
        }
        let known = std::mem::take(&mut part.tree);
        part.put(known, Tree::default());
        part.errors.clear();
        part.title = 0;
        self.changes(cx);
    }
}

/// Where to send the browser so that it arrives at `to`: there, or first to where its new cookie is set.
async fn leave<P>(cx: &mut Cx<'_, P>, to: &Url) -> Result<String> {
    // In a box, as all that seldom happens: each event has room for it otherwise.
    let ticket = Box::pin(cx.dispatch.ticket(to.as_str())).await?;
    Ok(ticket.map_or_else(|| to.to_string(), |ticket| format!("{SESSION_PATH}?t={}", ticket.0)))
}

/// Finds a control that cannot work, and an event that reads an input which is not on the page, and so would always
/// read nothing.
fn check<C>(cx: &mut Cx<'_, C>, draft: &Draft) {
    if !check::ON {
        return;
    }
    op::check_controls(cx, draft);
    let keys: HashSet<u64> = draft.nodes.iter().map(|node| node.key).collect();
    for node in (1..draft.nodes.len()).filter(|node| draft.is_rendered(*node)) {
        let mut names = draft.bind(node).into_iter().flat_map(|bind| bind.names());
        let is_nowhere = |source: &&str| !keys.contains(&draft.keying.key(source)) && !draft.streams(source);
        if let Some(source) = names.find(is_nowhere) {
            let element = draft.id(node);
            let wrong = format!(
                "the event of element {element:?} reads the input {source:?}, which is not on the page"
            );
            check::tell(cx, Some(wrong));
        }
    }
}
