//! Two people fill in one record whose fields hide each other: nothing that is stored or typed disappears.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Condition, Document, Field, Functions, Labels, Op, Type, Typed};

/// Fields that may be hidden by others.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Cases of the property.
const CASES: u32 = 10_000;

/// When a field is shown or read-only: by the value of another one, which stands before it.
#[derive(Clone, Debug)]
struct Rule {
    by: usize,
    value: Option<&'static str>,
    not: bool,
    readonly: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Type { user: usize, field: usize, value: &'static str },
    Save { user: usize },
    Decide { user: usize, row: usize, theirs: bool },
}

fn rule() -> impl Strategy<Value = Option<Rule>> {
    let value = prop::option::of(prop::sample::select(vec!["x", "y"]));
    let rule = (0..NAMES.len(), value, any::<bool>(), any::<bool>());
    prop::option::of(rule.prop_map(|(by, value, not, readonly)| Rule { by, value, not, readonly }))
}

fn step() -> impl Strategy<Value = Step> {
    let (user, field) = (0..2_usize, 0..NAMES.len());
    let value = prop::sample::select(vec!["", "x", "y", "z"]);
    prop_oneof![
        6 => (user.clone(), field.clone(), value).prop_map(|(user, field, value)| Step::Type { user, field, value }),
        2 => user.clone().prop_map(|user| Step::Save { user }),
        2 => (user, field, any::<bool>()).prop_map(|(user, row, theirs)| Step::Decide { user, row, theirs }),
    ]
}

fn spec(rules: &[Option<Rule>]) -> Spec {
    let mut document = Document::new("t", "id").field_added(Field::new("id", Type::Text));
    for (number, name) in NAMES.iter().enumerate() {
        let mut field = Field::new(name, Type::Text);
        if let Some(Some(Rule { by, value, not, readonly })) = rules.get(number)
            && *by < number
        {
            let by = NAMES[*by];
            let when =
                value.map_or_else(|| Condition::Set(by.into()), |value| Condition::test(by, Op::Eq, value));
            let when = if *not { Condition::Not(Box::new(when)) } else { when };
            field = if *readonly { field.readonly(when) } else { field.visible(when) };
        }
        document = document.field_added(field);
    }
    let labels = Labels::new("key|en\nt|T\nid|Id\na|A\nb|B\nc|C\nd|D\ne|E");
    Spec::new(document.labels(&labels), Functions::new()).expect("a form")
}

fn text(data: &Data, name: &str) -> String {
    data.get(name).map(plain).unwrap_or_default()
}

/// One of two people with the record before them.
struct User {
    fill: Filling,
    /// The last that they have typed into each field, unless they have taken theirs since.
    typed: BTreeMap<&'static str, String>,
}

struct World {
    spec: Spec,
    who: Who,
    stored: Kept,
    users: [User; 2],
}

impl World {
    fn new(rules: &[Option<Rule>], values: &[&str]) -> Self {
        let mut data = Data::from_iter([("id".to_owned(), Value::from("1"))]);
        data.extend(NAMES.iter().zip(values).map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        let stored = Kept { version: Version::default(), data };
        let user = || User { fill: Filling::of(Kind::Edit, stored.clone()), typed: BTreeMap::new() };
        World { spec: spec(rules), who: Who::default(), users: [user(), user()], stored }
    }

    fn is_open(&self, user: usize, name: &str) -> bool {
        let fill = &self.users[user].fill;
        let field = self.spec.document.field(name).expect("a field");
        self.spec.is_open(&self.who, Kind::Edit, field, &fill.base, &fill.data)
    }

    /// What is in the inputs: those of the fields that are open.
    fn inputs(&self, user: usize, typed: Option<(&str, &str)>) -> nitro::Inputs {
        let input = |name: &&str| {
            let shown = || text(&self.users[user].fill.data, name);
            let value = match typed {
                Some((field, value)) if field == *name => Some(value.to_owned()),
                _ => self.is_open(user, name).then(shown),
            };
            ((*name).to_owned(), value.map_or(n2o::Value::Null, |value| n2o::Value::Text(value.into())))
        };
        NAMES.iter().map(input).collect()
    }

    fn absorb(&mut self, user: usize, typed: Option<(&str, &str)>) {
        let inputs = self.inputs(user, typed);
        self.users[user].fill.absorb(&self.spec, &self.who, Typed::new(&inputs, "en"));
    }

    fn go(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Type { user, field, value } => {
                let name = NAMES[field];
                if self.is_open(user, name) {
                    self.absorb(user, Some((name, value)));
                    let it = &mut self.users[user];
                    // Whoever types what is there has changed nothing.
                    if text(&it.fill.base, name) == value {
                        it.typed.remove(name);
                    } else {
                        it.typed.insert(name, value.to_owned());
                    }
                }
            }
            Step::Decide { user, row, theirs } => {
                self.absorb(user, None);
                let it = &mut self.users[user];
                let rows: Vec<String> = it
                    .fill
                    .conflict
                    .0
                    .iter()
                    .filter(|clash| !clash.closed)
                    .map(|clash| clash.field.clone())
                    .collect();
                let Some(field) = rows.get(row) else { return Ok(()) };
                it.fill.decide(&self.spec, &self.who, field, theirs);
                it.typed.retain(|name, _| name != field);
                if !theirs {
                    let name = NAMES.into_iter().find(|name| name == field);
                    let mine = it.fill.conflict.0.iter().find(|clash| clash.field == *field);
                    it.typed.extend(name.zip(mine.map(|clash| plain(&clash.mine))));
                }
            }
            Step::Save { user } => {
                self.absorb(user, None);
                let is_stale = self.users[user].fill.version != self.stored.version;
                if is_stale {
                    self.users[user].fill.merge(&self.spec, &self.who, self.stored.clone());
                } else if !self.users[user].fill.conflict.is_open() {
                    self.save(user)?;
                }
            }
        }
        self.check()
    }

