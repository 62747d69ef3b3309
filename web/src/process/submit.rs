//! What a filled-in form does: its record, the step and the history in one transaction. Pages and programs both
//! end here.

use bpe::feel::{Context, Value};
use form::{
    Act, Kind, Who,
    table::{By, Changed, Kept, Saved},
};
use kvs::Txn;
use n2o::{Error, Result};

use super::{
    fill::Fill,
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
    pub(crate) fill: &'a Fill,
    pub(crate) target: Target<'a>,
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
    /// Somebody has changed the record meanwhile; nothing was written.
    Lost(Kept),
    /// There is a record with the value of this field already; nothing was written.
    Taken(String),
}

impl Submit<'_> {
    /// Carries it out. After an error the transaction must be dropped.
    pub(crate) async fn run(self, txn: &mut Txn) -> Result<Submitted> {
        let (mut given, mut changed) = (Context::new(), None);
        match self.form {
            Some(ProcessForm { record: Some(record), .. }) => match self.save(record, txn).await? {
                Ok((value, act, id)) => {
                    given.insert(record.variable.into(), value);
                    changed = Some((record.table, Changed { id, who: self.who.name().to_owned(), act }));
                }
                Err(other) => return Ok(other),
            },
            Some(form) => {
                let spec = (form.spec)();
                given = variables(spec, &self.fill.data);
                // The id is there for the form's sake only.
                given.remove(spec.document.id.as_str());
            }
            None => {}
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

    async fn save(
        &self,
        record: Record,
        txn: &mut Txn,
    ) -> Result<std::result::Result<(Value, Act, String), Submitted>> {
        let spec = (record.spec)();
        let act = if self.fill.kind == Kind::Create { Act::Create } else { Act::Update };
        if !spec.document.rights.allow(self.who, act) {
            return Err(Error::Denied);
        }
        let field = &spec.document.id;
        let id = self.fill.base.get(field).filter(|_| act == Act::Update);
        let id = id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        let old = id.as_deref().map(|id| (id, self.fill.version));
        let by = By { who: self.who, now: self.now };
        Ok(match record.save(txn, by, old, &self.fill.data).await? {
            Saved::Done { id } | Saved::Same { id } => {
                let kept = (record.get)(txn, &id).await?.ok_or(Error::NotFound)?;
                Ok((Value::context(variables(spec, &kept.data)), act, id))
            }
            Saved::Lost(kept) => Err(Submitted::Lost(kept)),
            Saved::Taken | Saved::Moved => Err(Submitted::Taken(field.clone())),
            Saved::Gone => return Err(Error::user(text(self.lang).gone)),
        })
    }
}
