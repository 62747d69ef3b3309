//! What the readers of a list find after a change: asked of the store once for all who ask the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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

/// Questions that are remembered at a time, each with its page of records.
const MOST: usize = 256;

/// An answer.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) found: Found,
    /// There are no records at all.
    pub(super) empty: bool,
}

/// Asks the store.
pub(super) async fn ask<R: Form>(cx: &mut Cx, who: &Who, query: &Query) -> Result<Answer> {
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
) -> Result<Arc<Answer>> {
    let mut roles = who.roles.clone();
    roles.sort_unstable();
    // What may be seen goes by roles only.
    let question = serde_json::to_string(&(R::TABLE, query, roles, cx.lang())).unwrap_or_default();
    let finds = cx.node().service::<Finds>().unwrap_or_else(|| {
        cx.node().provide(Finds::default());
        cx.node().service().unwrap_or_default()
    });
    let cell = finds.cell(question, change);
    cell.get_or_try_init(async || Ok(Arc::new(ask::<R>(cx, who, query).await?))).await.cloned()
}

type Cell = Arc<OnceCell<Arc<Answer>>>;

/// The answers to questions, each after the latest change that it was asked after.
#[derive(Debug, Default)]
pub(super) struct Finds {
    // A std lock: held for a look at the map, never across an await.
    by_question: Mutex<HashMap<String, (Message, Cell)>>,
}

impl Finds {
    fn cell(&self, question: String, change: &Message) -> Cell {
        let mut all = self.by_question.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, cell)) = all.get(&question)
            && of.is(change)
        {
            return Arc::clone(cell);
        }
        if all.len() >= MOST {
            all.retain(|_, (of, _)| of.is(change));
        }
        if all.len() >= MOST {
            all.clear();
        }
        let cell = Cell::default();
        all.insert(question, (change.clone(), Arc::clone(&cell)));
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_question_after_one_change_is_asked_once() {
        let (finds, change) = (Finds::default(), Message::new("clients", 1_u8));
        let asked = std::cell::Cell::new(0);
        let ask = async |question: &str, change: &Message| {
            let cell = finds.cell(question.to_owned(), change);
            let answer = cell.get_or_init(async || {
                asked.set(asked.get() + 1);
                Arc::default()
            });
            answer.await;
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
    }
}
