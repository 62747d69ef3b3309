//! The way from the page to a component, and the seals that carry it.

use std::{any::TypeId, fmt::Write, sync::Arc};

use n2o::{Error, Result};

use crate::{event::Bind, hash::Hash, inputs};

/// The variant of all seals of components; the one that is meant stands in the seal.
pub(crate) const OF_CHILD: u8 = u8::MAX;
/// The fingerprint of such seals.
pub(crate) const PRINT: u64 = 0x636f_6d70_6f6e_656e;

/// Most bytes of the way before an id that are read as such; a longer one is the serial of the component.
const PREFIX: usize = 31;

/// A component's place in the page.
#[derive(Clone, Debug)]
pub(crate) struct At {
    /// The id of the element that it stands in.
    pub(crate) own: String,
    /// The text before the ids in it.
    pub(crate) prefix: String,
    /// For each step the name of the field and the serial of the child.
    pub(crate) path: Vec<(String, u64)>,
    /// The type of its events.
    pub(crate) event: TypeId,
    /// The place of the component that it stands in; `None` is the page.
    outer: Option<Arc<At>>,
}

impl At {
    /// The place of a child of the component here, or of the page.
    pub(crate) fn step(outer: Option<&Arc<At>>, name: &str, id: &str, serial: u64, event: TypeId) -> At {
        let (prefix, mut path) = outer.map_or_else(Default::default, |at| (&*at.prefix, at.path.clone()));
        path.push((name.to_owned(), serial));
        let name = if id.is_empty() { name.to_owned() } else { format!("{name}.{id}") };
        let full = format!("{prefix}{name}.");
        let own = outer.map_or_else(|| name.clone(), |at| at.id(&name));
        let prefix = if full.len() <= PREFIX { full } else { format!("c:{serial:x}.") };
        At { own, prefix, path, event, outer: outer.cloned() }
    }

    /// The place is that of a child of the component there, or of the page.
    pub(crate) fn is_in(&self, outer: Option<&Arc<At>>) -> bool {
        match (&self.outer, outer) {
            (Some(known), Some(outer)) => Arc::ptr_eq(known, outer),
            (known, outer) => known.is_none() && outer.is_none(),
        }
    }

    /// The serial of the component.
    pub(crate) fn serial(&self) -> u64 {
        self.path.last().map_or(0, |(_, serial)| *serial)
    }

    /// The id that an element of the component has on the page, in each process the same. One that would be too long
    /// is a number, which nobody can choose who does not know the serial.
    pub(crate) fn id(&self, id: &str) -> String {
        let mut full = String::with_capacity(self.prefix.len() + id.len());
        self.write_id(id, &mut full);
        full
    }

    /// Appends that id.
    pub(crate) fn write_id(&self, id: &str, out: &mut String) {
        if self.prefix.len() + id.len() <= n2o::MAX_ID - 2 {
            out.push_str(&self.prefix);
            out.push_str(id);
            return;
        }
        let mut hash = Hash::new(self.serial());
        hash.write(id.as_bytes());
        // Writing to a string does not fail.
        _ = write!(out, "c:{:x}:{:x}", self.serial(), hash.end());
    }

    /// The bind of an element of the component, with the way to it.
    pub(crate) fn bind(&self, bind: &Bind) -> Bind {
        let reads = bind.names().map(|name| self.id(name)).collect();
        let sealed = seal(bind.variant, bind.print, &self.path, &bind.sealed);
        Bind { variant: OF_CHILD, print: PRINT, sealed, sources: &[], reads, event: bind.event }
    }
}

/// Puts the way to a component before what is sealed: its length, then the way as CBOR.
pub(crate) fn seal(variant: u8, print: u64, path: &[(String, u64)], fields: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    if let Err(error) = ciborium::into_writer(&(variant, print, path), &mut head) {
        tracing::error!(%error, "the way to a component cannot be encoded; its event will be refused");
    }
    let mut out = Vec::with_capacity(2 + head.len() + fields.len());
    out.extend_from_slice(&u16::try_from(head.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(fields);
    out
}

/// Reads what [`seal`] wrote: the variant, its fingerprint, the way.
pub(crate) type Head = (u8, u64, Vec<(String, u64)>);

/// Reads what [`seal`] wrote, and what stands behind it.
pub(crate) fn open(sealed: &[u8]) -> Result<(Head, &[u8])> {
    let refused = || Error::Refused("the seal holds no way to a component");
    let (len, rest) = sealed.split_first_chunk::<2>().ok_or_else(refused)?;
    let (head, fields) = rest.split_at_checked(u16::from_be_bytes(*len).into()).ok_or_else(refused)?;
    Ok((ciborium::from_reader(head).map_err(|_| refused())?, fields))
}

/// The names that are sealed with an event that reads [`Inputs`](crate::Inputs), and its fields.
pub(crate) fn names(sealed: &[u8], inputs: bool) -> Result<(Vec<&str>, &[u8])> {
    let names = if inputs { inputs::unpack(sealed) } else { Ok((Vec::new(), sealed)) };
    names.map_err(|_| Error::Refused("the seal is of another version of the component"))
}
