//! Clients and the cards of those that were opened, on one page: a list and cards as components.

use form::{Card, Form, List, Opened, Outcome, Who};
use maud::html;
use nitro::{Component, prelude::*};

use super::{record::Client, text::text};

/// A list of clients, and cards.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Board {
    clients: Child<List<Client>>,
    cards: Keyed<String, Card<Client>>,
}

/// What the components say.
#[derive(Debug, Event)]
pub(crate) enum Act {
    Opened(Opened),
    Card(String, Outcome),
}

impl Page for Board {
    type Event = Act;
    const ACCESS: Access = <List<Client> as Component>::ACCESS;

    fn title(&self, ui: &Ui<'_, Self>) -> String {
        text(ui.lang()).board.to_owned()
    }

    /// Who may see no clients is refused, instead of being shown a heading over nothing.
    async fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let may_read = Client::spec().document.rights.allow(&Who::of(cx), form::Act::Read);
        if may_read { Ok(()) } else { Err(Error::Denied) }
    }

    fn children(&mut self) -> Children<'_, Act> {
        let children = Children::none().child("clients", &mut self.clients, Act::Opened);
        children.keyed("cards", &mut self.cards, Act::Card)
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            main class="board" {
                h1 { (text(ui.lang()).board) }
                div class="cards" { (ui.place_all(&self.cards)) }
                (ui.place(&self.clients))
            }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        // First, so that what is asked for next finds the new card.
        cx.refresh();
        match act {
            Act::Opened(opened) => {
                let key = opened.key();
                self.cards.open(key.clone(), opened.into());
                self.look(&key, cx);
            }
            Act::Card(key, Outcome::Saved(id)) => {
                // A new client's card makes way for the next one's.
                if key != id && self.cards.close(&key).is_some() {
                    self.cards.open(id.clone(), Card::of(&*id));
                    self.look(&id, cx);
                }
            }
            Act::Card(key, Outcome::Closed) => {
                self.cards.close(&key);
                // Back to where the user came from.
                let opener = self.clients.opener(&key).unwrap_or_else(|| String::from("f.title"));
                cx.focus(format!("clients.{opener}"));
            }
            Act::Card(key, Outcome::Gone(_)) => {
                self.cards.close(&key);
                cx.focus("clients.f.title");
            }
        }
        Ok(())
    }
}

impl Board {
    /// Leads the user to a card.
    fn look(&self, key: &String, cx: &mut Cx<'_, Self>) {
        if let Some(id) = self.cards.id(key) {
            cx.focus(format!("cards.{id}.f.title"));
        }
    }
}
