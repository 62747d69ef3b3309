//! A client in another language, written from `PROTOCOL.md` alone, logs in and chats.

use std::{path::Path, process::Command};

use super::common::{Engine, Server};

#[tokio::test]
async fn a_node_script_chats_with_a_browser() {
    let server = Server::start();
    let window = Engine::Chromium.window((900, 700), "en").await;
    window.enter(&server.url(""), "Olena", "script").await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/js/test/chat.mjs");
    for (flags, text) in [(&[][..], "from a script <in> CBOR"), (&["--json"][..], "and in JSON")] {
        let output = Command::new("node")
            .arg(&script)
            .args(flags)
            .args([&server.url(""), "Script", "script", text])
            .output()
            .expect("node is needed: Debian's package nodejs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        window.until(&format!("document.getElementById('messages').innerText.includes({text:?})")).await;
    }
    assert_eq!(window.messages().await, ["from a script <in> CBOR", "and in JSON"]);
    assert_eq!(window.console().await, []);
}
