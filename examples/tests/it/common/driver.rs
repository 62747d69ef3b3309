//! The three browsers as processes, and the WebDriver commands that all of them take: over HTTP from the drivers
//! of Chromium and WebKit, over Marionette, which has the same commands, from Firefox itself.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
};

use super::{request, until};

/// A browser that the stories are run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    WebKit,
}

/// What Chromium needs to run as root, without a display, and without talking to anyone but the test.
const CHROMIUM: [&str; 12] = [
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

/// The same for Firefox, which finds its port itself; the console is read where web pages have no access.
const FIREFOX: [&str; 4] = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"];

/// The zone that all browsers are in.
const ZONE: &str = "Europe/Kyiv";

/// A command: its name in Marionette, and its method and path over HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verb(&'static str, &'static str, &'static str);

pub(crate) const NAVIGATE: Verb = Verb("Navigate", "POST", "url");
pub(crate) const REFRESH: Verb = Verb("Refresh", "POST", "refresh");
pub(crate) const BACK: Verb = Verb("Back", "POST", "back");
pub(crate) const FORWARD: Verb = Verb("Forward", "POST", "forward");
pub(crate) const EXECUTE: Verb = Verb("ExecuteScript", "POST", "execute/sync");
pub(crate) const FIND: Verb = Verb("FindElement", "POST", "element");
pub(crate) const ACTIVE: Verb = Verb("GetActiveElement", "GET", "element/active");
pub(crate) const KEYS: Verb = Verb("ElementSendKeys", "POST", "element/{id}/value");
pub(crate) const CLICK: Verb = Verb("ElementClick", "POST", "element/{id}/click");
pub(crate) const ACTIONS: Verb = Verb("PerformActions", "POST", "actions");
pub(crate) const PICTURE: Verb = Verb("TakeScreenshot", "GET", "screenshot");
const SIZE: Verb = Verb("SetWindowRect", "POST", "window/rect");
/// These two are Chromium's own.
pub(crate) const DEVTOOLS: Verb = Verb("", "POST", "goog/cdp/execute");
pub(crate) const LOG: Verb = Verb("", "POST", "se/log");

/// A running browser that takes commands; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) engine: Engine,
    wire: Wire,
    _processes: Processes,
}

/// All processes of a browser; dropping it ends them.
#[derive(Debug)]
struct Processes {
    children: Vec<Child>,
    home: TempDir,
    lang: String,
}

#[derive(Debug)]
enum Wire {
    Http {
        address: String,
        session: String,
    },
    /// An asynchronous lock, held until a command is answered: answers come in the order of the commands.
    Marionette(Mutex<TcpStream>),
}

impl Driver {
    /// A browser with a profile of its own, a window of this size and these languages, and in Firefox these settings.
    pub(crate) async fn start(
        engine: Engine,
        (width, height): (u32, u32),
        lang: &str,
        settings: &str,
    ) -> Self {
        let home = TempDir::new().unwrap();
        let mut processes = Processes { children: Vec::new(), home, lang: lang.to_owned() };
        let wire = match engine {
            Engine::Chromium => chromium(&mut processes).await,
            Engine::Firefox => firefox(&mut processes, settings).await,
            Engine::WebKit => webkit(&mut processes).await,
        };
        let driver = Driver { engine, wire, _processes: processes };
        driver.send(SIZE, json!({ "width": width, "height": height })).await.unwrap();
        driver
    }

    /// Sends a command and waits for what it answers.
    pub(crate) async fn send(&self, Verb(name, method, path): Verb, body: Value) -> Result<Value, String> {
        match &self.wire {
            Wire::Http { address, session } => {
                let path = path.replace("{id}", body["id"].as_str().unwrap_or_default());
                http(address, method, &format!("/session/{session}/{path}"), &body).await
            }
            Wire::Marionette(stream) => {
                let mut stream = stream.lock().await;
                marionette(&mut stream, &format!("WebDriver:{name}"), &body).await
            }
        }
    }

    /// Runs a script of the test in Firefox itself, where pages have no access.
    pub(crate) async fn within(&self, script: &str) -> Value {
        let Wire::Marionette(stream) = &self.wire else { unreachable!("only Firefox has such scripts") };
        let mut stream = stream.lock().await;
        marionette(&mut stream, "Marionette:SetContext", &json!({ "value": "chrome" })).await.unwrap();
        let body = json!({ "script": script, "args": [] });
        let answer = marionette(&mut stream, "WebDriver:ExecuteScript", &body).await.unwrap();
        marionette(&mut stream, "Marionette:SetContext", &json!({ "value": "content" })).await.unwrap();
        answer
    }
}

impl Processes {
    /// A command that has nothing of the machine's language, zone and settings, and writes only below its home.
    fn command(&self, program: &str) -> Command {
        let home = self.home.path();
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home).env("TMPDIR", home).env("XDG_RUNTIME_DIR", home);
        command.env("TZ", ZONE).env("LANG", "C.UTF-8").env("LANGUAGE", &self.lang);
        command
    }
}

impl Drop for Processes {
    /// Ends what was started and what that has started, which is known by the home that only it has.
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
        }
        let own = format!("HOME={}", self.home.path().display());
        let Ok(all) = fs::read_dir("/proc") else { return };
        for process in all.flatten() {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|variable| variable == own.as_bytes()) {
                let pid = process.file_name().to_string_lossy().into_owned();
                let _ = Command::new("sh").args(["-c", &format!("kill -KILL {pid} 2>&-")]).status();
            }
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

