//! The list screen: records found, sorted and paged, kept current while others change them.

use std::{
    marker::PhantomData,
    sync::{Arc, LazyLock},
};

use maud::{Markup, html};
use nitro::{Component, Inputs, prelude::*};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    bare, below,
    finds::{self, Answer, Shared},
};
use crate::{
    access::{Act, Who},
    form::Form,
    lang::text,
    list::{PAGE, Query},
    number::count,
    read::Kind,
    rule,
    table::{self, Changed},
    view::Sheet,
};

/// The input of the search; no field can have its name.
const TEXT: &str = "f.text";
/// Most characters of a search.
const SEARCH: usize = 200;
/// Most bytes of a row's id that show the record's.
const LONG: usize = 40;

/// The list of the records of a form: `app.page::<List<Client>>("/clients")`, above its [cards](super::Card).
/// Its address may carry a search: `?text=ada&sort=name&down=true&page=2&kind=vip`.
///
/// In a page, as a `Child<List<Client>>`, it says what the user wants to [open](Opened), and has no address.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct List<R> {
    query: Query,
    opened: bool,
    #[serde(skip)]
    who: Who,
    #[serde(skip)]
    shown: Shared,
    /// The store did not answer the last search.
    #[serde(skip)]
    failed: bool,
    /// What was typed last is too long to be searched for.
    #[serde(skip)]
    long: bool,
    #[serde(skip)]
    of: PhantomData<fn() -> R>,
}

// Derived, it would ask the same of `R`.
impl<R> Default for List<R> {
    fn default() -> Self {
        List {
            query: Query::default(),
            opened: false,
            who: Who::default(),
            shown: Shared::default(),
            failed: false,
            long: false,
            of: PhantomData,
        }
    }
}

/// What a reader of a list can do.
#[derive(Debug, Event)]
pub enum Browse {
    /// Search and filter.
    Find {
        /// What is in the inputs.
        #[source]
        form: Inputs,
    },
    /// Sort by a field; by the same one again the other way round.
    Sort(String),
    /// Go to a page.
    Page(u32),
    /// Read again.
    Again,
    /// Open a record, where the list is not a page.
    Open(String),
    /// Make a record, where the list is not a page.
    New,
}

/// The thing that the user of a list in a page wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Opened {
    /// A record, by its id.
    Record(String),
    /// A new record.
    New,
}

impl Opened {
    /// A key for the card: the record's id, or `new`, as in the address of a new record.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Opened::Record(id) => id.clone(),
            Opened::New => String::from("new"),
        }
    }
}

impl<R: Form> List<R> {
    /// The id of the button that opens a record, where the list stands in a page and shows it just now: for the focus
    /// to come back to.
    #[must_use]
    pub fn opener(&self, id: &str) -> Option<String> {
        self.answer().found.rows.iter().any(|(known, _)| known == id).then(|| opener(id))
    }

    /// What is shown; nothing, as long as nothing was found.
    fn answer(&self) -> &Answer {
        static NOTHING: LazyLock<Answer> = LazyLock::new(Answer::default);
        self.shown.get().unwrap_or(&NOTHING)
    }

    /// Reads the records of the page.
    async fn find(&mut self, cx: &mut Cx<'_, Self>) {
        let asked = finds::ask::<R>(cx, &self.who, &self.query).await;
        self.take(asked);
    }

    /// Takes over what was found, and says whether that is something else than what is shown. A store that fails
    /// costs a message with a button, not the page.
    fn take(&mut self, asked: crate::Result<Shared>) -> bool {
        let had_failed = std::mem::replace(&mut self.failed, asked.is_err());
        match asked {
            Ok(shared) => {
                let is_same = Arc::ptr_eq(&self.shown, &shared) || self.shown.get() == shared.get();
                self.shown = shared;
                self.query.page = self.answer().found.page;
                had_failed || !is_same
            }
            Err(error) => {
                tracing::error!(table = R::TABLE, %error, "the records of a list could not be read");
                !had_failed
            }
        }
    }

    fn open(&mut self, cx: &n2o::Cx) {
        self.query.text = cx.query("text").to_owned();
        self.query.sort = cx.query("sort").to_owned();
        self.query.down = cx.query("down") == "true";
        self.query.page = cx.query("page").parse::<usize>().unwrap_or(1).saturating_sub(1);
        for name in R::spec().names(&self.who, Kind::Search) {
            let value = cx.query(&name);
            if !value.is_empty() {
                self.query.filters.insert(name, Value::from(value));
            }
        }
        self.opened = true;
    }

