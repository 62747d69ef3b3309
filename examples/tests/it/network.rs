//! Things that networks do to a page: the script that does not come, and the handshake that comes too late.

use super::common::{Engine, Proxy, Server, in_every_browser};

in_every_browser!(
    a_form_is_sent_by_a_browser_without_the_script,
    a_password_never_gets_into_the_address,
    a_late_handshake_leaves_the_living_page_alone,
);

const SIZE: (u32, u32) = (1_000, 800);
const ENTER: &str = "\u{e007}";

async fn a_form_is_sent_by_a_browser_without_the_script(engine: Engine) {
    let server = Server::start();
    let proxy = Proxy::start(&server.address).await;
    let window = engine.window(SIZE, "en").await;
    window.enter(&proxy.url(""), "Olena", "plain").await;
    // Another port: the script is not in the browser's cache, and the cookie is the same.
    let proxy = Proxy::start(&server.address).await;
    proxy.scripts(false);
    window.go(&proxy.url("/login")).await;
    // A button that nobody listens to cannot be pressed.
    window.until("document.getElementById('login').disabled").await;
    window.go(&proxy.url("/chat/plain")).await;
    for text in ["without <script>", "and again"] {
        window.type_into("#message", &format!("{text}{ENTER}")).await;
        window.until(&format!("document.getElementById('messages').innerText.includes({text:?})")).await;
    }
    assert_eq!(window.messages().await, ["without <script>", "and again"]);
    assert_eq!(window.text("location.pathname + location.search").await, "/chat/plain");
    assert_eq!(window.text("document.documentElement.dataset.n2o").await, "undefined");
    // The script comes at last, and goes on from there.
    proxy.scripts(true);
    window.go(&proxy.url("/chat/plain")).await;
    window.live().await;
    window.say("with it").await;
    window.until("document.querySelectorAll('#messages .line').length == 3").await;
    assert_eq!(window.messages().await, ["without <script>", "and again", "with it"]);
}

async fn a_password_never_gets_into_the_address(engine: Engine) {
    let server = Server::start();
    let proxy = Proxy::start(&server.address).await;
    let window = engine.window(SIZE, "en").await;
    proxy.scripts(false);
    window.go(&proxy.url("/login")).await;
    window.js("document.querySelectorAll('details').forEach(d => d.open = true)").await;
    window.type_into("#account", "olena").await;
    window.type_into("#password", &format!("correct horse battery{ENTER}")).await;
    // Nobody has this account, and the page says so, without a script.
    window.until("document.querySelector('#n2o-page').innerText.length > 0 && document.querySelector('.alert:not(noscript *)')?.textContent").await;
    assert_eq!(window.text("location.search").await, "");
    assert_eq!(window.text("document.getElementById('password').value").await, "");
    assert!(!server.log().contains("horse"));
}

async fn a_late_handshake_leaves_the_living_page_alone(engine: Engine) {
    let server = Server::start();
    let proxy = Proxy::start(&server.address).await;
    let window = engine.window(SIZE, "en").await;
    proxy.hold();
    window.go(&proxy.url("/counter")).await;
    window.until("document.documentElement.dataset.n2o == 'off'").await;
    // The client gives the first attempt up, as it does after ten seconds, and the second is faster.
    window.js("dispatchEvent(new Event('online'))").await;
    window.live().await;
    window.click("#inc").await;
    window.until("document.getElementById('n').textContent == '1'").await;
    proxy.release().await;
    window.click("#inc").await;
    window.until("document.getElementById('n').textContent == '2'").await;
    assert_eq!(window.text("document.documentElement.dataset.n2o").await, "on");
}
