//! A right that depends on a field that everybody moves who writes.
use form::{Form, Labels};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\nstate|S|S\ndraft|D|D\npacked|P|P\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS, write = ["clerk"] if state == "draft")]
struct Thing {
    #[form(id)]
    id: String,
    #[form(options = ["draft", "packed"])]
    state: String,
}

fn main() {}
