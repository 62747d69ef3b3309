//! Paths and the pages at them: what is found, what is refused at the start, and what a route lacks.

use maud::html;
use nitro::{BadRoute, Routes, prelude::*, test::TestApp};

#[derive(Default, Serialize, Deserialize)]
struct Any;

impl Page for Any {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, cx: &Ui<'_, Self>) -> Markup {
        html! { p id="said" { (cx.param("id")) "/" (cx.query("id")) } }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

fn routes(patterns: &[&'static str]) -> Routes {
    let mut routes = Routes::default();
    patterns.iter().for_each(|pattern| routes.add::<Any>(pattern).expect(pattern));
    routes
}

fn found(routes: &Routes, path: &str) -> Option<Vec<(String, String)>> {
    routes.find(path).map(|found| found.params.route)
}

fn pair(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[test]
fn a_path_is_found_however_it_is_encoded() {
    let routes = routes(&["/", "/chat/{room}", "/caf\u{e9}", "/a/b/"]);
    for (path, expected) in [
        ("/", Some(Vec::new())),
        ("/chat/lobby", Some(pair("room", "lobby"))),
        ("/ch%61t/a%2Fb", Some(pair("room", "a/b"))),
        ("/chat/100%25", Some(pair("room", "100%"))),
        ("/chat/%25%32%46", Some(pair("room", "%2F"))),
        ("/chat/%7Bx%7D", Some(pair("room", "{x}"))),
        ("/chat/a+b", Some(pair("room", "a+b"))),
        ("/caf%C3%A9", Some(Vec::new())),
        ("/a/b/", Some(Vec::new())),
        ("/a/b", None),
        ("/chat", None),
        ("/chat/", None),
        ("/chat//", None),
        ("/chat/a/b", None),
        ("/chat%2Flobby", None),
        ("/chat/%", None),
        ("/chat/%FF", None),
        ("", None),
    ] {
        assert_eq!(found(&routes, path), expected, "{path}");
    }
}

#[test]
fn what_is_written_out_goes_first_in_any_order() {
    for patterns in [["/c/{id}", "/c/new", "/{a}/new"], ["/{a}/new", "/c/new", "/c/{id}"]] {
        let routes = routes(&patterns);
        assert_eq!(found(&routes, "/c/new"), Some(Vec::new()));
        assert_eq!(found(&routes, "/c/7"), Some(pair("id", "7")));
        assert_eq!(found(&routes, "/d/new"), Some(pair("a", "d")));
        assert_eq!(found(&routes, "/d/7"), None);
    }
    // One place may have two names.
    let routes = self::routes(&["/c/{id}", "/c/{client}/orders"]);
    assert_eq!(found(&routes, "/c/7/orders"), Some(pair("client", "7")));
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    let mut routes = routes(&["/clients/{id}", "/clients/new"]);
    for (pattern, words) in [
        ("", "it begins with `/`"),
        ("p/{id}", "it begins with `/`"),
        ("/p/:id", "a parameter is written `{name}`"),
        ("/p/*", "a parameter is written `{name}`"),
        ("/p/{*rest}", "a parameter stands for one segment: `{name}`"),
        ("/p/{}", "the name of a parameter is made of letters, digits and `_`: `{name}`"),
        ("/p/{a b}", "without `?`, `#`, `%`, blanks and backslashes"),
        ("/p/{a-b}", "the name of a parameter is made of letters, digits and `_`: `{name}`"),
        ("/p/{id", "a parameter is a whole segment"),
        ("/p/no-{id}", "a parameter is a whole segment"),
        ("/p/{id}/{id}", "two of its parameters have one name"),
        ("/p//x", "it has an empty segment"),
        ("/p?x={id}", "without `?`, `#`, `%`, blanks and backslashes"),
        ("/p/%20", "without `?`, `#`, `%`, blanks and backslashes"),
        ("/live", "the server answers /live itself"),
        ("/ready", "the server answers /ready itself"),
        ("/ws", "the server answers /ws itself"),
        ("/n2o/session", "the server answers /n2o/ itself"),
        ("/n2o/{file}", "the server answers /n2o/ itself"),
        ("/clients/{id}", "\"/clients/{id}\" has the same paths"),
        ("/clients/{name}", "\"/clients/{id}\" has the same paths"),
        ("/clients/new", "\"/clients/new\" has the same paths"),
    ] {
        let error = routes.add::<Any>(pattern).expect_err(pattern);
        assert!(error.to_string().contains(words), "{pattern}: {error}");
    }
    assert_eq!(
        routes.add::<Any>("/clients/{name}"),
        Err(BadRoute::Doubled { pattern: "/clients/{name}", known: "/clients/{id}" })
    );
    // Nothing of it was added.
    assert_eq!(routes.patterns().count(), 2);
    assert!(routes.find("/p/7").is_none());
}

#[tokio::test]
async fn a_parameter_of_the_route_is_not_one_of_the_query() {
    let app = TestApp::new().page::<Any>("/p/{id}");
    assert_eq!(app.open("/p/7?id=8").await.text("said"), "7/8");
    assert_eq!(app.open("/p/7").await.text("said"), "7/");
}

#[tokio::test]
#[should_panic(expected = "the route of \"/p?id=8\" has no parameter `id`")]
async fn a_parameter_that_the_route_lacks_is_told_in_debug_builds() {
    TestApp::new().page::<Any>("/p").open("/p?id=8").await;
}

#[test]
#[should_panic(expected = "the route \"/p/:id\" cannot be: a parameter is written `{name}`")]
fn a_test_fails_where_the_server_would_not_start() {
    let _ = TestApp::new().page::<Any>("/p/:id");
}
