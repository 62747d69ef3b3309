//! What the readers of a list find after a change: asked of the store once for all who ask the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use n2o::{Cx, Message};
use tokio::sync::OnceCell;

use crate::{
    access::Who,
    error::Result,
    form::Form,
    list::{self, Found, Query},
    table,
};

/// Questions that are remembered at a time; their answers are those that pages show, and go with them.
const MOST: usize = 256;

/// An answer.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) found: Found,
    /// There are no records at all.
    pub(super) empty: bool,
}

/// An answer that many may show, or none yet.
pub(super) type Shared = Arc<OnceCell<Answer>>;

/// Asks the store.
pub(super) async fn ask<R: Form>(cx: &mut Cx, who: &Who, query: &Query) -> Result<Shared> {
    Ok(Arc::new(OnceCell::new_with(Some(answer::<R>(cx, who, query).await?))))
}

async fn answer<R: Form>(cx: &mut Cx, who: &Who, query: &Query) -> Result<Answer> {
    let lang = cx.lang().to_owned();
    let found = list::find::<R>(cx.kvs(), who, query, &lang).await?;
    let empty = found.total == 0 && table::is_empty::<R>(cx.kvs()).await?;
    Ok(Answer { found, empty })
}

/// Asks the store after a change, unless somebody who sees the same has asked the same after it. An answer that is
/// older than the store is followed by the message of what has made it so.
pub(super) async fn ask_after<R: Form>(
    change: &Message,
    cx: &mut Cx,
    who: &Who,
    query: &Query,
) -> Result<Shared> {
    let mut roles = who.roles.clone();
    roles.sort_unstable();
    // What may be seen goes by roles only.
    let question = serde_json::to_string(&(R::TABLE, query, roles, cx.lang())).unwrap_or_default();
    let finds = cx.node().service::<Finds>().unwrap_or_else(|| {
        cx.node().provide(Finds::default());
        cx.node().service().unwrap_or_default()
    });
    let shared = finds.shared(question, change);
    shared.get_or_try_init(|| answer::<R>(cx, who, query)).await?;
    Ok(shared)
}

/// The change that a question was asked after, and its answer while somebody shows it.
type Asked = (Message, Weak<OnceCell<Answer>>);

/// The answers to questions, each after the latest change that it was asked after.
#[derive(Debug, Default)]
pub(super) struct Finds {
    // A std lock: held for a look at the map, never across an await.
    by_question: Mutex<HashMap<String, Asked>>,
}

impl Finds {
    fn shared(&self, question: String, change: &Message) -> Shared {
        let mut all = self.by_question.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&question).filter(|(of, _)| of.is(change));
        if let Some(shared) = known.and_then(|(_, shared)| shared.upgrade()) {
            return shared;
        }
        if all.len() >= MOST {
            all.retain(|_, (of, shared)| of.is(change) && shared.strong_count() > 0);
        }
        if all.len() >= MOST {
            all.clear();
        }
        let shared = Shared::default();
        all.insert(question, (change.clone(), Arc::downgrade(&shared)));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_question_after_one_change_is_asked_once() {
        let (finds, change) = (Finds::default(), Message::new("clients", 1_u8));
        let (asked, shown) = (std::cell::Cell::new(0), std::cell::RefCell::new(Vec::new()));
        let ask = async |question: &str, change: &Message| {
            let shared = finds.shared(question.to_owned(), change);
            let answer = shared.get_or_init(async || {
                asked.set(asked.get() + 1);
                Answer::default()
            });
            answer.await;
            shown.borrow_mut().push(shared);
            asked.get()
        };
        for _ in 0..100 {
            assert_eq!(ask("by name", &change).await, 1);
        }
        assert_eq!(ask("by city", &change).await, 2);
        assert_eq!(ask("by name", &change.clone()).await, 2, "the same message in another's hands");
        let next = Message::new("clients", 1_u8);
        assert_eq!(ask("by name", &next).await, 3, "another change, though an equal one");
        for number in 0..3 * MOST {
            ask(&number.to_string(), &next).await;
        }
        assert!(finds.by_question.lock().unwrap_or_else(PoisonError::into_inner).len() <= MOST);
        shown.borrow_mut().clear();
        let all = finds.by_question.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(all.values().all(|(_, shared)| shared.strong_count() == 0), "what nobody shows is not kept");
    }
}
