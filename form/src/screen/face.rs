//! How a card looks.

use maud::{Markup, html};
use nitro::prelude::*;
use serde_json::Value;

use super::{
    card::{Card, Do},
    filling::Binds,
};
use crate::{access::Act, audit::Entry, field::Field, form::Form, lang::text, read::Kind, show, view::Sheet};

impl<R: Form> Card<R> {
    pub(crate) fn face(&self, ui: &Ui<'_, Self>) -> Markup {
        let (spec, lang) = (R::spec(), ui.lang());
        let title = spec.document.label("", lang);
        let note = self.note.as_ref().map(|note| note.text(spec, &self.fill, lang)).unwrap_or_default();
        let (t, is_page) = (text(lang), ui.is_page());
        let head = if is_page { h1() } else { h2() };
        let named = if self.fill.kind == Kind::Create { t.new.to_owned() } else { self.named() };
        let whole = html! {
            header {
                @if is_page { nav { (link(title.to_owned(), Self::list(ui)).id("f.list").attr(attr::TITLE, t.back)) } }
                (head.id("f.title").attr(attr::TABINDEX, "-1").text(named))
                @if !is_page && self.fill.kind == Kind::View {
                    (button(t.close).id("f.close").class("quiet").postback(ui.on(Do::close())))
                }
            }
            (p().id("f.note").class("note").attr(attr::ROLE, "alert").attr(attr::TABINDEX, "-1").hidden(note.is_empty()).text(note))
            @if self.fill.kind == Kind::View { (self.view(ui)) } @else { (self.form(ui)) }
        };
        html! { @if is_page { main.card { (whole) } } @else { section.card { (whole) } } }
    }

    fn sheet<'a>(&'a self, lang: &'a str) -> Sheet<'a> {
        Sheet::new(R::spec(), &self.who, self.fill.kind, &self.fill.data, lang).titles(&self.fill.titles)
    }

    fn view(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        html! {
            (self.fill.rights(R::spec(), &self.who, ui.lang()))
            (panel().id("f.view").class("view").body(html! { (self.sheet(ui.lang())) }))
            div.actions {
                @if self.denial(Act::Update).is_none() {
                    @if ui.is_page() { (link(t.edit, self.here(ui, "?do=edit")).id("f.edit").class("button")) }
                    @else { (button(t.edit).id("f.edit").postback(ui.on(Do::edit()))) }
                }
                @if self.denial(Act::Delete).is_none() {
                    (button(t.delete).id("f.delete").class("danger").confirm(t.sure).postback(ui.on(Do::delete())))
                }
            }
            (section().id("f.history").class("past").attr(attr::ARIA_LABELLEDBY, "f.history.h").body(self.story(ui)))
        }
    }

    fn form(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        let label = match self.fill.kind {
            Kind::Create if self.gone => t.anew,
            Kind::Create => t.create,
            _ => t.save,
        };
        let names = || self.names();
        let binds = Binds {
            save: ui.on(Do::save(self.gone).reads(names())),
            change: ui.on(Do::change().reads(names())),
            look: &|field| ui.on(Do::look(field.to_owned()).reads([field])),
            decide: &|field, theirs| ui.on(Do::decide(field.to_owned(), theirs).reads(names())),
        };
        let actions = html! {
            @if self.denial(self.act()).is_none() { (submit(label).id("f.save")) }
            (button(t.cancel).id("f.cancel").postback(ui.on(Do::discard())))
        };
        self.fill.show(ui, R::spec(), &self.who, &binds, &actions)
    }

    fn shown(&self, field: &Field, value: &Value, lang: &str) -> String {
        show::titled(R::spec(), field, value, &self.fill.titles, lang)
    }

    /// The history, newest first.
    fn story(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        html! {
            h2 id=(nitro::page_id("f.history.h")) { (t.history) }
            ol reversed {
                @for entry in &self.history { li { (self.entry(entry, ui.lang())) } }
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
