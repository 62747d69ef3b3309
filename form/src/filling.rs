//! A form being filled in, from its first value to the record: cards, the forms of processes and REST do it here,
//! and so alike.

use kvs::Txn;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::{Act, Who},
    conflict::Conflict,
    error::Result,
    fault::{Fault, Faults},
    field::{Field, Type},
    lang::text,
    list,
    lookup::{Choices, Lookup},
    read::{Filled, Kind},
    records::Records,
    right::Denial,
    show::Titles,
    spec::Spec,
    table::{By, Kept, Saved, Version},
    value::{Data, plain},
};

/// Characters of the name of a field that does not exist, in the fault that says so.
const MAX_NAME: usize = 64;

/// A form being filled in: what its user began with, what they have made of it, what is wrong with that, and what
/// others have changed meanwhile. It is a part of the state of its page.
///
/// ```
/// # use form::*;
/// # #[derive(serde::Serialize, serde::Deserialize, Form)]
/// # #[form(table = "ring", labels = LABELS, public)]
/// # struct Ring { #[form(id)] name: String, #[form(required)] size: Option<u32> }
/// # const LABELS: Labels = Labels::new("key|en\nring|Rings\nname|Name\nsize|Size");
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let store = kvs::Store::open("memory:").await?;
/// # let who = Who::new("ada", &[]);
/// # let mut txn = store.txn();
/// let rings = Records::of::<Ring>();
/// let mut filling = Filling::create(rings.spec().blank());
/// filling.give(rings.spec(), &who, &serde_json::json!({ "name": "r1" }), &mut txn).await?;
/// assert_eq!(filling.faults["size"], Fault::Required);
/// filling.give(rings.spec(), &who, &serde_json::json!({ "name": "r1", "size": 17 }), &mut txn).await?;
/// let ended = filling.save(rings, &mut txn, table::By { who: &who, now: 0 }).await?;
/// assert_eq!(ended, Ended::Saved { id: "r1".into(), act: Some(Act::Create) });
/// # Ok::<(), form::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Filling {
    /// Whether a record is made, changed or looked at.
    pub kind: Kind,
    /// The version of the record that the user began with, or has seen in a conflict since.
    pub version: Version,
    /// The values of that version.
    pub base: Data,
    /// What the user has made of them.
    pub data: Data,
    /// What the user has typed into fields that are not open now, for when they are again.
    #[serde(default)]
    pub(crate) aside: Data,
    /// What is wrong with them and shown.
    pub faults: Faults,
    /// What others have changed meanwhile.
    pub conflict: Conflict,
    /// The titles of the records that the values look up.
    #[serde(skip)]
    pub titles: Titles,
    /// The records offered for lookups.
    #[serde(skip)]
    pub choices: Choices,
}

/// How it ended to save what was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// The record will be on disk with the transaction.
    Saved {
        /// Its id.
        id: String,
        /// What was done; nothing where no value differs from what was there.
        act: Option<Act>,
    },
    /// The user has no right to it, or not as the record is. Nothing was written.
    Denied(Denial),
    /// The record is not there any more.
    Gone,
    /// Somebody has written the record since it was read. Theirs is taken over where the user has changed nothing;
    /// the rest is in [`Filling::conflict`].
    Lost,
    /// The id is taken, or another one than that of the record, which [`Filling::faults`] says.
    Faulty,
}

impl Filling {
    /// A new record over these values, such as those of [`Spec::blank`].
    #[must_use]
    pub fn create(base: Data) -> Self {
        Filling { kind: Kind::Create, data: base.clone(), base, ..Filling::default() }
    }

    /// A record that is there.
    #[must_use]
    pub fn of(kind: Kind, kept: Kept) -> Self {
        let Kept { version, data } = kept;
        Filling { kind, version, base: data.clone(), data, ..Filling::default() }
    }

