//! Deploying files: every deployment is a version, kept as its text and read again when the engine opens.

use std::sync::Arc;

use kvs::{IndexKey, Query};

use super::Engine;
use super::queue::Wake;
use super::record::{File, Numbered, Timer, TimerOf};
use crate::check::Severity;
use crate::library::Library;
use crate::model::{Model, Process, StartOn};
use crate::xml::Document;
use crate::{Error, Result};

/// A process that was deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deployed {
    /// The id of the process.
    pub process: Arc<str>,
    /// Its version.
    pub version: u32,
}

impl Engine {
    /// Deploys a file, refusing whatever is wrong in it. The same file again changes nothing; another one
    /// with the same processes makes new versions of them. Running instances keep theirs.
    pub async fn deploy(&self, bytes: &[u8]) -> Result<Vec<Deployed>> {
        self.deploy_as(bytes, Severity::Strict).await
    }

    /// Deploys a file, refusing only what cannot run at all.
    pub async fn deploy_lenient(&self, bytes: &[u8]) -> Result<Vec<Deployed>> {
        self.deploy_as(bytes, Severity::Fatal).await
    }

    async fn deploy_as(&self, bytes: &[u8], refuse: Severity) -> Result<Vec<Deployed>> {
        let limits = &self.inner.limits;
        let model = Model::of(Document::read(bytes, limits)?, limits)?.refuse(refuse)?;
        let text = model.document.to_string();
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let files: Vec<File> = txn.range("", None, usize::MAX).await?;
            let mut library = read(&files, limits)?;
            if let Some(known) = current(&library, &model, &files, &text) {
                self.set_library(library);
                return Ok(known);
            }
            let now = self.inner.clock.now();
            let (mut numbered, mut deployed) = (Vec::new(), Vec::new());
            for process in &model.processes {
                // The clock starts the newest version only.
                let old: Vec<Timer> =
                    txn.find("starts", Query::is(IndexKey::of(&*process.id)), usize::MAX).await?;
                old.iter().for_each(|timer| txn.delete::<Timer>(&timer.id));
                let process = library.add(process.clone());
                let timers = self.start_timers(&process);
                for timer in timers {
                    txn.put(&timer)?;
                    let (queue, mut wake) = (self.inner.queue.clone(), Wake::default());
                    wake.timer(timer.due);
                    txn.on_commit(move |_| queue.wake(wake));
                }
                deployed.push(Deployed { process: process.id.clone(), version: process.version });
                numbered.push(number(&process));
            }
            let id = format!("{:08}", files.len() + 1);
            txn.put_new(&File { id, at: now, text: text.clone(), processes: numbered })?;
            if attempts.commit(txn).await?.is_some() {
                self.set_library(library);
                return Ok(deployed);
            }
        }
    }

    /// Reads what is deployed.
    pub(crate) async fn load(&self) -> Result<()> {
        let files: Vec<File> = self.inner.store.txn().range("", None, usize::MAX).await?;
        self.set_library(read(&files, &self.inner.limits)?);
        Ok(())
    }

    fn start_timers(&self, process: &Process) -> Vec<Timer> {
        let starts = process.starts(self.inner.clock.now(), &self.inner.limits);
        let timers = starts.into_iter().filter_map(|start| match start.on {
            StartOn::Timer(schedule) => {
                let of = TimerOf::Start {
                    process: process.id.clone(),
                    event: start.event,
                    schedule: schedule.clone(),
                };
                Some(Timer::new(schedule.due, of))
            }
            _ => None,
        });
        timers.collect()
    }
}

fn number(process: &Process) -> Numbered {
    Numbered {
        id: process.id.clone(),
        version: process.version,
        nodes: process.nodes.iter().map(|node| node.id.clone()).collect(),
        flows: process.flows.iter().map(|flow| flow.id.clone()).collect(),
    }
}

/// The library that the files make. What was accepted once is not judged again.
fn read(files: &[File], limits: &crate::Limits) -> Result<Library> {
    let mut library = Library::new();
    for file in files {
        let model = Model::of(Document::read(file.text.as_bytes(), limits)?, limits)?;
        for (mut process, numbered) in model.processes.into_iter().zip(&file.processes) {
            process.version = numbered.version;
            if number(&process) != *numbered {
                return Err(Error::Renumbered {
                    process: (*process.id).to_owned(),
                    version: process.version,
                });
            }
            library.restore(process);
        }
    }
    Ok(library)
}

/// The versions in force, if they all come from this very file.
fn current(library: &Library, model: &Model, files: &[File], text: &str) -> Option<Vec<Deployed>> {
    let file = files.iter().rev().find(|file| file.text == text)?;
    let latest = |process: &Process| {
        let version = library.latest(&process.id)?.version;
        let same = file.processes.iter().any(|one| one.id == process.id && one.version == version);
        same.then(|| Deployed { process: process.id.clone(), version })
    };
    model.processes.iter().map(latest).collect()
}
