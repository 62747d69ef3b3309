//! A press that takes longer than the answer to the field that it leaves: the click must not get lost.

use super::common::{Engine, Server, in_every_browser};

in_every_browser!(a_press_is_a_click_although_the_page_changes_under_it);

async fn a_press_is_a_click_although_the_page_changes_under_it(engine: Engine) {
    let server = Server::start();
    let base = server.url("");
    let window = engine.window((1_280, 900), "en").await;
    window.go(&format!("{base}/desk")).await;
    window.live().await;
    window.type_into("#name", "Olena").await;
    window.click("#clerk").await;
    window.until("!location.pathname.startsWith('/desk')").await;
    window.go(&format!("{base}/processes/order/start")).await;
    window.live().await;
    window.js("document.getElementById('quantity').value = ''").await;
    window.type_into("#quantity", "9").await;
    window.type_into("#price", "24000").await;
    window.press("#f\\.send").await;
    // The mouse is down and the field is left: its answer is there.
    window.until("document.getElementById('total').textContent == '216,000.00'").await;
    window.until("!document.querySelector('[aria-busy]')").await;
    window.js("window.clicks = 0; addEventListener('click', () => window.clicks++, true)").await;
    window.release().await;
    window.until("window.clicks == 1").await;
}
