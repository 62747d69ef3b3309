//! The test driver shows what browsers show: one script of actions is run on both, and after each action the
//! documents are compared.

use std::time::{Duration, Instant};

use maud::html;
use n2o::{Clock, Keys, Limits, Node, Random};
use nitro::{
    prelude::*,
    test::{TestApp, TestPage},
};

use super::common::{Engine, LOOK, Window, in_every_browser};

/// How long a browser may take to show what an event has changed.
const PATIENCE: Duration = Duration::from_secs(20);

in_every_browser!(what_the_driver_shows_is_what_browsers_show);

#[derive(Default, Serialize, Deserialize)]
struct Things {
    rows: Vec<u32>,
    name: String,
    shut: bool,
}

#[derive(Event)]
enum Act {
    Op(String),
    Read {
        #[source]
        name: String,
        #[source]
        age: u8,
        #[source]
        lines: String,
        #[source]
        agree: bool,
        #[source]
        size: String,
        #[source]
        way: Option<String>,
    },
    Typed {
        #[source]
        name: String,
    },
    #[expect(dead_code, reason = "it takes nothing of what was sent")]
    Keep {
        #[source]
        name: String,
        #[source]
        size: String,
        #[source]
        way: Option<String>,
        #[source]
        agree: bool,
        #[source]
        lines: String,
    },
}

const OPS: [&str; 22] = [
    "update", "top", "bottom", "before", "after", "replace", "remove", "clear", "set", "setagain", "area",
    "check", "choose", "attr", "class", "hide", "show", "focus", "title", "rows", "turn", "shut",
];

impl Page for Things {
    type Event = Act;
    const ACCESS: Access = Access::Anyone;

    fn title(&self, _: &Ui<'_, Self>) -> String {
        format!("{} things", self.rows.len())
    }

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        html! {
            p { "Some & <text>" br; (span().id("said").text("nothing \"yet\"")) }
            (panel().id("box").class("plain").body(html! { (span().id("a").text("A")) " and " (span().id("b").text("B")) }))
            (form().id("form").postback(ui.on(Act::read())).body(html! {
                (textbox("name").label("Name").required().value(&self.name))
                (number("age").label("Age").value("7"))
                (textarea("lines").label("Lines").value("\none\ntwo"))
                (checkbox("agree").label("I agree"))
                (select("size", "s", [("s", "Small"), ("m", "Medium"), ("l", "Large")]).label("Size"))
                (radio_group("way", "Way", "", [("air", "By air"), ("sea", "By sea")]))
                (submit("Read").id("read").disabled(self.shut))
            }))
            (button("Typed").id("typed").postback(ui.on(Act::typed())))
            (button("Keep").id("keep").postback(ui.on(Act::keep())))
            (ul().id("rows").body(html! {
                @for row in &self.rows { (li().id(format!("r{row}")).text(format!("row {row}"))) }
            }))
            @for op in OPS { (button(op).id(format!("do-{op}")).postback(ui.on(Act::op(op.to_owned())))) }
        }
    }

    async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
        match act {
            Act::Op(op) => return self.op(&op, cx),
            Act::Read { name, age, lines, agree, size, way } => {
                cx.set("said", format!("{name:?} {age} {lines:?} {agree} {size} {way:?}"));
                self.name = name;
            }
            Act::Typed { name } => {
                self.name = name.to_uppercase();
                cx.refresh();
            }
            Act::Keep { .. } => {
                cx.refresh();
                cx.focus("name");
            }
        }
        Ok(())
    }
}

impl Things {
    fn op(&mut self, op: &str, cx: &mut Cx<'_, Self>) -> Result {
        let span = |id: &'static str| span().id(id).text(format!("<{id}>"));
        match op {
            "update" => {
                cx.update("box", panel().id("box").class("new").body(html! { (span("b")) (span("c")) }))
            }
            "top" => cx.insert_top("box", span("t")),
            "bottom" => cx.insert_bottom("box", html! { "text " (span("u")) }),
            "before" => cx.insert_before("said", span("v")),
            "after" => cx.insert_after("said", span("w")),
            "replace" => cx.replace("t", strong().id("t").text("replaced")),
            "remove" => cx.remove("u"),
            "clear" => cx.clear("box"),
            "set" => cx.set("name", "set by the server"),
            "setagain" => cx.set("name", ""),
            "area" => cx.set("lines", "\nset\n\n& <again>"),
            "check" => cx.check("agree", true),
            "choose" => {
                cx.set("size", "l");
                cx.set("way", "sea");
            }
            "attr" => {
                cx.attr("said", attr::TITLE, Some("\"a\" & b"));
                cx.attr("box", attr::TITLE, None);
            }
            "class" => {
                cx.class("box", "more", true);
                cx.class("box", "plain", false);
            }
            "hide" => cx.hide("said"),
            "show" => cx.show("said"),
            "focus" => cx.focus("name"),
            "title" => cx.title("Another <title>"),
            "rows" => {
                self.rows = vec![1, 2, 3, 4, 5];
                cx.refresh();
            }
            "turn" => {
                self.rows = vec![5, 3, 6, 1];
                cx.refresh();
            }
            _ => {
                self.shut = !self.shut;
                cx.refresh();
            }
        }
        Ok(())
    }
}

