//! What a form key of a file means: a form whose fields are variables of the process, or the form of a record.

use std::{future::Future, pin::Pin};

use form::{
    Data, Error, Form, Spec, Who,
    show::Titles,
    table::{self, By, Kept, Saved, Version},
};
use kvs::Txn;

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What a form key of a file means.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ProcessForm {
    pub(crate) spec: fn() -> &'static Spec,
    pub(crate) record: Option<Record>,
    pub(crate) about: Option<Record>,
}

/// A record that a process is about. Its values are in a variable, as a context with its id among them.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub(crate) variable: &'static str,
    pub(crate) table: &'static str,
    pub(crate) spec: fn() -> &'static Spec,
    pub(crate) get: for<'a> fn(&'a mut Txn, &'a str) -> Later<'a, Option<Kept>>,
    create: for<'a> fn(&'a mut Txn, By<'a>, &'a Data) -> Later<'a, Saved>,
    update: for<'a> fn(&'a mut Txn, By<'a>, &'a str, Version, &'a Data) -> Later<'a, Saved>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("table", &self.table).field("variable", &self.variable).finish()
    }
}

impl ProcessForm {
    /// A form whose fields are variables of the process. The form's record is never stored.
    pub fn variables<R: Form>() -> Self {
        ProcessForm { spec: R::spec, record: None, about: None }
    }

    /// The form of a record: a start makes the record, a task changes it, in the transaction of the step. Its
    /// values are put into a variable.
    pub fn record<R: Form>(variable: &'static str) -> Self {
        ProcessForm { spec: R::spec, record: Some(Record::of::<R>(variable)), about: None }
    }

    /// Shows the record that a variable holds above the form, as far as the visitor may see it.
    pub fn about<R: Form>(mut self, variable: &'static str) -> Self {
        self.about = Some(Record::of::<R>(variable));
        self
    }
}

impl Record {
    fn of<R: Form>(variable: &'static str) -> Self {
        Record {
            variable,
            table: R::TABLE,
            spec: R::spec,
            get: |txn, id| Box::pin(table::get::<R>(txn, id)),
            create: |txn, by, data| Box::pin(table::create::<R>(txn, by, data)),
            update: |txn, by, id, version, data| Box::pin(table::update::<R>(txn, by, id, version, data)),
        }
    }

    /// The id of the record that the variables of a process speak of.
    pub(crate) fn id(&self, variables: &bpe::feel::Context) -> Option<String> {
        let id = variables.get(self.variable)?.entry(&(self.spec)().document.id)?;
        id.as_str().map(str::to_owned).or_else(|| id.as_number().map(|number| number.to_string()))
    }

    /// Writes the record: a new one, or the one that was read as a version.
    pub(crate) async fn save(
        &self,
        txn: &mut Txn,
        by: By<'_>,
        old: Option<(&str, Version)>,
        data: &Data,
    ) -> Result<Saved, Error> {
        match old {
            Some((id, version)) => (self.update)(txn, by, id, version, data).await,
            None => (self.create)(txn, by, data).await,
        }
    }
}

/// The titles of the records that values look up.
pub(crate) async fn titles(txn: &mut Txn, spec: &Spec, who: &Who, data: &Data) -> Result<Titles, Error> {
    let mut titles = Titles::new();
    form::list::add_titles(txn, spec, who, data, &mut titles).await?;
    Ok(titles)
}
