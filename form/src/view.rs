//! A form on a page: its fields as elements, by kind and rights. It binds no events; the page around it does.

use maud::{Markup, Render, html};
use nitro::{Attr, Bound, El, Url, attr, tags};
use serde_json::Value;

use crate::{
    access::Who,
    fault::Faults,
    field::{Field, Type},
    lang::text,
    lookup::Choices,
    number,
    read::Kind,
    rule::{self, Rule},
    show::{self, Titles},
    spec::Spec,
    value::{Data, is_empty, plain},
};

/// What a page does to an input before it is shown, such as binding an event.
type Dress<'a> = &'a dyn for<'e> Fn(&Field, El<'e>) -> El<'e>;

/// A form to be put into a page with `(sheet)`.
///
/// The input of a field has the name of the field as its id, so that
/// [`names`](Spec::names) are what a [`Postback`](nitro::Postback::reads) reads. What somebody may not see
/// is not in it at all.
#[derive(Clone, Copy)]
#[must_use = "a form does nothing until it is rendered"]
pub struct Sheet<'a> {
    spec: &'a Spec,
    who: &'a Who,
    kind: Kind,
    lang: &'a str,
    data: &'a Data,
    stored: &'a Data,
    faults: Option<&'a Faults>,
    titles: Option<&'a Titles>,
    choices: Option<&'a Choices>,
    dress: Option<Dress<'a>>,
    link: Option<&'a Url>,
    open: Option<(&'a str, &'a Bound)>,
    begins: bool,
}

