//! The page of a chat room: what happens in it. What it looks like is in `view`.

use nitro::prelude::*;

use super::{
    brake, is_room,
    line::{self, Line, Lines, Retention, Said},
    people::{People, Person},
    view,
};
use crate::text::text;

/// Most characters of a message.
const MOST_CHARS: usize = 2_000;

/// A chat room as one visitor sees it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chat {
    /// The position of the oldest message that is shown; 0 while it is where the page began.
    from: u64,
    #[serde(skip)]
    proven: bool,
    #[serde(skip)]
    people: People,
    #[serde(skip)]
    lines: Lines,
}

/// What a visitor can do in a room.
#[derive(Debug, Event)]
pub(crate) enum Act {
    /// Say something to everyone.
    Say {
        /// What is said.
        #[source]
        message: String,
    },
    /// Show older messages.
    Older,
    /// Log out.
    Logout,
}

fn feed(cx: &n2o::Cx) -> String {
    format!("/chat/{}", cx.param("room"))
}

impl Page for Chat {
    type Event = Act;
    const ACCESS: Access = Access::User;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        format!("{} - N2O", ui.param("room"))
    }

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if is_room(cx.param("room")) { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.proven = cx.is_proven();
        let feed = feed(cx);
        self.people = People::look(cx, &feed);
        self.lines = Lines::read(cx.kvs(), &feed, self.from).await?;
        Ok(())
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let (topic, person) = (feed(cx), Person::of(cx));
        cx.join(&topic, &person.to_string());
        // A transaction of its own: that of this handler may have begun before the page was registered.
        let newer = self.lines.newer(&mut cx.node().store().txn(), &topic).await?;
        self.add(newer, cx);
        self.people.follow(cx, &topic);
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        view::room(ui, &self.people, &self.lines, self.proven)
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Say { message } => self.say(&message, cx).await,
            Act::Older => self.older(cx).await,
            Act::Logout => {
                cx.logout();
                cx.redirect(url!("/login"))
            }
        }
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if message.read::<Presence>().is_some() {
            self.people.follow(cx, message.topic());
        }
        let Some(line) = message.read::<Line>() else { return Ok(()) };
        let last = self.lines.last();
        if line.position == last + 1 {
            self.add(vec![line.clone()], cx);
        } else if line.position > last {
            let feed = feed(cx);
            let newer = self.lines.newer(cx.kvs(), &feed).await?;
            self.add(newer, cx);
        }
        Ok(())
    }
}

impl Chat {
    async fn say(&mut self, message: &str, cx: &mut Cx<'_, Self>) -> Result {
        let (t, words) = (text(cx.lang()), message.trim());
        let by = cx.user().ok_or(Error::Denied)?;
        let length = words.chars().count();
        if words.is_empty() {
            cx.focus(Act::message);
            return Ok(());
        }
        if length > MOST_CHARS {
            cx.error("message", t.too_long(length, MOST_CHARS));
            return Ok(());
        }
        if !brake::allows(cx, cx.now()) {
            return Err(Error::later(t.slower));
        }
        let said = Said { by, proven: self.proven, text: words.to_owned(), at: cx.now() };
        let (topic, node) = (feed(cx), cx.node().clone());
        let most = node.service::<Retention>().map_or(Retention::DEFAULT, |kept| kept.0);
        cx.kvs().append(&topic, &said)?;
        line::retain(cx.kvs(), &topic, most).await?;
        // Sent by the writer, which gives the position and keeps the order of the feed.
        cx.kvs().on_commit(move |commit| {
            if let Some(position) = commit.positions.first().copied() {
                node.registry().send(&topic, Line { position, said });
            }
        });
        cx.clear(Act::message);
        Ok(())
    }

    async fn older(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let feed = feed(cx);
        let older = if self.lines.is_full() { Vec::new() } else { self.lines.older(cx.kvs(), &feed).await? };
        for line in older.iter().rev() {
            self.lines.push_front(line.clone());
        }
        self.from = self.lines.first();
        view::insert_older(cx, &older, self.proven);
        view::update_history(cx, &self.lines);
        Ok(())
    }

    /// Shows new messages at the end.
    fn add(&mut self, lines: Vec<Line>, cx: &mut Cx<'_, Self>) {
        if lines.is_empty() {
            return;
        }
        for line in lines {
            view::insert_newest(cx, self.lines.newest(), &line, self.proven);
            self.lines.push_back(line);
            while let Some(oldest) = self.lines.trim() {
                view::remove(cx, &oldest);
            }
            view::update_history(cx, &self.lines);
        }
        self.from = self.lines.first();
    }
}
