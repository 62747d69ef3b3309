//! What a filled-in form does: its record, the step and the history in one transaction. Pages and programs both
//! end here.

use crate::{
    Act, Denial, Ended, Filling, Who,
    table::{By, Changed, Saved},
};
use bpe::feel::{Context, Value};
use kvs::Txn;
use n2o::{Error, Result};

use super::{
    form::{ProcessForm, Record},
    right::roles,
    service::{Processes, failed},
    text::text,
    variables::variables,
};

/// What the form is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// The start of a process.
    Start(&'a str),
    /// The completion of a task.
    Task(&'a str),
}

/// A form without faults, to be carried out.
#[derive(Debug)]
pub(crate) struct Submit<'a> {
    pub(crate) processes: &'a Processes,
    pub(crate) who: &'a Who,
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub(crate) now: u64,
    pub(crate) lang: &'a str,
    pub(crate) form: Option<ProcessForm>,
    pub(crate) fill: &'a mut Filling,
    pub(crate) target: Target<'a>,
    /// The id of the record that the task is about, and whether the process holds its values.
    pub(crate) about: Option<(String, bool)>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// It will be on disk with the transaction.
    Done {
        /// The instance that was started.
        instance: Option<String>,
        /// The table and the change of it that others are to be told of.
        changed: Option<(&'static str, Changed)>,
    },
    /// Somebody has changed the record meanwhile, which the form knows now; nothing was written.
    Lost,
    /// The form of the record does not let the user write it as it is; nothing was written.
    Denied(Denial),
    /// The record has a fault that only writing it shows, which is among the form's; nothing was written.
    Faulty,
}

impl Submit<'_> {
    /// Carries it out. After an error the transaction must be dropped.
    pub(crate) async fn run(self, txn: &mut Txn) -> Result<Submitted> {
        let (mut given, mut changed) = (Context::new(), None);
        match self.form {
            Some(ProcessForm { record: Some(record), .. }) => {
                let by = By { who: self.who, now: self.now };
                match self.fill.save(record.records, txn, by).await? {
                    Ended::Saved { id, act } => {
                        let act =
                            if self.moved(record, &id, txn).await? { act.or(Some(Act::Update)) } else { act };
                        given.insert(record.variable.into(), value(record, &id, txn).await?);
                        let who = self.who.name().to_owned();
                        changed = act.map(|act| (record.records.table(), Changed { id, who, act }));
                    }
                    Ended::Denied(denial) if denial.state.is_none() => return Err(Error::Denied),
                    Ended::Denied(denial) => return Ok(Submitted::Denied(denial)),
                    Ended::Gone => return Err(Error::user(text(self.lang).gone)),
                    Ended::Lost => return Ok(Submitted::Lost),
                    Ended::Faulty => return Ok(Submitted::Faulty),
                }
            }
            Some(form) => {
                let spec = (form.spec)();
                given = variables(spec, &self.fill.data);
                // The id is there for the form's sake only.
                given.remove(spec.document.id.as_str());
            }
            None => {}
        }
        if let (Target::Task(_), Some(form)) = (self.target, self.form)
            && let (Some(about), Some((id, is_whole))) = (form.about, &self.about)
            && about.records.get(txn, id).await?.is_some()
        {
            if form.record.is_none() && self.moved(about, id, txn).await? {
                let (id, who) = (id.clone(), self.who.name().to_owned());
                changed = Some((about.records.table(), Changed { id, who, act: Act::Update }));
            }
            // What the process goes on with is what its user has seen.
            if *is_whole {
                given.insert(about.variable.into(), value(about, id, txn).await?);
            }
        }
        let user = self.who.name();
        let mut actions = self.processes.engine.actions(txn).by(user);
        let done = match self.target {
            Target::Start(process) => actions.start(process, None, given).map(Some),
            Target::Task(task) => {
                let by = bpe::Who { user, roles: &roles(self.who) };
                actions.complete_task(task, &by, given).await.map(|()| None)
            }
        };
        let instance = done.map_err(|error| failed(error, self.lang))?;
        Ok(Submitted::Done { instance, changed })
    }

    /// Moves the record where the form says so, and says whether it did.
    async fn moved(&self, record: Record, id: &str, txn: &mut Txn) -> Result<bool> {
        let Some((field, to)) = self.form.and_then(|form| form.moves) else { return Ok(false) };
        let Some(mut kept) = record.records.get(txn, id).await? else { return Ok(false) };
        let known = record.records.spec().document.field(field);
        let value = known.and_then(|known| crate::value::parse(known, &to.into()).ok());
        let wrong =
            || format!("`{}` cannot be moved: its `{field}` cannot be `{to}`", record.records.table());
        kept.data.insert(field.to_owned(), value.ok_or_else(|| Error::other(wrong()))?);
        let program = Who::program(self.who.name());
        let by = By { who: &program, now: self.now };
        let saved = record.records.update(txn, by, id, kept.version, &kept.data).await?;
        Ok(matches!(saved, Saved::Done { .. }))
    }
}

/// A record as a variable, as it is kept.
async fn value(record: Record, id: &str, txn: &mut Txn) -> Result<Value> {
    let kept = record.records.get(txn, id).await?.ok_or(Error::NotFound)?;
    Ok(Value::context(variables(record.records.spec(), &kept.data)))
}
