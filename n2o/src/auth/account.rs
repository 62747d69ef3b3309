//! What the store keeps of an account, and the texts that its name takes from other names.

use std::borrow::Cow;

use kvs::{Store, Txn};
use serde::{Deserialize, Serialize};

use super::brake::{Client, Known, Mark, mark};
use crate::{
    error::Result,
    name::{self, Name},
    owner::Owner,
};

/// The record that says that the names of old accounts have been taken.
const TAKEN: &str = "";

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Account {
    /// The name as it was registered.
    pub(super) name: String,
    pub(super) hash: String,
    /// The name's key; accounts that were made before there were keys are found by their name in small letters.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// The browsers and addresses that the account was signed in from when there were no [`Marks`] yet.
    #[serde(default)]
    pub(super) known: Vec<Mark>,
    /// The id that it was made with, when it has another name by now: what is kept of it is kept under that.
    #[serde(default)]
    first: Option<String>,
}

impl kvs::Record for Account {
    const TABLE: &'static str = "account";

    fn id(&self) -> Cow<'_, str> {
        self.key.as_deref().map_or_else(|| Cow::Owned(self.name.to_lowercase()), Cow::Borrowed)
    }
}

/// The browsers and addresses that an account was signed in from, the latest last. They are apart from the
/// account, whose record all sign-ins read, so that remembering one lets no other fail.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Marks {
    /// The account's lasting id.
    account: String,
    pub(super) known: Vec<Mark>,
}

impl kvs::Record for Marks {
    const TABLE: &'static str = "account.known";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.account)
    }
}

/// A text that no other account's name may look like.
#[derive(Debug, Serialize, Deserialize)]
struct Look {
    look: String,
    /// The lasting id of the account that took it. Accounts that were not renamed since there is this have
    /// those of their name besides.
    #[serde(default)]
    of: Option<String>,
}

impl kvs::Record for Look {
    const TABLE: &'static str = "account.look";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.look)
    }
}

impl Account {
    pub(super) fn new(name: &Name, hash: String) -> Self {
        let (name, key) = (name.as_str().to_owned(), Some(name.key().to_owned()));
        Account { name, hash, key, known: Vec::new(), first: None }
    }

    /// The id that stays when the account is renamed.
    fn lasting(&self) -> Cow<'_, str> {
        self.first.as_deref().map_or_else(|| kvs::Record::id(self), Cow::Borrowed)
    }

    /// Whom what is kept for the account's user belongs to.
    pub(super) fn owner(&self) -> Owner {
        Owner::Account(self.lasting().into_owned())
    }

    /// Gives the account another name; `false` when the name, or one that it looks like, is another account's.
    /// What the account took from others with its former names stays its own.
    pub(super) async fn rename(&mut self, txn: &mut Txn, new: &Name) -> Result<bool> {
        let (old, lasting) = (kvs::Record::id(self).into_owned(), self.lasting().into_owned());
        let there = Account::find(txn, new.as_str()).await?;
        if there.is_some_and(|there| kvs::Record::id(&there) != old) {
            return Ok(false);
        }
        let former = name::looks(&self.name);
        for look in new.looks() {
            let taken = txn.get::<Look>(&look).await?;
            let is_own = |taken: &Look| taken.of.as_ref() == Some(&lasting) || former.contains(&look);
            match &taken {
                None => txn.put_new(&Look { look, of: Some(lasting.clone()) })?,
                Some(taken) if is_own(taken) => {}
                Some(_) => return Ok(false),
            }
        }
        for look in former {
            txn.put(&Look { look, of: Some(lasting.clone()) })?;
        }
        txn.delete::<Account>(&old);
        self.first = Some(lasting);
        (self.name, self.key) = (new.as_str().to_owned(), Some(new.key().to_owned()));
        txn.put(self)?;
        Ok(true)
    }

    /// The account of a name, as it was typed.
    pub(super) async fn find(txn: &mut Txn, typed: &str) -> Result<Option<Self>> {
        if typed.chars().count() > Name::MAX {
            return Ok(None);
        }
        // First under the key of old: of two old accounts whose new key is the same, each has its own.
        if let Some(account) = txn.get::<Account>(&typed.to_lowercase()).await? {
            return Ok(Some(account));
        }
        match Name::new(typed) {
            Ok(name) => Ok(txn.get::<Account>(name.key()).await?),
            Err(_) => Ok(None),
        }
    }

    /// What brakes count the tries at an account by, whether or not there is one.
    pub(super) fn mark(account: Option<&Self>, typed: &str) -> Mark {
        let key = match (account, Name::new(typed)) {
            (Some(account), _) => kvs::Record::id(account).into_owned(),
            (None, Ok(name)) => name.key().to_owned(),
            (None, Err(_)) => typed.to_lowercase(),
        };
        mark(&[b"account", key.as_bytes()])
    }
}

