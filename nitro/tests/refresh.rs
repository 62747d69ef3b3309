//! `refresh`: afterwards the document is as if it were rendered anew, and what was sent is little.

use maud::html;
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};
use proptest::prelude::*;

/// A tree that a page shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Shape {
    #[default]
    Nothing,
    /// Text without an element.
    Words(String),
    /// An element without an id.
    Plain(String, Vec<Shape>),
    Text(u8, String),
    Class(u8, u8),
    Input(u8, String),
    Area(u8, String),
    Check(u8, bool),
    Choice(u8, u8),
    Button(u8, u8, bool),
    Field(u8, String),
    Group(u8, Vec<Shape>),
}

impl Shape {
    fn show(&self, ui: &Ui<'_, Tree>) -> Markup {
        let id = |id: &u8| format!("i{id}");
        match self {
            Shape::Nothing => html! {},
            Shape::Words(text) => html! { (text) },
            Shape::Plain(text, inner) => html! { p { (text) @for shape in inner { (shape.show(ui)) } } },
            Shape::Text(n, text) => span().id(id(n)).text(text).render(),
            Shape::Class(n, class) => span().id(id(n)).class(format!("c{class}")).text("x").render(),
            Shape::Input(n, text) => textbox(id(n)).attr(attr::ARIA_LABEL, "Input").value(text).render(),
            Shape::Area(n, text) => textarea(id(n)).attr(attr::ARIA_LABEL, "Input").value(text).render(),
            Shape::Check(n, on) => checkbox(id(n)).attr(attr::ARIA_LABEL, "Input").checked(*on).render(),
            Shape::Choice(n, chosen) => {
                let options = [("0", "None"), ("1", "One"), ("2", "Two")];
                select(id(n), &chosen.to_string(), options).attr(attr::ARIA_LABEL, "Input").render()
            }
            Shape::Button(n, value, disabled) => {
                button("b").id(id(n)).postback(ui.on(Act::press(*value))).disabled(*disabled).render()
            }
            Shape::Field(n, text) => textbox(id(n)).label("Label").value(text).render(),
            Shape::Group(n, inner) => {
                panel().id(id(n)).body(html! { @for shape in inner { (shape.show(ui)) } }).render()
            }
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Tree(Vec<Shape>);

#[derive(Event)]
enum Act {
    Press(u8),
    Next {
        #[source]
        wish: String,
    },
}

impl Page for Tree {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            (hidden(Act::wish))
            (button("Next").id("go").postback(ui.on(Act::next())))
            (section().id("tree").body(html! { @for shape in &self.0 { (shape.show(ui)) } }))
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Press(value) => cx.alert(value.to_string()),
            Act::Next { wish } => {
                self.0 = serde_json::from_str(&wish).map_err(Error::other)?;
                cx.session().set("tree", &self.0)?;
                cx.refresh();
            }
        }
        Ok(())
    }

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.0 = cx.session().get("tree")?.unwrap_or_default();
        Ok(())
    }
}

async fn show(page: &mut TestPage, tree: &[Shape]) {
    page.fill("wish", &serde_json::to_string(tree).expect("JSON"));
    page.click("go").await;
    assert_eq!(page.error(), None);
}

fn shape() -> impl Strategy<Value = Shape> {
    let (id, text) = (0_u8..12, "[a-c<&\"]{0,2}");
    let leaf = prop_oneof![
        text.prop_map(Shape::Words),
        (id.clone(), text).prop_map(|(id, text)| Shape::Text(id, text)),
        (id.clone(), 0_u8..3).prop_map(|(id, class)| Shape::Class(id, class)),
        (id.clone(), text).prop_map(|(id, text)| Shape::Input(id, text)),
        (id.clone(), text).prop_map(|(id, text)| Shape::Area(id, text)),
        (id.clone(), any::<bool>()).prop_map(|(id, on)| Shape::Check(id, on)),
        (id.clone(), 0_u8..3).prop_map(|(id, chosen)| Shape::Choice(id, chosen)),
        (id.clone(), 0_u8..3, any::<bool>()).prop_map(|(id, value, off)| Shape::Button(id, value, off)),
        (id.clone(), text).prop_map(|(id, text)| Shape::Field(id, text)),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        let inner = prop::collection::vec(inner, 0..6);
        prop_oneof![
            (0_u8..12, inner.clone()).prop_map(|(id, inner)| Shape::Group(id, inner)),
            ("[a-c]{0,2}", inner).prop_map(|(text, inner)| Shape::Plain(text, inner)),
        ]
    })
}

fn id_of(shape: &mut Shape) -> Option<(&mut u8, u8)> {
    use Shape::*;
    match shape {
        Nothing | Words(_) | Plain(..) => None,
        Text(id, _) => Some((id, 0)),
        Class(id, _) => Some((id, 1)),
        Input(id, _) => Some((id, 2)),
        Area(id, _) => Some((id, 3)),
        Check(id, _) => Some((id, 4)),
        Choice(id, _) => Some((id, 5)),
        Button(id, ..) => Some((id, 6)),
        Field(id, _) => Some((id, 7)),
        Group(id, _) => Some((id, 8)),
    }
}

/// Gives each element an id of its own, which says what kind of element it is; the same ids come again in
/// another tree, in other places.
fn unique(shapes: &mut Vec<Shape>, used: &mut Vec<u8>) {
    shapes.retain_mut(|shape| {
        if let Some((id, kind)) = id_of(shape) {
            *id += kind * 16;
            if used.contains(id) {
                return false;
            }
            used.push(*id);
        }
        true
    });
    for shape in shapes {
        if let Shape::Group(_, inner) | Shape::Plain(_, inner) = shape {
            unique(inner, used);
        }
    }
}

