//! A right that depends on a field that the record lacks.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nb|B|B\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS, delete = ["clerk"] if stat == "draft")]
struct Thing {
    #[form(id)]
    id: String,
    a: u32,
}

fn main() {}
