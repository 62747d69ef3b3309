//! Several texts that the label table lacks: all of them are told at once.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nid|Id|Id\na|A|A\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    #[form(id)]
    id: String,
    a: u32,
    b: u32,
    #[form(options = ["x", "y"])]
    c: String,
}

fn main() {}
