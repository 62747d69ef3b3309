//! The card: the screen of one record, to look at, to edit, to make and to delete. What it does is here,
//! how it looks in `face`.

use std::marker::PhantomData;

use maud::Markup;
use nitro::{Inputs, prelude::*};
use serde_json::Value;

use super::{
    bare, below,
    conflict::{Clash, Side, clashes},
    local,
    note::Note,
};
use crate::{
    access::{Act, Who},
    audit::{self, Entry},
    fault::{Fault, Faults},
    field::Type,
    form::Form,
    list,
    lookup::named,
    read::Kind,
    show::Titles,
    table::{self, By, Changed, Saved, Version},
    value::Data,
    view::Choices,
};

/// Entries of the history that are shown.
const HISTORY: usize = 20;
/// Records offered for a lookup.
const OFFERS: usize = 20;

/// The screen of one record: `app.page::<Card<Client>>("/clients/{id}")`, below its list.
///
/// `?do=edit` opens it for editing, `/clients/new?do=create` for a new record, in which further parameters
/// fill in the fields of their names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Card<R> {
    opened: bool,
    pub(crate) kind: Kind,
    id: String,
    /// The version that the user began with, or has seen in a conflict since.
    version: Version,
    /// The values of that version.
    base: Data,
    /// What the user has made of them.
    pub(crate) data: Data,
    pub(crate) faults: Faults,
    pub(crate) clashes: Vec<Clash>,
    pub(crate) note: Option<Note>,
    /// It is saved, and the browser on its way elsewhere.
    done: bool,
    #[serde(skip)]
    pub(crate) who: Who,
    #[serde(skip)]
    pub(crate) titles: Titles,
    #[serde(skip)]
    pub(crate) choices: Choices,
    #[serde(skip)]
    pub(crate) history: Vec<Entry>,
    #[serde(skip)]
    of: PhantomData<fn() -> R>,
}

