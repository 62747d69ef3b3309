//! What stands inside a disabled element is as disabled as the element: it fires nothing, and has no value.

use maud::html;
use n2o::Value;
use nitro::{
    Inputs,
    prelude::*,
    test::{Bound, TestApp, TestPage},
};

/// A form in a fence, which is a `fieldset` with an id or without, and the controls near and deep in it.
#[derive(Default, Serialize, Deserialize)]
struct Fenced {
    shut: bool,
    told: Vec<String>,
}

#[derive(Event)]
enum Act {
    Near,
    Deep,
    Behind,
    Between {
        #[source]
        inner: String,
        #[source]
        outer: String,
    },
    Named {
        #[source]
        form: Inputs,
    },
    Shut(bool),
}

/// As [`Fenced`], but the fence has no id of its own.
#[derive(Default, Serialize, Deserialize)]
struct Nameless(Fenced);

fn inside<P: Page<Event = Act>>(ui: &Ui<'_, P>) -> Markup {
    html! {
        legend { "Data" }
        (button("Near").id("near").postback(ui.on(Act::near())))
        (section().id("part").body(html! { div {
            (section().id("smaller").body(html! {
                (button("Deep").id("deep").postback(ui.on(Act::deep())))
                (textbox("inner").attr(attr::ARIA_LABEL, "Input"))
            }))
        } }))
    }
}

fn around<P: Page<Event = Act>>(ui: &Ui<'_, P>, page: &Fenced) -> Markup {
    html! {
        (button("Behind").id("behind").postback(ui.on(Act::behind())))
        (textbox("outer").attr(attr::ARIA_LABEL, "Input"))
        (button("Between").id("between").postback(ui.on(Act::between())))
        (button("Named").id("named").postback(ui.on(Act::named().reads(["inner", "outer"]))))
        (button("Shut").id("shut").postback(ui.on(Act::shut(true))))
        (button("Open").id("open").postback(ui.on(Act::shut(false))))
        (span().id("told").text(page.told.join(" ")))
    }
}

fn act<C>(page: &mut Fenced, act: Act, cx: &mut Cx<'_, C>) {
    match act {
        Act::Near => page.told.push("near".to_owned()),
        Act::Deep => page.told.push("deep".to_owned()),
        Act::Behind => page.told.push("behind".to_owned()),
        Act::Between { inner, outer } => page.told.push(format!("{inner}/{outer}")),
        Act::Named { form } => {
            page.told.push(form.iter().map(|(name, _)| name).collect::<Vec<_>>().join("+"));
        }
        Act::Shut(shut) => page.shut = shut,
    }
    cx.refresh();
}

impl Page for Fenced {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (fieldset().id("fence").disabled(self.shut).body(inside(ui))) (around(ui, self)) }
    }

    async fn event(&mut self, event: Act, cx: &mut Cx<'_, Self>) -> Result {
        act(self, event, cx);
        Ok(())
    }
}

impl Page for Nameless {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (fieldset().disabled(self.0.shut).body(inside(ui))) (around(ui, &self.0)) }
    }

    async fn event(&mut self, event: Act, cx: &mut Cx<'_, Self>) -> Result {
        act(&mut self.0, event, cx);
        Ok(())
    }
}

async fn refused(page: &mut TestPage, bound: &Bound) {
    let told = page.text("told");
    page.force(bound, &[]).await;
    assert_eq!((page.error_code(), page.text("told")), (Some(2), told), "{}", bound.target);
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

#[tokio::test]
async fn what_is_in_a_disabled_element_fires_nothing() {
    let app = TestApp::new().page::<Fenced>("/").page::<Nameless>("/nameless");
    for path in ["/", "/nameless"] {
        let mut page = app.open(path).await;
        let before = [page.bound("near"), page.bound("deep")];
        page.click("near").await;
        page.click("deep").await;
        assert_eq!(page.text("told"), "near deep", "{path}");

        page.click("shut").await;
        for bound in before.iter().chain(&[page.bound("near"), page.bound("deep")]) {
            refused(&mut page, bound).await;
        }
        page.click("behind").await;
        assert_eq!(page.text("told"), "near deep behind", "{path}: what stands behind it works");

        page.click("open").await;
        page.click("deep").await;
        assert_eq!(page.text("told"), "near deep behind deep", "{path}: and inside, once it is open again");
    }
}

#[tokio::test]
async fn what_is_in_a_disabled_element_has_no_value() {
    let app = TestApp::new().page::<Fenced>("/").page::<Nameless>("/nameless");
    for path in ["/", "/nameless"] {
        let mut page = app.open(path).await;
        page.force(&page.bound("between"), &[text("a"), text("b")]).await;
        page.force(&page.bound("named"), &[text("a"), text("b")]).await;
        assert_eq!(page.text("told"), "a/b inner+outer", "{path}");
        page.click("shut").await;
        page.force(&page.bound("between"), &[text("a"), text("b")]).await;
        page.force(&page.bound("named"), &[text("a"), text("b")]).await;
        assert_eq!(page.text("told"), "a/b inner+outer /b outer", "{path}");
    }
}

#[tokio::test]
async fn a_verb_that_disables_counts_like_a_page_that_does() {
    /// Disables its fence by an attribute, without a refresh.
    #[derive(Default, Serialize, Deserialize)]
    struct Quick;

    impl Page for Quick {
        type Event = Act;
        const ACCESS: Access = Access::Anyone;

        fn render(&self, ui: &Ui<'_, Self>) -> Markup {
            html! {
                (fieldset().id("fence").body(inside(ui)))
                (button("Shut").id("shut").postback(ui.on(Act::shut(true))))
                (span().id("told"))
            }
        }

        async fn event(&mut self, _: Act, cx: &mut Cx<'_, Self>) -> Result {
            cx.update("fence", fieldset().id("fence").disabled(true).body(inside(&cx.ui())));
            Ok(())
        }
    }

    let mut page = TestApp::new().page::<Quick>("/").open("/").await;
    let near = page.bound("near");
    page.click("shut").await;
    refused(&mut page, &near).await;
    let now = page.bound("deep");
    refused(&mut page, &now).await;
}
