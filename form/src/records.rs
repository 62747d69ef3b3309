//! The records of a form, where the form is known at run time only: a task form, a route of REST.

use std::{fmt, future::Future, pin::Pin};

use kvs::Txn;

use crate::{
    access::Who,
    error::Result,
    form::Form,
    list::{self, Found, Query},
    spec::Spec,
    table::{self, By, Kept, Saved, Version},
    value::Data,
};

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The records of a form; what [`table`](crate::table) and [`list`](crate::list) do with them.
#[derive(Clone, Copy)]
pub struct Records {
    table: &'static str,
    spec: fn() -> &'static Spec,
    get: for<'a> fn(&'a mut Txn, &'a str) -> Later<'a, Option<Kept>>,
    find: for<'a> fn(&'a mut Txn, &'a Who, &'a Query, &'a str) -> Later<'a, Found>,
    create: for<'a> fn(&'a mut Txn, By<'a>, &'a Data) -> Later<'a, Saved>,
    update: for<'a> fn(&'a mut Txn, By<'a>, &'a str, Version, &'a Data) -> Later<'a, Saved>,
    delete: for<'a> fn(&'a mut Txn, By<'a>, &'a str, Version) -> Later<'a, Saved>,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.table).finish()
    }
}

impl Records {
    /// The records of this form.
    #[must_use]
    pub fn of<R: Form>() -> Self {
        Records {
            table: R::TABLE,
            spec: R::spec,
            get: |txn, id| Box::pin(table::get::<R>(txn, id)),
            find: |txn, who, query, lang| Box::pin(list::find::<R>(txn, who, query, lang)),
            create: |txn, by, data| Box::pin(table::create::<R>(txn, by, data)),
            update: |txn, by, id, version, data| Box::pin(table::update::<R>(txn, by, id, version, data)),
            delete: |txn, by, id, version| Box::pin(table::delete::<R>(txn, by, id, version)),
        }
    }

    /// Their table.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// Their form.
    #[must_use]
    pub fn spec(&self) -> &'static Spec {
        (self.spec)()
    }

    /// Reads a record; see [`table::get`].
    pub async fn get(&self, txn: &mut Txn, id: &str) -> Result<Option<Kept>> {
        (self.get)(txn, id).await
    }

    /// Finds a page of records; see [`list::find`].
    pub async fn find(&self, txn: &mut Txn, who: &Who, query: &Query, lang: &str) -> Result<Found> {
        (self.find)(txn, who, query, lang).await
    }

    /// Writes a new record; see [`table::create`].
    pub async fn create(&self, txn: &mut Txn, by: By<'_>, data: &Data) -> Result<Saved> {
        (self.create)(txn, by, data).await
    }

    /// Writes a record that was read as `version`; see [`table::update`].
    pub async fn update(
        &self,
        txn: &mut Txn,
        by: By<'_>,
        id: &str,
        version: Version,
        data: &Data,
    ) -> Result<Saved> {
        (self.update)(txn, by, id, version, data).await
    }

    /// Deletes a record that was read as `version`; see [`table::delete`].
    pub async fn delete(&self, txn: &mut Txn, by: By<'_>, id: &str, version: Version) -> Result<Saved> {
        (self.delete)(txn, by, id, version).await
    }
}
