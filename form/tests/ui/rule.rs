//! A rule that cannot be.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nb|B|B\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    #[form(id)]
    id: String,
    #[form(pattern = "[")]
    a: String,
}

fn main() {}
