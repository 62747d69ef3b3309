//! The router: from the page to the component that an event or a message is for.

use std::{
    any::{TypeId, type_name},
    sync::Arc,
};

use n2o::{Dispatch, Error, Later, Message, Result, Value};

use super::{At, Child, Children, Component, path};
use crate::{
    cx::Cx,
    doc::Doc,
    event::{self, Event, Values, Variant},
    op::{self, Dom},
    scope,
};

/// An event of a component, as it was sealed.
#[derive(Debug)]
pub(crate) struct Click<'a> {
    /// The id of the element; empty when it was a timer.
    pub(crate) target: &'a str,
    pub(crate) variant: u8,
    pub(crate) print: u64,
    /// The whole way.
    pub(crate) path: &'a [(String, u64)],
    pub(crate) sealed: &'a [u8],
    pub(crate) values: &'a [Value<'a>],
}

/// Refuses a visitor who may not use the component.
pub(crate) async fn allowed<C: Component>(it: &mut C, cx: &mut Cx<'_, C>) -> Result {
    if C::ACCESS.allows(cx) { it.authorize(cx).await } else { Err(Error::Denied) }
}

/// The same for one that is open: a visitor who would be sent elsewhere by now is refused, and stays where they are
/// with all that they have typed.
pub(crate) async fn still_allowed<C: Component>(it: &mut C, cx: &mut Cx<'_, C>) -> Result {
    let before = cx.doc.redirect.take();
    let allowed = allowed(it, cx).await;
    let sent = std::mem::replace(&mut cx.doc.redirect, before);
    allowed?;
    if sent.is_some() { Err(Error::Denied) } else { Ok(()) }
}

/// Runs a part of a handler with the document seen from a component's place.
macro_rules! here {
    ($at:expr, $C:ty, $dispatch:expr, $doc:expr, |$cx:ident| $work:expr) => {{
        let outer = $doc.parts().at.take();
        $doc.parts().at = $at.cloned();
        let random = $dispatch.node().random().bytes();
        let (event, at) = (TypeId::of::<<$C as Component>::Event>(), $doc.at().cloned());
        let mut lent: Cx<'_, $C> = Cx::new($dispatch, $doc);
        let $cx = &mut lent;
        let done = scope::within_at(random, event, at, std::pin::pin!($work)).await;
        $doc.parts().at = outer;
        done
    }};
}

/// Runs an event of the component at `at`, or of one in it.
pub(crate) fn fire<'a, C: Component>(
    child: &'a mut Child<C>,
    at: &'a Arc<At>,
    click: &'a Click<'a>,
    dispatch: &'a mut Dispatch,
    doc: &'a mut Doc,
) -> Later<'a> {
    Box::pin(async move {
        let it = &mut child.it;
        here!(Some(at), C, dispatch, doc, |cx| still_allowed(it, cx))?;
        if at.path.len() == click.path.len() {
            return here!(Some(at), C, dispatch, doc, |cx| run(it, click, cx));
        }
        call(it, Some(at), click, dispatch, doc).await
    })
}

/// Runs an event of a component in this one, and tells this one what was said.
pub(crate) async fn call<C: Component>(
    it: &mut C,
    at: Option<&Arc<At>>,
    click: &Click<'_>,
    dispatch: &mut Dispatch,
    doc: &mut Doc,
) -> Result {
    let gone = Error::Refused("the component of this event is not on the page");
    let Some((name, serial)) = click.path.get(at.map_or(0, |at| at.path.len())) else { return Err(gone) };
    let heard = {
        let Children(mut list) = it.children();
        let found = list.iter_mut().find(|branch| branch.name == name && branch.serial == *serial);
        let Some(branch) = found else { return Err(gone) };
        let inner = branch.node.at(at);
        branch.node.fire(&inner, click, dispatch, doc).await?
    };
    hear(it, at, heard, dispatch, doc).await
}

async fn hear<C: Component>(
    it: &mut C,
    at: Option<&Arc<At>>,
    heard: Vec<C::Event>,
    dispatch: &mut Dispatch,
    doc: &mut Doc,
) -> Result {
    doc.parts().heard |= !heard.is_empty();
    for event in heard {
        here!(at, C, dispatch, doc, |cx| it.event(event, cx))?;
    }
    Ok(())
}

/// Takes back the errors at inputs.
fn tidy<C>(cx: &mut Cx<'_, C>) {
    if cx.doc.errors.is_empty() {
        return;
    }
    for input in std::mem::take(&mut cx.doc.change().errors) {
        op::unmark(cx, &input);
    }
}

