//! A page's state as bytes: CBOR, with the version of its fields in front.

use n2o::{Error, Result};
use serde::de::DeserializeOwned;

use crate::component::Component;

/// Stands before a state of a version: a CBOR tag of four bytes, which holds the version. A state of version 0
/// has none, and no page serialises as one.
const TAG: u8 = 0xda;

/// The state of a page that another version of the program has saved, for [`Page::migrate`](crate::Page::migrate).
#[derive(Clone, Copy, Debug)]
pub struct Old<'a> {
    version: u32,
    state: &'a [u8],
}

impl Old<'_> {
    /// The [`Page::VERSION`](crate::Page::VERSION) by which it was saved.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The fields, as a type that has them as they were.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        ciborium::from_reader(self.state).map_err(Error::other)
    }
}

pub(crate) fn write<P: Component>(page: &P, out: &mut Vec<u8>) -> Result {
    out.clear();
    if P::VERSION > 0 {
        out.push(TAG);
        out.extend_from_slice(&P::VERSION.to_be_bytes());
    }
    ciborium::into_writer(page, out).map_err(Error::other)
}

pub(crate) fn read<P: Component>(state: &[u8]) -> Result<P> {
    let tagged = state.split_first().filter(|(tag, _)| **tag == TAG);
    let tagged = tagged.and_then(|(_, rest)| rest.split_first_chunk::<4>());
    let (version, state) = tagged.map_or((0, state), |(version, rest)| (u32::from_be_bytes(*version), rest));
    let old = Old { version, state };
    if version == P::VERSION { old.read() } else { P::migrate(old) }
}

#[cfg(test)]
mod tests {
    use maud::{Markup, html};
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{
        cx::{Cx, Ui},
        event::Never,
        page::{Access, Page},
    };

    /// Makes a page of a version with a field.
    macro_rules! page {
        ($name:ident $version:literal $field:ident: $type:ty, $migrate:expr) => {
            #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
            struct $name {
                $field: $type,
            }

            impl Page for $name {
                type Event = Never;
                const ACCESS: Access = Access::Anyone;
                const VERSION: u32 = $version;

                fn migrate(old: Old<'_>) -> Result<Self> {
                    $migrate(old)
                }

                fn render(&self, _: &Ui<'_, Self>) -> Markup {
                    html! {}
                }

                async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
                    match never {}
                }
            }
        };
    }

    page!(First 0 count: u32, |_| Err(Error::NotFound));
    page!(Second 1 counts: Vec<u32>, |old: Old<'_>| match old.version() {
        0 => Ok(Second { counts: vec![old.read::<First>()?.count] }),
        _ => Err(Error::NotFound),
    });
    page!(Third 2 text: String, |old: Old<'_>| Ok(Third { text: format!("{:?}", read::<Second>(old.state).is_ok()) }));

    fn saved(page: &impl Page) -> Vec<u8> {
        let mut out = vec![1, 2, 3];
        write(page, &mut out).unwrap();
        out
    }

    #[test]
    fn a_state_is_read_by_the_version_that_has_written_it() {
        let second = Second { counts: vec![1, 2] };
        assert_eq!(read::<Second>(&saved(&second)).unwrap(), second);
        assert_eq!(read::<First>(&saved(&First { count: 7 })).unwrap(), First { count: 7 });
    }

    #[test]
    fn a_newer_version_makes_of_an_older_state_what_it_can() {
        let old = saved(&First { count: 7 });
        assert_eq!(read::<Second>(&old).unwrap(), Second { counts: vec![7] });
        // Without the version it would have been taken for what it is not.
        assert!(ciborium::from_reader::<Second, _>(&*old).is_err());
        assert!(read::<Third>(&saved(&Second::default())).is_ok());
    }

    #[test]
    fn a_state_of_nobody_is_refused() {
        for state in [&b""[..], b"\xda", b"\xda\0\0\0\x01", b"\xda\0\0\0\x09\xa0", b"\xff"] {
            assert!(read::<Second>(state).is_err(), "{state:?}");
        }
        // As before the last release is taken back.
        assert!(read::<First>(&saved(&Second::default())).is_err());
    }
}
