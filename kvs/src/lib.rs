//! Records, feeds and transactions over redb, memory or PostgreSQL.
//!
//! A [`Record`] has a table and an id; a feed is a path, such as `/erp/partners`, to which entries are
//! appended. Whatever is done to both in one [`Txn`] is done together or not at all.
//!
//! # How a value gets to the disk and back
//!
//! 1. [`Store::open`] opens the place a URL names: `memory:`, `redb:PATH` or, with the feature `postgres`,
//!    `postgres://...`. A file is not read through for that; its pages are verified when they are read.
//! 2. [`Store::txn`] begins an optimistic transaction. It reads one unchanging state, and its own writes
//!    over it. Reading never waits for writing.
//! 3. [`Txn::put`], [`Txn::delete`] and [`Txn::append`] buffer writes; nothing is sent anywhere.
//! 4. [`Txn::commit`] hands the transaction to the one writer, a thread of the store. For the futures of a
//!    transaction any runtime will do.
//! 5. The writer gathers all transactions that arrived while the disk was busy. For each it checks that
//!    nothing it read was changed, gives its appends their positions, keeps counts and indexes in step, and
//!    leaves it out if it conflicts.
//! 6. One disk write holds them all. When it is on disk, [`Txn::on_commit`] hooks run and each caller is
//!    answered, in commit order; watchers are woken.
//! 7. Every stored value carries its version and a check sum over itself and its key: what comes back is
//!    what was written, or an [`Error`] that says what is damaged. While writes
//!    fail what was committed is read on; the store opens its file again by itself, and writes when the disk
//!    does.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use kvs::{From, Index, IndexKey, Record, Store};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Partner {
//!     code: String,
//!     name: String,
//! }
//!
//! impl Record for Partner {
//!     const TABLE: &'static str = "partner";
//!     const INDEXES: &'static [Index<Self>] =
//!         &[Index::many("name", |partner| IndexKey::words(&partner.name))];
//!     fn id(&self) -> Cow<'_, str> {
//!         Cow::Borrowed(&self.code)
//!     }
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> kvs::Result<()> {
//!     let store = Store::open("memory:").await?;
//!
//!     let mut txn = store.txn();
//!     txn.put(&Partner { code: "p1".into(), name: "Synrc Research".into() })?;
//!     txn.append("/erp/audit", &("p1", "created"))?;
//!     txn.on_commit(|commit| println!("commit {} is on disk", commit.at));
//!     txn.commit().await?;
//!
//!     let mut txn = store.txn();
//!     let partner: Partner = txn.get("p1").await?.expect("it was put");
//!     assert_eq!(partner.name, "Synrc Research");
//!     assert!(txn.find_one::<Partner>("name", IndexKey::of("synrc")).await?.is_some());
//!     let newest: Vec<(u64, (String, String))> = txn.feed("/erp/audit", From::End, 10).await?;
//!     assert_eq!(newest, [(1, ("p1".into(), "created".into()))]);
//!     assert_eq!(txn.count("/erp/audit").await?, 1);
//!     Ok(())
//! }
//! ```
//!
#![doc = include_str!("guide.md")]

mod backend;
mod backup;
mod care;
mod chain;
mod check;
mod codec;
mod commit;
mod cursor;
mod dump;
mod error;
mod feed;
mod feeds;
mod find;
mod format;
mod health;
mod index;
mod json;
mod key;
mod meta;
mod options;
mod place;
mod queue;
mod record;
mod records;
mod reindex;
mod retry;
mod salvage;
mod schedule;
mod scrub;
mod stat;
mod store;
mod sum;
mod txn;
mod value;
mod watch;
mod writer;

pub use backup::Copied;
pub use care::{Care, Said};
pub use chain::Checkpoint;
pub use check::{Problem, Report};
pub use commit::Commit;
pub use cursor::Cursor;
pub use dump::Lines;
pub use error::{Error, Result};
pub use feed::From;
pub use feeds::FeedInfo;
pub use find::Query;
pub use health::{Health, Trouble};
pub use index::{Index, IndexKey, IndexPart};
pub use json::json;
pub use options::{Clock, Options};
pub use record::{Cbor, Raw, Record, Refused};
pub use retry::Attempts;
pub use salvage::Salvaged;
pub use scrub::Scrubbed;
pub use stat::{Stat, TableInfo};
pub use store::Store;
pub use txn::Txn;
pub use watch::{Change, Changed, Scope, Since, Watch};
