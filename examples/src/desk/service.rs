//! What the services of the process do. They are done at least once, so that each gives the same answer again.

use bpe::{
    Done, Failure, Order, Outcome,
    feel::{Context, Value},
};

/// What the store has of a product.
fn in_stock(product: &str) -> u32 {
    match product {
        "chair" => 400,
        "lamp" => 250,
        "shelf" => 60,
        "desk" => 40,
        _ => 5,
    }
}

fn field<'a>(order: &'a Order, name: &str) -> Result<&'a Value, Failure> {
    let value = order.variables.get("order").and_then(|order| order.entry(name));
    value.ok_or_else(|| Failure::failed(format!("the variable `order` has no `{name}`")))
}

/// Looks whether the store has enough.
pub(super) async fn stock(order: Order) -> Outcome {
    let product = field(&order, "product")?.as_str().unwrap_or_default();
    let wanted = field(&order, "quantity")?.as_number().unwrap_or_default();
    let enough = wanted <= in_stock(product).into();
    Ok(Done::new(Context::from([("in_stock".into(), enough.into())])))
}

/// Gives the invoice its number.
pub(super) async fn invoice(order: Order) -> Outcome {
    let number = field(&order, "number")?.as_number().unwrap_or_default();
    let invoice = Value::text(format!("INV-{number:0>6}"));
    Ok(Done::new(Context::from([("invoice".into(), invoice)])))
}

/// Notes that nobody has approved in time; the list of orders shows it.
pub(super) async fn escalate(_: Order) -> Outcome {
    Ok(Done::new(Context::from([("escalated".into(), true.into())])))
}

#[cfg(test)]
mod tests {
    use bpe::{Clock, Engine, Status};
    use jiff::{Timestamp, ToSpan};

    use super::*;

    async fn desk(clock: &Clock) -> Engine {
        let store = kvs::Store::open("memory:").await.unwrap();
        let services = Engine::builder(&store)
            .clock(clock.clone())
            .worker("stock", stock)
            .worker("invoice", invoice)
            .worker("escalate", escalate);
        let engine = services.open().await.unwrap();
        engine.deploy(super::super::PROCESS).await.unwrap();
        engine
    }

    fn order(product: &str, quantity: u32, total: u32) -> Context {
        let order = Value::context([
            ("number", Value::from(7)),
            ("product", Value::text(product)),
            ("quantity", quantity.into()),
            ("total", total.into()),
        ]);
        Context::from([("order".into(), order)])
    }

    async fn waits(engine: &Engine, instance: &str) -> Vec<String> {
        engine.jobs(instance).await.unwrap().iter().map(|job| job.element.to_string()).collect()
    }

    #[tokio::test]
    async fn an_approval_that_takes_two_days_is_escalated_and_still_waits() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let engine = desk(&clock).await;
        let id = engine.start("order", &order("sofa", 9, 216_000)).await.unwrap();
        engine.idle().await;
        assert_eq!(waits(&engine, &id).await, ["approve"]);
        clock.set(Timestamp::UNIX_EPOCH + 48.hours());
        engine.idle().await;
        let instance = engine.instance(&id).await.unwrap().unwrap();
        assert_eq!(instance.state.variables().unwrap()["escalated"], true.into());
        assert_eq!(waits(&engine, &id).await, ["approve"]);
        let job = engine.jobs(&id).await.unwrap().remove(0).id;
        let refused = Context::from([("decision".into(), Value::text("refuse"))]);
        engine.complete(&job, &refused).await.unwrap();
        assert_eq!(engine.instance(&id).await.unwrap().unwrap().state.status, Status::Completed);
    }

    #[tokio::test]
    async fn a_small_order_is_packed_without_a_manager() {
        let engine = desk(&Clock::manual(Timestamp::UNIX_EPOCH)).await;
        let id = engine.start("order", &order("lamp", 2, 2_500)).await.unwrap();
        engine.idle().await;
        assert_eq!(waits(&engine, &id).await, ["pack"]);
        let job = engine.jobs(&id).await.unwrap().remove(0).id;
        engine.complete(&job, &Context::new()).await.unwrap();
        let instance = engine.instance(&id).await.unwrap().unwrap();
        assert_eq!(instance.state.status, Status::Completed);
        assert_eq!(instance.state.variables().unwrap()["invoice"], Value::text("INV-000007"));
    }
}
