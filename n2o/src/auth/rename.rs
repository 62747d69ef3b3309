//! Other names for accounts: by their owners, and by those who look after accounts.

use super::{
    Accounts,
    account::{Account, take_old},
    brake::Client,
};
use crate::{
    audit::{self, Failure},
    cx::Cx,
    error::{Error, Result},
    name::Name,
    text,
};

impl Accounts {
    /// Gives an account another name, in the handler's transaction, when the password is right, and answers the
    /// name; `None` when it is wrong, which is told and braked as by [`verify`](Accounts::verify). A name counts
    /// among the registrations of its browser and address.
    ///
    /// The password, the browsers that the account knows and [`Cx::owner`] stay as they are. The old name stays
    /// the account's, which nobody else gets and which it may have again. What an application keeps under the
    /// name is for the application to move, and so are tasks of processes that were given to the name; sessions
    /// that are logged in go on under the old name until they end.
    ///
    /// ```
    /// # async fn renamed(accounts: &n2o::Accounts, cx: &mut n2o::Cx) -> n2o::Result {
    /// match accounts.rename(cx, "old name", "correct horse", "new name").await? {
    ///     Some(name) => cx.login(&name).await,
    ///     None => Err(n2o::Error::user("The name or the password is not right.")),
    /// }
    /// # }
    /// ```
    pub async fn rename(&self, cx: &mut Cx, name: &str, password: &str, new: &str) -> Result<Option<String>> {
        let new = allowed(cx, new)?;
        let Some(account) = self.prove(cx, name, password).await? else { return Ok(None) };
        if !self.0.brakes.may_register(&Client::of(cx), cx.now()) {
            self.0.failures.tell(Failure::RegistrationBraked, cx, new.as_str());
            return Err(Error::later(text::registrations(cx.lang())));
        }
        let account = self.moved(cx, account, &new).await?;
        cx.prove(&account.name, account.owner());
        Ok(Some(account.name))
    }

    /// Gives an account another name like [`rename`](Accounts::rename), without its password: the handler has
    /// looked whether its user may. `None` when there is no such account.
    pub async fn rename_by_right(&self, cx: &mut Cx, name: &str, new: &str) -> Result<Option<String>> {
        let new = allowed(cx, new)?;
        match Account::find(cx.kvs(), name.trim()).await? {
            Some(account) => Ok(Some(self.moved(cx, account, &new).await?.name)),
            None => Ok(None),
        }
    }

    async fn moved(&self, cx: &mut Cx, mut account: Account, new: &Name) -> Result<Account> {
        let (node, old) = (cx.node().clone(), account.name.clone());
        self.0.old.get_or_try_init(|| take_old(node.store())).await?;
        if !account.rename(cx.kvs(), new).await? {
            return Err(Error::user(text::taken(cx.lang())));
        }
        let told = audit::renamed(cx, &old, new.as_str());
        cx.kvs().on_commit(move |_| told());
        Ok(account)
    }
}

fn allowed(cx: &Cx, new: &str) -> Result<Name> {
    Name::new(new.trim()).map_err(|wrong| Error::user(text::name(cx.lang(), wrong)))
}
