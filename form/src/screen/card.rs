//! The card: the screen of one record, to look at, to edit, to make and to delete. How it looks is in
//! `face`, what saving does in `save`, what its rights are in `right`, and what is kept of it before in `unsaved`.

use std::marker::PhantomData;

use maud::Markup;
use nitro::{Component, Inputs, prelude::*};
use serde_json::Value;

use super::{Opened, bare, below, local, note::Note, stored::Stored};
use crate::{
    access::{Act, Who},
    audit::{self, Entry},
    filling::Filling,
    form::Form,
    list,
    lookup::named,
    read::Kind,
    table::{self, Changed},
    typed::Typed,
    value::Data,
};

/// Entries of the history that are shown.
const HISTORY: usize = 20;

/// The screen of one record: `app.page::<Card<Client>>("/clients/{id}")`, below its list.
/// `?do=edit` opens it for editing, `/clients/new?do=create` for a new record, in which further parameters
/// fill in the fields of their names.
///
/// In a page it is [made](Card::of) for a record, and says its [`Outcome`]: `Keyed<String, Card<Client>>` holds as
/// many as the user opens.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "", from = "Stored")]
pub struct Card<R> {
    pub(super) opened: bool,
    pub(super) id: String,
    pub(super) fill: Filling,
    pub(super) note: Option<Note>,
    /// It is saved, and the browser on its way elsewhere.
    pub(super) done: bool,
    /// It was opened to be looked at, and is again when the user is done.
    pub(super) looks: bool,
    /// The record of the id was deleted, and the user is asked whether to make it anew.
    #[serde(default)]
    pub(super) gone: bool,
    /// Room was made for a draft since the page is in memory.
    #[serde(skip)]
    pub(super) has_room: bool,
    #[serde(skip)]
    pub(super) who: Who,
    #[serde(skip)]
    pub(super) history: Vec<Entry>,
    #[serde(skip)]
    of: PhantomData<fn() -> R>,
}

// Derived, it would ask the same of `R`.
impl<R> Default for Card<R> {
    fn default() -> Self {
        Card {
            opened: false,
            id: String::new(),
            fill: Filling::default(),
            note: None,
            done: false,
            looks: false,
            gone: false,
            has_room: false,
            who: Who::default(),
            history: Vec::new(),
            of: PhantomData,
        }
    }
}

/// What can be done on a card.
#[derive(Debug, Event)]
pub enum Do {
    /// A value has changed: what depends on it follows.
    Change {
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Save.
    Save {
        /// The user was told that the record was deleted, and makes it anew.
        anew: bool,
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Offer records for a lookup.
    Look {
        /// The field.
        field: String,
        /// What is typed in it.
        #[source]
        form: Inputs,
    },
    /// Decide a field that somebody else has changed as well.
    Decide {
        /// The field.
        field: String,
        /// Whether theirs is taken, or else one's own kept.
        theirs: bool,
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Give up what was typed.
    Discard,
    /// Delete the record.
    Delete,
    /// Edit the record, where the card is not a page.
    Edit,
    /// Close the card, where it is not a page.
    Close,
}

/// What became of a card in a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The record of this id was saved, or made. The card shows it, if it was opened to be looked at.
    Saved(String),
    /// The record of this id is not there any more.
    Gone(String),
    /// The user is done with it.
    Closed,
}

impl<R> Card<R> {
    /// A card in a page, of the record with this id.
    #[must_use]
    pub fn of(id: impl Into<String>) -> Self {
        Card { id: id.into(), looks: true, ..Card::default() }
    }

    /// A card in a page, for a new record.
    #[must_use]
    pub fn create() -> Self {
        Card { fill: Filling::create(Data::new()), ..Card::default() }
    }
}

impl<R> From<Opened> for Card<R> {
    fn from(opened: Opened) -> Self {
        match opened {
            Opened::Record(id) => Card::of(id),
            Opened::New => Card::create(),
        }
    }
}

impl<R: Form> Card<R> {
    /// Ends what the user did: a page leads elsewhere, a card in a page says what became of it.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_, Self>, to: Url, outcome: Outcome) -> Result {
        if cx.is_page() {
            self.done = true;
            return cx.redirect(to);
        }
        cx.say(outcome);
        cx.refresh();
        Ok(())
    }

    /// The record is not there any more.
    pub(super) fn leave_gone(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.leave(cx, Self::list(cx), Outcome::Gone(self.id.clone()))
    }

    /// Shows the record again to who only came to look at it.
    pub(super) async fn show_again(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.fill.kind = if self.looks { Kind::View } else { Kind::Edit };
        self.note = None;
        self.read(cx).await?;
        self.around(cx).await?;
        cx.reg(&table::record_topic(R::TABLE, &self.id));
        cx.refresh();
        cx.focus("f.title");
        Ok(())
    }

    pub(super) fn act(&self) -> Act {
        match self.fill.kind {
            Kind::Create => Act::Create,
            Kind::Edit => Act::Update,
            _ => Act::Read,
        }
    }

    /// The address of the list.
    pub(super) fn list(cx: &n2o::Cx) -> Url {
        let base = bare(cx.path()).rsplit_once('/').map_or("/", |(base, _)| base);
        local(if base.is_empty() { "/" } else { base })
    }

    /// The address of this record, for looking or for another purpose.
    pub(super) fn here(&self, cx: &n2o::Cx, query: &str) -> Url {
        below(Self::list(cx).as_str(), &self.id, query)
    }

    pub(super) fn names(&self) -> Vec<String> {
        R::spec().names(&self.who, self.fill.kind)
    }

    /// What people call the record.
    pub(super) fn named(&self) -> String {
        named(R::spec(), &self.who, &self.id, &self.fill.base)
    }

    async fn open(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if cx.is_page() {
            self.id = cx.param("id").to_owned();
        }
        if self.fill.kind == Kind::Create {
            let spec = R::spec();
            let blank = spec.blank();
            let given = self.names().into_iter().map(|name| {
                let value = Value::from(if cx.is_page() { cx.query(&name) } else { "" });
                (name, value)
            });
            let given = given.filter(|(_, value)| value != "").collect();
            // Only what was asked for: that the rest is missing is no fault before the user had a chance.
            let given: Data = given;
            self.fill = Filling::create(blank);
            self.fill.data = spec.fill(&self.who, Kind::Create, &given, &self.fill.base).data;
            if given.is_empty() {
                self.again(cx).await?;
            }
        } else {
            let there = self.read(cx).await;
            let again = self.fill.kind == Kind::Edit && self.again(cx).await?;
            match there {
                Err(Error::NotFound) if again => self.gone(),
                there => there?,
            }
        }
        self.opened = true;
        Ok(())
    }

    /// Reads the record as it is now.
    pub(super) async fn read(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let kept = table::get::<R>(cx.kvs(), &self.id).await?.ok_or(Error::NotFound)?;
        self.fill = Filling::of(self.fill.kind, kept);
        Ok(())
    }

    /// Reads what is shown beside the record.
    pub(super) async fn around(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let spec = R::spec();
        self.fill.entitle(spec, &self.who, cx.kvs()).await?;
        if self.fill.kind == Kind::View {
            self.history = audit::history(cx.kvs(), spec, &self.who, &self.id, HISTORY).await?;
            for values in self.history.iter().flat_map(Entry::sides) {
                list::add_titles(cx.kvs(), spec, &self.who, &values, &mut self.fill.titles).await?;
            }
        }
        Ok(())
    }
}

impl<R: Form> Component for Card<R> {
    type Event = Do;
    type Said = Outcome;
    const ACCESS: Access = R::ACCESS;