/// Reads an event and runs it.
pub(crate) async fn run<C: Component>(it: &mut C, click: &Click<'_>, cx: &mut Cx<'_, C>) -> Result {
    let old = || Error::Refused("the seal is of another version of the component");
    if event::print::<C::Event>(click.variant) != Some(click.print) {
        return Err(old());
    }
    let known = C::Event::VARIANTS.get(usize::from(click.variant));
    let Variant { name, sources, inputs, .. } = *known.ok_or_else(old)?;
    let (reads, fields) = path::names(click.sealed, inputs)?;
    if click.values.len() != sources.len() + reads.len() {
        return Err(Error::Refused("the values are not those of the event's sources"));
    }
    let states = sources.iter().chain(&reads).map(|name| cx.doc.tree.state(&cx.doc.id(name))).collect();
    let mut values = Values::new(click.values, sources, &reads, states, cx.lang());
    let opened = C::Event::open(click.variant, fields, &mut values);
    let errors = std::mem::take(&mut values.errors);
    if !sources.is_empty() {
        tidy(cx);
    }
    match opened {
        Ok(event) => {
            let line = cx.doc.seen.line(click.target).unwrap_or_default();
            let (target, of) = (click.target, type_name::<C>());
            let by =
                if target.is_empty() { String::from("timer") } else { format!("element {target:?}{line}") };
            cx.set_site(|page| format!("{page}{of}, {by}, event `{name}`"));
            it.event(event, cx).await?;
            cx.doc.typed(sources.iter().copied().chain(reads).zip(click.values));
            Ok(())
        }
        Err(_) if errors.is_empty() => Err(old()),
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

/// Asks whether the visitor may use a child, where that is not known for the rights that they have now. Whoever may
/// not is asked in each turn: they may have been given a role.
async fn admit<C: Component>(
    child: &mut Child<C>,
    at: &Arc<At>,
    dispatch: &mut Dispatch,
    doc: &mut Doc,
) -> Result<bool> {
    let rights = dispatch.rights();
    if child.held.is_let_in(rights) {
        return Ok(true);
    }
    let (it, is_open) = (&mut child.it, child.held.loaded);
    child.held.admitted = None;
    let asked = here!(Some(at), C, dispatch, doc, |cx| async {
        if is_open { still_allowed(it, cx).await } else { allowed(it, cx).await }
    });
    match asked {
        Err(Error::Denied) => return Ok(false),
        asked => asked?,
    }
    // One that is to be opened may send its visitor elsewhere.
    if !is_open && doc.redirect.is_some() {
        return Ok(false);
    }
    child.held.admitted = rights.or(Some(u64::MAX));
    doc.parts().stirred = true;
    Ok(true)
}

/// Loads and begins a child and those in it, as far as that was not done. One that the visitor may not use is
/// neither loaded nor begun, nor shown.
pub(crate) fn wake<'a, C: Component>(
    child: &'a mut Child<C>,
    at: &'a Arc<At>,
    begin: bool,
    dispatch: &'a mut Dispatch,
    doc: &'a mut Doc,
) -> Later<'a> {
    Box::pin(async move {
        if !admit(child, at, dispatch, doc).await? {
            return Ok(());
        }
        child.held.round = doc.meet(at.serial());
        let it = &mut child.it;
        if !child.held.loaded {
            here!(Some(at), C, dispatch, doc, |cx| it.load(cx))?;
            child.held.loaded = true;
            doc.parts().stirred = true;
        }
        if begin && doc.begins(at.serial()) {
            doc.parts().stirred = true;
            here!(Some(at), C, dispatch, doc, |cx| it.init(cx))?;
        }
        rouse(it, Some(at), begin, dispatch, doc).await
    })
}

/// Does the same for all children of a component.
pub(crate) async fn rouse<C: Component>(
    it: &mut C,
    at: Option<&Arc<At>>,
    begin: bool,
    dispatch: &mut Dispatch,
    doc: &mut Doc,
) -> Result {
    let mut heard = Vec::new();
    let mut rights = dispatch.rights();
    for mut branch in it.children().0 {
        if branch.node.rests(at, rights, begin, doc) {
            continue;
        }
        let inner = branch.node.at(at);
        heard.extend(branch.node.wake(&inner, begin, dispatch, doc).await?);
        rights = dispatch.rights();
    }
    hear(it, at, heard, dispatch, doc).await
}

/// Tells a message to a child that has registered with its topic, and to those in it.
pub(crate) fn told<'a, C: Component>(
    child: &'a mut Child<C>,
    at: &'a Arc<At>,
    message: &'a Message,
    dispatch: &'a mut Dispatch,
    doc: &'a mut Doc,
) -> Later<'a> {
    Box::pin(async move {
        if !child.held.loaded || !admit(child, at, dispatch, doc).await? {
            return Ok(());
        }
        let it = &mut child.it;
        if doc.hears(at.serial(), message.topic()) {
            doc.parts().stirred = true;
            here!(Some(at), C, dispatch, doc, |cx| it.info(message, cx))?;
        }
        tell(it, Some(at), message, dispatch, doc).await
    })
}

/// Tells a message to all children of a component.
pub(crate) async fn tell<C: Component>(
    it: &mut C,
    at: Option<&Arc<At>>,
    message: &Message,
    dispatch: &mut Dispatch,
    doc: &mut Doc,
) -> Result {
    let mut heard = Vec::new();
    for mut branch in it.children().0 {
        let inner = branch.node.at(at);
        heard.extend(branch.node.tell(&inner, message, dispatch, doc).await?);
    }
    hear(it, at, heard, dispatch, doc).await
}
