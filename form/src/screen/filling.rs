//! A form being filled in, as elements; and a lost race, field by field, with buttons to choose.

use maud::{Markup, html};
use nitro::{Bound, Component, prelude::*};

use crate::{
    access::{Act, Who},
    conflict::{Clash, Conflict, Side},
    field::{Field, Type},
    filling::Filling,
    lang::text,
    read::Kind,
    right::{self, Denial},
    show::{self, Titles},
    spec::Spec,
    value::Data,
    view::Sheet,
};

/// The events of a page to which a form is bound. The form's inputs are what
/// [reads](nitro::Postback::reads) name.
pub struct Binds<'a> {
    /// It is to be saved.
    pub save: Bound,
    /// A value has changed.
    pub change: Bound,
    /// Records are to be offered for what is typed in the lookup of this name.
    pub look: &'a dyn Fn(&str) -> Bound,
    /// Theirs is to be taken for the field of this name, or else the user's own kept.
    pub decide: &'a dyn Fn(&str, bool) -> Bound,
}

impl std::fmt::Debug for Binds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binds")
            .field("save", &self.save)
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}

impl Filling {
    /// What is to be chosen between, and the form with the buttons in `actions`. A page of its own begins at the first
    /// field that can be filled in.
    #[must_use]
    pub fn show<C: Component>(
        &self,
        ui: &Ui<'_, C>,
        spec: &Spec,
        who: &Who,
        binds: &Binds<'_>,
        actions: &Markup,
    ) -> Markup {
        let sheet = || {
            let sheet = Sheet::new(spec, who, self.kind, &self.data, ui.lang());
            let sheet = sheet.over(&self.base).faults(&self.faults);
            sheet.titles(&self.titles).choices(&self.choices).begins(ui.is_page())
        };
        html! {
            (self.rights(spec, who, ui.lang()))
            (panel().id("f.conflict").class("clashes").body(self.conflict.show(spec, &self.titles, ui.lang(), binds.decide)))
            (form().id("f.form").attr(attr::ARIA_LABELLEDBY, "f.title").postback(binds.save.clone()).body(html! {
                (panel().id("f.fields").class("fields").on(On::Change).postback(binds.change.clone())
                    .body(html! { (sheet().dress(&|field, input| look(field, input, binds.look))) }))
                div.actions { (actions) }
            }))
        }
    }
}

impl Filling {
    /// What the user may not do with the record as it is stored, though they might with others, in sentences.
    pub(crate) fn rights(&self, spec: &Spec, who: &Who, lang: &str) -> Markup {
        let by_state = |act| spec.denial(who, act, &self.base).filter(|denial| denial.state.is_some());
        let acts: &[Act] = match self.kind {
            Kind::View => &[Act::Update, Act::Delete],
            Kind::Edit => &[Act::Update],
            Kind::Create => &[Act::Create],
            Kind::Search | Kind::Row => &[],
        };
        let denials: Vec<Denial> = acts.iter().filter_map(|act| by_state(*act)).collect();
        let mut sentences: Vec<String> = denials.iter().map(|denial| denial.text(spec, lang)).collect();
        if self.kind == Kind::Edit && denials.is_empty() {
            sentences.extend(self.closed(spec, who, lang));
        }
        let said = sentences.join(" ");
        let place = p().id("f.rights").class("rights").attr(attr::ROLE, "status");
        html! { (place.hidden(said.is_empty()).text(said)) }
    }

    /// The fields that the user may not change as the record is stored, in a sentence.
    fn closed(&self, spec: &Spec, who: &Who, lang: &str) -> Option<String> {
        let (mut state, mut labels) = (Data::new(), Vec::new());
        for field in spec.document.fields.iter().filter(|field| spec.may_enter(who, self.kind, field)) {
            if let Some(denial) = spec.denial_of(who, Act::Update, field, &self.base) {
                labels.push(spec.document.label(&field.name, lang));
                state.extend(denial.state.unwrap_or_default());
            }
        }
        let [first, second, ..] = text(lang).locked_fields.split("{}").collect::<Vec<_>>()[..] else {
            return None;
        };
        let told = right::told(spec, &state, lang);
        (!labels.is_empty()).then(|| format!("{first}{told}{second}{}.", labels.join(", ")))
    }
}

/// Lets a lookup offer records while something is typed in it.
fn look<'e>(field: &Field, input: El<'e>, look: &dyn Fn(&str) -> Bound) -> El<'e> {
    match field.kind {
        Type::Lookup { .. } => input.on(On::Input).postback(look(&field.name)),
        _ => input,
    }
}

impl Conflict {
    /// Theirs and mine, field by field, with buttons to choose: `choose` binds the event for a field and for
    /// whether theirs is taken.
    #[must_use]
    pub fn show(
        &self,
        spec: &Spec,
        titles: &Titles,
        lang: &str,
        choose: &dyn Fn(&str, bool) -> Bound,
    ) -> Markup {
        let t = text(lang);
        let fields = self.0.iter().filter_map(|clash| Some((clash, spec.document.field(&clash.field)?)));
        let shown = |field, value| show::titled(spec, field, value, titles, lang);
        let side = |clash: &Clash, theirs: bool| {
            let (label, own, word) =
                if theirs { (t.take, Side::Theirs, "theirs") } else { (t.keep, Side::Mine, "mine") };
            button(label)
                .id(format!("{}.{word}", clash.field))
                .attr(attr::ARIA_PRESSED, if clash.side == Some(own) { "true" } else { "false" })
                .postback(choose(&clash.field, theirs))
        };
        html! {
            @if !self.0.is_empty() {
                table.conflict {
                    thead { tr {
                        th scope="col" { (t.field) } th scope="col" { (t.before) }
                        th scope="col" { (t.theirs) } th scope="col" { (t.mine) } th scope="col" { }
                    } }
                    tbody {
                        @for (clash, field) in fields {
                            (tr().id(format!("{}.r", field.name)).body(html! {
                                th scope="row" { (spec.document.label(&field.name, lang)) }
                                td data-th=(t.before) { (shown(field, &clash.was)) }
                                td data-th=(t.theirs) { (shown(field, &clash.theirs)) }
                                td data-th=(t.mine) { (shown(field, &clash.mine)) }
                                td {
                                    @if !clash.locked && !clash.closed {
                                        (side(clash, true))
                                        (side(clash, false))
                                    }
                                    span.chosen { (match clash.side {
                                        _ if clash.locked => t.locked_mine,
                                        Some(Side::Theirs) => t.taken_over,
                                        _ if clash.closed => t.not_asked,
                                        Some(Side::Mine) => t.kept,
                                        None => "",
                                    }) }
                                }
                            }))
                        }
                    }
                }
            }
        }
    }
}
