//! A list that follows the processes: read when it is opened and again after steps, whoever made them.

use maud::Markup;
use nitro::{Component, prelude::*};

use super::follow::{ALL, Stepped};

/// What such a list shows.
pub trait Lines: Default + Send + Sync + 'static {
    /// What its reader can do.
    #[doc(hidden)]
    type Event: Event;

    /// What it says to the page that it stands in.
    #[doc(hidden)]
    type Said: Send + 'static;

    /// What it is called.
    #[doc(hidden)]
    fn name(lang: &str) -> &'static str;

    /// Reads the lines.
    #[doc(hidden)]
    fn read(&mut self, cx: &mut n2o::Cx) -> impl Future<Output = Result> + Send;

    /// Shows them, below the title.
    #[doc(hidden)]
    fn show(&self, ui: &Ui<'_, Live<Self>>) -> Markup;

    /// The reader did something.
    #[doc(hidden)]
    fn event(&self, event: Self::Event, cx: &mut Cx<'_, Live<Self>>);
}

/// A list that follows the processes, as a page or in one.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Live<L: Lines> {
    #[serde(skip)]
    lines: L,
}

impl<L: Lines> Component for Live<L> {
    type Event = L::Event;
    type Said = L::Said;
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
        let (title, lines) = (self.title(ui), self.lines.show(ui));
        maud::html! {
            @if ui.is_page() { main class="list" { header { h1 { (title) } } (lines) } }
            @else { section class="list" { header { h2 { (title) } } (lines) } }
        }
    }

    async fn event(&mut self, event: L::Event, cx: &mut Cx<'_, Self>) -> Result {
        self.lines.event(event, cx);
        Ok(())
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