impl Marks {
    /// Those that the account's own record holds, from its registration on.
    pub(super) fn first(account: &Account) -> Self {
        Marks { account: account.lasting().into_owned(), known: account.known.clone() }
    }

    /// Those of an account as they are now.
    pub(super) async fn of(store: &Store, account: &Account) -> Result<Self> {
        let kept = store.get::<Marks>(&account.lasting()).await?;
        Ok(kept.unwrap_or_else(|| Marks::first(account)))
    }

    /// Remembers a client of an account, in a transaction of its own.
    pub(super) async fn keep(
        store: &Store,
        account: &Account,
        client: &Client,
        most: usize,
    ) -> kvs::Result<()> {
        let mut attempts = store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let kept = txn.get::<Marks>(&account.lasting()).await?;
            let mut marks = kept.unwrap_or_else(|| Marks::first(account));
            if !marks.remember(client, most) {
                return Ok(());
            }
            txn.put(&marks)?;
            if attempts.commit(txn).await?.is_some() {
                return Ok(());
            }
        }
    }

    fn by(&self, client: &Mark) -> Mark {
        // With the account, so that the store does not show which accounts are used from one browser.
        mark(&[b"known", self.account.as_bytes(), client])
    }

    /// The mark by which the account knows a client: its browser, or else its address.
    pub(super) fn knows(&self, client: &Client) -> Option<Known> {
        let known = |mark: &Mark| Some(self.by(mark)).filter(|mark| self.known.contains(mark));
        let browser = known(&client.browser).map(Known::Browser);
        browser.or_else(|| client.address.as_ref().and_then(known).map(Known::Address))
    }

    /// Remembers a client as the latest, and at most `most` marks in all; says whether that changed anything.
    pub(super) fn remember(&mut self, client: &Client, most: usize) -> bool {
        let before = self.known.clone();
        for of in [client.address, Some(client.browser)].into_iter().flatten() {
            let mark = self.by(&of);
            self.known.retain(|known| *known != mark);
            self.known.push(mark);
        }
        let over = self.known.len().saturating_sub(most);
        self.known.drain(..over);
        self.known != before
    }
}

/// Whether a name is taken, or looks like one that is.
pub(super) async fn is_taken(txn: &mut Txn, name: &Name) -> Result<bool> {
    if Account::find(txn, name.as_str()).await?.is_some() {
        return Ok(true);
    }
    for look in name.looks() {
        if txn.get::<Look>(&look).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes a name from all others that look like it.
pub(super) fn take(txn: &mut Txn, name: &Name) -> Result {
    for look in name.looks() {
        txn.put_new(&Look { look, of: None })?;
    }
    Ok(())
}

/// Takes the names of the accounts that were made before names took anything; once for a store.
pub(super) async fn take_old(store: &Store) -> Result {
    if store.get::<Look>(TAKEN).await?.is_some() {
        return Ok(());
    }
    let mut after = None::<String>;
    loop {
        let mut txn = store.txn();
        let batch = txn.range::<Account>("", after.as_deref(), 500).await?;
        for account in batch.iter().filter(|account| account.key.is_none()) {
            for look in name::looks(&account.name) {
                txn.put(&Look { look, of: None })?;
            }
        }
        after = batch.last().map(|last| kvs::Record::id(last).into_owned());
        if after.is_none() {
            txn.put(&Look { look: TAKEN.to_owned(), of: None })?;
        }
        if txn.wrote() {
            txn.commit().await?;
        }
        if after.is_none() {
            return Ok(());
        }
    }
}
