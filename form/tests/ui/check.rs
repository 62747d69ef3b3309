//! A check that its label table has no text for.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nb|B|B\n");

fn fine(a: &bool) -> bool {
    *a
}

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    #[form(id)]
    id: String,
    #[form(check = fine(a))]
    a: bool,
}

fn main() {}
