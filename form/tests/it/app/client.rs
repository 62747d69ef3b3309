//! A record of ten fields, and with its label table all that its screens take.

use form::{Card, Date, Decimal, Form, Labels, List};
use nitro::test::TestApp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Form)]
#[form(table = "client", labels = LABELS, write = ["clerk", "manager"], delete = ["manager"])]
pub(crate) struct Client {
    #[form(id, pattern = "[A-Z]{2}-[0-9]{4}")]
    pub(crate) code: String,
    #[form(required, title, length = 2..=80)]
    pub(crate) name: String,
    #[form(email)]
    pub(crate) mail: String,
    #[form(phone)]
    pub(crate) tel: String,
    #[form(options = ["new", "regular", "vip"], default = "new".to_owned())]
    pub(crate) kind: String,
    pub(crate) since: Option<Date>,
    #[form(range = 0..=1000, visible = kind == "vip")]
    pub(crate) discount: Option<u32>,
    #[form(range = "0"..="1000000", default = Decimal::ZERO, write = ["manager"])]
    pub(crate) credit: Decimal,
    pub(crate) active: bool,
    #[form(lines, read = ["manager"])]
    pub(crate) notes: String,
}
pub(crate) const LABELS: Labels = Labels::new(include_str!("client.labels"));

pub(crate) fn pages(app: TestApp) -> TestApp {
    app.page::<List<Client>>("/clients").page::<Card<Client>>("/clients/{id}")
}
