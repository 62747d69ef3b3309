//! Computed fields that wait for each other.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nb|B|B\n");

fn twice(value: &u32) -> u32 {
    value * 2
}

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    #[form(id)]
    id: String,
    #[form(compute = twice(b))]
    a: u32,
    #[form(compute = twice(a))]
    b: u32,
}

fn main() {}
