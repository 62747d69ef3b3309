//! Shows on each order where its process is. The process is the truth; the order follows it, after every step
//! and, for steps made just before a crash, at the start.

use bpe::{Engine, Instance, Library, Status};
use form::{
    Act, Form, Who,
    table::{self, By, Changed, Saved},
};
use kvs::{Changed as What, Scope, Since};
use n2o::{Node, OrFail, Result};
use serde_json::Value;

use super::record::Order;

/// What all histories stand below.
const HISTORIES: &str = "/bpe/hist";
/// Instances read at once.
const CHUNK: usize = 256;

/// Begins to follow.
pub(super) fn start(node: &Node, engine: &Engine) {
    let (node, engine, tasks) = (node.clone(), engine.clone(), node.tasks().clone());
    tasks.spawn("order states", async move {
        // Watched before all is read, so that nothing falls between.
        let mut watch = node.store().watch(Scope::Subtree(HISTORIES.into()), Since::Now);
        let mut anew = true;
        loop {
            if std::mem::take(&mut anew)
                && let Err(error) = all(&node, &engine).await
            {
                tracing::error!(%error, "the states of orders could not be brought up to date");
            }
            let change = tokio::select! {
                () = node.tasks().stopping() => return,
                change = watch.next() => change,
            };
            match change.map(|change| change.what) {
                Ok(What::Entry { feed, .. }) => {
                    let id = feed.strip_prefix(HISTORIES).unwrap_or_default().trim_start_matches('/');
                    if let Err(error) = one(&node, &engine, id).await {
                        tracing::error!(instance.id = id, %error, "the state of an order could not be written");
                    }
                }
                Ok(_) => {}
                Err(kvs::Error::Lagged { .. }) => anew = true,
                Err(error) => {
                    tracing::error!(%error, "processes cannot be watched; orders will not show their state");
                    return;
                }
            }
        }
    });
}

async fn all(node: &Node, engine: &Engine) -> Result {
    let mut after: Option<String> = None;
    loop {
        let found = engine.instances(after.as_deref(), CHUNK).await.or_fail()?;
        for instance in &found {
            one(node, engine, &instance.id).await?;
        }
        match found.last() {
            Some(last) if found.len() == CHUNK => after = Some(last.id.clone()),
            _ => return Ok(()),
        }
    }
}

async fn one(node: &Node, engine: &Engine, id: &str) -> Result {
    let who = Who::program("process");
    let mut attempts = node.store().attempts();
    let number = loop {
        let mut txn = attempts.begin().await;
        // Read together, so that an order never goes back to where its process was a moment ago, and to the rights of
        // that state.
        let Some(instance) = txn.get::<Instance>(id).await? else { return Ok(()) };
        let Some(number) = number(&instance) else { return Ok(()) };
        let state = state(&instance, &engine.library());
        let Some(mut kept) = table::get::<Order>(&mut txn, &number).await? else { return Ok(()) };
        if kept.data.get("state").is_some_and(|known| known == state) {
            return Ok(());
        }
        kept.data.insert("state".to_owned(), Value::from(state));
        kept.data.insert("instance".to_owned(), Value::from(instance.id.as_str()));
        let by = By { who: &who, now: node.clock().millis() };
        let saved = table::update::<Order>(&mut txn, by, &number, kept.version, &kept.data).await?;
        let Saved::Done { .. } = saved else { return Ok(()) };
        if attempts.commit(txn).await?.is_some() {
            break number;
        }
    };
    let changed = Changed { id: number.clone(), who: who.name().to_owned(), act: Act::Update };
    let table = &Order::spec().document.name;
    node.registry().send(&table::record_topic(table, &number), changed.clone());
    node.registry().send(&table::topic(table), changed);
    Ok(())
}

/// The order that an instance is about.
fn number(instance: &Instance) -> Option<String> {
    let order = instance.state.variables()?.get("order")?;
    Some(order.entry("number")?.as_number()?.normalize().to_string())
}

fn state(instance: &Instance, library: &Library) -> &'static str {
    let variables = instance.state.variables();
    let is = |name: &str, value: &bpe::feel::Value| variables.and_then(|all| all.get(name)) == Some(value);
    let tokens = instance.state.tokens.values();
    let at: Vec<&str> = tokens.filter_map(|token| Some(&*instance.state.node(library, token)?.id)).collect();
    match instance.state.status {
        Status::Completed if is("decision", &bpe::feel::Value::text("refuse")) => "refused",
        Status::Completed => "done",
        Status::Active if instance.state.incidents().next().is_some() => "stopped",
        Status::Active if at.contains(&"approve") && is("escalated", &true.into()) => "late",
        Status::Active if at.contains(&"approve") => "approval",
        Status::Active if at.iter().any(|id| ["pack", "invoice", "join"].contains(id)) => "packing",
        Status::Active => "stock",
        _ => "cancelled",
    }
}
