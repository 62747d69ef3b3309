//! Calling another process. It runs inside the caller's state, so that errors, escalations and the end of the
//! caller reach it within the same step.

use super::run::Run;
use crate::effect::Happened;
use crate::model::Called;
use crate::scope::Scope;
use crate::state::{Key, Pin, Resume, Wait};

impl Run<'_> {
    pub(super) fn call(&mut self, key: Key, called: &Called) {
        let scope = self.scope_of(key);
        let found = self.name(&called.process, Some(key), scope).and_then(|name| {
            let process = self.library.latest(&name).cloned();
            process.ok_or_else(|| format!("the process `{name}` is not deployed"))
        });
        let process = match found {
            Ok(process) => process,
            Err(what) => {
                self.unsubscribe(key);
                return self.incident(key, what, Resume::Enter);
            }
        };
        if !process.has_plain_start() {
            self.unsubscribe(key);
            let what = format!("the process `{}` has no start event without trigger", process.id);
            return self.incident(key, what, Resume::Enter);
        }
        let variables = if called.all_in {
            self.state.visible(key)
        } else {
            self.state.tokens.get(&key).map(|token| token.variables.clone()).unwrap_or_default()
        };
        let pin = Pin { id: process.id.clone(), version: process.version };
        let known = self.state.processes.iter().position(|known| *known == pin);
        let index = known.unwrap_or_else(|| {
            self.state.processes.push(pin);
            self.add_process(process);
            self.state.processes.len() - 1
        });
        let Some(inside) = self.open_scope(key, None) else {
            return self.unsubscribe(key);
        };
        let mut root = Scope::new(Some(scope), Some(key), index as u16, None);
        root.variables = variables;
        self.state.scopes.insert(inside, root);
        self.wait(key, Wait::Scope(inside));
        self.entry(Happened::Entered, key, None);
        self.process_entry(Happened::Started, inside);
        self.begin(inside, None);
    }
}
