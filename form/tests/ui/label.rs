//! A field that the label table has no text for.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nb|B|B\nc|only English\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    #[form(id)]
    id: String,
    a: u32,
    c: u32,
}

fn main() {}