    /// Takes over what a program gives, an object of fields, over the values that were there before, and finds all that
    /// is wrong with it. What cannot be entered is a fault, where what a browser sends is ignored; but a value that
    /// comes back as it was read is none.
    pub async fn give(&mut self, spec: &Spec, who: &Who, given: &Value, txn: &mut Txn) -> Result {
        let Value::Object(given) = given else {
            self.faults = Faults::from([(String::new(), Fault::Type)]);
            return Ok(());
        };
        let filled = spec.fill(who, self.kind, given, &self.base);
        (self.data, self.faults) = (filled.data, filled.faults);
        for (name, value) in given {
            // A field that the caller may not see is not there for them.
            let seen = spec.document.field(name).filter(|field| spec.may_see(who, field));
            let fault = match seen {
                None => Fault::Unknown,
                Some(field) if spec.is_open(who, self.kind, field, &self.base, &self.data) => continue,
                Some(field) if self.data.get(&field.name) == Some(value) => continue,
                Some(field) => match spec.lock(who, self.kind, field, &self.base).and_then(|lock| lock.state)
                {
                    Some(state) if spec.may_enter(who, self.kind, field) => Fault::Locked { state },
                    _ => Fault::Fixed,
                },
            };
            self.faults.insert(name.chars().take(MAX_NAME).collect(), fault);
        }
        for (field, lookup, id) in self.looked_up(spec, who) {
            if lookup.title(txn, who, &id).await?.is_none() {
                self.faults.insert(field.name.clone(), Fault::Lookup);
            }
        }
        Ok(())
    }

