//! Small things that people do: a double click, typing without a connection, a mistake at a field, a login
//! without a mouse, another language.

use super::common::{Engine, Server, in_every_browser};

in_every_browser!(
    a_double_click_says_it_once,
    what_is_typed_without_a_connection_is_kept_and_sent,
    a_login_without_a_mouse_and_with_mistakes,
    what_is_too_long_to_be_sent_is_told_and_the_page_comes_back,
    an_account_with_a_password,
    ukrainian_for_those_who_ask_for_it,
);

const SIZE: (u32, u32) = (900, 800);
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

async fn a_double_click_says_it_once(engine: Engine) {
    let server = Server::start();
    let window = engine.window(SIZE, "en").await;
    window.enter(&server.url(""), "Olena", "small").await;
    window.type_into("#message", "once").await;
    window.js("const b = document.querySelector('#say button'); b.click(); b.click(); b.click()").await;
    window.until("document.getElementById('message').value == ''").await;
    window.say("and again").await;
    window.until("document.querySelectorAll('#messages .line').length >= 2").await;
    assert_eq!(window.messages().await, ["once", "and again"]);
    // A counter wants every click.
    window.go(&server.url("/counter")).await;
    window.live().await;
    window.js("const b = document.getElementById('inc'); for (let i = 0; i < 5; i++) b.click()").await;
    window.until("document.getElementById('n').textContent == '5'").await;
    assert_eq!(window.console().await, []);
}

async fn what_is_typed_without_a_connection_is_kept_and_sent(engine: Engine) {
    let mut server = Server::start();
    let window = engine.window(SIZE, "en").await;
    window.enter(&server.url(""), "Olena", "small").await;
    server.kill();
    window.until("document.documentElement.dataset.n2o == 'off'").await;
    window.type_into("#message", "typed in the dark").await;
    window.until("document.getElementById('n2o-note').textContent.startsWith('No connection')").await;
    server.again();
    window.live().await;
    window.until("document.getElementById('n2o-note').textContent == ''").await;
    assert_eq!(window.text("document.getElementById('message').value").await, "typed in the dark");
    window.keys(ENTER).await;
    window.until("document.getElementById('message').value == ''").await;
    window.until("document.querySelectorAll('#messages .line').length == 1").await;
    assert_eq!(window.messages().await, ["typed in the dark"]);
}

async fn a_login_without_a_mouse_and_with_mistakes(engine: Engine) {
    let server = Server::start();
    let window = engine.window(SIZE, "en").await;
    window.go(&server.url("/login?to=/chat/garden")).await;
    window.live().await;
    // The focus is in the first field; a room that cannot be is told at its field, which gets the focus.
    assert_eq!(window.text("document.activeElement.id").await, "user");
    window.keys("Olena").await;
    window.keys(TAB).await;
    assert_eq!(window.text("document.activeElement.value").await, "garden");
    window.keys(&"x".repeat(70)).await;
    window.keys(ENTER).await;
    window.until("document.getElementById('room.e').textContent.includes('64')").await;
    window.until("document.getElementById('room').getAttribute('aria-invalid') == 'true'").await;
    assert_eq!(window.text("location.pathname").await, "/login");
    window.js("document.getElementById('room').select()").await;
    window.keys("garden").await;
    window.keys(ENTER).await;
    window.until("location.pathname == '/chat/garden'").await;
    window.live().await;
    window.keys("by keyboard").await;
    window.keys(ENTER).await;
    window.until("document.querySelectorAll('#messages .line').length == 1").await;
    assert_eq!(window.text("document.activeElement.id").await, "message");
    // A message that is too long is told in words, and kept.
    window.js("document.getElementById('message').value = 'x'.repeat(2001)").await;
    window.keys(ENTER).await;
    window.until("document.getElementById('message.e').textContent.includes('2,000')").await;
    assert_eq!(window.text("document.getElementById('message').value.length").await, "2001");
    assert_eq!(window.console().await, []);
}

async fn what_is_too_long_to_be_sent_is_told_and_the_page_comes_back(engine: Engine) {
    let server = Server::start();
    let window = engine.window(SIZE, "en").await;
    window.enter(&server.url(""), "Olena", "small").await;
    window.say("before").await;
    // WebKit cuts an input at 524,288 characters, which are too many, too.
    window.js("const e = document.querySelector('#message'); e.value = 'x'.repeat(3_000_000); window.kept = e.value").await;
    window.click("#say button").await;
    window.until("document.getElementById('n2o-note').textContent.startsWith('This is too long')").await;
    window.live().await;
    window.until("!document.querySelector('[aria-busy]')").await;
    assert_eq!(window.js("return document.querySelector('#message').value == window.kept").await, true);
    window.js("document.querySelector('#message').value = 'behind'").await;
    window.click("#say button").await;
    window.until("document.querySelectorAll('#messages .line').length == 2").await;
    assert_eq!(window.messages().await, ["before", "behind"]);
    // What has succeeded takes the error away.
    window.until("document.getElementById('n2o-note').textContent == ''").await;
}

