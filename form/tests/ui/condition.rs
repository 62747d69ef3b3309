//! A condition on a field that the record lacks.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nb|B|B\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    #[form(id)]
    id: String,
    #[form(visible = bb == 1)]
    a: u32,
    b: u32,
}

fn main() {}
