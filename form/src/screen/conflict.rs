//! A lost race, told: what somebody else made of the record, field by field, and what is to be kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{access::Who, read::Kind, spec::Spec, value::Data};

/// Whose value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    Theirs,
    Mine,
}

/// A field that somebody else has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clash {
    pub(crate) field: String,
    /// What it was when the user began.
    pub(crate) was: Value,
    pub(crate) theirs: Value,
    pub(crate) mine: Value,
    /// What the user has chosen, or, where they changed nothing themselves, what is taken unless they choose.
    pub(crate) side: Option<Side>,
}

/// The differences between what the user began with, what they made of it, and what somebody else did.
/// Fields that the user may not change do not clash: of those, theirs holds.
pub(crate) fn clashes(spec: &Spec, who: &Who, was: &Data, mine: &Data, theirs: &Data) -> Vec<Clash> {
    let value = |data: &Data, name: &str| data.get(name).cloned().unwrap_or(Value::Null);
    let fields = spec.document.fields.iter().filter(|field| spec.may_enter(who, Kind::Edit, field));
    let clashes = fields.filter_map(|field| {
        let name = &field.name;
        let (was, mine, theirs) = (value(was, name), value(mine, name), value(theirs, name));
        if theirs == was || theirs == mine {
            return None;
        }
        let side = (mine == was).then_some(Side::Theirs);
        Some(Clash { field: name.clone(), was, theirs, mine, side })
    });
    clashes.collect()
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
        let (was, mine, theirs) =
            (data(["1", "1", "1", "1"]), data(["2", "1", "2", "3"]), data(["1", "2", "3", "3"]));
        let clashes = clashes(&spec, &Who::default(), &was, &mine, &theirs);
        let told: Vec<_> = clashes.iter().map(|clash| (clash.field.as_str(), clash.side)).collect();
        assert_eq!(told, [("b", Some(Side::Theirs)), ("c", None)]);
    }
}