    /// The lookups that the user has changed, with what stands in them now. A record that is not there any more stays
    /// where nobody has touched it.
    pub(crate) fn looked_up<'s>(&self, spec: &'s Spec, who: &Who) -> Vec<(&'s Field, Lookup, String)> {
        let fields = spec.document.fields.iter().filter(|field| matches!(field.kind, Type::Lookup { .. }));
        // One that has a fault already is no id of anything.
        let fields = fields.filter(|field| !self.faults.contains_key(&field.name));
        let changed = fields.filter_map(|field| {
            let (was, now) = (self.base.get(&field.name), self.data.get(&field.name)?);
            let typed = now.as_str().filter(|typed| !typed.is_empty() && was != Some(now))?.to_owned();
            let is_open = spec.is_open(who, self.kind, field, &self.base, &self.data);
            Some((field, spec.lookup(&field.name).filter(|_| is_open)?, typed))
        });
        changed.collect()
    }

    /// Reads the titles of the records that the values look up, also those that are to be chosen from.
    pub async fn entitle(&mut self, spec: &Spec, who: &Who, txn: &mut Txn) -> Result {
        self.titles.clear();
        let sides = self.conflict.sides();
        for data in [&self.data, &self.base].into_iter().chain(&sides) {
            list::add_titles(txn, spec, who, data, &mut self.titles).await?;
        }
        Ok(())
    }

    /// Goes on over what somebody else has made of the values: theirs is taken where the user has changed nothing, and
    /// they are asked about the others. What they have typed into a field that is not open any more is shown.
    pub fn merge(&mut self, spec: &Spec, who: &Who, theirs: Kept) {
        let (mut own, before) = (self.own(), self.data.clone());
        self.conflict = self.conflict.again(spec, who, &self.base, &mut own, &theirs.data);
        let was = std::mem::replace(&mut self.base, theirs.data);
        self.version = theirs.version;
        self.refill(spec, who, &own);
        let is_open =
            |field: &Field, base: &Data, data: &Data| spec.is_open(who, self.kind, field, base, data);
        let is_closed =
            |field: &&Field| is_open(field, &was, &before) && !is_open(field, &self.base, &self.data);
        let closed = spec.document.fields.iter().filter(is_closed);
        self.conflict.add_closed(spec, closed, &was, &own, &self.base);
    }

    /// Goes over to the record as it is now where that closes or opens fields to the user, and says whether it did. What
    /// they have typed for closed ones is in [`Filling::conflict`]. Other changes are told when they save.
    pub fn follow(&mut self, spec: &Spec, who: &Who, now: Kept) -> bool {
        let is_closed = |field, stored| spec.lock(who, Kind::Edit, field, stored).is_some();
        let mut fields = spec.document.fields.iter();
        let is_other = now.version != self.version
            && fields.any(|field| is_closed(field, &self.base) != is_closed(field, &now.data));
        if is_other {
            self.merge(spec, who, now);
        }
        is_other
    }

    /// Takes theirs, or keeps the user's own.
    pub fn decide(&mut self, spec: &Spec, who: &Who, field: &str, theirs: bool) {
        let mut own = self.own();
        self.conflict.decide(field, theirs, &mut own);
        self.faults.remove(field);
        self.refill(spec, who, &own);
    }

    /// All that the user has typed, also into fields that are not open.
    fn own(&self) -> Data {
        let mut own = self.data.clone();
        own.extend(self.aside.clone());
        own
    }

    /// Fills in these values over those that the user goes on with.
    fn refill(&mut self, spec: &Spec, who: &Who, own: &Data) {
        let given = |field: &Field| Some(Ok(own.get(&field.name)?.clone()));
        self.take(spec, who, spec.fill_with(who, self.kind, &self.base, &given));
    }

    /// Takes over what was filled in, and answers what is wrong with it.
    pub(crate) fn take(&mut self, spec: &Spec, who: &Who, filled: Filled) -> Faults {
        (self.data, self.aside) = (filled.data, filled.aside);
        self.conflict.follow(spec, who, self.kind, (&self.base, &self.data));
        filled.faults
    }

    /// The fields that have faults, in their order.
    fn faulty<'s>(&self, spec: &'s Spec) -> impl Iterator<Item = &'s Field> {
        spec.document.fields.iter().filter(|field| self.faults.contains_key(&field.name))
    }

    /// The first field with a fault, for the focus.
    #[must_use]
    pub fn first_fault<'s>(&self, spec: &'s Spec) -> Option<&'s str> {
        self.faulty(spec).next().map(|field| field.name.as_str())
    }

    /// What the user is asked to mend, by the labels of the fields; empty when there is nothing.
    #[must_use]
    pub fn marked(&self, spec: &Spec, lang: &str) -> String {
        let labels: Vec<&str> =
            self.faulty(spec).map(|field| spec.document.label(&field.name, lang)).collect();
        if labels.is_empty() { String::new() } else { text(lang).mend.replace("{}", &labels.join(", ")) }
    }

    /// Writes the record of values without faults: a new one, or the one that was read.
    pub async fn save(&mut self, records: Records, txn: &mut Txn, by: By<'_>) -> Result<Ended> {
        let document = &records.spec().document;
        let act = if self.kind == Kind::Create { Act::Create } else { Act::Update };
        if !document.rights.allow(by.who, act) {
            return Ok(Ended::Denied(Denial { act, field: None, state: None }));
        }
        let saved = match act {
            Act::Create => records.create(txn, by, &self.data).await?,
            _ => {
                let id = self.base.get(&document.id).map(plain).unwrap_or_default();
                records.update(txn, by, &id, self.version, &self.data).await?
            }
        };
        let fault = match saved {
            Saved::Done { id } => return Ok(Ended::Saved { id, act: Some(act) }),
            Saved::Same { id } => return Ok(Ended::Saved { id, act: None }),
            Saved::Gone => return Ok(Ended::Gone),
            Saved::Denied(denial) => return Ok(Ended::Denied(denial)),
            Saved::Lost(theirs) => {
                self.merge(records.spec(), by.who, theirs);
                return Ok(Ended::Lost);
            }
            Saved::Taken => Fault::Taken,
            Saved::Moved => Fault::Fixed,
        };
        self.faults.insert(document.id.clone(), fault);
        Ok(Ended::Faulty)
    }
}

#[cfg(all(test, feature = "screens"))]
mod tests;
