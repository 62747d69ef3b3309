//! A lost race, told: what somebody else made of the record, field by field, and what is to be kept.

use maud::{Markup, html};
use nitro::{Bound, prelude::*};
use serde_json::Value;

use crate::{
    access::Who,
    lang::text,
    read::Kind,
    show::{self, Titles},
    spec::Spec,
    value::Data,
};

/// Whose value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    Theirs,
    Mine,
}

/// A field that somebody else has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Clash {
    field: String,
    /// What it was when the user began.
    was: Value,
    theirs: Value,
    mine: Value,
    /// What the user has chosen, or, where they changed nothing themselves, what is taken unless they choose.
    side: Option<Side>,
}

/// What somebody else made of a record while the user was changing it, field by field, until the user has chosen
/// whose values are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conflict(Vec<Clash>);

impl Conflict {
    /// The differences between what the user began with, what they made of it, and what somebody else did.
    /// What only the other one has changed is taken over. Fields that the user may not change do not clash: of
    /// those, theirs holds.
    #[must_use]
    pub fn new(spec: &Spec, who: &Who, was: &Data, mine: &mut Data, theirs: &Data) -> Self {
        let value = |data: &Data, name: &str| data.get(name).cloned().unwrap_or(Value::Null);
        let fields = spec.document.fields.iter().filter(|field| spec.may_enter(who, Kind::Edit, field));
        let mut clashes = Vec::new();
        for name in fields.map(|field| &field.name) {
            let (was, own, theirs) = (value(was, name), value(mine, name), value(theirs, name));
            if theirs == was || theirs == own {
                continue;
            }
            let side = (own == was).then_some(Side::Theirs);
            if side.is_some() {
                mine.insert(name.clone(), theirs.clone());
            }
            clashes.push(Clash { field: name.clone(), was, theirs, mine: own, side });
        }
        spec.compute(mine);
        Conflict(clashes)
    }

    /// Whether there is a field for which nothing was chosen yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.iter().any(|clash| clash.side.is_none())
    }

    /// Whether nobody changed anything that has to be told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps theirs or the user's own value of a field.
    pub fn decide(&mut self, spec: &Spec, field: &str, theirs: bool, data: &mut Data) {
        let Some(clash) = self.0.iter_mut().find(|clash| clash.field == field) else { return };
        // What was typed since is the user's own, too.
        if clash.side != Some(Side::Theirs) {
            clash.mine = data.get(field).cloned().unwrap_or_default();
        }
        let (side, value) = if theirs { (Side::Theirs, &clash.theirs) } else { (Side::Mine, &clash.mine) };
        clash.side = Some(side);
        data.insert(field.to_owned(), value.clone());
        spec.compute(data);
    }

    /// What the user is asked to do, in a sentence; another one when they went on without choosing.
    #[must_use]
    pub fn ask(&self, lang: &str, again: bool) -> &'static str {
        if again && self.is_open() { text(lang).decide } else { text(lang).lost }
    }

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
                                    (side(clash, true))
                                    (side(clash, false))
                                    span.chosen { (match clash.side {
                                        Some(Side::Theirs) => t.taken_over,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Field, Functions, Labels, Type};

    #[test]
    fn only_what_both_changed_has_to_be_decided() {
        let field = |name: &str| Field::new(name, Type::Text);
        let document = Document::new("t", "id")
            .field_added(field("id"))
            .field_added(field("a"))
            .field_added(field("b"))
            .field_added(field("c"))
            .field_added(field("d"))
            .labels(&Labels::new("key|en\nt|T\nid|Id\na|A\nb|B\nc|C\nd|D"));
        let spec = Spec::new(document, Functions::new()).unwrap();
        let data = |values: [&str; 4]| -> Data {
            ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(values.map(Value::from)).collect()
        };
        let (was, mut mine, theirs) =
            (data(["1", "1", "1", "1"]), data(["2", "1", "2", "3"]), data(["1", "2", "3", "3"]));
        let conflict = Conflict::new(&spec, &Who::default(), &was, &mut mine, &theirs);
        let told: Vec<_> = conflict.0.iter().map(|clash| (clash.field.as_str(), clash.side)).collect();
        assert_eq!(told, [("b", Some(Side::Theirs)), ("c", None)]);
        assert_eq!((&mine["b"], &mine["c"], conflict.is_open()), (&"2".into(), &"2".into(), true));
    }
}
