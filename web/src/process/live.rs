//! A list that follows the processes: read when it is opened and again after steps, whoever made them.

use maud::Markup;
use nitro::prelude::*;

use super::follow::{ALL, Stepped};

/// What such a list shows.
pub trait Lines: Default + Send + Sync + 'static {
    /// What it is called.
    #[doc(hidden)]
    fn name(lang: &str) -> &'static str;

    /// Reads the lines.
    #[doc(hidden)]
    fn read(&mut self, cx: &mut n2o::Cx) -> impl Future<Output = Result> + Send;

    /// Shows them, below the title.
    #[doc(hidden)]
    fn show(&self, cx: &n2o::Cx) -> Markup;
}

/// The page of a list that follows the processes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Live<L: Lines> {
    #[serde(skip)]
    lines: L,
}

impl<L: Lines> Page for Live<L> {
    type Event = Never;
    const ACCESS: Access = Access::User;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        L::name(ui.lang()).to_owned()
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.lines.read(cx).await
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg(ALL);
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        maud::html! {
            main class="list" {
                header { h1 { (self.title(ui)) } }
                (self.lines.show(ui))
            }
        }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if message.read::<Stepped>().is_some() {
            self.lines.read(cx).await?;
            cx.refresh();
        }
        Ok(())
    }
}

/// A table with its head, or what is said when it has no rows.
pub(crate) fn table(id: &'static str, heads: &[&str], rows: Option<Markup>, empty: Markup) -> Markup {
    let none = rows.is_none();
    maud::html! {
        (panel().id("p.empty").class("empty").hidden(!none).body(empty))
        (panel().id(id).class("scroll").hidden(none).body(maud::html! {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                (tbody().id("p.rows").body(rows.unwrap_or_default()))
            }
        }))
    }
}
