//! Who is in a room: the list at the side, and what of it changes.

use std::hash::{DefaultHasher, Hash, Hasher};

use maud::html;
use nitro::prelude::*;

use crate::{frame::avatar, text::text};

/// Names that are shown; the others are counted.
const NAMED: usize = 50;

/// Who is shown as present.
#[derive(Debug, Default)]
pub(super) struct People {
    /// The first names, in order.
    named: Vec<String>,
    count: usize,
}

impl People {
    /// Those who are present now.
    pub(super) fn look(cx: &n2o::Cx, topic: &str) -> Self {
        let mut named = cx.present(topic);
        let count = named.len();
        named.truncate(NAMED);
        People { named, count }
    }

    /// The list.
    pub(super) fn list(&self, cx: &n2o::Cx) -> El<'static> {
        let t = text(cx.lang());
        aside().id("people").class("people").attr(attr::ARIA_LABEL, t.here).body(html! {
            h2 { (t.here) " " (span().id("here").text(t.people(self.count))) }
            (ul().id("names").body(html! {
                @for name in &self.named { (person(cx, name)) }
                (self.others(cx))
            }))
        })
    }

    fn others(&self, cx: &n2o::Cx) -> El<'static> {
        let others = self.count - self.named.len();
        li().id("others").hidden(others == 0).text(text(cx.lang()).others(others))
    }

    /// Shows who is there now: who came, who went, and how many there are. A room of hundreds is not sent
    /// again for one of them.
    pub(super) fn follow<C>(&mut self, cx: &mut Cx<'_, C>, topic: &str) {
        let old = std::mem::replace(self, People::look(cx, topic));
        for gone in old.named.iter().filter(|name| self.named.binary_search(name).is_err()) {
            cx.remove(id(gone));
        }
        let mut before: Option<&String> = None;
        for name in &self.named {
            if old.named.binary_search(name).is_err() {
                let person = person(cx, name);
                match before {
                    Some(before) => cx.insert_after(id(before), person),
                    None => cx.insert_top("names", person),
                }
            }
            before = Some(name);
        }
        if self.count != old.count {
            cx.set("here", text(cx.lang()).people(self.count));
        }
        if self.count - self.named.len() != old.count - old.named.len() {
            let others = self.others(cx);
            cx.update("others", others);
        }
    }
}

fn person(cx: &n2o::Cx, name: &str) -> El<'static> {
    let own = cx.user().is_some_and(|user| user == name);
    li().id(id(name)).body(html! {
        (avatar(name))
        span class="name" { bdi { (name) } @if own { " " i { (text(cx.lang()).you) } } }
    })
}

/// The id of a name's element, which a name itself cannot be.
fn id(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("p{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use n2o::Limits;
    use nitro::test::{TestApp, TestPage};

    use super::*;

    #[derive(Default, Serialize, Deserialize)]
    struct Room {
        #[serde(skip)]
        people: People,
    }

    impl Page for Room {
        type Event = Never;
        const ACCESS: Access = Access::Anyone;

        async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
            self.people = People::look(cx, "room");
            Ok(())
        }

        async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
            let name = cx.param("name").to_owned();
            cx.join("room", &name);
            self.people.follow(cx, "room");
            Ok(())
        }

        fn render(&self, ui: &Ui<'_, Self>) -> Markup {
            html! { (self.people.list(ui)) }
        }

        async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
            match never {}
        }

        async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
            self.people.follow(cx, message.topic());
            Ok(())
        }
    }

    /// Waits until a page shows so many people, and compares it with one that is opened now.
    async fn follows(app: &TestApp, page: &mut TestPage, count: usize) {
        let here = text("en").people(count);
        while page.text("here") != here {
            page.push().await;
            let change = page.changes();
            assert!(change.len() < 600, "one more or less is not the whole list: {change}");
        }
        // It is the first name once more, so that its page is the same and nobody comes.
        let fresh = app.open("/room/000").await;
        assert_eq!(page.text("people"), fresh.text("people"));
    }

    #[tokio::test]
    async fn what_changes_makes_the_same_list_as_a_page_that_is_opened_now() {
        let limits = Limits { presence: Duration::ZERO, ..Limits::default() };
        let app = TestApp::new().page::<Room>("/room/{name}").limits(limits);
        let mut first = app.open("/room/000").await;
        let mut others = Vec::new();
        for number in 1..=70 {
            // In no order, so that people come before, between and behind those who are shown.
            let name = number * 37 % 71;
            others.push(app.open(&format!("/room/{name:03}")).await);
            follows(&app, &mut first, others.len() + 1).await;
        }
        assert!(first.text("people").ends_with("and 21 more"), "{}", first.text("people"));
        while let Some(mut page) = others.pop() {
            page.leave();
            follows(&app, &mut first, others.len() + 1).await;
        }
    }
}