/// A user's action.
#[derive(Clone, Copy, Debug)]
enum Do {
    Type(&'static str, &'static str),
    Check(&'static str, bool),
    Choose(&'static str, &'static str),
    Click(&'static str),
    Reload,
}

use Do::{Check, Choose, Click, Reload, Type};

const SCRIPT: &[Do] = &[
    Click("do-top"),
    Click("do-bottom"),
    Click("do-before"),
    Click("do-after"),
    Click("do-replace"),
    Click("do-remove"),
    Click("do-attr"),
    Click("do-class"),
    Click("do-hide"),
    Click("do-show"),
    Click("do-title"),
    Click("do-update"),
    Click("do-clear"),
    // What the user has typed goes before what the server says of something else.
    Type("name", "Ann <&> \"x\""),
    Click("do-rows"),
    Click("do-turn"),
    Type("lines", "typed"),
    Click("typed"),
    // Values that do not fit are told at their inputs.
    Type("age", "1000"),
    Click("read"),
    Type("age", ""),
    Click("read"),
    Type("age", "30"),
    Check("agree", true),
    Choose("size", "m"),
    Choose("way", "air"),
    Click("read"),
    // What the server sets goes before what was typed and sent.
    Click("do-set"),
    Click("do-area"),
    Click("do-choose"),
    Type("name", "typed on"),
    Check("agree", false),
    Click("do-check"),
    Click("do-focus"),
    Type("name", "Bob"),
    Click("typed"),
    Click("do-setagain"),
    Click("do-shut"),
    Click("do-shut"),
    // What the page holds is shown again, though it is what it was.
    Type("name", "not taken"),
    Choose("size", "l"),
    Type("lines", "not taken"),
    Click("keep"),
    Reload,
    Click("do-rows"),
];

/// The page as `TestPage::snapshot` writes it.
const SNAPSHOT: &str = r#"
const empty = ['br', 'col', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr'];
const escape = (text) => text.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]);
const write = (node) => {
  if (node.nodeType == 3) return escape(node.data);
  const tag = node.localName, attrs = new Map([...node.attributes].map((a) => [a.name, a.value]));
  const state = (name, on) => on ? attrs.set(name, '') : attrs.delete(name);
  if (attrs.has('data-e')) attrs.set('data-e', '...');
  if (tag == 'option') state('selected', node.selected);
  else if (tag == 'input' && ['checkbox', 'radio'].includes(node.type)) state('checked', node.checked);
  else if (tag == 'input') attrs.set('value', node.value);
  const start = '<' + tag + [...attrs].sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => ` ${k}="${escape(v)}"`).join('') + '>';
  if (empty.includes(tag)) return start;
  const inner = tag == 'textarea' ? '\n' + escape(node.value) : [...node.childNodes].map(write).join('');
  return `${start}${inner}</${tag}>`;
};
return document.title + '\n' + [...document.getElementById('n2o-page').childNodes].map(write).join('');
"#;

async fn in_browser(window: &Window, action: Do) {
    match action {
        Type(id, text) => {
            window.js(&format!("const i = document.getElementById('{id}'); i.focus(); i.select()")).await;
            // The key that deletes what is selected.
            window.type_into(&format!("#{id}"), &format!("\u{e017}{text}")).await;
        }
        Check(id, on) => {
            if window.text(&format!("document.getElementById('{id}').checked")).await != on.to_string() {
                window.click(&format!("#{id}")).await;
            }
        }
        Choose(id, value) => window.click(&format!("#{id} [value={value}]")).await,
        Click(id) => window.click(&format!("#{id}")).await,
        Reload => {
            // What was typed and not sent is kept over a reload by browsers only.
            window.js("sessionStorage.clear(); onpagehide = () => sessionStorage.clear()").await;
            window.reload().await;
            window.live().await;
        }
    }
}

async fn in_driver(page: &mut TestPage, action: Do) {
    match action {
        Type(id, text) | Choose(id, text) => page.fill(id, text),
        Check(id, on) => page.check(id, on),
        Click(id) => drop(page.click(id).await.len()),
        Reload => page.reload().await,
    }
}

async fn what_the_driver_shows_is_what_browsers_show(engine: Engine) {
    let random = Random::default();
    let store = kvs::Store::open("memory:").await.unwrap();
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
    let router = web::App::new(node.clone()).page::<Things>("/things").router();
    let server = web::Server::bind(node, "127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/things", server.address().unwrap());
    let script = async {
        let window = engine.window((900, 900), "en").await;
        let mut page = TestApp::new().page::<Things>("/things").open("/things").await;
        window.go(&url).await;
        window.live().await;
        for (step, action) in SCRIPT.iter().enumerate() {
            in_driver(&mut page, *action).await;
            in_browser(&window, *action).await;
            let expected = format!("{}\n{}", page.title(), page.snapshot());
            let start = Instant::now();
            loop {
                let shown = window.js(SNAPSHOT).await;
                if shown == *expected {
                    break;
                }
                let shown = shown.as_str().unwrap_or_default();
                assert!(
                    start.elapsed() < PATIENCE,
                    "after step {step}, {action:?}, the driver shows\n{expected}\nand the browser\n{shown}"
                );
                tokio::time::sleep(LOOK).await;
            }
            if let Click("do-focus") = action {
                window.until(&format!("document.activeElement.id == '{}'", page.focused())).await;
            }
        }
    };
    tokio::select! {
        _ = server.run(router, || {}) => panic!("the server ended"),
        () = script => {}
    }
}
