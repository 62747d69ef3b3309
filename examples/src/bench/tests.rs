//! What the benchmark must not do: take for an event what was none.

use n2o::{Clock, Format, Keys, Node, Random};

use super::{
    Failure, acts,
    client::{Act, Client, Role, Step},
    load::{self, Link, Span, Target},
    scenarios::DOCUMENT,
};

/// Turns after which every button of a page has been pressed twice.
const TWICE: u64 = 4 * super::pages::PAIRS as u64;

/// Tells a story to the pages, served by this process.
async fn served(story: impl AsyncFnOnce(Target)) {
    let random = Random::default();
    let store = kvs::Store::open("memory:").await.unwrap();
    let node = Node::new(store, Keys::random(&random), super::limits(), Clock::default(), random);
    super::open(&node).await.unwrap();
    let router = super::pages(web::App::new(node.clone())).router();
    let server = web::Server::bind(node, "127.0.0.1:0").await.unwrap();
    let target = Target { address: server.address().unwrap(), pid: None };
    tokio::select! {
        ended = server.run(router, || {}) => panic!("the server ended: {ended:?}"),
        () = story(target) => {}
    }
}

fn role(path: &str, format: Format, act: fn(u64, &mut Step)) -> Role {
    Role { path: path.to_owned(), format, act: Act::Use(act) }
}

/// Takes turns until one fails.
async fn turns(server: Target, role: &Role, count: u64) -> std::io::Result<()> {
    let mut client = Client::open(&mut Link::default(), &server, role).await?;
    for _ in 0..count {
        client.turn().await?;
    }
    Ok(())
}

async fn failure(server: Target, role: &Role, count: u64) -> String {
    turns(server, role, count).await.unwrap_err().to_string()
}

/// Presses, with a value that nobody asked for.
fn refused(turn: u64, step: &mut Step) {
    step.on("inc").sends("more").shows(turn);
}

/// Presses, and wants to see what comes with the next press.
fn early(turn: u64, step: &mut Step) {
    step.on("inc").shows(turn + 100);
}

/// Presses what cannot be pressed.
fn unbound(_: u64, step: &mut Step) {
    step.on("n");
}

#[tokio::test]
async fn an_event_that_was_refused_is_none() {
    served(async |server| {
        for format in Format::ALL {
            let path = "/bench/counter";
            turns(server, &role(path, format, acts::inc), 3).await.unwrap();
            let error = failure(server, &role(path, format, refused), 1).await;
            assert!(error.starts_with("event 1 on inc was answered"), "{error}");
            let error = failure(server, &role(path, format, early), 1).await;
            assert!(error.ends_with("without \"101\\n\""), "{error}");
            let error = failure(server, &role(path, format, unbound), 1).await;
            assert_eq!(error, "no element n with an event");
        }
    })
    .await;
}

#[tokio::test]
async fn seals_that_were_rendered_again_are_used() {
    served(async |server| {
        for format in Format::ALL {
            turns(server, &role("/bench/many", format, acts::many), TWICE).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_measurement_ends_with_the_first_failure() {
    served(async |server| {
        let clients = load::open(server, &role("/bench/counter", Format::Cbor, refused), 2).await.unwrap();
        let hour = Span::Time(std::time::Duration::from_hours(1));
        let ended: Result<_, Failure> = load::turns(server, clients, hour).await;
        assert!(ended.unwrap_err().to_string().starts_with("event 1 on inc"));
    })
    .await;
}

#[tokio::test]
async fn a_visitor_of_the_echo_fetches_as_much_as_one_of_the_counter() {
    served(async |server| {
        let mut link = Link::default();
        let (_, html) = link.to(&server).await.unwrap().get("/bench/counter").await.unwrap();
        assert!(html.len().abs_diff(DOCUMENT) < DOCUMENT / 4, "DOCUMENT should be {}", html.len());
    })
    .await;
}
