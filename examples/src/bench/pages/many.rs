//! Many elements: inputs whose values are sent, and buttons whose seals change with each press.

use maud::html;
use nitro::{Inputs, prelude::*};

/// Inputs, and as many buttons.
pub(in super::super) const PAIRS: usize = 32;

/// The page is rendered again at each event.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Many {
    texts: Vec<String>,
    presses: Vec<u64>,
}

impl Default for Many {
    fn default() -> Self {
        Many { texts: vec![String::new(); PAIRS], presses: vec![0; PAIRS] }
    }
}

#[derive(Debug, Event)]
pub(super) enum Edit {
    Enter {
        at: usize,
        #[source]
        text: Inputs,
    },
    /// With how often it was pressed before, so that the seal is another one each time.
    Press { at: usize, before: u64 },
}

impl Page for Many {
    type Event = Edit;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            @for (at, (text, presses)) in self.texts.iter().zip(&self.presses).enumerate() {
                @let input = format!("i{at}");
                (textbox(&input).label("Text").value(text).postback(ui.on(Edit::enter(at).reads([&input]))))
                (span().id(format!("o{at}")).text(text))
                (button(format!("pressed {presses}")).id(format!("b{at}")).postback(ui.on(Edit::press(at, *presses))))
            }
        }
    }

    async fn event(&mut self, edit: Edit, cx: &mut Cx<'_, Self>) -> Result {
        match edit {
            Edit::Enter { at, text } => {
                let typed = text.text(&format!("i{at}")).unwrap_or_default().into_owned();
                *self.texts.get_mut(at).ok_or(Error::NotFound)? = typed;
            }
            Edit::Press { at, before } => {
                let presses = self.presses.get_mut(at).ok_or(Error::NotFound)?;
                if *presses != before {
                    return Err(Error::Refused("the button has been pressed since"));
                }
                *presses += 1;
            }
        }
        cx.refresh();
        Ok(())
    }
}
