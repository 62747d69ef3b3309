//! Who is in a room: the list at the side, and what of it changes.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use maud::html;
use nitro::prelude::*;

use super::view::mark;
use crate::{frame::avatar, text::text};

/// Names that are shown; the others are counted.
const NAMED: usize = 50;
/// The end of the text under which an account's holder is present.
const PROVEN: &str = "\n";

/// One who is present: an account's holder, or a guest, who may have the same name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Person {
    name: String,
    proven: bool,
}

impl Person {
    /// The visitor.
    pub(super) fn of(cx: &n2o::Cx) -> Self {
        Person { name: cx.user().unwrap_or_default(), proven: cx.is_proven() }
    }

    fn read(present: &str) -> Self {
        let (name, proven) = present.split_once(PROVEN).map_or((present, false), |(name, _)| (name, true));
        Person { name: name.to_owned(), proven }
    }

    /// The id of the person's element, which a name itself cannot be.
    fn id(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.to_string().hash(&mut hasher);
        format!("p{:016x}", hasher.finish())
    }

    fn show(&self, cx: &n2o::Cx) -> El<'static> {
        let (t, own) = (text(cx.lang()), *self == Person::of(cx));
        li().id(self.id()).body(html! {
            (avatar(&self.name))
            span class="name" {
                bdi { (self.name) }
                @if self.proven { (mark(t)) }
                @if own { " " i { (t.you) } }
            }
        })
    }
}

impl fmt::Display for Person {
    /// The text under which the person is present, which is in no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.proven { PROVEN } else { "" })
    }
}

/// Who is shown as present.
#[derive(Debug, Default)]
pub(super) struct People {
    /// The first ones, in order.
    named: Vec<Person>,
    count: usize,
}

impl People {
    /// Those who are present now.
    pub(super) fn look(cx: &n2o::Cx, topic: &str) -> Self {
        let present = cx.present(topic);
        let named = present.iter().take(NAMED).map(|present| Person::read(present)).collect();
        People { named, count: present.len() }
    }

    /// The list.
    pub(super) fn list(&self, cx: &n2o::Cx) -> El<'static> {
        let t = text(cx.lang());
        aside().id("people").class("people").attr(attr::ARIA_LABEL, t.here).body(html! {
            h2 { (t.here) " " (span().id("here").text(t.people(self.count))) }
            (ul().id("names").body(html! {
                @for person in &self.named { (person.show(cx)) }
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
        for gone in old.named.iter().filter(|person| self.named.binary_search(person).is_err()) {
            cx.remove(gone.id());
        }
        let mut before: Option<&Person> = None;
        for person in &self.named {
            if old.named.binary_search(person).is_err() {
                let shown = person.show(cx);
                match before {
                    Some(before) => cx.insert_after(before.id(), shown),
                    None => cx.insert_top("names", shown),
                }
            }
            before = Some(person);
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
            let (name, proven) = (cx.param("name").to_owned(), cx.query("proven") == "true");
            cx.join("room", &Person { name, proven }.to_string());
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
        let fresh = app.open(page.path()).await;
        assert_eq!(page.text("people"), fresh.text("people"));
    }

    #[tokio::test]
    async fn a_guest_is_told_from_the_account_of_the_same_name() {
        let limits = Limits { presence: Duration::ZERO, ..Limits::default() };
        let app = TestApp::new().page::<Room>("/room/{name}").limits(limits);
        let mut guest = app.open("/room/Olena").await;
        let holder = app.open("/room/Olena?proven=true").await;
        follows(&app, &mut guest, 2).await;
        let [first, second] = [false, true].map(|proven| Person { name: String::from("Olena"), proven });
        let has_mark = |page: &TestPage, person: &Person| {
            let html = page.html();
            let (_, rest) = html.split_once(&person.id()).expect("they are there");
            rest.split("</li>").next().is_some_and(|item| item.contains("class=\"proven\""))
        };
        for page in [&guest, &holder] {
            assert!(!has_mark(page, &first) && has_mark(page, &second), "{}", page.html());
        }
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
