//! The elements by name. Structure that never changes is written with `html!`; these are for what has
//! an id, a value or an event.

use std::borrow::Cow;

use maud::{Markup, PreEscaped, Render};

use crate::{
    attr,
    el::{Body, Choice, El, Kind},
    scope,
    url::Url,
};

macro_rules! plain {
    ($($name:ident $tag:literal)*) => {
        $(
            #[doc = concat!("A `", $tag, "` element; see [MDN](https://developer.mozilla.org/docs/Web/HTML/Reference/Elements/", $tag, ").")]
            #[track_caller]
            pub fn $name<'a>() -> El<'a> {
                El::new($tag, Kind::Plain)
            }
        )*
    };
}

plain! {
    address "address"
    article "article"
    aside "aside"
    blockquote "blockquote"
    caption "caption"
    code "code"
    dd "dd"
    details "details"
    dialog "dialog"
    dl "dl"
    dt "dt"
    fieldset "fieldset"
    figcaption "figcaption"
    figure "figure"
    footer "footer"
    form "form"
    h1 "h1"
    h2 "h2"
    h3 "h3"
    h4 "h4"
    header "header"
    legend "legend"
    li "li"
    main "main"
    meter "meter"
    nav "nav"
    ol "ol"
    output "output"
    p "p"
    panel "div"
    pre "pre"
    progress "progress"
    section "section"
    span "span"
    strong "strong"
    summary "summary"
    table "table"
    tbody "tbody"
    td "td"
    tfoot "tfoot"
    th "th"
    thead "thead"
    tr "tr"
    ul "ul"
}

macro_rules! inputs {
    ($($name:ident $kind:literal)*) => {
        $(
            #[doc = concat!("An input of type `", $kind, "`; its name is its id.")]
            #[track_caller]
            pub fn $name<'a>(id: impl Into<Cow<'a, str>>) -> El<'a> {
                El::new("input", Kind::Input($kind)).id(id)
            }
        )*
    };
}

inputs! {
    color "color"
    date "date"
    datetime "datetime-local"
    email "email"
    input_time "time"
    month "month"
    number "number"
    password "password"
    range "range"
    search "search"
    tel "tel"
    textbox "text"
    url_box "url"
    week "week"
}

/// A value that the page carries for an event to read. The user can change it like any other input:
/// what must not change belongs into the event's sealed fields.
#[track_caller]
pub fn hidden<'a>(id: impl Into<Cow<'a, str>>) -> El<'a> {
    El::new("input", Kind::Input("hidden")).id(id)
}

/// A checkbox.
#[track_caller]
pub fn checkbox<'a>(id: impl Into<Cow<'a, str>>) -> El<'a> {
    El::new("input", Kind::Check("checkbox")).id(id)
}

/// A text of several lines, of at most 8,000 characters, so that it fits the limit of a value in any
/// script; another limit is set by the attribute `maxlength` after this one.
#[track_caller]
pub fn textarea<'a>(id: impl Into<Cow<'a, str>>) -> El<'a> {
    El::new("textarea", Kind::Textarea).id(id).attr(attr::MAXLENGTH, "8000")
}

/// A button that does not submit a form.
#[track_caller]
pub fn button<'a>(text: impl Into<Cow<'a, str>>) -> El<'a> {
    El::new("button", Kind::Plain).attr(attr::TYPE, "button").text(text)
}

/// The button that submits the form around it.
#[track_caller]
pub fn submit<'a>(text: impl Into<Cow<'a, str>>) -> El<'a> {
    El::new("button", Kind::Plain).attr(attr::TYPE, "submit").text(text)
}

/// A link.
#[track_caller]
pub fn link<'a>(text: impl Into<Cow<'a, str>>, to: Url) -> El<'a> {
    El::new("a", Kind::Plain).href(to).text(text)
}

