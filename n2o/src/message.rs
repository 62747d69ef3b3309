//! What travels over a topic.

use std::{any::Any, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

/// A message of a topic, shared by all that receive it.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Said(String);
///
/// let message = n2o::Message::new("room", Said("hello".into()));
/// assert_eq!(message.read::<Said>(), Some(&Said("hello".into())));
/// assert_eq!(message.read::<u8>(), None);
/// ```
#[derive(Clone, Debug)]
pub struct Message {
    topic: Arc<str>,
    body: Arc<dyn Any + Send + Sync>,
}

impl Message {
    /// A message; its type has to be serialisable, so that it can cross to another node.
    #[must_use]
    pub fn new<T: Serialize + DeserializeOwned + Send + Sync + 'static>(topic: &str, body: T) -> Self {
        Message { topic: topic.into(), body: Arc::new(body) }
    }

    /// The topic that it was sent to.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether it is the same message, not only an equal one.
    #[must_use]
    pub fn is(&self, other: &Message) -> bool {
        Arc::ptr_eq(&self.body, &other.body)
    }

    /// The content, when it is a `T`.
    #[must_use]
    pub fn read<T: 'static>(&self) -> Option<&T> {
        self.body.downcast_ref()
    }
}

/// Sent to everyone in a topic when somebody's presence there has changed; see `Cx::join`.
///
/// It is sent at once when nothing was for [`Limits::presence`](crate::Limits::presence), and otherwise for all
/// who came and went until then. Who left and came back meanwhile, as by a reload, is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Presence {
    /// Who came.
    pub came: Vec<String>,
    /// Who went.
    pub went: Vec<String>,
}
