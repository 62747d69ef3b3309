//! Labelled inputs: verbs and refreshes take what stands around an input for a part of it, and what is known to stay
//! is neither sent nor lost.

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use proptest::prelude::*;

/// A form whose fields come and go, with a line around them that may change.
#[derive(Default, Serialize, Deserialize)]
struct Fields {
    list: Vec<Field>,
    line: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct Field {
    id: u8,
    label: u8,
    value: u8,
    kind: u8,
}

#[derive(Event)]
enum Act {
    Next {
        #[source]
        wish: String,
    },
    Verb(String),
    Pressed(u8),
}

fn field(field: &Field, ui: &Ui<'_, Fields>) -> El<'static> {
    let Field { id, label, value, kind } = field;
    let (id, label, value) = (format!("i{id}"), format!("Label {label}"), format!("<{value}>"));
    match kind {
        0 => textbox(id).label(label).value(value),
        1 => checkbox(id).label(label).checked(value.contains('1')),
        2 => textarea(id).label(label).value(value).hint("Some words"),
        3 => select(id, &value, [("<0>", "None"), ("<1>", "One"), ("<2>", "Two")]).label(label),
        4 => textbox(id).attr(attr::ARIA_LABEL, label).value(value),
        5 => button(value).id(id).postback(ui.on(Act::pressed(field.label))),
        _ => span().id(id).text(value),
    }
}

impl Page for Fields {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let fields = html! { @for it in &self.list { (field(it, ui)) } };
        html! {
            (hidden(Act::wish))
            (button("Next").id("go").postback(ui.on(Act::next())))
            @for verb in ["remove", "before", "after", "replace", "update", "refresh"] {
                (button(verb).id(verb).postback(ui.on(Act::verb(verb.into()))))
            }
            (section().id("form").class(format!("c{}", self.line)).body(fields))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Next { wish } => {
                (self.list, self.line) = serde_json::from_str(&wish).map_err(Error::other)?;
                cx.session().set("fields", &(&self.list, self.line))?;
                cx.refresh();
            }
            Act::Verb(verb) => {
                let new = textbox("new").label("New");
                match &*verb {
                    "remove" => cx.remove("i1"),
                    "before" => cx.insert_before("i1", new),
                    "after" => cx.insert_after("i1", new),
                    "replace" => cx.replace("i1", new),
                    "update" => cx.update("i1", textbox("i1").label("Other")),
                    _ => cx.refresh(),
                }
            }
            Act::Pressed(label) => cx.alert(label.to_string()),
        }
        Ok(())
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        (self.list, self.line) = cx.session().get("fields")?.unwrap_or_default();
        Ok(())
    }
}

fn app() -> TestApp {
    TestApp::new().page::<Fields>("/")
}

async fn show(page: &mut TestPage, list: &[Field], line: u8) {
    page.fill("wish", &serde_json::to_string(&(list, line)).expect("JSON"));
    page.click("go").await;
    assert_eq!(page.error(), None);
}

fn texts(ids: &[u8]) -> Vec<Field> {
    ids.iter().map(|id| Field { id: *id, label: 0, value: 0, kind: 0 }).collect()
}

const NEW: &str = concat!(
    r#"<div id="new.f" class="field"><label for="new">New</label>"#,
    r#"<input type="text" id="new" name="new" aria-describedby="new.e" value="">"#,
    r#"<small id="new.e" class="error" role="alert"></small></div>"#
);

#[tokio::test]
async fn a_verb_takes_the_whole_field() {
    let with = |ids: &'static [&'static str]| ids.iter().map(|id| format!("{id}.f")).collect::<Vec<_>>();
    let cases = [
        ("remove", "remove i1.f".to_owned(), with(&["i0", "i2"])),
        ("before", format!("insert_before i1.f {NEW}"), with(&["i0", "new", "i1", "i2"])),
        ("after", format!("insert_after i1.f {NEW}"), with(&["i0", "i1", "new", "i2"])),
        ("replace", format!("replace i1.f {NEW}"), with(&["i0", "new", "i2"])),
    ];
    for (verb, op, left) in cases {
        let mut page = app().open("/").await;
        show(&mut page, &texts(&[0, 1, 2]), 0).await;
        let before = page.html_of("form");
        page.click(verb).await;
        assert_eq!(page.changes(), op);
        let html = page.html_of("form");
        let fields: Vec<&str> =
            html.split("<div id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        assert_eq!(fields, left, "{verb}");
        // What the page holds is another thing, and is shown again.
        page.click("refresh").await;
        assert_eq!(page.html_of("form"), before, "{verb}");
    }
}

#[tokio::test]
async fn an_input_gets_a_label_by_a_verb_and_by_a_refresh() {
    let mut page = app().open("/").await;
    let bare = [Field { id: 1, label: 0, value: 0, kind: 4 }];
    show(&mut page, &bare, 0).await;
    let before = page.html_of("form");
    page.click("update").await;
    assert_eq!(&*page.text("i1.f"), "Other");
    show(&mut page, &bare, 0).await;
    assert_eq!(page.html_of("form"), before);
    show(&mut page, &texts(&[1]), 0).await;
    assert_eq!(&*page.text("i1.f"), "Label 0");
}

#[tokio::test]
async fn a_field_comes_and_goes_alone() {
    let mut page = app().open("/").await;
    show(&mut page, &texts(&[0, 2]), 0).await;
    show(&mut page, &texts(&[0, 1, 2]), 0).await;
    assert!(page.changes().starts_with("insert_after i0.f <div id=\"i1.f\""), "{}", page.changes());
    assert_eq!(page.ops().len(), 1);
    show(&mut page, &texts(&[0, 1]), 0).await;
    assert_eq!(page.changes(), "remove_beside i1.f false");
}

#[tokio::test]
async fn another_label_sends_its_field_only() {
    let mut page = app().open("/").await;
    let mut list = texts(&[0, 1, 2]);
    show(&mut page, &list, 0).await;
    list[1].label = 7;
    show(&mut page, &list, 0).await;
    assert!(page.changes().starts_with("update i1.f <div id=\"i1.f\""), "{}", page.changes());
    assert_eq!((page.ops().len(), &*page.text("i1.f")), (1, "Label 7"));
}

#[tokio::test]
async fn what_is_around_a_control_that_stays_can_change() {
    let app = app();
    let mut page = app.open("/").await;
    for line in 0..20 {
        // The section has another class each time, so that all in it has to be sent, though nothing of it has changed.
        show(&mut page, &[Field { id: 3, label: line, value: 1, kind: 5 }], line).await;
        show(&mut page, &[Field { id: 3, label: line, value: 1, kind: 5 }], line + 100).await;
        assert_eq!(page.html_of("form"), app.open("/").await.html_of("form"));
        page.click("i3").await;
        assert_eq!(page.alerts().last(), Some(&line.to_string()));
    }
}

fn fields() -> impl Strategy<Value = (Vec<Field>, u8)> {
    let field = (0..3_u8, 0..3_u8, 0..7_u8);
    let list = prop::collection::btree_map(0..12_u8, field, 0..10);
    let list = list.prop_map(|list| {
        let field = |(id, (label, value, kind))| Field { id, label, value, kind };
        list.into_iter().map(field).collect()
    });
    (list, prop_oneof![9 => Just(0_u8), 1 => Just(1)])
}

/// The document of a page, which is as if it were rendered anew, and works.
async fn check(steps: &[(Vec<Field>, u8)]) -> Result<(), TestCaseError> {
    let app = app();
    let mut page = app.open("/").await;
    for (list, line) in steps {
        show(&mut page, list, *line).await;
        let mut fresh = app.open("/").await;
        // What the hidden input holds is the test's own.
        page.fill("wish", "");
        fresh.fill("wish", "");
        prop_assert_eq!(page.snapshot(), fresh.snapshot(), "after {}", page.changes());
        for it in list.iter().filter(|it| it.kind == 5) {
            page.click(&format!("i{}", it.id)).await;
            prop_assert_eq!(page.alerts().last(), Some(&it.label.to_string()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_document_is_what_is_rendered(steps in prop::collection::vec(fields(), 1..9)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(check(&steps))?;
    }
}