    fn save(&mut self, user: usize) -> Result<(), TestCaseError> {
        let before = std::mem::replace(&mut self.stored.data, self.users[user].fill.data.clone());
        for name in NAMES {
            let (was, is) = (text(&before, name), text(&self.stored.data, name));
            let typed = self.users[user].typed.get(name).filter(|_| self.is_open(user, name));
            prop_assert_eq!(&is, typed.unwrap_or(&was), "{} was {} and is {}", name, was, is);
        }
        self.stored.version = Version::from(self.stored.version + 1);
        self.users[user] =
            User { fill: Filling::of(Kind::Edit, self.stored.clone()), typed: BTreeMap::new() };
        Ok(())
    }

    /// All that was typed is there: in its field, for when its field is shown again, or among what is to be chosen.
    fn check(&self) -> Result<(), TestCaseError> {
        for (number, User { fill, typed }) in self.users.iter().enumerate() {
            for (name, value) in typed {
                let is_open = self.is_open(number, name);
                let row = fill.conflict.0.iter().find(|clash| clash.field == *name);
                let is_shown = row.is_some_and(|clash| plain(&clash.mine) == *value);
                let is_there = text(&fill.data, name) == *value
                    || !is_open && fill.aside.contains_key(*name) && text(&fill.aside, name) == *value;
                prop_assert!(is_there || is_shown, "{} of {} is gone: {:?}", value, name, fill);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stored_or_typed_disappears(
        rules in prop::collection::vec(rule(), NAMES.len()),
        values in prop::collection::vec(prop::sample::select(vec!["", "x", "y"]), NAMES.len()),
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let mut world = World::new(&rules, &values);
        for step in &steps {
            world.go(step)?;
        }
    }
}

fn vip() -> World {
    // `b` is shown where `a` is `x`.
    let rules = [None, Some(Rule { by: 0, value: Some("x"), not: false, readonly: false })];
    World::new(&rules, &["x", "credit", "", "", ""])
}

fn go(world: &mut World, steps: &[Step]) {
    for step in steps {
        world.go(step).expect("nothing disappears");
    }
}

#[test]
fn a_field_that_is_hidden_and_shown_again_is_as_it_was() {
    let mut world = vip();
    let typed = |field, value| Step::Type { user: 0, field, value };
    go(&mut world, &[typed(0, "y"), typed(0, "x"), Step::Save { user: 0 }]);
    assert_eq!(text(&world.stored.data, "b"), "credit");
    go(&mut world, &[typed(1, "z"), typed(0, "y")]);
    assert_eq!(text(&world.users[0].fill.data, "b"), "credit", "what is stored stays while it is hidden");
    go(&mut world, &[typed(0, "x"), Step::Save { user: 0 }]);
    assert_eq!(text(&world.stored.data, "b"), "z", "what was typed is back");
}

#[test]
fn what_others_have_hidden_is_shown_among_what_changed() {
    let mut world = vip();
    let typed = |user, field, value| Step::Type { user, field, value };
    go(&mut world, &[typed(0, 1, "z"), typed(1, 0, "y"), Step::Save { user: 1 }, Step::Save { user: 0 }]);
    let rows = |world: &World| -> Vec<(String, bool)> {
        let rows = world.users[0].fill.conflict.0.iter();
        rows.map(|clash| (clash.field.clone(), clash.closed)).collect()
    };
    assert_eq!(rows(&world), [("a".to_owned(), false), ("b".to_owned(), true)]);
    go(&mut world, &[Step::Decide { user: 0, row: 0, theirs: false }]);
    assert_eq!(rows(&world), [("a".to_owned(), false), ("b".to_owned(), false)]);
    assert_eq!(text(&world.users[0].fill.data, "b"), "z");
}
