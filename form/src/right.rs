//! Rights by the state of a record: who may write it, delete it, or change a field of it, while a condition holds for
//! the record as it is stored. What somebody makes of the record does not count before it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::{Act, Who},
    condition::Condition,
    field::Field,
    lang::text,
    read::Kind,
    show,
    spec::Spec,
    value::{self, Data},
};

/// Roles that may do something while a condition holds for the stored record. In a `#[derive(Form)]` it is written
/// as `write = ["clerk"] if state == "draft"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Grant {
    /// The roles; none for all.
    #[serde(default)]
    pub roles: Vec<String>,
    /// When they may. For a new record, the record is one of default values.
    #[serde(default = "Condition::always", skip_serializing_if = "Condition::is_always")]
    pub when: Condition,
}

impl Grant {
    /// These roles may while the condition holds.
    #[must_use]
    pub fn new(roles: &[&str], when: Condition) -> Self {
        Grant { roles: roles.iter().map(|role| (*role).to_owned()).collect(), when }
    }
}

/// Who may do something, and when: one of the grants is enough, and where there is none, everybody may.
///
/// ```
/// use form::{Condition, Grant, Grants, Op, Who};
///
/// let draft = Condition::test("state", Op::Eq, "draft");
/// let grants = Grants::roles(&["manager"]).and(Grant::new(&["clerk"], draft));
/// let (clerk, packed) = (Who::new("ada", &["clerk"]), serde_json::json!({ "state": "packed" }));
/// assert!(grants.ever(&clerk) && !grants.now(&clerk, packed.as_object().unwrap()));
/// assert_eq!(serde_json::to_string(&Grants::roles(&["clerk"])).unwrap(), r#"["clerk"]"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Grants(Vec<Grant>);

/// Grants as they are written: roles by themselves where there is no condition.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Roles(Vec<String>),
    Grants(Vec<Grant>),
}

impl From<Written> for Grants {
    fn from(written: Written) -> Self {
        match written {
            Written::Roles(roles) if roles.is_empty() => Grants::default(),
            Written::Roles(roles) => Grants(vec![Grant { roles, when: Condition::Always }]),
            Written::Grants(grants) => Grants(grants),
        }
    }
}

impl From<Grants> for Written {
    fn from(Grants(mut grants): Grants) -> Self {
        match grants.as_mut_slice() {
            [] => Written::Roles(Vec::new()),
            [Grant { roles, when: Condition::Always }] => Written::Roles(std::mem::take(roles)),
            _ => Written::Grants(grants),
        }
    }
}

impl Grants {
    /// These roles may, whatever the record is; none for all.
    #[must_use]
    pub fn roles(roles: &[&str]) -> Self {
        if roles.is_empty() { Grants::default() } else { Grants(vec![Grant::new(roles, Condition::Always)]) }
    }

    /// Others may, too.
    #[must_use]
    pub fn and(mut self, grant: Grant) -> Self {
        self.0.push(grant);
        self
    }

    /// Nothing is said, so that everybody may.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Somebody may, at least while a record is in some state.
    #[must_use]
    pub fn ever(&self, who: &Who) -> bool {
        self.is_empty() || self.of(who).next().is_some()
    }

    /// Somebody may while a record is stored so.
    #[must_use]
    pub fn now(&self, who: &Who, stored: &Data) -> bool {
        self.is_empty() || who.is_program() || self.of(who).any(|grant| grant.when.holds(stored))
    }

    /// What speaks of the roles of somebody.
    fn of(&self, who: &Who) -> impl Iterator<Item = &Grant> {
        self.0.iter().filter(|grant| who.is_any(&grant.roles))
    }

    /// Calls `f` with each field that a condition looks at.
    pub(crate) fn fields<'a>(&'a self, f: &mut dyn FnMut(&'a str)) {
        self.0.iter().for_each(|grant| grant.when.fields(f));
    }
}

/// Why somebody may not do something with a record: what its form says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Denial {
    /// What they may not do.
    pub act: Act,
    /// The field that they may not change; `None` when it is the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The values of the stored record that stand against it, as far as they may see them. `None` when they may not
    /// do it whatever the record is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Data>,
}

