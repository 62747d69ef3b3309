//! A process that several tests use, a leave that is asked for and granted: its file, its labels, the form of
//! its task, and the way in.

use form::{Form, Labels};
use nitro::prelude::*;

pub(crate) const FILE: &[u8] = include_bytes!("leave.bpmn");

pub(crate) const LABELS: Labels = Labels::new(
    "key | en | uk
     ask | Leave | L
     number | Number | N
     ask.days | Days | D
     ask.why | Why | W
     answer | Answer | A
     answer.granted | Granted | G",
);

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "answer")]
pub(crate) struct Answer {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    granted: bool,
}

/// Logs a visitor in as `/enter/{user}/{roles}`, the roles separated by dashes, and sends them to their tasks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Enter;

impl Page for Enter {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (user, roles) = (cx.param("user").to_owned(), cx.param("roles").to_owned());
        cx.login_as(&user, &roles.split('-').collect::<Vec<_>>()).await?;
        cx.redirect(url!("/tasks"))
    }

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        maud::html! {}
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}
