//! Texts that would be scripts are shown as text, as messages, names and rooms, and none of them runs. The
//! detector is tried on the same texts where nothing protects the reader, and fires there.

use std::{collections::BTreeSet, io, net::SocketAddr, path::Path};

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    common::{Client, Engine, Server, Window, escaped, in_every_browser},
    payloads::PAYLOADS,
};

in_every_browser!(our_own_payloads_are_text, the_detector_fires_where_nothing_protects,);

/// Notes in the outermost window what a page should never do. Where it comes after the page, a dialog that was opened
/// before it is still there, and no command is taken.
const DETECTOR: &str = "
if (!window.provoke) {
const hits = top.hits ??= [];
const note = (what) => hits.push(location.pathname + ' ' + what);
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open'])
  window[name] = () => (note(name), false);
addEventListener('securitypolicyviolation', (e) => note('csp ' + e.violatedDirective));
addEventListener('unhandledrejection', (e) => note('rejection ' + e.reason));
// Does what a reader could do to whatever has a handler or an address that runs.
top.provoke = window.provoke = (doc) => {
  for (const el of doc.querySelectorAll('*'))
    for (const { name, value } of [...el.attributes]) {
      if (/^on/i.test(name)) el.dispatchEvent(new Event(name.slice(2).toLowerCase()));
      if (/^\\s*javascript:/i.test(value)) el.click?.();
    }
};
}
";

/// What a page holds that it should not: elements in texts, handlers in attributes, addresses that run.
const STRANGE: &str = "
provoke(document);
const strange = [...top.hits];
for (const el of document.querySelectorAll('#messages .text *, .by :not(b, bdi, time, .proven), h1 :not(bdi), .name :not(bdi, i, .proven), script:not([src^=\"/n2o/\"]), iframe, object, embed, base'))
  strange.push('element ' + el.outerHTML);
for (const el of document.querySelectorAll('*'))
  for (const { name, value } of el.attributes)
    if (/^on/i.test(name) || /^\\s*javascript:/i.test(value)) strange.push('attribute ' + name + '=' + value);
for (const { name } of performance.getEntriesByType('resource'))
  if (!/^\\/(n2o\\/[a-z0-9.-]+|favicon.ico)$/.test(new URL(name).pathname) || new URL(name).host != location.host)
    strange.push('request ' + name);
return strange;
";

/// Messages of one room, so that one page can show all of them.
const ROOM: usize = 250;
/// Messages of one person; the brake would let twenty through.
const EACH: usize = 10;

async fn watched(engine: Engine) -> Window {
    let mut window = engine.window((1_000, 800), "en").await;
    window.watch(DETECTOR).await;
    window
}

async fn calm(window: &Window, what: &str) {
    assert_eq!(window.js(STRANGE).await, json!([]), "{what}");
    let console: Vec<_> = window.console().await.into_iter().filter(|(level, _)| level != "INFO").collect();
    assert_eq!(console, [], "{what}");
}

/// A text as a browser shows it: line ends are made equal, and characters that HTML does not know are left out.
fn shown(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace(['\r', '\u{c}'], "\n").replace('\0', "")
}

fn as_room(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control)).then_some(text)
}

/// Who may sign in so; what is refused as a name is still tried as the name of a room.
fn as_name(text: &str) -> Option<&str> {
    as_room(text).filter(|text| n2o::Name::new(text).is_ok())
}

/// Says every text in a room, by as many people as the brake makes necessary; their names are texts, too.
async fn insert(server: &Server, room: &str, texts: &[&str], names: &[&str], each: usize) {
    let work = texts.chunks(each).zip(names.iter().cycle()).map(async |(texts, name)| {
        let mut client = Client::new(&server.address);
        client.enter(name, room).await;
        let say = client.bound("message");
        for text in texts {
            let seq = client.fire(&say, json!([text])).await.unwrap();
            while client.answered() < seq {
                client.step().await.unwrap();
            }
        }
        assert_eq!(client.errors, [], "{name:?}");
        client.leave().await;
    });
    join_all(work).await;
}