async fn an_account_with_a_password(engine: Engine) {
    let server = Server::start();
    let window = engine.window(SIZE, "en").await;
    let login = server.url("/login?to=/chat/garden");
    window.go(&login).await;
    window.live().await;
    window.type_into("#account", "Olena").await;
    window.type_into("#password", "short").await;
    window.click("#register").await;
    window.until("document.getElementById('password.e').textContent.includes('8')").await;
    window.type_into("#password", " but longer now").await;
    window.click("#register").await;
    window.until("location.pathname == '/chat/garden'").await;
    window.live().await;
    window.say("it is me").await;
    window.until("document.querySelector('#messages .proven')").await;
    window.click("#logout").await;
    window.until("location.pathname == '/login'").await;
    window.live().await;
    // The room is closed to those who are logged out, and a wrong password does not help.
    window.go(&server.url("/chat/garden")).await;
    window.until("location.pathname == '/login' && location.search.includes('garden')").await;
    window.live().await;
    window.type_into("#account", "olena").await;
    window.type_into("#password", &format!("wrong password{ENTER}")).await;
    window.until("document.getElementById('password.e').textContent.length > 0").await;
    window.js("document.getElementById('password').select()").await;
    window.type_into("#password", "\u{e003}").await;
    window.type_into("#password", &format!("short but longer now{ENTER}")).await;
    window.until("location.pathname == '/chat/garden'").await;
    window.live().await;
    window.until("document.querySelector('#messages .own .proven')").await;
    // A guest of the same name is somebody else.
    let guest = engine.window(SIZE, "en").await;
    guest.enter(&server.url(""), "Olena", "garden").await;
    guest.until("document.querySelectorAll('#messages .line').length == 1").await;
    guest.until("!document.querySelector('#messages .own')").await;
    assert_eq!(window.console().await, []);
    assert!(!server.log().contains("longer now"), "{}", server.log());
}

async fn ukrainian_for_those_who_ask_for_it(engine: Engine) {
    let server = Server::start();
    let window = engine.window(SIZE, "uk").await;
    window.go(&server.url("/login")).await;
    window.live().await;
    assert_eq!(window.text("document.documentElement.lang").await, "uk");
    // Neither the language nor the zone is the machine's.
    assert!(window.text("navigator.language").await.starts_with("uk"));
    window.until("/^Europe.(Kiev|Kyiv)$/.test(Intl.DateTimeFormat().resolvedOptions().timeZone)").await;
    assert_eq!(window.text("document.querySelector('h1').textContent").await, "Хто ви?");
    window.type_into("#user", "Оленка").await;
    window.type_into("#room", "сад").await;
    window.click("#login").await;
    window.until("location.pathname.startsWith('/chat/')").await;
    window.live().await;
    assert_eq!(window.text("document.querySelector('h1').textContent").await, "сад");
    window.say("Добрий день!").await;
    window.until("document.getElementById('count').textContent == '1 повідомлення'").await;
    assert_eq!(window.messages().await, ["Добрий день!"]);
    // The time is said as this browser says it, and in full on request.
    let full =
        "((t) => t.title.includes(new Date(t.dateTime).getFullYear()))(document.querySelector('time'))";
    window.until(full).await;
    assert_eq!(window.console().await, []);
}

#[tokio::test]
async fn nothing_is_wider_than_a_phone() {
    let server = Server::start();
    let window = Engine::Chromium.window(SIZE, "uk").await;
    let phone = serde_json::json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    window.cdp("Emulation.setDeviceMetricsOverride", phone).await;
    window.enter(&server.url(""), &"W".repeat(60), &"R".repeat(60)).await;
    window.say(&"long".repeat(200)).await;
    window.until("document.querySelectorAll('#messages .line').length == 1").await;
    for path in ["", "/", "/login", "/counter"] {
        if !path.is_empty() {
            window.go(&server.url(path)).await;
            window.live().await;
        }
        window.until("document.documentElement.scrollWidth <= innerWidth").await;
    }
    assert!(window.picture().await.len() > 1_000);
}
