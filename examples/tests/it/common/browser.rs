//! Real browsers: windows that are whole browsers with profiles of their own, used as people use them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    driver::{
        ACTIONS, ACTIVE, BACK, CLICK, DEVTOOLS, Driver, EXECUTE, Engine, FIND, FORWARD, KEYS, LOG, NAVIGATE,
        PICTURE, REFRESH, Verb,
    },
    until,
};

/// Makes a test of each story in each browser: `story::firefox` and so on.
macro_rules! in_every_browser {
    ($($story:ident),+ $(,)?) => {
        in_every_browser! { chromium Chromium: $($story)+ }
        in_every_browser! { firefox Firefox: $($story)+ }
        in_every_browser! { webkit WebKit: $($story)+ }
    };
    ($name:ident $engine:ident: $($story:ident)+) => {
        mod $name {
            use super::super::common::Engine;

            $(
                #[tokio::test]
                async fn $story() {
                    super::$story(Engine::$engine).await;
                }
            )+
        }
    };
}
pub(crate) use in_every_browser;

/// What Firefox says of the test's pages in its console, which it empties. A connection that was refused by a dead
/// server, or ended with its page, is no complaint; nor is a module that was on its way when its page was left.
const CONSOLE: &str = "
const said = Services.console.getMessageArray().map(message => {
  try {
    const { sourceName, category, flags, errorMessage } = message.QueryInterface(Ci.nsIScriptError);
    const left = errorMessage.startsWith('Loading failed for the module');
    return category == 'Web Socket' || left ? [''] : [sourceName, flags & 1 ? 'WARNING' : 'SEVERE', errorMessage];
  } catch {
    return [''];
  }
});
Services.console.reset();
return said.filter(([source]) => source.startsWith('http')).map(([source, ...rest]) => rest);
";

/// Notes what a page complains of; for WebKit, whose driver has no console.
const COMPLAINTS: &str = "
if (!window.complaints) {
  window.complaints = [];
  const note = (text) => window.complaints.push(['SEVERE', text]);
  addEventListener('error', (e) => note(e.message));
  addEventListener('unhandledrejection', (e) => note('rejection ' + e.reason));
  addEventListener('securitypolicyviolation', (e) => note('csp ' + e.violatedDirective));
}
";

/// One window of one browser; dropping it ends the browser.
#[derive(Debug)]
pub(crate) struct Window {
    driver: Driver,
    /// Is run in every page.
    watch: Option<&'static str>,
}

impl Engine {
    /// A browser of its own, with a window of this size and these languages.
    pub(crate) async fn window(self, size: (u32, u32), lang: &str) -> Window {
        Window { driver: Driver::start(self, size, lang, "").await, watch: None }
    }

    /// A Firefox as it was before it knew Trusted Types.
    pub(crate) async fn without_trusted_types(size: (u32, u32)) -> Window {
        let settings = "user_pref('dom.security.trusted_types.enabled', false);\n";
        Window { driver: Driver::start(Engine::Firefox, size, "en", settings).await, watch: None }
    }
}

impl Window {
    async fn send(&self, verb: Verb, body: Value) -> Value {
        self.driver.send(verb, body).await.unwrap()
    }

    pub(crate) async fn go(&self, url: &str) {
        self.send(NAVIGATE, json!({ "url": url })).await;
    }

    pub(crate) async fn reload(&self) {
        self.send(REFRESH, json!({})).await;
    }

    pub(crate) async fn back(&self) {
        self.send(BACK, json!({})).await;
    }

    pub(crate) async fn forward(&self) {
        self.send(FORWARD, json!({})).await;
    }

    /// Has a script run in every page: before anything of the page where the browser can, and otherwise when the
    /// page is live; so it must do nothing when it is run again.
    pub(crate) async fn watch(&mut self, script: &'static str) {
        self.watch = Some(script);
        if self.driver.engine == Engine::Chromium {
            self.cdp("Page.enable", json!({})).await;
            self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
        }
    }