    fn inputs(&self) -> Vec<String> {
        let mut names = R::spec().names(&self.who, Kind::Search);
        names.push(TEXT.to_owned());
        names
    }

    fn search(&self, ui: &Ui<'_, Self>) -> El<'static> {
        let (spec, t) = (R::spec(), text(ui.lang()));
        let filters = Sheet::new(spec, &self.who, Kind::Search, &self.query.filters, ui.lang());
        let find = || Browse::find().reads(self.inputs());
        // A browser cuts without a word; whoever pastes as much is told.
        let most = rule::pasted(SEARCH).to_string();
        let box_ = search(TEXT).value(self.query.text.clone()).attr(attr::AUTOCOMPLETE, "off");
        let box_ = box_.attr(attr::MAXLENGTH, most).attr(attr::ARIA_DESCRIBEDBY, "f.text.e");
        // What was typed stays where it is marked.
        let box_ = if self.long { box_.attr(attr::ARIA_INVALID, "true") } else { box_ };
        let long = if self.long { t.long.replace("{}", &count(SEARCH, ui.lang())) } else { String::new() };
        form().id("f.find").class("find").attr(attr::ROLE, "search").postback(ui.on(find())).body(html! {
            div.field {
                label for=(nitro::page_id(TEXT)) { (t.search) }
                (box_.postback(ui.on(find())).on(On::Input))
                (span().id("f.text.e").class("error").attr(attr::ROLE, "alert").text(long))
            }
            (panel().id("f.filters").class("filters").on(On::Change).postback(ui.on(find())).body(html! { (filters) }))
        })
    }

    fn head(&self, sheet: Sheet<'_>, ui: &Ui<'_, Self>) -> Markup {
        let (document, t) = (&R::spec().document, text(ui.lang()));
        html! {
            @for field in sheet.fields() {
                @let name = field.name.as_str();
                @let sort = match (self.query.sort == name, self.query.down) {
                    (true, false) => "ascending",
                    (true, true) => "descending",
                    (false, _) => "none",
                };
                (th().id(format!("h.{name}")).class(if field.is_number() { "number" } else { "" }).attr(attr::SCOPE, "col").attr(attr::ARIA_SORT, sort).body(html! {
                    (button(document.label(name, ui.lang()).to_owned())
                        .id(format!("s.{name}")).attr(attr::TITLE, t.sort)
                        .postback(ui.on(Browse::sort(name.to_owned()))))
                }))
            }
        }
    }

    fn body(&self, ui: &Ui<'_, Self>) -> Markup {
        let (spec, t) = (R::spec(), text(ui.lang()));
        if self.failed {
            return html! {
                p.error role="alert" { (t.failed) }
                (button(t.retry).id("f.again").postback(ui.on(Browse::again())))
            };
        }
        if self.answer().found.total == 0 {
            return html! { p.empty { (if self.answer().empty { t.none } else { t.nothing }) } };
        }
        let none = crate::Data::new();
        let sheet = |data| {
            Sheet::new(spec, &self.who, Kind::Row, data, ui.lang()).titles(&self.answer().found.titles)
        };
        let base = bare(ui.path());
        let last = (self.answer().found.total - 1) / PAGE;
        let page = self.answer().found.page;
        let go = |label: &'static str, id: &'static str, to: Option<usize>| {
            let number = u32::try_from(to.unwrap_or_default()).unwrap_or_default();
            button(label).id(id).disabled(to.is_none()).postback(ui.on(Browse::page(number)))
        };
        html! {
            table aria-label=(spec.document.label("", ui.lang())) {
                thead { tr { (self.head(sheet(&none), ui)) } }
                (tbody().id("f.rows").body(html! {
                    @for (id, data) in &self.answer().found.rows {
                        (tr().id(row_id(id)).body(html! {
                            @if ui.is_page() { (sheet(data).link(&below(base, id, ""))) }
                            @else { (sheet(data).open(&opener(id), &ui.on(Browse::open(id.clone())))) }
                        }))
                    }
                }))
            }
            @if last > 0 {
                nav.pages aria-label=(t.page.replace("{}", "")) {
                    (go(t.previous, "f.previous", page.checked_sub(1)))
                    (span().id("f.page").text(t.page.replace("{}", &format!("{} / {}", count(page + 1, ui.lang()), count(last + 1, ui.lang())))))
                    (go(t.next, "f.next", Some(page + 1).filter(|to| *to <= last)))
                }
            }
        }
    }
}

/// An id for a row, another one for each record: the record's may hold what an element's cannot.
fn row_id(id: &str) -> String {
    let mut row = String::from("r.");
    for char in id.chars() {
        match char {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' => row.push(char),
            other => row.push_str(&format!(":{:x}.", u32::from(other))),
        }
    }
    if row.len() <= LONG {
        return row;
    }
    let hash = Sha256::digest(id);
    hash[..16].iter().fold(String::from("r:"), |row, byte| row + &format!("{byte:02x}"))
}

/// The id of what opens a record.
fn opener(id: &str) -> String {
    format!("{}.o", row_id(id))
}

impl<R: Form> Component for List<R> {
    type Event = Browse;
    type Said = Opened;
    const ACCESS: Access = R::ACCESS;

