//! Real browsers: one chromedriver, and windows that are whole browsers with profiles of their own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{request, until};

/// What Chromium needs to run as root, without a display, and without talking to anyone but the test.
const ARGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--hide-scrollbars",
];

/// A chromedriver; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: Child,
    address: String,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed: Debian's package chromium-driver");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let rest = line.split("successfully on port ").nth(1)?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        thread::spawn(move || lines.for_each(drop));
        let Some(port) = port else {
            let _ = driver.kill();
            panic!("chromedriver says no port");
        };
        Browser { driver, address: format!("127.0.0.1:{port}") }
    }

    /// A browser of its own, with a window of this size and these languages.
    pub(crate) async fn window(&self, (width, height): (u32, u32), lang: &str) -> Window {
        let profile = TempDir::new().unwrap();
        let mut args: Vec<String> = ARGS.iter().map(|arg| String::from(*arg)).collect();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        args.push(format!("--window-size={width},{height}"));
        args.push(format!("--lang={lang}"));
        args.push(format!("--accept-lang={lang}"));
        let wanted = json!({
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": args },
            "unhandledPromptBehavior": "ignore",
        });
        let Value::Object(wanted) = wanted else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://{}", self.address))
            .await
            .expect("chromium is needed: Debian's package chromium");
        let session = client.session_id().await.unwrap().unwrap();
        Window { client, driver: self.address.clone(), session, profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// One window of one browser; dropping it ends the browser.
#[derive(Debug)]
pub(crate) struct Window {
    client: Client,
    driver: String,
    session: String,
    profile: TempDir,
}

impl Window {
    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// Runs a script and answers what it returns; `null` while a page is being replaced by the next.
    pub(crate) async fn js(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_default()
    }

    /// The text that an expression has.
    pub(crate) async fn text(&self, expression: &str) -> String {
        self.js(&format!("return String({expression})")).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let look = async || (self.js(&script).await == Value::Bool(true)).then_some(());
        until(&format!("in the browser: {expression}"), look).await;
    }

    /// Waits until the page is connected.
    pub(crate) async fn live(&self) {
        self.until("document.documentElement.dataset.n2o == 'on'").await;
    }

    async fn find(&self, selector: &str) -> Element {
        self.client.wait().for_element(Locator::Css(selector)).await.unwrap()
    }

    /// Types with the keyboard, into an element that is focused for it.
    pub(crate) async fn type_into(&self, selector: &str, keys: &str) {
        self.find(selector).await.send_keys(keys).await.unwrap();
    }

    /// Types with the keyboard, wherever the focus is.
    pub(crate) async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    /// Logs in as a guest, through the page and the keyboard.
    pub(crate) async fn enter(&self, base: &str, name: &str, room: &str) {
        self.go(&format!("{base}/login")).await;
        self.live().await;
        self.type_into("#user", name).await;
        self.type_into("#room", room).await;
        self.click("#login").await;
        self.until("location.pathname.startsWith('/chat/')").await;
        self.live().await;
    }

    /// Says something, and waits until the server has it.
    pub(crate) async fn say(&self, text: &str) {
        self.type_into("#message", &format!("{text}\u{e007}")).await;
        self.until("document.getElementById('message').value == ''").await;
    }

    /// The messages on the page.
    pub(crate) async fn messages(&self) -> Vec<String> {
        let list =
            self.js("return [...document.querySelectorAll('#messages .text')].map(e => e.textContent)");
        serde_json::from_value(list.await).unwrap_or_default()
    }

    /// Sends a command of the DevTools protocol.
    pub(crate) async fn cdp(&self, command: &str, params: Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": params })).await
    }

    /// What the console has said since it was last asked: level and message.
    pub(crate) async fn console(&self) -> Vec<(String, String)> {
        let log = self.post("se/log", &json!({ "type": "browser" })).await;
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        log.as_array().unwrap().iter().map(|entry| (text(entry, "level"), text(entry, "message"))).collect()
    }

    async fn post(&self, command: &str, body: &Value) -> Value {
        let path = format!("/session/{}/{command}", self.session);
        let headers = [("Content-Type", "application/json")];
        let reply = request(&self.driver, "POST", &path, &headers, &body.to_string()).await.unwrap();
        let mut answer: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(reply.status, 200, "{command}: {answer}");
        answer["value"].take()
    }

    /// A picture of the window, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }
}

impl Drop for Window {
    /// Ends the browser, whose processes are known by the profile that only they have.
    fn drop(&mut self) {
        let own = self.profile.path().display().to_string();
        let Ok(all) = std::fs::read_dir("/proc") else { return };
        for process in all.flatten() {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&own) {
                let pid = process.file_name().to_string_lossy().into_owned();
                let _ = Command::new("sh").args(["-c", &format!("kill -KILL {pid}")]).status();
            }
        }
    }
}
