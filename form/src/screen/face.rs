//! How a card looks.

use maud::{Markup, html};
use nitro::prelude::*;
use serde_json::Value;

use super::card::{Card, Do};
use crate::{
    access::Act,
    audit::Entry,
    field::{Field, Type},
    form::Form,
    lang::text,
    read::Kind,
    show,
    view::Sheet,
};

impl<R: Form> Card<R> {
    pub(crate) fn face(&self, cx: &n2o::Cx) -> Markup {
        let (spec, lang) = (R::spec(), cx.lang());
        let title = spec.document.label("", lang);
        let note = self.note.as_ref().map(|note| note.text(spec, &self.faults, lang)).unwrap_or_default();
        html! {
            main.card {
                header {
                    nav { (link(title.to_owned(), Self::list(cx)).id("f.list").attr(attr::TITLE, text(lang).back)) }
                    (h1().id("f.title").text(match self.kind {
                        Kind::Create => text(lang).new.to_owned(),
                        _ => self.named(),
                    }))
                }
                (p().id("f.note").class("note").attr(attr::ROLE, "alert").hidden(note.is_empty()).text(note))
                @if self.kind == Kind::View { (self.view(cx)) } @else { (self.form(cx)) }
            }
        }
    }

    fn sheet<'a>(&'a self, lang: &'a str) -> Sheet<'a> {
        Sheet::new(R::spec(), &self.who, self.kind, &self.data, lang).titles(&self.titles)
    }

    fn view(&self, cx: &n2o::Cx) -> Markup {
        let t = text(cx.lang());
        html! {
            (panel().id("f.view").body(html! { (self.sheet(cx.lang())) }))
            div.actions {
                @if self.may(Act::Update) {
                    (link(t.edit, self.here(cx, "?do=edit")).id("f.edit").class("button"))
                }
                @if self.may(Act::Delete) {
                    (button(t.delete).id("f.delete").class("danger").confirm(t.sure).postback(Do::delete()))
                }
            }
            (section().id("f.history").attr(attr::ARIA_LABELLEDBY, "f.history.h").body(self.story(cx)))
        }
    }

    fn form(&self, cx: &n2o::Cx) -> Markup {
        let t = text(cx.lang());
        let label = match (self.kind, &self.note) {
            (Kind::Create, Some(super::note::Note::Gone)) => t.anew,
            (Kind::Create, _) => t.create,
            _ => t.save,
        };
        let fields = self.sheet(cx.lang()).faults(&self.faults).choices(&self.choices).dress(&look);
        html! {
            (panel().id("f.conflict").body(self.clashes.show(R::spec(), &self.titles, cx.lang(), &|field, theirs| {
                Do::decide(field.to_owned(), theirs).reads(self.names())
            })))
            (form().id("f.form").attr(attr::ARIA_LABELLEDBY, "f.title").postback(Do::save().reads(self.names())).body(html! {
                (panel().id("f.fields").on(On::Change).postback(Do::change().reads(self.names())).body(html! {
                    (fields)
                }))
                div.actions {
                    (submit(label).id("f.save"))
                    (button(t.cancel).id("f.cancel").postback(Do::discard()))
                }
            }))
        }
    }

    fn shown(&self, field: &Field, value: &Value, lang: &str) -> String {
        show::titled(R::spec(), field, value, &self.titles, lang)
    }

    /// The history, newest first.
    fn story(&self, cx: &n2o::Cx) -> Markup {
        let t = text(cx.lang());
        html! {
            h2 id="f.history.h" { (t.history) }
            ol reversed {
                @for entry in &self.history { li { (self.entry(entry, cx.lang())) } }
            }
        }
    }

    fn entry(&self, entry: &Entry, lang: &str) -> Markup {
        let (spec, t) = (R::spec(), text(lang));
        let act = match entry.act {
            Act::Create => t.created,
            Act::Delete => t.deleted,
            _ => t.updated,
        };
        html! {
            p { (time(entry.at)) " " strong { (entry.who) } " " (act) }
            @if entry.redacted { p.redacted { (t.hidden) } }
            @if entry.act == Act::Update {
                dl {
                    @for change in &entry.changes {
                        @if let Some(field) = spec.document.field(&change.field) {
                            dt { (spec.document.label(&field.name, lang)) }
                            dd { del { (self.shown(field, &change.before, lang)) } " "
                                 ins { (self.shown(field, &change.after, lang)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Lets a lookup offer records while something is typed in it.
fn look<'e>(field: &Field, input: El<'e>) -> El<'e> {
    let Type::Lookup { .. } = field.kind else { return input };
    input.on(On::Input).postback(Do::look(field.name.clone()).reads([field.name.as_str()]))
}
