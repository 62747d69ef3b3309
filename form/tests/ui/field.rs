//! A rule that reads a field that the record lacks.
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
    #[form(compute = twice(aa))]
    a: u32,
    b: u32,
}

fn main() {}