/// Looks at a room whose messages were shown as they came, and again as a history.
async fn look(window: &Window, room: &str, texts: &[&str]) {
    let wanted: BTreeSet<String> = texts.iter().map(|text| normal(&shown(text))).collect();
    for fresh in [false, true] {
        if fresh {
            // A page that lagged behind so many is on its way back, and a reload in between is complained of.
            window.live().await;
            window.reload().await;
            window.live().await;
            for pages in 2..=texts.len().div_ceil(50) {
                window.click("#older").await;
                let count = (pages * 50).min(texts.len());
                window
                    .until(&format!("document.querySelectorAll('#messages .line').length == {count}"))
                    .await;
            }
        }
        let count = texts.len();
        window.until(&format!("document.querySelectorAll('#messages .line').length == {count}")).await;
        let found: BTreeSet<String> = window.messages().await.iter().map(|text| normal(text)).collect();
        let missing: Vec<_> = wanted.difference(&found).collect();
        assert!(
            missing.is_empty(),
            "not shown as text in {room:?}: {missing:?}\n{:?}",
            found.difference(&wanted)
        );
        calm(window, room).await;
    }
}

/// Control characters are shown in ways that differ between the ways into a document; they run nothing.
fn normal(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() && *char != '\u{fffd}').collect()
}

async fn our_own_payloads_are_text(engine: Engine) {
    let server = Server::start();
    let window = watched(engine).await;
    window.enter(&server.url(""), "Reader", "own").await;
    let names: Vec<&str> = PAYLOADS.iter().filter_map(|text| as_name(text)).collect();
    insert(&server, "own", &PAYLOADS, &names, 1).await;
    look(&window, "own", &PAYLOADS).await;
    let by =
        window.js("return [...document.querySelectorAll('#messages .by b')].map(e => e.textContent)").await;
    let by: BTreeSet<String> = serde_json::from_value(by).unwrap();
    assert!(names.iter().all(|name| by.contains(*name)), "{by:?}");
    // Everyone at once among those who are here, and every text as a room.
    let mut here = Vec::new();
    for name in &names {
        let mut client = Client::new(&server.address);
        client.enter(name, "own").await;
        here.push(client);
    }
    let count = names.len() + 1;
    window.until(&format!("document.querySelectorAll('#people .name').length == {count}")).await;
    calm(&window, "people").await;
    for name in &names {
        let path = format!("/chat/{}", encoded(name));
        window.go(&server.url(&path)).await;
        window.live().await;
        assert_eq!(window.text("document.querySelector('h1').textContent").await, *name);
        assert_eq!(window.text("document.title").await, format!("{} - N2O", name.replace("  ", " ")));
        calm(&window, name).await;
    }
    assert!(!server.log().contains("content security policy"), "{}", server.log());
}

/// What ends the place that a text may stand in: a value, a comment, the content of an element, a script's text.
const ENDS: [&str; 16] = [
    "\"",
    "'",
    "`",
    ">",
    "\">",
    "'>",
    "-->",
    "--!>",
    "</title>",
    "</textarea>",
    "</script>",
    "</style>",
    "</noscript>",
    "]]>",
    "\\\";",
    "';",
];

/// Our own payloads, as they are and out of every place; and the shared ones where they are named.
fn everything() -> Vec<String> {
    let mut all: Vec<String> = PAYLOADS.iter().map(|text| String::from(*text)).collect();
    all.extend(ENDS.iter().flat_map(|end| PAYLOADS.iter().map(move |text| format!("{end}{text}"))));
    // Addresses, and what stands inside of a tag, where the payloads are elements.
    for scheme in
        ["javascript:", "JaVaScRiPt:", "java\tscript:", " \u{1}javascript:", "data:text/html,", "vbscript:"]
    {
        all.push(format!("{scheme}alert(1)"));
    }
    for event in
        ["onerror", "onload", "onfocus", "onmouseover", "ontoggle", "onanimationstart", "onpointerenter"]
    {
        for end in ["", "\" ", "' ", "x "] {
            all.push(format!("{end}{event}=alert(1) autofocus tabindex=0 x={end}"));
        }
    }
    if let Some(path) = std::env::var_os("N2O_SHARED") {
        let shared = corpus(Path::new(&path));
        assert!(shared.len() > 4_000, "{} shared payloads", shared.len());
        all.extend(shared);
    }
    all
}

