//! Rights that depend on an option that the field lacks: all of them are told at once.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nstate|S|S\ndraft|D|D\npacked|P|P\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS, write = ["clerk"] if state == "drft")]
struct Thing {
    #[form(id)]
    id: String,
    #[form(write = ["clerk"] if state != "pack")]
    a: u32,
    #[form(options = ["draft", "packed"], readonly)]
    state: String,
}

fn main() {}