fn trees() -> impl Strategy<Value = Vec<Vec<Shape>>> {
    prop::collection::vec(prop::collection::vec(shape(), 0..8), 2..5).prop_map(|mut trees| {
        trees.iter_mut().for_each(|tree| unique(tree, &mut Vec::new()));
        trees
    })
}

/// A list, then the same list with rows removed, inserted, moved and changed.
fn lists() -> impl Strategy<Value = Vec<Vec<Shape>>> {
    let rows = prop::collection::vec((0_u8..10, "[a-b]{1}"), 0..10);
    prop::collection::vec((rows, any::<bool>()), 2..6).prop_map(|lists| {
        let list = |(rows, gaps): (Vec<(u8, String)>, bool)| {
            let mut shapes: Vec<Shape> = rows
                .into_iter()
                .map(|(id, text)| Shape::Group(id, vec![Shape::Text(id + 100, text)]))
                .collect();
            let mut used = Vec::new();
            shapes.retain(|shape| match shape {
                Shape::Group(id, _) if used.contains(id) => false,
                Shape::Group(id, _) => {
                    used.push(*id);
                    true
                }
                _ => true,
            });
            if gaps && shapes.len() > 2 {
                shapes.insert(2, Shape::Words("gap".into()));
            }
            shapes
        };
        lists.into_iter().map(list).collect()
    })
}

fn check(trees: &[Vec<Shape>]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("runtime");
    runtime.block_on(async {
        let app = TestApp::new().page::<Tree>("/");
        let mut page = app.open("/").await;
        for tree in trees {
            show(&mut page, tree).await;
            let mut fresh = app.open("/").await;
            // What the hidden input holds is the test's own.
            page.fill("wish", "");
            fresh.fill("wish", "");
            prop_assert_eq!(page.snapshot(), fresh.snapshot(), "after {}", page.changes());
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn afterwards_the_document_is_as_rendered_anew(trees in trees()) {
        check(&trees)?;
    }

    #[test]
    fn lists_are_as_rendered_anew(lists in lists()) {
        check(&lists)?;
    }
}

async fn between(before: &[Shape], after: &[Shape]) -> String {
    let app = TestApp::new().page::<Tree>("/");
    let mut page = app.open("/").await;
    show(&mut page, before).await;
    show(&mut page, after).await;
    page.changes()
}

fn rows(ids: &[u8]) -> Vec<Shape> {
    ids.iter().map(|id| Shape::Text(*id, format!("row {id}"))).collect()
}

#[tokio::test]
async fn a_changed_value_is_one_op() {
    let text = |text: &str| [Shape::Text(1, text.into()), Shape::Text(2, "same".into())];
    assert_eq!(between(&text("a"), &text("b<")).await, "set i1 \"b<\"");
    let input = |text: &str| [Shape::Field(1, text.into()), Shape::Input(2, "same".into())];
    assert_eq!(between(&input("a"), &input("\"b\"")).await, r#"set i1 "\"b\"""#);
    let area = |text: &str| [Shape::Area(1, text.into())];
    assert_eq!(between(&area("a"), &area("\nb")).await, "set i1 \"\\nb\"");
    let check = |on: bool| [Shape::Check(1, on)];
    assert_eq!(between(&check(false), &check(true)).await, "set i1 true");
    assert_eq!(between(&check(true), &check(false)).await, "set i1 false");
    assert_eq!(between(&check(true), &check(true)).await, "");
}

#[tokio::test]
async fn a_row_more_is_one_op() {
    let base = [1, 2, 3];
    let after = |ids: &'static [u8]| async move { between(&rows(&base), &rows(ids)).await };
    assert_eq!(after(&[1, 2, 3, 4]).await, r#"insert_after i3 <span id="i4">row 4</span>"#);
    assert_eq!(after(&[4, 1, 2, 3]).await, r#"insert_before i1 <span id="i4">row 4</span>"#);
    assert_eq!(after(&[1, 4, 2, 3]).await, r#"insert_after i1 <span id="i4">row 4</span>"#);
}

#[tokio::test]
async fn a_row_less_is_one_op() {
    let base = [1, 2, 3];
    let after = |ids: &'static [u8]| async move { between(&rows(&base), &rows(ids)).await };
    assert_eq!(after(&[1, 2]).await, "remove_beside i2 false");
    assert_eq!(after(&[2, 3]).await, "remove_beside i2 true");
    assert_eq!(after(&[1, 3]).await, "remove_beside i1 false");
    assert_eq!(after(&[2]).await, "remove_beside i2 true\nremove_beside i2 false");
}

#[tokio::test]
async fn what_changes_inside_a_group_stays_inside() {
    let group = |text: &str, class: u8| {
        [
            Shape::Group(1, vec![Shape::Text(2, text.into()), Shape::Class(3, class)]),
            Shape::Text(4, "x".into()),
        ]
    };
    assert_eq!(between(&group("a", 1), &group("b", 1)).await, "set i2 \"b\"");
    assert_eq!(
        between(&group("a", 1), &group("b", 2)).await,
        "set i2 \"b\"\nupdate i3 <span id=\"i3\" class=\"c2\">x</span>"
    );
}

#[tokio::test]
async fn a_seal_is_new_only_when_what_it_holds_is() {
    let press = |value: u8, off: bool| [Shape::Button(1, value, off), Shape::Text(2, "x".into())];
    assert_eq!(between(&press(1, false), &press(1, false)).await, "");
    let now = r#"update i1 <button id="i1" type="button" data-e="...">b</button>"#;
    assert_eq!(between(&press(1, false), &press(2, false)).await, now);
}
