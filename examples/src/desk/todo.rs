//! Tasks and the forms of those that were opened, on one page: an inbox and tasks as components, and a timer.

use std::time::Duration;

use form::process::{Inbox, Opened, Outcome, Work};
use maud::html;
use nitro::prelude::*;

use super::text::text;

/// How long it is said that a task is done.
const SAID: Duration = Duration::from_secs(5);

/// The inbox, and the tasks that are being worked at.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Todo {
    inbox: Child<Inbox>,
    tasks: Keyed<String, Work>,
    /// A task was done a moment ago.
    said: bool,
}

/// What the components say, and the end of what is said.
#[derive(Debug, Event)]
pub(crate) enum Act {
    Opened(Opened),
    Task(String, Outcome),
    Silence,
}

impl Page for Todo {
    type Event = Act;
    const ACCESS: Access = Access::User;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        text(ui.lang()).todo.to_owned()
    }

    fn children(&mut self) -> Children<'_, Act> {
        let children = Children::none().child("inbox", &mut self.inbox, Act::Opened);
        children.keyed("task", &mut self.tasks, Act::Task)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let t = text(ui.lang());
        html! {
            main class="board" {
                (h1().id("title").attr(attr::TABINDEX, "-1").text(t.todo))
                (p().id("said").class("said").attr(attr::ROLE, "status").text(if self.said { t.done } else { "" }))
                div class="cards" { (ui.place_all(&self.tasks)) }
                (ui.place(&self.inbox))
            }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        cx.refresh();
        match act {
            Act::Opened(Opened(task)) => {
                self.tasks.open(task.clone(), Work::of(&*task));
                if let Some(id) = self.tasks.id(&task) {
                    cx.focus(format!("task.{id}.f.title"));
                }
            }
            Act::Task(task, outcome) => {
                self.tasks.close(&task);
                cx.focus("title");
                if outcome != Outcome::Closed {
                    self.said = true;
                    // Set anew by the next one.
                    cx.after(SAID, Act::silence());
                }
            }
            Act::Silence => self.said = false,
        }
        Ok(())
    }
}
