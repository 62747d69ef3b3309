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
    fn read(&mut self, cx: &mut Cx) -> impl Future<Output = Result> + Send;

    /// Shows them, below the title.
    #[doc(hidden)]
    fn show(&self, cx: &Cx) -> Markup;
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

    fn title(&self, cx: &Cx) -> String {
        L::name(cx.lang()).to_owned()
    }

    async fn load(&mut self, cx: &mut Cx) -> Result {
        self.lines.read(cx).await
    }

    async fn init(&mut self, cx: &mut Cx) -> Result {
        cx.reg(ALL);
        Ok(())
    }

    fn render(&self, cx: &Cx) -> Markup {
        maud::html! {
            main class="list" {
                header { h1 { (self.title(cx)) } }
                (self.lines.show(cx))
            }
        }
    }

    async fn event(&mut self, never: Never, _: &mut Cx) -> Result {
        match never {}
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx) -> Result {
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