    fn declare() {
        R::spec();
    }

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        R::spec().document.label("", ui.lang()).to_owned()
    }

    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.who = Who::of(cx);
        if R::spec().document.rights.allow(&self.who, Act::Read) { Ok(()) } else { Err(Error::Denied) }
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        if !self.opened && cx.is_page() {
            self.open(cx);
        }
        self.find(cx).await;
        Ok(())
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        cx.reg(&table::topic(R::TABLE));
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let (spec, t, is_page) = (R::spec(), text(ui.lang()), ui.is_page());
        let title = spec.document.label("", ui.lang());
        let may_make = spec.denial(&self.who, Act::Create, &spec.blank()).is_none();
        let new = below(bare(ui.path()), "new", "?do=create");
        let whole = html! {
            header {
                (if is_page { h1() } else { h2() }.id("f.title").attr(attr::TABINDEX, "-1").text(title))
                @if may_make && is_page { (link(t.new, new).id("f.new").class("button")) }
                @if may_make && !is_page { (button(t.new).id("f.new").postback(ui.on(Browse::new()))) }
            }
            (self.search(ui))
            (p().id("f.total").attr(attr::ROLE, "status").text(
                if self.answer().found.more { t.more } else { t.total }.replace("{}", &count(self.answer().found.total, ui.lang()))
            ))
            (panel().id("f.found").class("found").body(self.body(ui)))
        };
        html! { @if is_page { main.list { (whole) } } @else { section.list { (whole) } } }
    }

    async fn event(&mut self, browse: Browse, cx: &mut Cx<'_, Self>) -> Result {
        match browse {
            Browse::Find { form } => {
                // What is too long leaves the search as it was, and is said to be so.
                let text = form.text(TEXT).filter(|text| text.chars().count() <= SEARCH);
                self.long = text.is_none() && form.get(TEXT).is_some();
                if let Some(text) = text {
                    self.query.text = text.into_owned();
                }
                let before = std::mem::take(&mut self.query.filters);
                let filters = form.iter().filter(|(name, _)| *name != TEXT);
                let filters = filters.filter_map(|(name, value)| {
                    let value = match value {
                        n2o::Value::TooLong => before.get(name)?.clone(),
                        _ => Value::from(form.text(name)?.into_owned()),
                    };
                    Some((name.to_owned(), value))
                });
                self.query.filters = filters.collect();
                self.query.page = 0;
            }
            Browse::Sort(field) => {
                self.query.down = self.query.sort == field && !self.query.down;
                self.query.sort = field;
                self.query.page = 0;
            }
            Browse::Page(page) => self.query.page = page as usize,
            Browse::Again => {}
            Browse::Open(id) => {
                cx.say(Opened::Record(id));
                return Ok(());
            }
            Browse::New => {
                cx.say(Opened::New);
                return Ok(());
            }
        }
        self.find(cx).await;
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> Result {
        if message.read::<Changed>().is_some() {
            // Many changes at once cost one reading, and all who look at the same list share it.
            if cx.expects(message.topic()) {
                return Ok(());
            }
            let asked = finds::ask_after::<R>(message, cx, &self.who, &self.query).await;
            if self.take(asked) {
                cx.refresh();
            }
        }
        Ok(())
    }
}
