//! Pages that are left and come back to: they are live again, and show what has happened since.

use serde_json::json;

use super::common::{Client, Engine, Server, in_every_browser};

in_every_browser!(
    back_and_forward_lead_to_live_pages,
    a_reload_shows_what_the_server_says,
    a_tab_comes_back_to_the_page_that_it_left,
    back_after_a_sign_out_shows_nothing_of_what_was_there,
);

async fn back_and_forward_lead_to_live_pages(engine: Engine) {
    let server = Server::start();
    let window = engine.window((900, 700), "en").await;
    window.enter(&server.url(""), "Olena", "walk").await;
    window.say("before").await;
    window.go(&server.url("/counter")).await;
    window.live().await;
    window.click("#inc").await;
    window.until("document.getElementById('n').textContent == '1'").await;

    // Somebody talks while the room is not on the screen.
    let mut max = Client::new(&server.address);
    max.enter("Max", "walk").await;
    let say = max.bound("message");
    let number = max.fire(&say, json!(["meanwhile"])).await.unwrap();
    while max.answered() < number {
        max.step().await.unwrap();
    }
    window.back().await;
    window.until("location.pathname == '/chat/walk'").await;
    window.live().await;
    window.until("document.querySelectorAll('#messages .line').length == 2").await;
    assert_eq!(window.messages().await, ["before", "meanwhile"]);
    window.say("and back").await;
    window.until("document.querySelectorAll('#messages .line').length == 3").await;

    // The counter is the one that was left.
    window.forward().await;
    window.until("location.pathname == '/counter'").await;
    window.live().await;
    window.until("document.getElementById('n').textContent == '1'").await;
    window.click("#inc").await;
    window.until("document.getElementById('n').textContent == '2'").await;
    window.back().await;
    window.until("location.pathname == '/chat/walk'").await;
    window.live().await;
    window.until("document.querySelectorAll('#messages .line').length == 3").await;
    assert_eq!(window.messages().await, ["before", "meanwhile", "and back"]);
    assert_eq!(window.console().await, []);
}

/// Browsers put back what inputs held before a reload, unless the page forbids it.
async fn a_reload_shows_what_the_server_says(engine: Engine) {
    let server = Server::start();
    let window = engine.window((900, 700), "en").await;
    window.enter(&server.url(""), "Olena", "walk").await;
    // Nobody has typed this, so it is no draft.
    window.js("document.getElementById('message').value = 'remembered'").await;
    window.js("document.querySelector('#say button').disabled = true").await;
    window.reload().await;
    window.live().await;
    assert_eq!(window.text("document.getElementById('message').value").await, "");
    window.say("pressed").await;
    window.type_into("#message", "typed").await;
    window.reload().await;
    window.live().await;
    assert_eq!(window.text("document.getElementById('message').value").await, "typed");
    window.click("#say button").await;
    window.until("document.querySelectorAll('#messages .line').length == 2").await;
    assert_eq!(window.messages().await, ["pressed", "typed"]);
    assert_eq!(window.console().await, []);
}

/// A page's own state, which is nowhere but in the page, survives what a tab does; a new visit is a new page.
async fn a_tab_comes_back_to_the_page_that_it_left(engine: Engine) {
    let mut server = Server::start();
    let window = engine.window((900, 700), "en").await;
    let shows = async |number: &str| {
        window.until(&format!("document.getElementById('n')?.textContent == '{number}'")).await;
        window.live().await;
    };
    window.go(&server.url("/counter")).await;
    window.live().await;
    for number in ["1", "2"] {
        window.click("#inc").await;
        shows(number).await;
    }
    window.reload().await;
    shows("2").await;
    window.click("#inc").await;
    shows("3").await;
    window.go(&server.url("/login")).await;
    window.live().await;
    window.back().await;
    shows("3").await;
    window.click("#inc").await;
    shows("4").await;
    // The server is replaced while the tab is elsewhere.
    window.forward().await;
    window.until("location.pathname == '/login'").await;
    window.live().await;
    server.signal("TERM");
    assert!(server.ended().await.success());
    server.again();
    window.back().await;
    shows("4").await;
    // A link leads to a page of its own.
    window.go(&server.url("/login")).await;
    window.live().await;
    window.go(&server.url("/counter?new")).await;
    shows("0").await;
}

/// A browser may keep the document as it was.
async fn back_after_a_sign_out_shows_nothing_of_what_was_there(engine: Engine) {
    let server = Server::start();
    let window = engine.window((900, 700), "en").await;
    window.enter(&server.url(""), "Olena", "walk").await;
    window.say("a secret").await;
    window.until("document.querySelectorAll('#messages .line').length == 1").await;
    window.click("#logout").await;
    window.until("location.pathname == '/login'").await;
    window.live().await;
    window.back().await;
    window.until("location.pathname == '/login' && !document.getElementById('messages')").await;
    window.live().await;
}
