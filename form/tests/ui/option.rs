//! A right, and a condition, on an option that the field lacks.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nstate|S|S\ndraft|D|D\npacked|P|P\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS, write = ["clerk"] if state == "drft")]
struct Thing {
    #[form(id)]
    id: String,
    #[form(write = ["clerk"] if state != "pack", visible = state == "sent")]
    a: u32,
    #[form(options = ["draft", "packed"], readonly)]
    state: String,
}

fn main() {}
