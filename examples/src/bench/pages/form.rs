//! Forms of 60 fields, rendered again at each event: all fields change, or one, or those of one part of six.

use std::sync::LazyLock;

use maud::html;
use nitro::{Component, prelude::*};

/// Fields of each form.
const FIELDS: u64 = 60;
/// Parts of the form that has parts.
const PARTS: u64 = 6;

/// The ids and labels of the fields, which in a form of the real world would stand in the program.
static NAMES: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| (0..FIELDS).map(|field| (format!("f{field}"), format!("Field {field}"))).collect());

/// Six digits that differ from round to round.
pub(in super::super) fn value(round: u64, field: u64) -> String {
    (100_000 + (round * 7_919 + field * 104_729) % 900_000).to_string()
}

/// How often one of `count` things has changed when in each round the next of them does.
fn turns(round: u64, count: u64, number: u64) -> u64 {
    (round + count - 1 - number) / count
}

#[derive(Debug, Event)]
pub(super) enum Ask {
    Recalc,
}

fn field(number: u64, value: String) -> El<'static> {
    let (id, label) = &NAMES[number as usize];
    textbox(id).label(label).value(value)
}

fn recalculate<P: Page<Event = Ask>>(ui: &Ui<'_, P>) -> El<'static> {
    button("Recalculate").id("recalc").postback(ui.on(Ask::recalc())).repeat()
}

/// A form whose fields all change at once, or with `ONE` one after the other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Form<const ONE: bool> {
    round: u64,
}

impl<const ONE: bool> Page for Form<ONE> {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let round = |field| if ONE { turns(self.round, FIELDS, field) } else { self.round };
        html! {
            @for number in 0..FIELDS { (field(number, value(round(number), number))) }
            (recalculate(ui))
        }
    }

    async fn event(&mut self, ask: Ask, cx: &mut Cx<'_, Self>) -> Result {
        let Ask::Recalc = ask;
        self.round += 1;
        cx.refresh();
        Ok(())
    }
}

/// A part of a form.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Panel {
    part: u64,
    round: u64,
}

impl Component for Panel {
    type Event = Never;
    type Said = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        const COUNT: u64 = FIELDS / PARTS;
        html! {
            @for number in self.part * COUNT..(self.part + 1) * COUNT {
                (field(number, value(self.round, number)))
            }
        }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

/// A form of six components with ten fields each, of which those of one change, one component after the other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Panels {
    round: u64,
    parts: Keyed<u64, Panel>,
}

impl Default for Panels {
    fn default() -> Self {
        let mut parts = Keyed::default();
        (0..PARTS).for_each(|part| parts.open(part, Panel { part, round: 0 }));
        Panels { round: 0, parts }
    }
}

impl Page for Panels {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn children(&mut self) -> Children<'_, Ask> {
        Children::none().keyed("p", &mut self.parts, |_, never| silent(never))
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! { (ui.place_all(&self.parts)) (recalculate(ui)) }
    }

    async fn event(&mut self, Ask::Recalc: Ask, cx: &mut Cx<'_, Self>) -> Result {
        if let Some(part) = self.parts.get_mut(&(self.round % PARTS)) {
            part.round += 1;
        }
        self.round += 1;
        cx.refresh();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_change_one_after_the_other() {
        let after = |round| [0, 1, 2].map(|number| turns(round, 3, number));
        assert_eq!([0, 1, 2, 3, 4].map(after), [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1]]);
    }
}
