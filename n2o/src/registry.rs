//! Topics: who is registered where, who is present, and sending to all of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    inbox::Inbox,
    message::{Message, Presence},
    tasks::Tasks,
};

/// The topics of a node. Messages to one topic reach every member in the same order.
#[derive(Debug, Default)]
pub struct Registry {
    topics: Arc<Topics>,
    tasks: Tasks,
    /// Shortest time between two messages about who is present.
    pause: Duration,
}

// A std lock: held while a message is put into the inboxes, never across an await.
type Topics = Mutex<HashMap<Arc<str>, Topic>>;

#[derive(Debug, Default)]
struct Topic {
    members: HashMap<usize, (Arc<Inbox>, Option<Arc<str>>)>,
    present: BTreeMap<Arc<str>, usize>,
    /// Who came (true) or went since that was last told.
    changed: BTreeMap<Arc<str>, bool>,
    /// It was told a moment ago, and what has changed since will be told after the pause.
    paused: bool,
}

impl Topic {
    fn send(&self, message: Message) {
        let message = Arc::new(message);
        for (inbox, _) in self.members.values() {
            inbox.push(Arc::clone(&message));
        }
    }

    fn leave(&mut self, member: usize) {
        let Some((_, Some(name))) = self.members.remove(&member) else { return };
        let Some(count) = self.present.get_mut(&name) else { return };
        *count -= 1;
        if *count == 0 {
            self.present.remove(&name);
            self.note(name, false);
        }
    }

    /// Notes that somebody came or went; who did both has done nothing.
    fn note(&mut self, name: Arc<str>, here: bool) {
        if self.changed.remove(&name).is_none() {
            self.changed.insert(name, here);
        }
    }

    /// Tells who came and went, and says whether there was anybody to tell of.
    fn tell(&mut self, topic: &str) -> bool {
        let mut presence = Presence::default();
        for (name, here) in std::mem::take(&mut self.changed) {
            if here { &mut presence.came } else { &mut presence.went }.push(name.to_string());
        }
        let told = presence != Presence::default();
        if told {
            self.send(Message::new(topic, presence));
        }
        told
    }
}

/// Tells, after each pause, what has changed meanwhile, until nothing has.
async fn tell(topics: Weak<Topics>, topic: Arc<str>, pause: Duration, tasks: Tasks) {
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let Some(topics) = topics.upgrade() else { return };
        let mut topics = topics.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = topics.get_mut(&topic) else { return };
        if !entry.tell(&topic) {
            entry.paused = false;
            if entry.members.is_empty() {
                topics.remove(&topic);
            }
            return;
        }
    }
}

fn address(inbox: &Arc<Inbox>) -> usize {
    Arc::as_ptr(inbox).addr()
}

impl Registry {
    pub(crate) fn new(tasks: Tasks, pause: Duration) -> Self {
        Registry { topics: Arc::default(), tasks, pause }
    }

