//! The content security policy in browsers: what gets into a page by mistake does not run there, and the page works
//! where a browser does not know all of the policy.

use serde_json::json;

use super::common::{Engine, Server, in_every_browser};

/// Puts scripts into the page in the ways that a mistake could, and answers which of them were refused by an error.
const INTRUDE: &str = "
const place = document.createElement('p');
document.body.append(place);
const ways = {
  markup: () => (place.innerHTML = '<img src=x onerror=\"window.ran = 1\">'),
  script: () => place.append(Object.assign(document.createElement('script'), { text: 'window.ran = 2' })),
  elsewhere: () => place.append(Object.assign(document.createElement('script'), { src: 'data:text/javascript,window.ran=3' })),
  handler: () => (place.setAttribute('onclick', 'window.ran = 4'), place.click()),
  policy: () => trustedTypes.createPolicy('another', {}),
};
return Object.keys(ways).filter((way) => {
  try {
    ways[way]();
  } catch {
    return true;
  }
});
";

in_every_browser!(a_script_that_got_into_the_page_does_not_run);

async fn a_script_that_got_into_the_page_does_not_run(engine: Engine) {
    let server = Server::start();
    let window = engine.window((900, 700), "en").await;
    // The ways lead somewhere where there is no policy.
    window.go("data:text/html,<p>").await;
    assert_eq!(window.js(INTRUDE).await, json!([]));
    window.until("window.ran").await;

    window.enter(&server.url(""), "Olena", "policy").await;
    assert_eq!(window.js(INTRUDE).await, json!(["markup", "script", "elsewhere", "handler", "policy"]));
    // The page is as good as before.
    window.say("still here").await;
    assert_eq!(window.js("return window.ran ?? null").await, json!(null));
}

#[tokio::test]
async fn a_browser_without_trusted_types_talks_all_the_same() {
    let mut server = Server::start();
    let window = Engine::without_trusted_types((900, 700)).await;
    window.enter(&server.url(""), "Olena", "policy").await;
    assert_eq!(window.text("typeof trustedTypes").await, "undefined");
    window.say("one").await;
    window.reload().await;
    window.live().await;
    server.kill();
    window.until("document.documentElement.dataset.n2o == 'off'").await;
    server.again();
    window.live().await;
    window.say("two").await;
    window.until("document.querySelectorAll('#messages .line').length == 2").await;
    assert_eq!(window.messages().await, ["one", "two"]);
    // What the policy forbids does not run, although only the older half of it is known.
    window.js(INTRUDE).await;
    window.until("document.querySelector('img[src=x]').complete").await;
    window.say("three").await;
    assert_eq!(window.js("return window.ran ?? null").await, json!(null));
}
