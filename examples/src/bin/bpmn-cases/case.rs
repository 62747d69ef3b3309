//! The cases file as data.

use std::collections::BTreeMap;

use bpe::feel::{Context, Value};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
pub(crate) struct Cases {
    pub(crate) schema: String,
    pub(crate) cases: Vec<Case>,
}

/// One scenario on one deployment.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) files: Vec<String>,
    #[serde(default)]
    pub(crate) process: String,
    #[serde(default)]
    pub(crate) auto: Auto,
    #[serde(default)]
    pub(crate) wait: Vec<String>,
    #[serde(default)]
    pub(crate) overrides: Vec<Override>,
    #[serde(default)]
    pub(crate) lenient: bool,
    pub(crate) steps: Vec<Step>,
    #[serde(default)]
    pub(crate) elements: Vec<String>,
    #[serde(default)]
    pub(crate) disputed: serde_json::Value,
}

/// Which jobs complete by themselves.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Auto {
    All(bool),
    Some(Vec<String>),
}

impl Default for Auto {
    fn default() -> Self {
        Self::All(false)
    }
}

/// A property of the model to replace before deploying.
#[derive(Debug, Deserialize)]
pub(crate) struct Override {
    pub(crate) element: String,
    pub(crate) property: String,
    pub(crate) value: String,
}

/// An action or a check.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Step {
    Start {
        process: Option<String>,
        event: Option<String>,
        #[serde(default)]
        variables: Context,
    },
    Complete {
        element: String,
        #[serde(default)]
        variables: Context,
        times: Option<u32>,
    },
    Drain {
        elements: Vec<String>,
    },
    ThrowError {
        element: String,
        code: String,
    },
    Publish {
        message: String,
        key: Option<Value>,
        #[serde(default)]
        variables: Context,
    },
    Signal {
        name: String,
    },
    Advance {
        duration: String,
    },
    SetVariables {
        variables: Context,
    },
    Trigger {
        element: String,
        times: Option<u32>,
    },
    Decide {
        gateway: String,
        flows: Vec<String>,
    },
    Cancel,
    Expect(Box<Expect>),
}

/// What must hold; only the given keys are checked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) state: Option<String>,
    pub(crate) instances: Option<usize>,
    pub(crate) open_instances: Option<usize>,
    pub(crate) flows: Option<BTreeMap<String, usize>>,
    pub(crate) flows_at_least: Option<BTreeMap<String, usize>>,
    pub(crate) activities: Option<BTreeMap<String, usize>>,
    pub(crate) activated: Option<BTreeMap<String, usize>>,
    pub(crate) end_events: Option<BTreeMap<String, usize>>,
    pub(crate) waiting: Option<BTreeMap<String, usize>>,
    pub(crate) waiting_ids: Option<Vec<String>>,
    pub(crate) passed: Option<Vec<String>>,
    pub(crate) terminated: Option<Vec<String>>,
    pub(crate) order: Option<Vec<String>>,
    pub(crate) order_of: Option<Vec<String>>,
    pub(crate) variables: Option<BTreeMap<String, Value>>,
    pub(crate) no_variables: Option<Vec<String>>,
    pub(crate) incident: Option<Place>,
    pub(crate) rejected: Option<Place>,
}

/// Where something is.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) element: String,
}
