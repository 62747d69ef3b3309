//! What a form key of a file means: a form whose fields are variables of the process, or the form of a record.

use crate::{Form, Records, Spec};

/// What a form key of a file means.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ProcessForm {
    pub(crate) spec: fn() -> &'static Spec,
    pub(crate) record: Option<Record>,
    pub(crate) about: Option<Record>,
    /// A field of the record, and what it becomes.
    pub(crate) moves: Option<(&'static str, &'static str)>,
}

/// A record that a process is about. A variable has its values, a context with its id among them, or its id alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) variable: &'static str,
    pub(crate) records: Records,
}

impl ProcessForm {
    /// A form whose fields are variables of the process. The form's record is never stored.
    pub fn variables<R: Form>() -> Self {
        ProcessForm { spec: R::spec, record: None, about: None, moves: None }
    }

    /// The form of a record: a start makes the record, a task changes it, in the transaction of the step. Its
    /// values are put into a variable.
    pub fn record<R: Form>(variable: &'static str) -> Self {
        ProcessForm { record: Some(Record::of::<R>(variable)), ..Self::variables::<R>() }
    }

    /// Shows the record that a variable holds, or names by its id, above the form, as far as the visitor may see it. The
    /// form is sent over the version of the record that was shown, or not at all, and the variable has the values of
    /// that version afterwards.
    pub fn about<R: Form>(mut self, variable: &'static str) -> Self {
        self.about = Some(Record::of::<R>(variable));
        self
    }

    /// Moves the record of the form, or else the one that it is about, in the transaction of the step: `field` becomes
    /// `to`, as the program itself writes it. So no moment is left in which a record that was decided on has the rights
    /// of one that was not.
    pub fn moves(mut self, field: &'static str, to: &'static str) -> Self {
        self.moves = Some((field, to));
        self
    }
}

impl Record {
    fn of<R: Form>(variable: &'static str) -> Self {
        Record { variable, records: Records::of::<R>() }
    }

    /// The id of the record that the variables of a process speak of.
    pub(crate) fn id(&self, variables: &bpe::feel::Context) -> Option<String> {
        self.held(variables).map(|(id, _)| id)
    }

    /// The id of the record that the variables of a process speak of, and whether they hold its values, too.
    pub(crate) fn held(&self, variables: &bpe::feel::Context) -> Option<(String, bool)> {
        let variable = variables.get(self.variable)?;
        let is_whole = variable.entry(&self.records.spec().document.id).is_some();
        let id = variable.entry(&self.records.spec().document.id).unwrap_or(variable);
        let id = id.as_str().map(str::to_owned).or_else(|| id.as_number().map(|number| number.to_string()));
        id.map(|id| (id, is_whole))
    }
}