    fn declare() {
        R::spec();
    }

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        let title = R::spec().document.label("", ui.lang());
        if self.fill.kind == Kind::Create { title.to_owned() } else { format!("{} - {title}", self.named()) }
    }

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.who = Who::of(cx);
        if !self.opened && cx.is_page() {
            self.fill.kind = match cx.query("do") {
                "create" => Kind::Create,
                "edit" => Kind::Edit,
                _ => Kind::View,
            };
        }
        // Whoever may not change any more what they have before them is told so there, and keeps it.
        let may = self.may(self.act()) || self.opened && self.may(Act::Read);
        if may { Ok(()) } else { Err(Error::Denied) }
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if self.done {
            // The user has come back to what was saved.
            *self = Card::default();
            self.authorize(cx).await?;
        }
        if !self.opened {
            self.open(cx).await?;
        } else if self.fill.kind == Kind::View {
            match self.read(cx).await {
                // Deleted while the page was not in memory; the rest of the page is as good as before.
                Err(Error::NotFound) if !cx.is_page() => {
                    cx.say(Outcome::Gone(self.id.clone()));
                    return Ok(());
                }
                read => read?,
            }
        }
        self.around(cx).await
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if self.fill.kind != Kind::Create {
            cx.reg(&table::record_topic(R::TABLE, &self.id));
        }
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        self.face(ui)
    }

    async fn event(&mut self, event: Do, cx: &mut Cx<'_, Self>) -> Result {
        match event {
            Do::Change { form } => {
                self.fill.absorb(R::spec(), &self.who, Typed::new(&form, cx.lang()));
                if self.note == Some(Note::Mend) && self.fill.faults.is_empty() {
                    self.note = None;
                }
                self.keep(cx).await?;
            }
            Do::Save { anew, form } => return self.save(anew, &form, cx).await,
            Do::Look { field, form } => {
                let lang = cx.lang().to_owned();
                let typed = Typed::new(&form, &lang);
                self.fill.offer(R::spec(), &self.who, &field, typed, cx.kvs()).await?;
            }
            Do::Decide { field, theirs, form } => {
                self.fill.absorb(R::spec(), &self.who, Typed::new(&form, cx.lang()));
                self.fill.decide(R::spec(), &self.who, &field, theirs);
                if self.note == Some(Note::Decide) {
                    self.note = Some(Note::Lost);
                }
                self.keep(cx).await?;
            }
            Do::Discard => {
                self.forget(cx);
                let there = table::get::<R>(cx.kvs(), &self.id).await?.is_some();
                if self.looks && there {
                    return self.show_again(cx).await;
                }
                let to = if there { self.here(cx, "") } else { Self::list(cx) };
                return self.leave(cx, to, Outcome::Closed);
            }
            Do::Delete => return self.delete(cx).await,
            Do::Edit => {
                if !self.may(Act::Update) {
                    return Err(Error::Denied);
                }
                self.read(cx).await?;
                self.fill.kind = Kind::Edit;
                self.again(cx).await?;
                cx.refresh();
                if let Some(first) = self.first_open() {
                    cx.focus(first);
                }
            }
            Do::Close => {
                cx.say(Outcome::Closed);
                return Ok(());
            }
        }
        self.around(cx).await?;
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        let Some(changed) = message.read::<Changed>().filter(|_| !self.done) else { return Ok(()) };
        let is_deleted = changed.act == Act::Delete;
        if self.fill.kind == Kind::Edit && is_deleted {
            self.gone();
            self.keep(cx).await?;
        } else if self.fill.kind == Kind::Edit {
            self.stale(changed, cx).await?;
        } else if self.fill.kind == Kind::Create {
            return Ok(());
        } else if is_deleted {
            return self.leave_gone(cx);
        } else {
            self.read(cx).await?;
            self.around(cx).await?;
        }
        cx.refresh();
        Ok(())
    }
}