/// An image; `alt` says in words what it shows, and is empty when it only decorates.
#[track_caller]
pub fn image<'a>(src: Url, alt: impl Into<Cow<'a, str>>) -> El<'a> {
    El::new("img", Kind::Void).src(src).attr(attr::ALT, alt)
}

/// An instant, in milliseconds since 1970-01-01 UTC, shown in the reader's zone and language.
/// Before the script has run, and without it, it shows UTC.
#[track_caller]
pub fn time<'a>(millis: u64) -> El<'a> {
    let utc = rfc3339(millis);
    let shown = utc.get(11..16).unwrap_or_default().to_owned();
    El::new("time", Kind::Plain).attr(attr::DATETIME, utc).text(shown)
}

/// A choice of one among options, each with a value and a text.
#[track_caller]
pub fn select<'a, V: AsRef<str>, T: AsRef<str>>(
    id: impl Into<Cow<'a, str>>,
    chosen: &str,
    options: impl IntoIterator<Item = (V, T)>,
) -> El<'a> {
    let mut choice = Choice::new("");
    for (value, text) in options {
        choice.push("<option value=\"");
        let is_chosen = choice.option(value.as_ref(), chosen);
        choice.push(if is_chosen { "\" selected>" } else { "\">" });
        choice.text(text.as_ref());
        choice.push("</option>");
    }
    let mut select = El::new("select", Kind::Plain).id(id);
    select.body = Body::Choice(choice);
    select
}

/// A choice of one among radio buttons, each with a value and a text.
#[track_caller]
pub fn radio_group<'a, V: AsRef<str>, T: AsRef<str>>(
    id: impl Into<Cow<'a, str>>,
    legend: &str,
    chosen: &str,
    options: impl IntoIterator<Item = (V, T)>,
) -> El<'a> {
    let mut group = El::new("fieldset", Kind::Plain).attr(attr::ROLE, "radiogroup").id(id);
    let mut choice = Choice::new("<legend>");
    choice.text(legend);
    choice.push("</legend>");
    for (value, text) in options {
        choice.push("<label><input type=\"radio\" name=\"");
        choice.push(&scope::page_id(&group.id));
        choice.push("\" value=\"");
        let is_chosen = choice.option(value.as_ref(), chosen);
        choice.push(if is_chosen { "\" checked> " } else { "\"> " });
        choice.text(text.as_ref());
        choice.push("</label>");
    }
    group.body = Body::Choice(choice);
    group
}

/// Several things in a row, as one markup.
pub fn all<'a>(items: impl IntoIterator<Item = El<'a>>) -> Markup {
    let mut html = String::new();
    items.into_iter().for_each(|item| item.render_to(&mut html));
    PreEscaped(html)
}

/// An instant as RFC 3339 in UTC with seconds.
pub(crate) fn rfc3339(millis: u64) -> String {
    let secs = millis / 1000;
    let (days, rest) = (secs / 86_400, secs % 86_400);
    // Days to civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_rfc3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_827_696_789), "2000-02-29T12:34:56Z");
        assert_eq!(rfc3339(1_795_255_200_000), "2026-11-21T10:00:00Z");
    }

    #[test]
    fn a_labelled_input_has_a_place_for_its_error() {
        let html = textbox("user").label("Name").required().value("\"").render().0;
        assert_eq!(
            html,
            concat!(
                r#"<div id="user.f" class="field"><label for="user">Name</label>"#,
                r#"<input type="text" id="user" name="user" required aria-describedby="user.e" value="&quot;">"#,
                r#"<small id="user.e" class="error" role="alert"></small></div>"#
            )
        );
    }

    #[test]
    fn a_choice_marks_what_is_chosen() {
        let html = select("size", "m", [("s", "Small"), ("m", "<Medium>")]).render().0;
        assert_eq!(
            html,
            r#"<select id="size" name="size"><option value="s">Small</option><option value="m" selected>&lt;Medium&gt;</option></select>"#
        );
    }
}