async fn chromium(processes: &mut Processes) -> Wire {
    let mut driver = processes
        .command("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromedriver is needed: Debian's package chromium-driver");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    processes.children.push(driver);
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let rest = line.split("successfully on port ").nth(1)?;
        rest.trim_end_matches('.').parse::<u16>().ok()
    });
    thread::spawn(move || lines.for_each(drop));
    let address = format!("127.0.0.1:{}", port.expect("chromedriver says its port"));
    let mut args: Vec<String> = CHROMIUM.iter().map(|arg| String::from(*arg)).collect();
    args.push(format!("--user-data-dir={}", processes.home.path().join("profile").display()));
    args.push(format!("--lang={}", processes.lang));
    args.push(format!("--accept-lang={}", processes.lang));
    let own = json!({
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "args": args },
        "unhandledPromptBehavior": "ignore",
    });
    session(address, &own).await
}

async fn webkit(processes: &mut Processes) -> Wire {
    let mut display = processes
        .command("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("Xvfb is needed: Debian's package xvfb");
    let mut number = String::new();
    BufReader::new(display.stdout.take().unwrap()).read_line(&mut number).unwrap();
    processes.children.push(display);
    let mut driver = processes.command("WebKitWebDriver");
    driver.env("DISPLAY", format!(":{}", number.trim())).env("NO_AT_BRIDGE", "1");
    if processes.lang == "uk" {
        // WebKit has the language of the C library, which is made here, as the machine may not have it.
        let locale = processes.home.path().join("uk_UA.UTF-8");
        let made = processes.command("localedef").args(["-i", "uk_UA", "-f", "UTF-8"]).arg(&locale).status();
        assert!(made.is_ok_and(|made| made.success()), "uk_UA is needed: Debian's package locales");
        driver.env("LOCPATH", processes.home.path()).env("LANG", "uk_UA.UTF-8");
    }
    let address = loop {
        // The driver takes no port 0: a free one is looked for, and another when somebody was faster.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = driver
            .arg(format!("--port={}", free.port()))
            .spawn()
            .expect("WebKitWebDriver is needed: Debian's package webkit2gtk-driver");
        let address = free.to_string();
        let up = until("WebKitWebDriver listens", || {
            let ended = child.try_wait().unwrap().is_some();
            let connect = TcpStream::connect(&address);
            async move { (ended || connect.await.is_ok()).then_some(!ended) }
        });
        if up.await {
            processes.children.push(child);
            break address;
        }
    };
    let own = json!({
        "webkitgtk:browserOptions": { "args": ["--automation"] },
        "unhandledPromptBehavior": "ignore",
    });
    session(address, &own).await
}

async fn firefox(processes: &mut Processes, settings: &str) -> Wire {
    let profile = processes.home.path().join("profile");
    fs::create_dir(&profile).unwrap();
    let lang = &processes.lang;
    let own = format!(
        "user_pref('marionette.port', 0);\n\
         user_pref('intl.accept_languages', '{lang}');\n\
         user_pref('intl.locale.requested', '{lang}');\n\
         user_pref('datareporting.policy.dataSubmissionEnabled', false);\n{settings}"
    );
    fs::write(profile.join("user.js"), own).unwrap();
    let child = processes
        .command("firefox-esr")
        .args(FIREFOX)
        .arg("--profile")
        .arg(&profile)
        .spawn()
        .expect("firefox-esr is needed: Debian's package firefox-esr");
    processes.children.push(child);
    let port = until("Firefox listens", async || {
        let port = fs::read_to_string(profile.join("MarionetteActivePort")).ok()?;
        port.trim().parse::<u16>().ok()
    });
    let mut stream = TcpStream::connect(("127.0.0.1", port.await)).await.unwrap();
    let hello = message(&mut stream).await.unwrap();
    assert_eq!(hello["marionetteProtocol"], 3, "{hello}");
    let own = json!({ "unhandledPromptBehavior": "ignore" });
    marionette(&mut stream, "WebDriver:NewSession", &own).await.expect("Firefox opens a session");
    Wire::Marionette(Mutex::new(stream))
}

/// Opens a session with a driver that speaks HTTP.
async fn session(address: String, own: &Value) -> Wire {
    let body = json!({ "capabilities": { "alwaysMatch": own } });
    let answer = http(&address, "POST", "/session", &body).await.expect("the driver opens a browser");
    let session = answer["sessionId"].as_str().unwrap().to_owned();
    Wire::Http { address, session }
}

async fn http(address: &str, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let headers = [("Content-Type", "application/json")];
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let reply = request(address, method, path, &headers, &body).await.map_err(|error| error.to_string())?;
    let mut answer: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
    if reply.status == 200 { Ok(answer["value"].take()) } else { Err(answer["value"].to_string()) }
}

/// One command and its answer: arrays of kind, number, error and value, with their length in front.
async fn marionette(stream: &mut TcpStream, name: &str, body: &Value) -> Result<Value, String> {
    let text = json!([0, 1, name, body]).to_string();
    let framed = format!("{}:{text}", text.len());
    stream.write_all(framed.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = message(stream).await.map_err(|error| error.to_string())?;
    if answer[2].is_null() { Ok(answer[3]["value"].take()) } else { Err(answer[2].to_string()) }
}

async fn message(stream: &mut TcpStream) -> std::io::Result<Value> {
    let mut length = 0;
    loop {
        match stream.read_u8().await? {
            b':' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut text = vec![0; length];
    stream.read_exact(&mut text).await?;
    Ok(serde_json::from_slice(&text)?)
}
