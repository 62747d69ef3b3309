//! Long lists, of which the page remembers only how they differ from those that were opened.

use maud::html;
use nitro::prelude::*;

/// Most rows of a list, because the number comes with the path.
const MOST: u64 = 100_000;

fn asked(cx: &n2o::Cx) -> u64 {
    cx.param("rows").parse().unwrap_or(0).min(MOST)
}

/// A row that is of this kind for so many times.
fn row(number: u64, kind: &str, times: u64) -> El<'static> {
    tr().id(format!("r{number}")).body(html! { td { (number) } td { (kind) } td { (times) } })
}

/// A list whose middle row is touched, or that grows at its end. The changes are named, or with `REFRESH` the
/// page is rendered again and the difference is found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct List<const REFRESH: bool> {
    #[serde(skip)]
    rows: u64,
    appended: u64,
    touched: u64,
}

#[derive(Debug, Event)]
pub(super) enum Change {
    Append,
    Touch,
}

impl<const REFRESH: bool> Page for List<REFRESH> {
    type Event = Change;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.rows = asked(cx);
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let all = 0..self.rows + self.appended;
        let list = tbody().id("rows");
        let list = if REFRESH {
            list.rows(all, |number| (*number, self.times(*number)), |number| self.row(*number))
        } else {
            list.body(html! { @for number in all { (self.row(number)) } })
        };
        html! {
            (button("Append").id("append").postback(ui.on(Change::append())).repeat())
            (button("Touch").id("touch").postback(ui.on(Change::touch())).repeat())
            table { (list) }
        }
    }

    async fn event(&mut self, change: Change, cx: &mut Cx<'_, Self>) -> Result {
        match change {
            Change::Append => self.appended += 1,
            Change::Touch => self.touched += 1,
        }
        if REFRESH {
            cx.refresh();
            return Ok(());
        }
        match change {
            Change::Append => cx.insert_bottom("rows", self.row(self.rows + self.appended - 1)),
            Change::Touch => cx.update(format!("r{}", self.rows / 2), self.row(self.rows / 2)),
        }
        Ok(())
    }
}

impl<const REFRESH: bool> List<REFRESH> {
    /// How often a row was touched, or the number of a new one.
    fn times(&self, number: u64) -> u64 {
        match number.checked_sub(self.rows) {
            Some(new) => new + 1,
            None if number == self.rows / 2 => self.touched,
            None => 0,
        }
    }

    fn row(&self, number: u64) -> El<'static> {
        row(number, if number < self.rows { "Row" } else { "New" }, self.times(number))
    }
}

/// A list of which every second row goes and comes, found by refresh.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Halves {
    #[serde(skip)]
    rows: u64,
    times: u64,
}

#[derive(Debug, Event)]
pub(super) enum Half {
    Turn,
}

impl Page for Halves {
    type Event = Half;
    const ACCESS: Access = Access::Anyone;

    async fn load(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        self.rows = asked(cx);
        Ok(())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        let step = if self.times % 2 == 1 { 2 } else { 1 };
        let rows = html! {
            @for number in (0..self.rows).step_by(step) { (row(number, "Row", 0)) }
        };
        html! {
            (span().id("n").text(format!("turn {}", self.times)))
            (button("Half").id("turn").postback(ui.on(Half::turn())).repeat())
            table { (tbody().id("rows").body(rows)) }
        }
    }

    async fn event(&mut self, half: Half, cx: &mut Cx<'_, Self>) -> Result {
        let Half::Turn = half;
        self.times += 1;
        cx.refresh();
        Ok(())
    }
}
