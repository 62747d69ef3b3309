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