impl Denial {
    /// The denial as a sentence for the user, which names what stands against it.
    #[must_use]
    pub fn text(&self, spec: &Spec, lang: &str) -> String {
        let t = text(lang);
        let Some(state) = &self.state else { return t.denied.to_owned() };
        let sentence = match (&self.field, self.act) {
            (Some(_), _) => t.locked_fields,
            (None, Act::Delete) => t.locked_delete,
            (None, Act::Create) => t.locked_create,
            (None, _) => t.locked,
        };
        let field = self.field.as_deref().map(|field| spec.document.label(field, lang)).unwrap_or_default();
        let parts: Vec<&str> = sentence.split("{}").collect();
        let values = [told(spec, state, lang), field.to_owned()];
        parts.iter().enumerate().fold(String::new(), |text, (at, part)| {
            let value = at.checked_sub(1).and_then(|at| values.get(at));
            text + value.map_or("", String::as_str) + part
        })
    }
}

/// The values that stand against something, in brackets after a blank; nothing when none of them may be seen.
pub(crate) fn told(spec: &Spec, state: &Data, lang: &str) -> String {
    let fields = spec.document.fields.iter().filter_map(|field| Some((field, state.get(&field.name)?)));
    let shown = fields.map(|(field, value)| {
        let value = show::value(spec, field, value, lang);
        format!("{}: {}", spec.document.label(&field.name, lang), if value.is_empty() { "-" } else { &value })
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
}

impl Spec {
    /// Why somebody may not do this with a record that is stored so, the fields of it aside; `None` when they may.
    /// What may be created is asked of the values of a [blank](Spec::blank) one.
    #[must_use]
    pub fn denial(&self, who: &Who, act: Act, stored: &Data) -> Option<Denial> {
        let rights = &self.document.rights;
        if !rights.allow(who, act) {
            return Some(Denial { act, field: None, state: None });
        }
        let grants = rights.grants(act)?;
        (!grants.now(who, stored)).then(|| Denial {
            act,
            field: None,
            state: Some(self.against(who, grants, stored)),
        })
    }

    /// Why somebody may not change a field of a record that is stored so, though they may change the record.
    #[must_use]
    pub fn denial_of(&self, who: &Who, act: Act, field: &Field, stored: &Data) -> Option<Denial> {
        if field.write.now(who, stored) {
            return None;
        }
        let state = field.write.ever(who).then(|| self.against(who, &field.write, stored));
        Some(Denial { act, field: Some(field.name.clone()), state })
    }

    /// Why a field of a form of this kind is not open to somebody as the record is stored.
    pub(crate) fn lock(&self, who: &Who, kind: Kind, field: &Field, stored: &Data) -> Option<Denial> {
        let act = match kind {
            Kind::Create => Act::Create,
            Kind::Edit => Act::Update,
            Kind::View | Kind::Search | Kind::Row => return None,
        };
        self.denial(who, act, stored).or_else(|| self.denial_of(who, act, field, stored))
    }

    /// What of these values is for fields that are not open to somebody as the record is stored.
    pub(crate) fn locked(&self, who: &Who, kind: Kind, stored: &Data, data: &Data) -> Data {
        let fields = self.document.fields.iter().filter(|field| self.may_enter(who, kind, field));
        let given = fields.filter_map(|field| Some((field, data.get(&field.name)?)));
        let given = given.filter(|(field, value)| {
            !value::is_empty(value) && differs(field, value, stored.get(&field.name))
        });
        let locked = given.filter(|(field, _)| self.lock(who, kind, field, stored).is_some());
        locked.map(|(field, value)| (field.name.clone(), value.clone())).collect()
    }

    /// Why somebody may not write these values over a record that is stored so. Every write of a record asks this in its
    /// transaction.
    #[must_use]
    pub fn forbids(&self, who: &Who, act: Act, stored: &Data, data: &Data) -> Option<Denial> {
        if who.is_program() {
            return None;
        }
        let fields = self.document.fields.iter().filter(|field| {
            let is_made = field.computed.is_some() || field.name == self.document.id;
            !is_made
                && data.get(&field.name).is_some_and(|value| differs(field, value, stored.get(&field.name)))
        });
        self.denial(who, act, stored)
            .or_else(|| fields.into_iter().find_map(|field| self.denial_of(who, act, field, stored)))
    }

    /// What of a stored record is the reason that none of the grants holds for somebody.
    fn against(&self, who: &Who, grants: &Grants, stored: &Data) -> Data {
        let mut state = Data::new();
        for grant in grants.of(who) {
            grant.when.fields(&mut |name| {
                let seen = self.document.field(name).filter(|field| self.may_see(who, field));
                if seen.is_some() {
                    state.insert(name.to_owned(), stored.get(name).cloned().unwrap_or(Value::Null));
                }
            });
        }
        state
    }
}

/// Two values of a field are not the same one, however they are written.
fn differs(field: &Field, value: &Value, other: Option<&Value>) -> bool {
    let other = other.unwrap_or(&Value::Null);
    value != other && value::parse(field, value) != value::parse(field, other)
}
