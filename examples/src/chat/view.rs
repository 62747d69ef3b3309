//! What a chat room looks like: the whole of it, and the parts that change.

use maud::html;
use nitro::prelude::*;

use super::{
    line::{Line, Lines},
    page::{Act, Chat},
    people::People,
};
use crate::{
    frame::{avatar, bar},
    text::{Text, text},
};

/// The whole room.
pub(crate) fn room(ui: &Ui<'_, Chat>, people: &People, lines: &Lines, proven: bool) -> Markup {
    let (t, room) = (text(ui.lang()), ui.param("room"));
    let user = ui.user().unwrap_or_default();
    let end = html! {
        h1 class="room" { bdi { (room) } }
        (span().id("count").class("count").text(t.count(lines.count)))
        span class="who" { (avatar(&user)) b { bdi { (user) } } }
        (button(t.logout).id("logout").class("quiet").postback(ui.on(Act::logout())))
    };
    let messages = html! {
        @for (before, line) in lines.pairs() { (message(ui, before, line, proven)) }
    };
    let write = html! {
        (textbox(Act::message).label(t.message).attr(attr::PLACEHOLDER, t.message)
            .attr(attr::AUTOCOMPLETE, "off").attr(attr::ENTERKEYHINT, "send").attr(attr::AUTOFOCUS, ""))
        (submit(t.send).class("primary"))
    };
    html! {
        div class="chat" {
            (bar(ui, &end))
            (people.list(ui))
            main {
                (history(ui, lines))
                (ol().id("messages").class("messages").attr(attr::ROLE, "log").attr(attr::TABINDEX, "0")
                    .attr(attr::ARIA_LABEL, t.messages).keep_end().body(messages))
                (panel().id("empty").class("empty").hidden(lines.last() > 0)
                    .body(html! { h2 { (t.empty) } p { (t.empty_lead) } }))
                (form().id("say").class("write").postback(ui.on(Act::say())).body(write))
            }
        }
    }
}

/// The mark of those who have signed in with a password.
pub(crate) fn mark(t: &Text) -> Markup {
    html! { span class="proven" role="img" aria-label=(t.proven) title=(t.proven) {} }
}

/// One message. Who is meant by the page is known from the context.
fn message<'a>(cx: &n2o::Cx, before: Option<&Line>, line: &'a Line, proven: bool) -> El<'a> {
    let (t, said) = (text(cx.lang()), &line.said);
    let own = said.proven == proven && cx.user().is_some_and(|user| user == said.by);
    let continues = line.continues(before);
    let class = match (own, continues) {
        (false, false) => "line",
        (false, true) => "line more",
        (true, false) => "line own",
        (true, true) => "line own more",
    };
    li().id(format!("m{}", line.position)).class(class).body(html! {
        @if !continues {
            (avatar(&said.by))
            p class="by" {
                b { bdi { (said.by) } }
                @if said.proven { (mark(t)) }
                (time(said.at))
            }
        }
        p class="text" dir="auto" { (said.text) }
    })
}

/// The way to older messages.
fn history(ui: &Ui<'_, Chat>, lines: &Lines) -> El<'static> {
    let t = text(ui.lang());
    let ask = lines.has_older() && !lines.is_full();
    panel().id("history").class("history").hidden(!lines.has_older()).body(html! {
        (button(t.older).id("older").hidden(!ask).postback(ui.on(Act::older())))
        @if !ask { span { (t.far) } }
    })
}

/// Shows how many messages there are, and whether there are older ones.
pub(crate) fn update_history(cx: &mut Cx<'_, Chat>, lines: &Lines) {
    cx.set("count", text(cx.lang()).count(lines.count));
    let history = history(&cx.ui(), lines);
    cx.update("history", history);
}

/// Shows a new message after the one that was the newest.
pub(crate) fn insert_newest<C>(cx: &mut Cx<'_, C>, newest: Option<&Line>, line: &Line, proven: bool) {
    if newest.is_none() {
        cx.hide("empty");
    }
    let message = message(cx, newest, line, proven);
    cx.insert_bottom("messages", message);
}

/// Shows older messages before the oldest one.
pub(crate) fn insert_older<C>(cx: &mut Cx<'_, C>, lines: &[Line], proven: bool) {
    let before = std::iter::once(None).chain(lines.iter().map(Some));
    let messages: Vec<_> =
        before.zip(lines).map(|(before, line)| message(cx, before, line, proven)).collect();
    cx.insert_top("messages", all(messages));
}

/// Takes a message away.
pub(crate) fn remove<C>(cx: &mut Cx<'_, C>, line: &Line) {
    cx.remove(format!("m{}", line.position));
}