    /// Tells who came and went, now or after the pause.
    fn told(&self, topic: &Arc<str>, entry: &mut Topic) {
        // Pages may be dropped after the runtime; then nothing waits any more.
        let waits = tokio::runtime::Handle::try_current().is_ok() && !self.pause.is_zero();
        if !entry.paused && entry.tell(topic) && waits {
            entry.paused = true;
            let task = tell(Arc::downgrade(&self.topics), Arc::clone(topic), self.pause, self.tasks.clone());
            self.tasks.spawn("presence", task);
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<Arc<str>, Topic>) -> T) -> T {
        f(&mut self.topics.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Registers an inbox, with the name under which it is present if it has one. Doing it again changes the name.
    pub(crate) fn reg(&self, topic: &str, inbox: &Arc<Inbox>, name: Option<&str>) -> Arc<str> {
        self.with(|topics| {
            let key: Arc<str> = match topics.get_key_value(topic) {
                Some((key, _)) => Arc::clone(key),
                None => topic.into(),
            };
            let entry = topics.entry(Arc::clone(&key)).or_default();
            if let Some((_, old)) = entry.members.get(&address(inbox)) {
                if old.as_deref() == name {
                    return key;
                }
                entry.leave(address(inbox));
            }
            let name: Option<Arc<str>> = name.map(Into::into);
            entry.members.insert(address(inbox), (Arc::clone(inbox), name.clone()));
            if let Some(name) = name {
                let count = entry.present.entry(Arc::clone(&name)).or_default();
                *count += 1;
                if *count == 1 {
                    entry.note(name, true);
                }
            }
            self.told(&key, entry);
            key
        })
    }

    pub(crate) fn unreg(&self, topic: &str, inbox: &Arc<Inbox>) {
        self.with(|topics| {
            let Some(key) = topics.get_key_value(topic).map(|(key, _)| Arc::clone(key)) else { return };
            if let Some(entry) = topics.get_mut(topic) {
                entry.leave(address(inbox));
                self.told(&key, entry);
                // One that is still to be told of stays, so that its pause does.
                if entry.members.is_empty() && !entry.paused {
                    topics.remove(topic);
                }
            }
        });
    }

    /// Sends to everyone who is registered.
    pub fn send<T: Serialize + DeserializeOwned + Send + Sync + 'static>(&self, topic: &str, body: T) {
        self.publish(Message::new(topic, body));
    }

    pub(crate) fn publish(&self, message: Message) {
        self.with(|topics| {
            if let Some(entry) = topics.get(message.topic()) {
                entry.send(message);
            }
        });
    }

    /// The names that are present in a topic, in order.
    #[must_use]
    pub fn present(&self, topic: &str) -> Vec<String> {
        self.with(|topics| {
            topics
                .get(topic)
                .map_or_else(Vec::new, |topic| topic.present.keys().map(|name| name.to_string()).collect())
        })
    }

    /// How many pages are registered.
    #[must_use]
    pub fn count(&self, topic: &str) -> usize {
        self.with(|topics| topics.get(topic).map_or(0, |topic| topic.members.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Item;

    fn inbox() -> Arc<Inbox> {
        Arc::new(Inbox::new(10_000, "/"))
    }

    fn numbers(inbox: &Inbox) -> Vec<u32> {
        let items = std::iter::from_fn(|| inbox.try_next());
        items
            .filter_map(|item| match item {
                Item::Message(message) => message.read().copied(),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn all_members_receive_in_one_order_whoever_sends() {
        let (registry, members) = (Registry::default(), [inbox(), inbox(), inbox()]);
        members.iter().for_each(|member| drop(registry.reg("a", member, None)));
        std::thread::scope(|scope| {
            for sender in 0..4_u32 {
                let registry = &registry;
                scope.spawn(move || (0..500).for_each(|n| registry.send("a", sender * 1_000 + n)));
            }
        });
        let first = numbers(&members[0]);
        assert_eq!(first.len(), 2_000);
        for sender in 0..4 {
            let own: Vec<u32> = first.iter().copied().filter(|n| n / 1_000 == sender).collect();
            assert!(own.is_sorted(), "those of one sender in the order they were sent");
        }
        assert!(members[1..].iter().all(|member| numbers(member) == first));
    }

    #[test]
    fn a_full_inbox_says_so_and_keeps_nothing() {
        let (registry, small) = (Registry::default(), Arc::new(Inbox::new(3, "/")));
        registry.reg("a", &small, None);
        (0..4_u32).for_each(|n| registry.send("a", n));
        assert!(matches!(small.try_next(), Some(Item::Lagged)));
        assert!(small.try_next().is_none());
        registry.send("a", 9_u32);
        assert_eq!(numbers(&small), [9]);
    }

    #[test]
    fn presence_is_told_once_for_each_coming_and_going() {
        let (registry, watcher, one, two) = (Registry::default(), inbox(), inbox(), inbox());
        registry.reg("a", &watcher, None);
        registry.reg("a", &one, Some("Ann"));
        registry.reg("a", &two, Some("Ann"));
        registry.reg("a", &two, Some("Ann"));
        registry.unreg("a", &one);
        registry.unreg("a", &one);
        registry.unreg("a", &two);
        assert_eq!(told(&watcher), ["+Ann", "-Ann"], "each at once, outside of a runtime");
        registry.unreg("a", &watcher);
        assert!(
            registry.with(|topics| topics.is_empty()),
            "nothing is left of a topic that everyone has left"
        );
    }

    /// What an inbox holds of who came and went, a message a line.
    fn told(inbox: &Inbox) -> Vec<String> {
        let items = std::iter::from_fn(|| inbox.try_next());
        let presence = items.filter_map(|item| match item {
            Item::Message(message) => message.read::<Presence>().cloned(),
            _ => None,
        });
        presence
            .map(|Presence { came, went }| {
                let came = came.iter().map(|name| format!("+{name}"));
                came.chain(went.iter().map(|name| format!("-{name}"))).collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_come_at_once_are_told_of_together() {
        let pause = Duration::from_millis(250);
        let registry = Registry::new(Tasks::default(), pause);
        let (watcher, one, two, three) = (inbox(), inbox(), inbox(), inbox());
        registry.reg("a", &watcher, None);
        registry.reg("a", &one, Some("Ann"));
        assert_eq!(told(&watcher), ["+Ann"], "the first one at once");
        registry.reg("a", &two, Some("Bob"));
        registry.reg("a", &three, Some("Eve"));
        registry.unreg("a", &one);
        assert_eq!(told(&watcher), [""; 0]);
        tokio::time::sleep(pause + pause / 2).await;
        assert_eq!(told(&watcher), ["+Bob +Eve -Ann"]);

        // A reload is nobody's business.
        registry.unreg("a", &two);
        registry.reg("a", &two, Some("Bob"));
        tokio::time::sleep(pause).await;
        assert_eq!(told(&watcher), [""; 0]);
        // After a pause in which nothing happened the next one is told at once again.
        registry.unreg("a", &three);
        assert_eq!(told(&watcher), ["-Eve"]);

        // Nobody is left to be told, and nothing is left of the topic.
        registry.unreg("a", &two);
        registry.unreg("a", &watcher);
        tokio::time::sleep(3 * pause).await;
        assert!(registry.with(|topics| topics.is_empty()));
    }
}