    /// Runs a script and answers what it returns; `null` while a page is being replaced by the next.
    pub(crate) async fn js(&self, script: &str) -> Value {
        self.driver.send(EXECUTE, json!({ "script": script, "args": [] })).await.unwrap_or_default()
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
        if self.driver.engine == Engine::WebKit {
            self.js(COMPLAINTS).await;
        }
        if let Some(script) = self.watch {
            self.js(script).await;
        }
    }

    /// Waits for an element; what its commands want to know of it.
    async fn find(&self, selector: &str) -> Value {
        let query = json!({ "using": "css selector", "value": selector });
        let look = async || self.driver.send(FIND, query.clone()).await.ok();
        reference(&until(&format!("there is {selector}"), look).await)
    }

    /// Types with the keyboard, into an element that is focused for it.
    pub(crate) async fn type_into(&self, selector: &str, keys: &str) {
        let element = self.find(selector).await;
        self.send(KEYS, json!({ "id": element, "text": keys })).await;
    }

    /// Types with the keyboard, wherever the focus is.
    pub(crate) async fn keys(&self, keys: &str) {
        let element = reference(&self.send(ACTIVE, json!({})).await);
        self.send(KEYS, json!({ "id": element, "text": keys })).await;
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.send(CLICK, json!({ "id": element })).await;
    }

    /// Puts the mouse's button down over an element.
    pub(crate) async fn press(&self, selector: &str) {
        let query = json!({ "using": "css selector", "value": selector });
        let element = self.send(FIND, query).await;
        self.js(&format!("document.querySelector({selector:?}).scrollIntoView({{ block: 'center' }})")).await;
        let to = json!({ "type": "pointerMove", "x": 0, "y": 0, "duration": 0, "origin": element });
        self.mouse(json!([to, { "type": "pointerDown", "button": 0 }])).await;
    }

    /// Lets the mouse's button go, where it is.
    pub(crate) async fn release(&self) {
        self.mouse(json!([{ "type": "pointerUp", "button": 0 }])).await;
    }

    async fn mouse(&self, actions: Value) {
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": actions });
        self.send(ACTIONS, json!({ "actions": [mouse] })).await;
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

    /// Sends a command of the DevTools protocol, which only Chromium has.
    pub(crate) async fn cdp(&self, command: &str, params: Value) -> Value {
        self.send(DEVTOOLS, json!({ "cmd": command, "params": params })).await
    }

    /// What the console has said since it was last asked: level and message. In WebKit only what the page at hand
    /// has complained of since it was live.
    pub(crate) async fn console(&self) -> Vec<(String, String)> {
        match self.driver.engine {
            Engine::Chromium => {
                let log = self.send(LOG, json!({ "type": "browser" })).await;
                let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
                let entries = log.as_array().unwrap().iter();
                entries.map(|entry| (text(entry, "level"), text(entry, "message"))).collect()
            }
            Engine::Firefox => serde_json::from_value(self.driver.within(CONSOLE).await).unwrap(),
            Engine::WebKit => {
                let said = self.js("return window.complaints?.splice(0) ?? []").await;
                serde_json::from_value(said).unwrap()
            }
        }
    }

    /// What the console has said but for the requests that a server could not answer because it had ended: whether
    /// the page asks while there is none is a matter of how long a start takes.
    pub(crate) async fn complaints(&self) -> Vec<(String, String)> {
        const ENDED: [&str; 4] = [
            "ERR_CONNECTION_REFUSED",
            "ERR_CONNECTION_RESET",
            "ERR_EMPTY_RESPONSE",
            "ERR_SOCKET_NOT_CONNECTED",
        ];
        let mut all = self.console().await;
        all.retain(|(_, message)| !ENDED.iter().any(|ended| message.contains(ended)));
        all
    }

    /// A picture of the window, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let picture = self.send(PICTURE, json!({ "full": false })).await;
        BASE64_STANDARD.decode(picture.as_str().unwrap()).unwrap()
    }
}

/// The id of an element, which is the only value in what a driver says of it.
fn reference(element: &Value) -> Value {
    element.as_object().and_then(|object| object.values().next()).cloned().unwrap_or_default()
}
