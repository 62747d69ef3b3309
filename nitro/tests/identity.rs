//! An element is known by its id and by nothing that another id could share, on a page of any length.

use maud::html;
use nitro::{prelude::*, test::TestApp};

/// Ids whose hashes of 32 bits are equal, if the hash is the one that nitro had.
const TWINS: [&str; 2] = ["row-83357", "del-3409"];

#[derive(Default, Serialize, Deserialize)]
struct Twins {
    told: u32,
    reverse: bool,
}

#[derive(Event)]
enum Act {
    Delete,
    Turn,
}

impl Page for Twins {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let [row, del] = TWINS;
        html! {
            (span().id("told").text(self.told.to_string()))
            (button("Turn").id("turn").postback(ui.on(Act::turn())))
            @if self.reverse {
                (button("Row").id(row).postback(ui.on(Act::turn())))
                (button("Delete").id(del).postback(ui.on(Act::delete())).disabled(true))
            } @else {
                table { tbody { (tr().id(row).body(html! { td { "Row" } })) } }
                (button("Delete").id(del).postback(ui.on(Act::delete())))
            }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Delete => self.told += 1,
            Act::Turn => self.reverse = true,
        }
        cx.refresh();
        Ok(())
    }
}

#[tokio::test]
async fn a_button_works_beside_any_other_element() {
    let mut page = TestApp::new().page::<Twins>("/").open("/").await;
    page.click(TWINS[1]).await;
    assert_eq!((page.error_code(), page.text("told").as_str()), (None, "1"));
}

#[tokio::test]
async fn a_disabled_control_is_not_driven_under_another_ones_flags() {
    let mut page = TestApp::new().page::<Twins>("/").open("/").await;
    page.click("turn").await;
    let bound = page.bound(TWINS[1]);
    page.force(&bound, &[]).await;
    assert_eq!((page.error_code(), page.text("told").as_str()), (Some(2), "0"));
}