#[tokio::test]
async fn payloads_out_of_every_place_are_text() {
    let all = everything();
    let fit = |text: &&str| !shown(text).is_empty() && shown(text).chars().count() <= 2_000;
    let texts: Vec<&str> = all.iter().map(String::as_str).filter(fit).collect();
    let names: Vec<&str> = all.iter().filter_map(|text| as_name(text)).collect();
    let titles: Vec<&str> = all.iter().filter_map(|text| as_room(text)).collect();
    assert!(texts.len() > 700 && names.len() > 400, "{} and {}", texts.len(), names.len());
    let server = Server::start();
    let window = watched(Engine::Chromium).await;
    let rooms = texts.len().div_ceil(ROOM);
    let share = names.len() / rooms;
    for ((room, texts), names) in texts.chunks(ROOM).enumerate().zip(names.chunks(share)) {
        // The room's name is a text, too.
        let name = titles[room % titles.len()];
        window.enter(&server.url(""), "Reader", name).await;
        insert(&server, name, texts, names, EACH).await;
        look(&window, name, texts).await;
    }
    assert!(!server.log().contains("content security policy"), "{}", server.log());
}

/// The same detector over the same texts, where nothing escapes them and no policy holds.
async fn the_detector_fires_where_nothing_protects(engine: Engine) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let window = watched(engine).await;
    let story = async {
        window.go(&format!("{base}/page")).await;
        window.until("top.loaded").await;
        window.js("for (const frame of document.querySelectorAll('iframe')) try { provoke(frame.contentDocument) } catch {}").await;
        // What was provoked takes its turn.
        let fired = "new Set(top.hits.map((hit) => /^.text.(\\d+) /.exec(hit)?.[1]).filter(Boolean)).size";
        window.until(&format!("{fired} >= {FIRE}")).await;
    };
    tokio::select! {
        () = story => {}
        () = serve(&listener) => unreachable!("it serves for ever"),
    }
}

/// So many of our own payloads fire where nothing protects; the others are for other browsers, or harm without a script.
const FIRE: usize = 20;

/// Serves `/page`, which frames all payloads, and `/text/N`, which is one of them, as it is. Browsers connect before
/// they ask, so nobody waits for another.
async fn serve(listener: &TcpListener) {
    let connections = stream::unfold((), async |()| Some((listener.accept().await, ())));
    let answer = async |connection: io::Result<(TcpStream, SocketAddr)>| {
        let Ok((mut stream, _)) = connection else { return };
        let mut buffer = vec![0; 4096];
        let Ok(read) = stream.read(&mut buffer).await else { return };
        let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let body = if path == "/page" {
            let frames: String = (0..PAYLOADS.len())
                .map(|at| {
                    format!("<iframe sandbox='allow-scripts allow-same-origin' src=/text/{at}></iframe>")
                })
                .collect();
            format!(
                "<!doctype html><script>{DETECTOR}</script><body onload='setTimeout(() => top.loaded = true, 300)'>{frames}"
            )
        } else {
            let number = path.strip_prefix("/text/").and_then(|rest| rest.parse::<usize>().ok());
            let text = number.and_then(|at| PAYLOADS.get(at)).copied().unwrap_or_default();
            // In the places that such texts are made for: content, attributes, an address, a script.
            format!(
                "<!doctype html><meta charset=utf-8><script>{DETECTOR}</script><body><p>{text}</p><p title=\"{text}\">x</p><p title='{text}'>x</p>\
                 <a href=\"{text}\">x</a><script>var x = '{text}'</script><script>var x = \"{text}\"</script>"
            )
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    };
    connections.for_each_concurrent(None, answer).await;
}

fn corpus(shared: &Path) -> Vec<String> {
    let file = shared.join("corpora/xss/payloads.jsonl");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap()["s"].as_str().unwrap().to_owned();
    text.lines().filter(|line| !line.is_empty()).map(read).collect()
}

/// A text as one segment of a path.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn the_expected_markup_is_escaped() {
    assert_eq!(escaped("<b class=\"x\">&'"), "&lt;b class=&quot;x&quot;&gt;&amp;&#39;");
}