impl std::fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheet").field("spec", self.spec).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<'a> Sheet<'a> {
    /// The form of these values, for somebody, in a language.
    pub fn new(spec: &'a Spec, who: &'a Who, kind: Kind, data: &'a Data, lang: &'a str) -> Self {
        Sheet {
            spec,
            who,
            kind,
            lang,
            data,
            stored: data,
            faults: None,
            titles: None,
            choices: None,
            dress: None,
            link: None,
            open: None,
            begins: false,
        }
    }

    /// Says what is stored of the record, on which rights depend, where the values are what somebody makes of it.
    pub fn over(mut self, stored: &'a Data) -> Self {
        self.stored = stored;
        self
    }

    /// Shows faults at their fields.
    pub fn faults(mut self, faults: &'a Faults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Shows the titles of looked-up records.
    pub fn titles(mut self, titles: &'a Titles) -> Self {
        self.titles = Some(titles);
        self
    }

    /// Offers records for lookups.
    pub fn choices(mut self, choices: &'a Choices) -> Self {
        self.choices = Some(choices);
        self
    }

    /// Lets the page change each input before it is shown.
    pub fn dress(mut self, dress: Dress<'a>) -> Self {
        self.dress = Some(dress);
        self
    }

    /// Lets the page begin at the first field that can be filled in. It is for a page of its own: what comes into a page
    /// that is shown already does not take the focus by itself.
    pub fn begins(mut self, begins: bool) -> Self {
        self.begins = begins;
        self
    }

    /// Makes the first cell of a row a button with an id and an event.
    pub fn open(mut self, id: &'a str, event: &'a Bound) -> Self {
        self.open = Some((id, event));
        self
    }

    /// Makes the first cell of a row lead somewhere.
    pub fn link(mut self, to: &'a Url) -> Self {
        self.link = Some(to);
        self
    }

    fn value(&self, field: &Field) -> &'a Value {
        self.data.get(&field.name).unwrap_or(&Value::Null)
    }

    fn shown(&self, field: &Field) -> String {
        match self.titles {
            Some(titles) => show::titled(self.spec, field, self.value(field), titles, self.lang),
            None => show::value(self.spec, field, self.value(field), self.lang),
        }
    }

    /// The fields that it shows.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a Field> {
        let (spec, who, kind) = (self.spec, self.who, self.kind);
        spec.document.fields.iter().filter(move |field| {
            spec.may_see(who, field)
                && match kind {
                    Kind::Search => field.is_filter(),
                    Kind::Row => !field.unlisted,
                    // The server makes it; there is nothing to see yet.
                    Kind::Create => !(spec.document.auto && field.name == spec.document.id),
                    Kind::Edit | Kind::View => true,
                }
        })
    }

    /// The field with its label, explanation and fault. Its place is there even when the field is not, so
    /// that a refresh has nothing to do but fill it.
    fn field(&self, field: &'a Field, first: bool) -> El<'a> {
        let name = field.name.as_str();
        let visible = self.kind == Kind::Search || field.visible.holds(self.data);
        let place = tags::panel().id(format!("{name}.f")).hidden(!visible);
        if !visible {
            // Something of its name stays, as the page's events read it whether it is shown or not.
            return place.body(html! { (tags::output().id(name)) });
        }
        let open = self.kind == Kind::Search
            || self.spec.is_open(self.who, self.kind, field, self.stored, self.data);
        let label = self.spec.document.label(name, self.lang);
        let help = self.spec.document.text(&format!("{name}.help"), self.lang);
        let fault = self.faults.and_then(|faults| faults.get(name));
        let needed = open && self.is_required(field);
        let (hint, error) = (format!("{name}.h"), format!("{name}.e"));
        let described = if help.is_some() { format!("{hint} {error}") } else { error.clone() };
        let mut input = if open { self.input(field) } else { self.output(field) };
        input = input.attr(attr::ARIA_DESCRIBEDBY, described);
        if fault.is_some() {
            input = input.attr(attr::ARIA_INVALID, "true");
        }
        if needed {
            input = input.required();
        }
        if first {
            input = input.attr(attr::AUTOFOCUS, "");
        }
        if let Some(dress) = self.dress.filter(|_| open) {
            input = dress(field, input);
        }
        let label = html! { label for=(nitro::page_id(name)) class=[needed.then_some("needed")] { (label) } };
        let check = open && field.kind == Type::Check && self.kind != Kind::Search;
        let body = html! {
            @if check { (input) (label) } @else { (label) }
            @if let Some(help) = help { small id=(nitro::page_id(&hint)) { (help) } }
            @if !check { (input) }
            @if let Type::Lookup { .. } = field.kind { @if open { (self.offer(field)) } }
            (tags::span().id(error).class("error").attr(attr::ROLE, "alert").text(
                fault.map(|fault| fault.text(self.spec, name, self.lang)).unwrap_or_default()
            ))
        };
        place.class(if check { "field check" } else { "field" }).body(body)
    }

    fn is_required(&self, field: &Field) -> bool {
        let id = field.name == self.spec.document.id && self.kind == Kind::Create;
        // A check that must be on is not what HTML calls required everywhere; the server says so.
        self.kind != Kind::Search && (id || field.required.holds(self.data))
    }

    /// The value as it is, where nothing can be entered.
    fn output(&self, field: &'a Field) -> El<'a> {
        tags::output().id(field.name.as_str()).text(self.shown(field))
    }

    fn input(&self, field: &'a Field) -> El<'a> {
        let (name, value) = (field.name.as_str(), self.value(field));
        let t = text(self.lang);
        let input = match &field.kind {
            Type::Check if self.kind == Kind::Search => {
                let options = [("", t.any), ("true", t.yes), ("false", t.no)];
                return tags::select(name, &plain(value), options);
            }
            Type::Check => return tags::checkbox(name).checked(value.as_bool().unwrap_or(false)),
            Type::Select { options } => {
                let chosen = plain(value);
                let empty = self.kind == Kind::Search || chosen.is_empty() || !self.is_required(field);
                let none = if self.kind == Kind::Search { t.any } else { "" };
                let label =
                    |option: &String| (option.clone(), self.spec.document.option(name, option, self.lang));
                let none = empty.then(|| (String::new(), none.to_owned()));
                return tags::select(name, &chosen, none.into_iter().chain(options.iter().map(label)));
            }
            Type::Lines => tags::textarea(name).attr(attr::ROWS, "5"),
            Type::Date => tags::date(name),
            // Not of the type `email`, for which browsers refuse addresses in other scripts, or send them coded.
            Type::Email => tags::textbox(name).attr(attr::INPUTMODE, "email").attr(attr::AUTOCOMPLETE, "off"),
            Type::Phone => tags::tel(name).attr(attr::AUTOCOMPLETE, "off"),
            // Not of the type `number`, which reads by the language of the browser and counts under the arrows and the wheel.
            Type::Text | Type::Number { .. } | Type::Money { .. } => {
                tags::textbox(name).attr(attr::AUTOCOMPLETE, "off")
            }
            Type::Lookup { .. } => {
                tags::textbox(name).attr(attr::LIST, format!("{name}.l")).attr(attr::AUTOCOMPLETE, "off")
            }
        };
        let attributes = attributes(field);
        let entered = show::entered(self.spec, field, value, self.lang);
        attributes.into_iter().fold(input, |input, (name, value)| input.attr(name, value)).value(entered)
    }

    /// What a lookup offers, and the title of what is chosen.
    fn offer(&self, field: &Field) -> Markup {
        let name = &field.name;
        let choices = self.choices.and_then(|choices| choices.get(name));
        let chosen = self.shown(field);
        let chosen = if chosen == plain(self.value(field)) { String::new() } else { chosen };
        html! {
            (tags::panel().id(format!("{name}.c")).body(html! {
                datalist id=(nitro::page_id(&format!("{name}.l"))) {
                    @for (id, title) in choices.into_iter().flatten() { option value=(id) { (title) } }
                }
            }))
            (tags::span().id(format!("{name}.t")).class("chosen").text(chosen))
        }
    }

    /// The cells of a row, without the row.
    fn cells(&self) -> Markup {
        html! {
            @for (at, field) in self.fields().enumerate() {
                td class=[field.is_number().then_some("number")] {
                    @match (self.link.filter(|_| at == 0), self.open.filter(|_| at == 0)) {
                        (Some(to), _) => (tags::link(self.shown(field), to.clone())),
                        (None, Some((id, open))) => (tags::button(self.shown(field)).id(id).class("open").postback(open.clone())),
                        (None, None) => @if field.visible.holds(self.data) { (self.shown(field)) },
                    }
                }
            }
        }
    }

    fn list(&self) -> Markup {
        html! {
            dl {
                @for field in self.fields().filter(|field| field.visible.holds(self.data)) {
                    dt { (self.spec.document.label(&field.name, self.lang)) }
                    dd class=[is_empty(self.value(field)).then_some("empty")] {
                        (tags::span().id(field.name.as_str()).class(
                            if field.kind == Type::Lines { "lines" } else { "" }
                        ).text(self.shown(field)))
                    }
                }
            }
        }
    }
}

impl Render for Sheet<'_> {
    fn render_to(&self, out: &mut String) {
        let markup = match self.kind {
            Kind::View => self.list(),
            Kind::Row => self.cells(),
            Kind::Create | Kind::Edit | Kind::Search => html! {
                @let first = self.spec.first_open(self.who, self.kind, self.stored, self.data).filter(|_| self.begins);
                @for field in self.fields() { (self.field(field, first == Some(field.name.as_str()))) }
            },
        };
        out.push_str(&markup.0);
    }
}

/// The rules as attributes of an input.
fn attributes(field: &Field) -> Vec<(Attr, String)> {
    let mut out = Vec::new();
    let (min, max) = field.range();
    if field.kind == Type::Date {
        out.extend(min.map(|min| (attr::MIN, plain(min))));
        out.extend(max.map(|max| (attr::MAX, plain(max))));
    }
    // The keys of a telephone for numbers may lack the minus.
    let is_positive = min.and_then(number::of).map(|min| !min.is_sign_negative());
    let keys = match &field.kind {
        Type::Number { decimals: 0 } if is_positive == Some(true) => Some("numeric"),
        Type::Number { decimals: 1.. } | Type::Money { .. } if is_positive != Some(false) => Some("decimal"),
        _ => None,
    };
    out.extend(keys.map(|keys| (attr::INPUTMODE, keys.to_owned())));
    out.extend(rule::longest(field).map(|max| (attr::MAXLENGTH, rule::pasted(max).to_string())));
    for rule in &field.rules {
        match rule {
            Rule::Length { min, .. } if *min > 0 => out.push((attr::MINLENGTH, min.to_string())),
            // An attribute of `textarea` this is not.
            Rule::Pattern(pattern) if field.kind != Type::Lines => out.push((attr::PATTERN, pattern.clone())),
            _ => {}
        }
    }
    out
}
