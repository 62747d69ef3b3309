//! A form being filled in: values, faults and offers, read and checked by the rules of `form`.

use std::collections::BTreeMap;

use form::{
    Choices, Conflict, Data, Fault, Faults, Field, Kind, Sheet, Spec, Type, Typed, Who, show::Titles,
    table::Version,
};
use maud::{Markup, html};
use n2o::Result;
use nitro::{Inputs, prelude::*};
use serde_json::Value;

use super::{
    form::titles,
    text::text,
    work::{Do, Work},
};

/// Records offered for a lookup at once.
const OFFERS: usize = 12;

/// What is saved of a form between events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Fill {
    pub(crate) kind: Kind,
    /// The version of the record that the user began with.
    pub(crate) version: Version,
    /// The values that the user began with.
    pub(crate) base: Data,
    /// What they have made of them.
    pub(crate) data: Data,
    pub(crate) faults: Faults,
    /// What somebody else has changed meanwhile.
    pub(crate) conflict: Conflict,
    #[serde(skip)]
    titles: Titles,
    #[serde(skip)]
    choices: Choices,
}

impl Fill {
    pub(crate) fn new(kind: Kind, version: Version, base: Data) -> Self {
        Fill { kind, version, data: base.clone(), base, ..Fill::default() }
    }

    /// Takes over what is in the inputs, and answers what is wrong with it.
    pub(crate) fn absorb(&mut self, spec: &Spec, who: &Who, form: Typed<'_>) -> Faults {
        spec.absorb(who, self.kind, form, &self.base, &mut self.data, &mut self.faults)
    }

    /// Takes over what is in the inputs, and says whether it can be sent. If not, the first fault gets the focus.
    pub(crate) async fn check<C>(
        &mut self,
        spec: &Spec,
        who: &Who,
        form: &Inputs,
        cx: &mut Cx<'_, C>,
    ) -> Result<bool> {
        self.faults = self.absorb(spec, who, Typed::new(form, cx.lang()));
        for (field, fault) in self.resolve(spec, who, cx).await? {
            self.faults.entry(field).or_insert(fault);
        }
        let first = spec.document.fields.iter().find(|field| self.faults.contains_key(&field.name));
        if let Some(first) = first {
            cx.focus(&first.name);
        }
        Ok(self.faults.is_empty())
    }

    /// Turns what was typed for a lookup into the id of a record, by id or by the whole title.
    async fn resolve(&mut self, spec: &Spec, who: &Who, cx: &mut n2o::Cx) -> Result<BTreeMap<String, Fault>> {
        let mut faults = BTreeMap::new();
        for field in &spec.document.fields {
            let (Type::Lookup { .. }, Some(lookup)) = (&field.kind, spec.lookup(&field.name)) else {
                continue;
            };
            let typed = self.data.get(&field.name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let same = self.base.get(&field.name).is_some_and(|was| *was == typed.as_str());
            if typed.is_empty() || same || !spec.is_open(who, self.kind, field, &self.data) {
                continue;
            }
            if lookup.title(cx.kvs(), who, &typed).await?.is_some() {
                continue;
            }
            let wanted = typed.to_lowercase();
            let found = lookup.find(cx.kvs(), who, &typed, OFFERS).await?;
            let mut named = found.into_iter().filter(|(_, title)| title.to_lowercase() == wanted);
            match (named.next(), named.next()) {
                (Some((id, _)), None) => drop(self.data.insert(field.name.clone(), Value::from(id))),
                _ => drop(faults.insert(field.name.clone(), Fault::Lookup)),
            }
        }
        Ok(faults)
    }

    /// Offers records for what is typed in a lookup.
    pub(crate) async fn look(&mut self, spec: &Spec, who: &Who, field: &str, cx: &mut n2o::Cx) -> Result {
        let typed = self.data.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(lookup) = spec.lookup(field) {
            let found = lookup.find(cx.kvs(), who, &typed, OFFERS).await?;
            self.choices.insert(field.to_owned(), found);
        }
        Ok(())
    }

    /// Reads the titles of the records that the values look up.
    pub(crate) async fn name(&mut self, spec: &Spec, who: &Who, cx: &mut n2o::Cx) -> Result {
        self.titles = titles(cx.kvs(), spec, who, &self.data).await?;
        Ok(())
    }

    /// Somebody has changed the values: theirs is taken where the user has changed nothing, and the user is asked
    /// about the others.
    pub(crate) fn merge(&mut self, spec: &Spec, who: &Who, version: Version, theirs: Data) {
        self.conflict = Conflict::new(spec, who, &self.base, &mut self.data, &theirs);
        (self.version, self.base) = (version, theirs);
    }

    /// Takes theirs, or keeps the user's own.
    pub(crate) fn decide(&mut self, spec: &Spec, field: &str, theirs: bool) {
        self.conflict.decide(spec, field, theirs, &mut self.data);
        self.faults.remove(field);
    }

    /// The labels of the fields that have faults.
    pub(crate) fn marked(&self, spec: &Spec, lang: &str) -> Option<String> {
        let fields = spec.document.fields.iter().filter(|field| self.faults.contains_key(&field.name));
        let labels: Vec<&str> = fields.map(|field| spec.document.label(&field.name, lang)).collect();
        (!labels.is_empty()).then(|| text(lang).mend.replace("{}", &labels.join(", ")))
    }

    pub(crate) fn view(&self, ui: &Ui<'_, Work>, spec: &Spec, who: &Who, send: &str, open: bool) -> Markup {
        let lang = ui.lang();
        let names = || spec.names(who, self.kind);
        let sheet = || {
            let sheet = Sheet::new(spec, who, self.kind, &self.data, lang).faults(&self.faults);
            sheet.titles(&self.titles).choices(&self.choices).begins(ui.is_page())
        };
        let choose = |field: &str, theirs: bool| ui.on(Do::decide(field.to_owned(), theirs).reads(names()));
        html! {
            (panel().id("f.conflict").class("clashes").body(self.conflict.show(spec, &self.titles, lang, &choose)))
            (form().id("f.form").class("form").postback(ui.on(Do::send().reads(names()))).body(html! {
                (panel().id("f.fields").class("fields").on(On::Change).postback(ui.on(Do::change().reads(names()))).body(html! { (sheet().dress(&|field, input| look(ui, field, input))) }))
                div class="actions" { (submit(send.to_owned()).id("f.send").class("primary").disabled(!open)) }
            }))
        }
    }
}

/// A lookup asks for offers while it is typed into.
fn look<'e>(ui: &Ui<'_, Work>, field: &Field, input: El<'e>) -> El<'e> {
    match field.kind {
        Type::Lookup { .. } => {
            input.on(On::Input).postback(ui.on(Do::look(field.name.clone()).reads([field.name.clone()])))
        }
        _ => input,
    }
}
