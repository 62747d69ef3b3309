//! Reading the pages of a committed state from the disk, past what redb and the system remember of them, and
//! holding them against their check sums. What the rows in them say is not looked at, see `check`.

use std::{io, sync::Arc};

use ::redb::StorageBackend;

use super::{
    fence::Fence,
    tree::{self, Geometry, Shape, Tree},
    view::View,
};

/// A page that is not as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) offset: u64,
    pub(crate) why: String,
}

/// What was read at once: nothing when it is through.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) read: u64,
    pub(crate) bad: Vec<Bad>,
}

/// A way through the pages of one state, of which none is written again as long as it is held.
pub(crate) struct Walk {
    disk: Fence,
    geometry: Geometry,
    /// Pages that are named by what was read, and their sums.
    named: Vec<(u64, u128, Shape)>,
    _held: Arc<View>,
}

impl Walk {
    /// Begins with what the header of this state names; `None` where its layout is not known.
    pub(super) fn begin(held: Arc<View>) -> Option<Self> {
        let header = held.header.as_ref()?;
        let slot = tree::primary(header);
        let geometry = Geometry::read(header).filter(|_| tree::foreign(header, slot).is_none())?;
        let mut named = Vec::new();
        // redb writes the pages of its own account again as it likes, with every commit.
        tree::roots(header, slot, |tree, number, sum| {
            if tree == Tree::Tables {
                named.push((number, sum, Shape::TABLES));
            }
        });
        let disk = held.gate.reader();
        Some(Self { disk, geometry, named, _held: held })
    }

    /// Reads at most so many pages. Behind one that does not match it does not go on.
    pub(crate) fn step(&mut self, pages: usize) -> io::Result<Step> {
        let mut step = Step::default();
        for _ in 0..pages {
            let Some((number, sum, shape)) = self.named.pop() else { break };
            let offset = self.geometry.offset(number);
            let mut page = vec![0; self.geometry.size(number) as usize];
            step.read += 1;
            match self.disk.read(offset, &mut page) {
                Ok(()) if tree::sum(&page, shape) == Some(sum) => {
                    tree::children(&page, shape, |number, sum, shape| self.named.push((number, sum, shape)));
                }
                Ok(()) => {
                    let why = "on the disk it does not match its check sum".to_owned();
                    step.bad.push(Bad { offset, why });
                }
                Err(error) if self.disk.is_closed() => return Err(error),
                Err(error) => step.bad.push(Bad { offset, why: format!("it cannot be read: {error}") }),
            }
        }
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::{
        Result,
        backend::{
            Backend,
            growth::{Disk, fill, open, options, row},
            redb::Redb,
        },
    };

    fn commit(store: &Redb, round: u8, durable: bool) -> Result<()> {
        let batch = store.begin()?;
        let at = batch.at() + 1;
        batch.commit((0..2_000).map(|number| row(number, round)).collect(), at, durable)
    }

    #[test]
    fn a_state_is_walked_to_its_end_while_all_of_it_is_written_anew_and_when_the_disk_is_full() {
        let disk = Disk::new(Vec::new());
        let store = open(&disk, &options()).expect("a store");
        fill(&store, 2_000);
        for full in [false, true] {
            // What was committed behind is on the disk when the walk begins.
            commit(&store, 1, false).expect("there is room");
            let mut walk = store.walk().expect("it is on disk").expect("it has pages");
            for round in 0..5 {
                assert_eq!(walk.step(10).expect("it is read"), Step { read: 10, bad: Vec::new() });
                commit(&store, round, true).expect("there is room");
            }
            disk.full.store(full, Ordering::Relaxed);
            assert_eq!(commit(&store, 9, true).is_err(), full);
            let last = walk.step(usize::MAX).expect("it is read");
            assert!(last.read > 400 && last.bad.is_empty(), "{last:?}");
            assert_eq!(walk.step(10).expect("it is through"), Step::default());
        }
    }
}
