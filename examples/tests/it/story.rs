//! The story of two people: they talk, one writes half a message, the server dies, and nothing is lost.

use super::common::{Engine, Server, Window, feed, in_every_browser};

in_every_browser!(two_people_talk_and_the_server_dies, a_long_history_is_read_page_by_page,);

const WIDE: (u32, u32) = (1_100, 700);

async fn two_people_talk_and_the_server_dies(engine: Engine) {
    let mut server = Server::start();
    let base = server.url("");
    let (olena, max) = (engine.window(WIDE, "en").await, engine.window(WIDE, "en").await);
    olena.enter(&base, "Olena", "story").await;
    olena.until("document.getElementById('empty').checkVisibility()").await;
    max.enter(&base, "Max", "story").await;
    olena.until("document.querySelectorAll('#people .name').length == 2").await;

    // They talk, both ways, and both see the same.
    let mut said = Vec::new();
    for number in 0..15 {
        for (who, name) in [(&olena, "Olena"), (&max, "Max")] {
            let text = format!("{name} says {number}");
            who.say(&text).await;
            said.push(text);
        }
    }
    for window in [&olena, &max] {
        let count = format!("document.querySelectorAll('#messages .line').length == {}", said.len());
        window.until(&count).await;
        assert_eq!(window.messages().await, said);
        assert_eq!(window.text("document.getElementById('count').textContent").await, "30 messages");
        window.until("!document.getElementById('empty').checkVisibility()").await;
        window.until("document.querySelectorAll('#messages .own').length == 15").await;
    }

    // A reload keeps the session, the history, the half-typed message and the place.
    olena.type_into("#message", "half a mess").await;
    olena.js("document.getElementById('messages').scrollTop = 200").await;
    olena.reload().await;
    olena.live().await;
    still_there(&olena, &said).await;

    // So does the death of the server.
    server.kill();
    olena.until("document.documentElement.dataset.n2o == 'off'").await;
    max.until("document.documentElement.dataset.n2o == 'off'").await;
    // What Max says now is kept by his page until it can be sent.
    max.type_into("#message", "said to nobody\u{e007}").await;
    max.until("document.getElementById('n2o-note').textContent.length > 0").await;
    server.again();
    olena.live().await;
    max.live().await;
    said.push(String::from("said to nobody"));
    max.until("document.getElementById('message').value == ''").await;
    olena.until("document.querySelectorAll('#messages .line').length == 31").await;
    still_there(&olena, &said).await;
    assert_eq!(max.messages().await, said);
    // Both are here again, and Olena's half message can be ended.
    olena.until("document.querySelectorAll('#people .name').length == 2").await;
    olena.say("age").await;
    said.push(String::from("half a message"));
    max.until("document.querySelectorAll('#messages .line').length == 32").await;
    assert_eq!(max.messages().await, said);
    assert_eq!(olena.messages().await, said);

    assert_eq!(olena.complaints().await, []);
    assert_eq!(max.complaints().await, []);
    assert!(!server.log().contains("content security policy"), "{}", server.log());
    server.kill();
    let kept: Vec<String> = feed(server.data(), "story").await.into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(kept, said, "each message once, in the order that everyone saw");
}

async fn still_there(olena: &Window, said: &[String]) {
    assert_eq!(olena.text("document.getElementById('message').value").await, "half a mess");
    assert_eq!(olena.text("document.querySelector('.who b').textContent").await, "Olena");
    olena.until("document.getElementById('messages').scrollTop == 200").await;
    assert_eq!(olena.messages().await, said);
}

async fn a_long_history_is_read_page_by_page(engine: Engine) {
    let server = Server::start();
    let mut writers = Vec::new();
    for writer in 0..7 {
        let mut client = super::common::Client::new(&server.address);
        client.enter(&format!("Writer {writer}"), "long").await;
        let say = client.bound("message");
        // As many as one name may say at once.
        for number in 0..18 {
            client.fire(&say, serde_json::json!([format!("{writer}-{number}")])).await.unwrap();
            while client.answered() <= number {
                client.step().await.unwrap();
            }
        }
        writers.push(client);
    }
    let window = engine.window(WIDE, "en").await;
    window.enter(&server.url(""), "Reader", "long").await;
    assert_eq!(window.text("document.getElementById('count').textContent").await, "126 messages");
    let count = async |expected: usize| {
        window.until(&format!("document.querySelectorAll('#messages .line').length == {expected}")).await;
    };
    count(50).await;
    // The newest is in view; at the top, older ones come in without moving what is being read.
    window
        .until(
            "(m => m.scrollTop + m.clientHeight >= m.scrollHeight - 8)(document.getElementById('messages'))",
        )
        .await;
    window.js("document.getElementById('messages').scrollTop = 0").await;
    let top = window.text("document.querySelector('#messages .line').getBoundingClientRect().top").await;
    let first = window.text("document.querySelector('#messages .line').id").await;
    window.click("#older").await;
    count(100).await;
    // A scroll position may be rounded to a pixel.
    let place = format!("document.getElementById('{first}').getBoundingClientRect().top");
    window.until(&format!("Math.abs({place} - {top}) < 2")).await;
    window.click("#older").await;
    count(126).await;
    window.until("!document.getElementById('history').checkVisibility()").await;
    let expected: Vec<String> = (0..7).flat_map(|w| (0..18).map(move |n| format!("{w}-{n}"))).collect();
    assert_eq!(window.messages().await, expected);
    assert_eq!(window.console().await, []);
}
