//! The desk's records and the forms of its tasks. Lists, search, cards, validation and REST follow from these.

use form::Form;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::text::LABELS;

/// Someone who orders.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(table = "client", labels = LABELS, read = ["clerk", "manager"], write = ["clerk"])]
pub(crate) struct Client {
    #[form(id, pattern = "C-[0-9]{4}")]
    pub(crate) code: String,
    #[form(title, required, length = 2..=80, index)]
    pub(crate) name: String,
    #[form(options = ["regular", "vip"], index, required, default = "regular".to_owned())]
    pub(crate) kind: String,
    #[form(length = ..=80)]
    pub(crate) contact: String,
    #[form(email, required)]
    pub(crate) email: String,
    #[form(phone)]
    pub(crate) phone: String,
    #[form(required, length = ..=60)]
    pub(crate) city: String,
    #[form(range = "0"..="1000000", visible = kind == "vip")]
    pub(crate) credit: Option<Decimal>,
    #[form(unlisted)]
    pub(crate) since: Option<Date>,
    #[form(lines, length = ..=2000)]
    pub(crate) note: String,
}

/// What a client orders. Until it is approved a clerk changes it, but for the discount, which is a manager's to give or
/// take once the order waits for them. From then on nobody does, and what has come to nothing is deleted by a clerk.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(
    table = "order", labels = LABELS, read = ["clerk", "manager", "storekeeper"],
    write = ["clerk"] if state == "draft" || state == "approval" || state == "late",
    write = ["manager"] if state == "approval" || state == "late",
    delete = ["clerk"] if state == "draft" || state == "refused" || state == "cancelled",
)]
pub(crate) struct Order {
    #[form(id, auto)]
    #[serde(default)]
    pub(crate) number: u64,
    #[form(lookup = Client, required, write = ["clerk"])]
    pub(crate) client: String,
    #[form(options = ["chair", "desk", "lamp", "shelf", "sofa"], required, write = ["clerk"])]
    pub(crate) product: String,
    #[form(range = 1..=500, default = 1, write = ["clerk"])]
    pub(crate) quantity: u32,
    #[form(range = "0.01"..="100000", unlisted, write = ["clerk"])]
    pub(crate) price: Decimal,
    #[form(range = 0..=50, default = 0, unlisted, write = ["clerk"] if state == "draft", write = ["manager"])]
    pub(crate) discount: u32,
    #[form(compute = total(price, quantity, discount), index)]
    pub(crate) total: Decimal,
    #[form(visible = urgent, required = urgent, unlisted, write = ["clerk"])]
    pub(crate) due: Option<Date>,
    #[form(unlisted, write = ["clerk"])]
    pub(crate) urgent: bool,
    #[form(lines, length = ..=2000)]
    pub(crate) note: String,
    /// Where its process is; the process says so.
    #[form(options = ["draft", "stock", "approval", "late", "decided", "packing", "stopped", "done", "refused", "cancelled"],
        index, readonly, visible = state != "draft", default = "draft".to_owned())]
    pub(crate) state: String,
    /// The process, for the program only: nobody has this role.
    #[form(read = ["process"], unlisted)]
    #[serde(default)]
    pub(crate) instance: String,
}

/// A manager's decision.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(table = "approval", labels = LABELS)]
pub(crate) struct Approval {
    #[form(id, auto)]
    #[serde(default)]
    approval: String,
    #[form(options = ["approve", "refuse"], required)]
    decision: String,
    #[form(lines, required = decision == "refuse", length = ..=1000)]
    reason: String,
}

/// What a storekeeper has packed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(table = "packing", labels = LABELS)]
pub(crate) struct Packing {
    #[form(id, auto)]
    #[serde(default)]
    packing: String,
    #[form(range = 1..=99, default = 1)]
    parcels: u32,
    #[form(decimals = 1, range = 0.1..=2000)]
    weight: f64,
}

fn total(price: &Decimal, quantity: &u32, discount: &u32) -> Decimal {
    let percent = Decimal::from(100_u32.saturating_sub(*discount));
    let full = price.checked_mul(Decimal::from(*quantity)).unwrap_or_default();
    (full * percent / Decimal::from(100)).round_dp(2)
}
