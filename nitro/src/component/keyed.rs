//! A holder of components by key.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::Child;

/// Components of one type, each under a key, in the order in which they were opened.
///
/// One that is closed and opened again is another one: what was sealed for the first is refused. The key stands
/// in the ids of its elements; one of more than 20 characters or of others than `A-Z a-z 0-9 _ -` is replaced
/// there by a number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Keyed<K, C>(pub(crate) Vec<(K, Child<C>)>);

impl<K, C> Default for Keyed<K, C> {
    fn default() -> Self {
        Keyed(Vec::new())
    }
}

impl<K: PartialEq, C> Keyed<K, C> {
    /// Opens a component under a key, unless there is one.
    pub fn open(&mut self, key: K, it: C) {
        if self.get(&key).is_none() {
            self.0.push((key, Child::new(it)));
        }
    }

    /// Closes the component of a key.
    pub fn close(&mut self, key: &K) -> Option<C> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1.it)
    }

    /// The component of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&Child<C>> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, child)| child)
    }

    /// The component of a key, to be written to.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut C> {
        self.0.iter_mut().find(|(known, _)| known == key).map(|(_, child)| &mut **child)
    }

    /// The key of an open component as it stands in the ids of its elements, such as `7` in `cards.7.name`: for a verb
    /// of the one that holds it.
    #[must_use]
    pub fn id(&self, key: &K) -> Option<String>
    where
        K: Display,
    {
        self.get(key).map(|child| id_of(key, child.serial))
    }

    /// Keys and components.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Child<C>)> {
        self.0.iter().map(|(key, child)| (key, child))
    }
}

/// A key as it stands in ids.
pub(crate) fn id_of(key: &impl Display, serial: u64) -> String {
    let key = key.to_string();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_short = (1..=20).contains(&key.len()) && key.bytes().all(fits);
    if is_short { key } else { format!("n:{serial:x}") }
}