// Derived, it would ask the same of `R`.
impl<R> Default for Card<R> {
    fn default() -> Self {
        Card {
            opened: false,
            kind: Kind::View,
            id: String::new(),
            version: 0,
            base: Data::new(),
            data: Data::new(),
            faults: Faults::new(),
            clashes: Vec::new(),
            note: None,
            done: false,
            who: Who::default(),
            titles: Titles::new(),
            choices: Choices::new(),
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
    /// Delete the record.
    Delete,
}

impl<R: Form> Card<R> {
    fn act(&self) -> Act {
        match self.kind {
            Kind::Create => Act::Create,
            Kind::Edit => Act::Update,
            _ => Act::Read,
        }
    }

    fn may(&self, act: Act) -> bool {
        R::spec().document.rights.allow(&self.who, act)
    }

    pub(crate) fn may_now(&self, act: Act) -> bool {
        self.may(act)
    }

    /// The address of the list.
    pub(crate) fn list(cx: &Cx) -> Url {
        let base = bare(cx.path()).rsplit_once('/').map_or("/", |(base, _)| base);
        local(if base.is_empty() { "/" } else { base })
    }

    /// The address of this record, for looking or for another purpose.
    pub(crate) fn here(&self, cx: &Cx, query: &str) -> Url {
        below(Self::list(cx).as_str(), &self.id, query)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        R::spec().names(&self.who, self.kind)
    }

    /// What people call the record.
    pub(crate) fn named(&self) -> String {
        named(R::spec(), &self.who, &self.id, &self.base)
    }

    async fn open(&mut self, cx: &mut Cx) -> Result {
        self.id = cx.param("id").to_owned();
        if self.kind == Kind::Create {
            let spec = R::spec();
            let blank = spec.blank();
            let given = self.names().into_iter().map(|name| {
                let value = Value::from(cx.param(&name));
                (name, value)
            });
            let given = given.filter(|(_, value)| value != "").collect();
            // Only what was asked for: that the rest is missing is no fault before the user had a chance.
            self.data = spec.fill(&self.who, self.kind, &given, &blank).data;
            self.base = blank;
        } else {
            self.read(cx).await?;
        }
        self.opened = true;
        Ok(())
    }

    /// Reads the record as it is now.
    async fn read(&mut self, cx: &mut Cx) -> Result {
        let kept = table::get::<R>(cx.kvs(), &self.id).await?.ok_or(Error::NotFound)?;
        self.version = kept.version;
        self.base.clone_from(&kept.data);
        self.data = kept.data;
        Ok(())
    }

    /// Reads what is shown beside the record.
    async fn around(&mut self, cx: &mut Cx) -> Result {
        let spec = R::spec();
        list::add_titles(cx.kvs(), spec, &self.who, &self.data, &mut self.titles).await?;
        if self.kind == Kind::View {
            self.history = audit::history(cx.kvs(), spec, &self.who, &self.id, HISTORY).await?;
        }
        Ok(())
    }

    /// Takes over what is in the inputs. A fault is shown when the user tries to save; until then only those
    /// that are shown already are looked at again.
    fn absorb(&mut self, form: &Inputs) -> Faults {
        let filled = R::spec().read(&self.who, self.kind, form, &self.base);
        self.data = filled.data;
        let shown = std::mem::take(&mut self.faults);
        self.faults = filled.faults.iter().filter(|(name, _)| shown.contains_key(*name)).map(own).collect();
        filled.faults
    }

    /// Turns what was typed for a lookup into the id of a record, by id or by the whole title.
    async fn resolve(&mut self, cx: &mut Cx) -> Result<Faults> {
        let (spec, mut faults) = (R::spec(), Faults::new());
        for field in &spec.document.fields {
            let (Type::Lookup { .. }, Some(lookup)) = (&field.kind, spec.lookup(&field.name)) else {
                continue;
            };
            let typed = self.data.get(&field.name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let open = spec.is_open(&self.who, self.kind, field, &self.data);
            if !open
                || typed.is_empty()
                || self.base.get(&field.name).is_some_and(|was| *was == typed.as_str())
            {
                continue;
            }
            if lookup.title(cx.kvs(), &self.who, &typed).await?.is_some() {
                continue;
            }
            let wanted = typed.to_lowercase();
            let found = lookup.find(cx.kvs(), &self.who, &typed, OFFERS).await?;
            let mut same = found.into_iter().filter(|(_, title)| title.to_lowercase() == wanted);
            match (same.next(), same.next()) {
                (Some((id, _)), None) => {
                    self.data.insert(field.name.clone(), Value::from(id));
                }
                _ => {
                    faults.insert(field.name.clone(), Fault::Lookup);
                }
            }
        }
        Ok(faults)
    }

    async fn save(&mut self, form: &Inputs, cx: &mut Cx) -> Result {
        self.faults = self.absorb(form);
        for (field, fault) in self.resolve(cx).await? {
            self.faults.entry(field).or_insert(fault);
        }
        if !self.may(self.act()) {
            self.note = Some(Note::Denied);
        } else if !self.faults.is_empty() {
            self.mend(cx);
        } else if self.clashes.iter().any(|clash| clash.side.is_none()) {
            self.note = Some(Note::Decide);
        } else {
            let (who, now) = (self.who.clone(), cx.now());
            let by = By { who: &who, now };
            let saved = match self.kind {
                Kind::Create => table::create::<R>(cx.kvs(), by, &self.data).await?,
                _ => table::update::<R>(cx.kvs(), by, &self.id, self.version, &self.data).await?,
            };
            return self.saved(saved, cx);
        }
        cx.refresh();
        Ok(())
    }

    /// Shows the faults, and goes to the first.
    fn mend(&mut self, cx: &mut Cx) {
        self.note = Some(Note::Mend);
        let mut fields = R::spec().document.fields.iter();
        if let Some(first) = fields.find(|field| self.faults.contains_key(&field.name)) {
            cx.focus(&first.name);
        }
    }

    fn saved(&mut self, saved: Saved, cx: &mut Cx) -> Result {
        match saved {
            Saved::Done { id } => {
                let act = self.act();
                self.id = id;
                self.tell(act, cx);
                return cx.redirect(self.here(cx, ""));
            }
            Saved::Gone => {
                // What was typed is a new record now, if the user wants it so.
                self.note = Some(Note::Gone);
                self.kind = Kind::Create;
                self.base.clone_from(&self.data);
                self.clashes.clear();
            }
            Saved::Lost(kept) => {
                self.note = Some(Note::Lost);
                self.clashes = clashes(R::spec(), &self.who, &self.base, &self.data, &kept.data);
                for clash in self.clashes.iter().filter(|clash| clash.side == Some(Side::Theirs)) {
                    self.data.insert(clash.field.clone(), clash.theirs.clone());
                }
                self.version = kept.version;
                self.base = kept.data;
                R::spec().compute(&mut self.data);
            }
            Saved::Taken => {
                self.faults.insert(R::spec().document.id.clone(), Fault::Taken);
                self.mend(cx);
            }
            Saved::Moved => {
                self.faults.insert(R::spec().document.id.clone(), Fault::Fixed);
                self.mend(cx);
            }
        }
        cx.refresh();
        Ok(())
    }

    /// Tells the other pages.
    fn tell(&mut self, act: Act, cx: &mut Cx) {
        self.done = true;
        let changed = Changed { id: self.id.clone(), who: self.who.name().to_owned(), act };
        cx.send(&table::record_topic(R::TABLE, &self.id), changed.clone());
        cx.send(&table::topic(R::TABLE), changed);
    }

    fn decide(&mut self, field: &str, theirs: bool) {
        let Some(clash) = self.clashes.iter_mut().find(|clash| clash.field == field) else { return };
        let value = self.data.get(field).cloned().unwrap_or_default();
        // What was typed since is mine too.
        if clash.side != Some(Side::Theirs) {
            clash.mine = value;
        }
        let (side, value) = if theirs { (Side::Theirs, &clash.theirs) } else { (Side::Mine, &clash.mine) };
        clash.side = Some(side);
        self.data.insert(field.to_owned(), value.clone());
        self.faults.remove(field);
        R::spec().compute(&mut self.data);
        if self.note == Some(Note::Decide) {
            self.note = Some(Note::Lost);
        }
    }

    async fn delete(&mut self, cx: &mut Cx) -> Result {
        if !self.may(Act::Delete) {
            return Err(Error::Denied);
        }
        let (who, now) = (self.who.clone(), cx.now());
        let by = By { who: &who, now };
        match table::delete::<R>(cx.kvs(), by, &self.id, self.version).await? {
            Saved::Done { .. } => {
                self.tell(Act::Delete, cx);
                cx.redirect(Self::list(cx))
            }
            Saved::Lost(_) => {
                self.read(cx).await?;
                self.around(cx).await?;
                self.note = Some(Note::Changed);
                cx.refresh();
                Ok(())
            }
            _ => cx.redirect(Self::list(cx)),
        }
    }
}

fn own((name, fault): (&String, &Fault)) -> (String, Fault) {
    (name.clone(), fault.clone())
}

impl<R: Form> Page for Card<R> {
    type Event = Do;
    const ACCESS: Access = R::ACCESS;

    fn title(&self, cx: &Cx) -> String {
        let title = R::spec().document.label("", cx.lang());
        if self.kind == Kind::Create { title.to_owned() } else { format!("{} - {title}", self.named()) }
    }

    async fn authorize(&mut self, cx: &mut Cx) -> Result {
        self.who = Who::of(cx)?;
        if !self.opened {
            self.kind = match cx.param("do") {
                "create" => Kind::Create,
                "edit" => Kind::Edit,
                _ => Kind::View,
            };
        }
        if self.may(self.act()) { Ok(()) } else { Err(Error::Denied) }
    }

    async fn load(&mut self, cx: &mut Cx) -> Result {
        self.who = Who::of(cx)?;
        if !self.opened {
            self.open(cx).await?;
        } else if self.kind == Kind::View {
            self.read(cx).await?;
        }
        self.around(cx).await
    }

    async fn init(&mut self, cx: &mut Cx) -> Result {
        if self.kind != Kind::Create {
            cx.reg(&table::record_topic(R::TABLE, &self.id));
        }
        Ok(())
    }

    fn render(&self, cx: &Cx) -> Markup {
        self.face(cx)
    }

    async fn event(&mut self, event: Do, cx: &mut Cx) -> Result {
        // Rights may have changed since the page was opened.
        self.who = Who::of(cx)?;
        match event {
            Do::Change { form } => {
                self.absorb(&form);
                if self.note == Some(Note::Mend) && self.faults.is_empty() {
                    self.note = None;
                }
            }
            Do::Save { form } => return self.save(&form, cx).await,
            Do::Look { field, form } => {
                let text = form.text(&field).unwrap_or_default().into_owned();
                if let Some(lookup) = R::spec().lookup(&field) {
                    let found = lookup.find(cx.kvs(), &self.who, &text, OFFERS).await?;
                    self.choices.insert(field, found);
                }
            }
            Do::Decide { field, theirs, form } => {
                self.absorb(&form);
                self.decide(&field, theirs);
            }
            Do::Delete => return self.delete(cx).await,
        }
        self.around(cx).await?;
        cx.refresh();
        Ok(())
    }

    async fn info(&mut self, message: &Message, cx: &mut Cx) -> Result {
        let Some(changed) = message.read::<Changed>().filter(|_| !self.done) else { return Ok(()) };
        self.who = Who::of(cx)?;
        if self.kind == Kind::Edit {
            self.note = Some(Note::Stale(changed.who.clone()));
        } else if changed.act == Act::Delete || !self.may(Act::Read) {
            return cx.redirect(Self::list(cx));
        } else if self.kind == Kind::View {
            self.read(cx).await?;
            self.around(cx).await?;
        }
        cx.refresh();
        Ok(())
    }
}
