//! Something to look at: 2,000 clients and 2,000 orders, the same in every new store.

use form::{
    Form, Who,
    table::{self, By, Saved},
    to_data,
};
use jiff::civil::date;
use n2o::{Node, Result};
use rust_decimal::Decimal;

use super::record::{Client, Order};

/// How many of each.
const COUNT: usize = 2_000;
/// Records in one commit.
const BATCH: usize = 250;
/// When the desk is said to have been opened: 2026-01-01T00:00:00Z, in milliseconds.
const BEGAN: u64 = 1_767_225_600_000;

const FIRST: [&str; 16] = [
    "Golden", "Blue", "Northern", "Quiet", "Bright", "Green", "Silver", "Old", "New", "Happy", "Swift",
    "Tall", "Warm", "Clear", "Brave", "Little",
];
const SECOND: [&str; 16] = [
    "Oak", "River", "Fox", "Mill", "Harbour", "Stork", "Garden", "Bridge", "Meadow", "Lantern", "Kite",
    "Forge", "Pine", "Stone", "Swallow", "Orchard",
];
const KIND: [&str; 8] = ["Office", "Studio", "School", "Hotel", "Clinic", "Cafe", "Library", "Workshop"];
const CITY: [&str; 10] =
    ["Kyiv", "Lviv", "Odesa", "Kharkiv", "Dnipro", "Poltava", "Chernihiv", "Lutsk", "Uzhhorod", "Vinnytsia"];
const PRODUCT: [(&str, u32); 5] =
    [("chair", 2_900), ("desk", 11_500), ("lamp", 1_250), ("shelf", 4_800), ("sofa", 24_000)];

/// Numbers that look thrown but are always the same (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.roll(list.len())]
    }
}

/// Seeds a store that has no clients.
pub(super) async fn seed(node: &Node) -> Result {
    if !node.store().txn().range::<Client>("", None, 1).await?.is_empty() {
        return Ok(());
    }
    let mut dice = Dice(2_026);
    let clients: Vec<Client> = (1..=COUNT).map(|number| client(number, &mut dice)).collect();
    let orders: Vec<Order> = (0..COUNT).map(|_| order(&mut dice)).collect();
    fill(node, &orders).await?;
    // Clients last: a store that has some was seeded to the end.
    fill(node, &clients).await
}

async fn fill<R: Form>(node: &Node, records: &[R]) -> Result {
    let who = Who::program("seed");
    for batch in records.chunks(BATCH) {
        let mut attempts = node.store().attempts();
        loop {
            let mut txn = attempts.begin().await;
            for record in batch {
                let by = By { who: &who, now: BEGAN };
                let Saved::Done { .. } = table::create::<R>(&mut txn, by, &to_data(record)?).await? else {
                    continue;
                };
            }
            if attempts.commit(txn).await?.is_some() {
                break;
            }
        }
    }
    Ok(())
}

fn client(number: usize, dice: &mut Dice) -> Client {
    let (first, second, kind) = (dice.of(&FIRST), dice.of(&SECOND), dice.of(&KIND));
    let vip = dice.roll(8) == 0;
    Client {
        code: format!("C-{number:04}"),
        name: format!("{first} {second} {kind} {number}"),
        kind: (if vip { "vip" } else { "regular" }).to_owned(),
        contact: String::new(),
        email: format!("{}.{}{number}@example.org", first.to_lowercase(), second.to_lowercase()),
        phone: format!("+380 44 {:03} {:02} {:02}", dice.roll(1_000), dice.roll(100), dice.roll(100)),
        city: dice.of(&CITY).to_owned(),
        credit: vip.then(|| Decimal::new(100 * (1 + dice.roll(500) as i64) * 100, 2)),
        since: Some(date(2019 + dice.roll(7) as i16, 1 + dice.roll(12) as i8, 1 + dice.roll(28) as i8)),
        note: String::new(),
    }
}

fn order(dice: &mut Dice) -> Order {
    let (product, base) = PRODUCT[dice.roll(PRODUCT.len())];
    let (quantity, discount) = (1 + dice.roll(12) as u32, 5 * dice.roll(4) as u32);
    let price = Decimal::new(i64::from(base) * 100, 2);
    let refused = dice.roll(12) == 0;
    let mut order = Order {
        client: format!("C-{:04}", 1 + dice.roll(COUNT)),
        product: product.to_owned(),
        quantity,
        price,
        discount,
        state: (if refused { "refused" } else { "done" }).to_owned(),
        ..Order::default()
    };
    order.total =
        (price * Decimal::from(quantity) * Decimal::from(100 - discount) / Decimal::from(100)).round_dp(2);
    order
}
