//! A mistake in a form that is used: it is told once, not again wherever the form is used.
use form::{Card, Form, Labels, List};
use serde::{Deserialize, Serialize};
const LABELS: Labels = Labels::new("key|en|uk\nt|T|T\nid|Id|Id\na|A|A\n");

#[derive(Serialize, Deserialize, Form)]
#[form(table = "t", labels = LABELS)]
struct Thing {
    id: String,
    a: u32,
}

fn screens(app: nitro::test::TestApp) -> nitro::test::TestApp {
    app.page::<List<Thing>>("/things").page::<Card<Thing>>("/things/{id}")
}

fn main() {
    let _ = (screens(nitro::test::TestApp::new()), <Thing as kvs::Record>::TABLE);
}
