//! What the pages work with: the engine, the forms of its tasks, and who may see what.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use crate::Labels;
use bpe::{Engine, model::Node as Element, model::Process};
use n2o::{Cx, Error, Node, Result};

use super::{drawing::Drawing, follow::follow, form::ProcessForm, text::text};

/// The processes of an application.
///
/// ```
/// # async fn open(node: &n2o::Node, file: &[u8]) -> bpe::Result<()> {
/// let engine = bpe::Engine::builder(node.store()).open().await?;
/// engine.deploy(file).await?;
/// form::process::Processes::new(engine).operators(&["manager"]).start(node);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "call `start`"]
pub struct Processes {
    pub(crate) engine: Engine,
    forms: BTreeMap<String, ProcessForm>,
    pub(crate) operators: Vec<String>,
    is_for_proven: bool,
    labels: Option<Labels>,
    /// By process, version and language. A std lock: held for one look-up, never across an await.
    drawings: Mutex<HashMap<(String, u32, String), Arc<Drawing>>>,
}

impl Processes {
    /// The processes of an engine.
    pub fn new(engine: Engine) -> Self {
        let (forms, operators) = (BTreeMap::new(), Vec::new());
        let (labels, drawings) = (None, Mutex::default());
        Processes { engine, forms, operators, is_for_proven: false, labels, drawings }
    }

    /// The form that tasks and start events mean by a form key.
    pub fn form(mut self, key: &str, form: ProcessForm) -> Self {
        self.forms.insert(key.to_owned(), form);
        self
    }

    /// The roles that see every instance with its variables, mend incidents and cancel.
    pub fn operators(mut self, roles: &[&str]) -> Self {
        self.operators = roles.iter().map(|role| (*role).to_owned()).collect();
        self
    }

    /// Keeps guests out, on pages and over REST: only users who [have proven](Cx::is_proven) who they are start
    /// processes, do tasks and see instances. Tasks are given to users, and instances shown to who began them, by
    /// name, and a guest may take any. An application that has accounts and lets guests in, too, says `true`.
    pub fn for_proven(mut self, is_for_proven: bool) -> Self {
        self.is_for_proven = is_for_proven;
        self
    }

    /// Whether a user may do anything with them who has proven who they are, or has not.
    #[must_use]
    pub fn admits(&self, is_proven: bool) -> bool {
        is_proven || !self.is_for_proven
    }

    /// The names of elements in the visitor's language: keys are `process.element`, and `process` for its own.
    /// What is not in the table has the name of the file.
    pub fn labels(mut self, labels: Labels) -> Self {
        self.labels = Some(labels);
        self
    }

    /// Gives them to the pages of a node, and carries out services, timers and messages until the node stops.
    pub fn start(self, node: &Node) {
        let (engine, tasks) = (self.engine.clone(), node.tasks().clone());
        node.provide(self);
        node.tasks().spawn("steps", follow(node.clone()));
        node.tasks().spawn("processes", async move { engine.run(tasks.stopping()).await });
    }

    /// The processes of the node that a page lives on, when its visitor is admitted.
    pub(crate) fn of(cx: &Cx) -> Result<Arc<Self>> {
        let started = cx.node().service::<Self>();
        let processes = started.ok_or_else(|| Error::other("no processes were started on this node"))?;
        if processes.admits(cx.is_proven()) { Ok(processes) } else { Err(Error::Denied) }
    }

    pub(crate) fn form_of(&self, key: Option<&str>) -> Option<ProcessForm> {
        key.and_then(|key| self.forms.get(key)).cloned()
    }

    /// What people call an element of a process.
    pub(crate) fn element<'a>(&'a self, process: &'a Process, id: &'a str, lang: &str) -> &'a str {
        let node = process.find(id).map(|node| process.node(node));
        let named = |node: &'a Element| Some(&*node.name).filter(|name| !name.is_empty());
        self.label(&format!("{}.{id}", process.id), lang).or_else(|| node.and_then(named)).unwrap_or(id)
    }

    /// What people call a process.
    pub(crate) fn name<'a>(&'a self, process: &'a Process, lang: &str) -> &'a str {
        let named = if process.name.is_empty() { &*process.id } else { &*process.name };
        self.label(&process.id, lang).unwrap_or(named)
    }

    pub(crate) fn label(&self, key: &str, lang: &str) -> Option<&'static str> {
        self.labels.as_ref()?.get(key, lang).filter(|label| !label.is_empty())
    }

    /// The drawing of a version of a process; made once for each language.
    pub(crate) async fn drawing(&self, process: &str, version: u32, lang: &str) -> Result<Arc<Drawing>> {
        let key = (process.to_owned(), version, lang.to_owned());
        let known = self.drawings.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(drawing) = known {
            return Ok(drawing);
        }
        let document = self.engine.document(process, version).await.map_err(|error| failed(error, lang))?;
        let label = |element: &str| self.label(&format!("{process}.{element}"), lang);
        let drawing = Arc::new(Drawing::new(document, process, label));
        let mut drawings = self.drawings.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(drawings.entry(key).or_insert(drawing)))
    }
}

/// An error of the engine as the visitor is told it.
pub(crate) fn failed(error: bpe::Error, lang: &str) -> Error {
    let t = text(lang);
    match error {
        // A conflict must stay one, so that the handler is run again.
        bpe::Error::Store(error) => Error::Store(error),
        bpe::Error::NoJob { .. } => Error::user(t.done_before),
        bpe::Error::Ended => Error::user(t.ended_before),
        bpe::Error::NotAllowed { .. } => Error::Denied,
        bpe::Error::NoInstance { .. } | bpe::Error::NoProcess { .. } => Error::NotFound,
        error => Error::other(error),
    }
}
