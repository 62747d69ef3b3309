//! A process written in a few lines of XML, and an instance of it driven by element ids.

use bpe::feel::{Context, Value};
use bpe::{
    Effect, Entry, Error, Happened, Input, Key, Library, Limits, Model, On, State, Status, start, step,
};
use jiff::Timestamp;

/// A file around process elements.
pub(crate) fn file(inside: &str) -> String {
    format!(
        "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" \
         xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" id=\"d\">\n{inside}\n</definitions>"
    )
}

/// A process with flows written as `a->b`, or `a->b: condition`.
pub(crate) fn process(id: &str, nodes: &str, flows: &[&str]) -> String {
    let flow = |flow: &&str| {
        let (ends, condition) =
            flow.split_once(": ").map_or((*flow, None), |(ends, cond)| (ends, Some(cond)));
        let (source, target) = ends.split_once("->").unwrap();
        let condition = condition
            .map(|c| format!("<conditionExpression>{}</conditionExpression>", c.replace('<', "&lt;")));
        let condition = condition.unwrap_or_default();
        format!("<sequenceFlow id=\"{ends}\" sourceRef=\"{source}\" targetRef=\"{target}\">{condition}</sequenceFlow>")
            .replace("->", "-&gt;")
    };
    let flows: Vec<String> = flows.iter().map(flow).collect();
    format!("<process id=\"{id}\">{nodes}{}</process>", flows.join("\n"))
}

/// The processes of a file.
pub(crate) fn library(file: &str) -> Library {
    let mut library = Library::new();
    for process in Model::strict(file.as_bytes(), &Limits::default()).unwrap().processes {
        library.add(process);
    }
    library
}

/// Variables from JSON.
pub(crate) fn variables(json: &str) -> Context {
    serde_json::from_str(json).unwrap()
}

/// An instance and what it did.
pub(crate) struct Instance {
    pub(crate) library: Library,
    pub(crate) state: State,
    pub(crate) history: Vec<Entry>,
    pub(crate) sent: Vec<String>,
    pub(crate) now: Timestamp,
    pub(crate) limits: Limits,
}

impl Instance {
    /// Starts the first process of a file.
    pub(crate) fn of(file: &str, json: &str) -> Self {
        let library = library(file);
        let process = library.all().next().unwrap().id.clone();
        Self::start(library, &process, json)
    }

    pub(crate) fn start(library: Library, process: &str, json: &str) -> Self {
        let (now, limits) = ("2026-01-01T00:00:00Z".parse().unwrap(), Limits::default());
        let (state, effects) = start(&library, &limits, process, None, variables(json), now).unwrap();
        let mut instance = Self { library, state, history: Vec::new(), sent: Vec::new(), now, limits };
        instance.keep(effects);
        instance
    }

    fn keep(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Happened(entry) => self.history.push(entry),
                Effect::Signal { name, .. } => self.sent.push(format!("signal {name}")),
                Effect::Message { name, variables, .. } => {
                    self.sent.push(format!("message {name} {}", serde_json::to_string(&variables).unwrap()));
                }
                _ => {}
            }
        }
    }

    pub(crate) fn input(&mut self, input: Input) -> Result<(), Error> {
        let effects = step(&self.library, &self.limits, &mut self.state, input, self.now)?;
        self.keep(effects);
        Ok(())
    }

    /// The waiting jobs at an element.
    pub(crate) fn jobs(&self, element: &str) -> Vec<Key> {
        let at = |token| self.state.node(&self.library, token).is_some_and(|node| *node.id == *element);
        self.state.jobs().filter(|(_, token)| at(token)).map(|(key, _)| key).collect()
    }

    pub(crate) fn complete(&mut self, element: &str, json: &str) -> &mut Self {
        let job = *self
            .jobs(element)
            .first()
            .unwrap_or_else(|| panic!("no job at {element}: {:?}", self.waiting()));
        self.input(Input::Complete { job, variables: variables(json) }).unwrap();
        self
    }

    pub(crate) fn throw(&mut self, element: &str, code: &str) -> &mut Self {
        let job = *self.jobs(element).first().unwrap();
        self.input(Input::Throw { job, code: code.to_owned(), variables: Context::new() }).unwrap();
        self
    }

    pub(crate) fn message(&mut self, name: &str, key: Option<&str>, json: &str) -> &mut Self {
        let key = key.map(Value::from);
        let matches = |on: &On| matches!(on, On::Message { name: n, key: k } if **n == *name && *k == key);
        let found =
            self.state.subscriptions.iter().find(|(_, found)| matches(&found.on)).map(|(key, _)| *key);
        let subscription = found.unwrap_or_else(|| panic!("nobody waits for {name}"));
        self.input(Input::Fire { subscription, variables: variables(json) }).unwrap();
        self
    }

    pub(crate) fn trigger(&mut self, element: &str) -> &mut Self {
        self.input(Input::Trigger { element: element.to_owned(), variables: Context::new() }).unwrap();
        self
    }

    /// Moves the clock to a time, firing timers on the way.
    pub(crate) fn until(&mut self, time: &str) -> &mut Self {
        let until: Timestamp = time.parse().unwrap();
        loop {
            let due = self.state.subscriptions.iter().filter_map(|(key, found)| match &found.on {
                On::Timer(schedule) => Some((schedule.due, *key)),
                _ => None,
            });
            let Some((due, subscription)) = due.min().filter(|(due, _)| *due <= until) else { break };
            self.now = due;
            self.input(Input::Fire { subscription, variables: Context::new() }).unwrap();
        }
        self.now = until;
        self
    }

    /// Where it waits, sorted.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let tokens = self.state.tokens.values().filter(|token| !matches!(token.wait, bpe::Wait::Scope(_)));
        let mut ids: Vec<String> =
            tokens.map(|token| self.state.node(&self.library, token).unwrap().id.to_string()).collect();
        ids.sort();
        ids
    }

    /// The elements something happened to, in order.
    pub(crate) fn happened(&self, what: Happened) -> Vec<&str> {
        self.history.iter().filter(|entry| entry.what == what).map(|entry| &*entry.element).collect()
    }

    pub(crate) fn variable(&self, name: &str) -> Value {
        self.state.variables().and_then(|all| all.get(name).cloned()).unwrap_or_default()
    }

    /// The first incident.
    pub(crate) fn incident(&self) -> Option<(String, Key)> {
        self.state.incidents().next().map(|(key, _, incident)| (incident.what.clone(), key))
    }

    pub(crate) fn completed(&self) -> bool {
        self.state.status == Status::Completed
    }
}
