//! Master keys: weak ones are refused, they are read and made safely, and replaced without anyone noticing.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::Arc,
    task::{Context, Poll},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use n2o::{
    Channel, Clock, Connection, Dispatch, EVENT, Error, Event, Format, Gone, Incoming, Keys, Later, Limits,
    Node, Protocol, Random, Session, Token,
};

fn line(id: u8, seed: u64) -> String {
    format!("{id}:{}\n", URL_SAFE_NO_PAD.encode(Random::seeded(seed).bytes::<32>()))
}

fn reason(text: &str) -> String {
    match Keys::parse(text, "the test") {
        Err(Error::Keys { from, reason }) => {
            assert_eq!(from, "the test");
            reason
        }
        other => panic!("{text:?} gave {other:?}"),
    }
}

async fn node(keys: Keys) -> Node {
    let store = kvs::Store::open("memory:").await.expect("a store");
    Node::new(store, keys, Limits::default(), Clock::fixed(1_000_000), Random::seeded(9))
}

#[test]
fn weak_keys_are_refused_with_a_reason() {
    let key = |bytes: &[u8]| format!("1:{}", URL_SAFE_NO_PAD.encode(bytes));
    let counting: Vec<u8> = (0..32).collect();
    let cases = [
        (String::new(), "no key"),
        ("# only a comment\n\n".into(), "no key"),
        ("secret".into(), "no colon"),
        (format!("256{}", &line(1, 1)[1..]), "not a number from 0 to 255"),
        (format!("x{}", &line(1, 1)[1..]), "not a number from 0 to 255"),
        ("1:not base64!".into(), "not base64url"),
        (key(&Random::seeded(1).bytes::<31>()), "shorter than 32 bytes"),
        (key(&[]), "shorter than 32 bytes"),
        (key(&[0; 32]), "well known"),
        (key(&[0xff; 64]), "well known"),
        (key(&counting), "well known"),
        (key(b"changemechangemechangemechangeme"), "well known"),
        (key(b"The quick brown fox jumps over the lazy dog"), "well known"),
        (key(&[1, 2, 3, 4].repeat(8)), "well known"),
        (line(1, 1) + &line(1, 2), "used twice"),
        (line(1, 1) + "2:\n", "shorter than 32 bytes"),
    ];
    for (text, expected) in cases {
        let reason = reason(&text);
        assert!(reason.contains(expected), "{text:?}: {reason}");
        assert!(reason.contains("head -c 32 /dev/urandom"), "says how to make a good one: {reason}");
    }
    assert!(reason(&(line(1, 1) + "\n\nbad")).starts_with("line 4:"), "says where");
}

#[test]
fn a_key_is_never_printed() {
    let text = line(7, 1);
    let keys = Keys::parse(&text, "the test").expect("keys");
    let secret = Random::seeded(1).bytes::<32>();
    let shown = format!("{keys:?}");
    assert!(!shown.contains(text.trim()) && !shown.contains(&format!("{:?}", secret)), "{shown}");
    assert!(shown.contains("Secret(..)"), "{shown}");
    let wrong = format!("{}\n1:{}", text, URL_SAFE_NO_PAD.encode([5; 31]));
    assert!(!reason(&wrong).contains(&URL_SAFE_NO_PAD.encode([5; 31])), "not even a wrong one");
}

/// A key file for its owner only.
fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("written");
    fs::set_permissions(file, Permissions::from_mode(0o600)).expect("its mode");
}

fn told(keys: Result<Keys, Error>) -> String {
    match keys {
        Err(Error::Keys { from, reason }) => {
            assert!(["keys", "pipe"].iter().any(|name| from.ends_with(name)), "{from}");
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_file_is_made_for_its_owner_only_and_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    let random = Random::seeded(3);
    Keys::load_or_create(&file, &random).expect("keys");
    let mode = fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&file).expect("the file");
    assert!(text.starts_with("1:") && text.ends_with('\n'), "{text:?}");
    Keys::load(&file).expect("the same keys");
    Keys::load_or_create(&file, &random).expect("the same keys");
    assert_eq!(fs::read_to_string(&file).expect("the file"), text, "it was not written again");
    write(&file, "1:short");
    assert!(told(Keys::load_or_create(&file, &random)).starts_with("line 1:"));
    let names: Vec<_> = fs::read_dir(folder.path()).expect("names").flatten().collect();
    assert_eq!(names.len(), 1, "nothing else is left: {names:?}");
    // They are written under another name, which something else has here.
    let half = folder.path().join("half");
    fs::create_dir(folder.path().join(format!("half.{}.new", std::process::id()))).expect("a folder");
    assert!(matches!(Keys::load_or_create(&half, &random), Err(Error::Keys { .. })));
    assert!(!half.exists(), "keys or none");
    let missing = folder.path().join("no/such/folder/keys");
    assert!(matches!(Keys::load_or_create(&missing, &random), Err(Error::Keys { .. })));
}

#[test]
fn keys_that_are_missing_are_made_for_whoever_says_so_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    assert!(told(Keys::load(&file)).contains("no such file"));
    assert!(!file.exists(), "nothing was written");
    write(&file, &line(1, 1));
    let keys = Keys::load(&file).expect("keys");
    fs::remove_file(&file).expect("removed");
    assert!(told(keys.reload(&file).map(|()| keys.clone())).contains("no such file"));
    assert!(!file.exists(), "nor by reading again");
}

#[test]
fn a_pipe_that_nobody_writes_into_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let keys = Keys::random(&Random::seeded(1));
    fs::create_dir(folder.path().join("keys")).expect("a folder");
    for odd in [pipe, folder.path().join("keys")] {
        let reason = told(keys.reload(&odd).map(|()| keys.clone()));
        assert!(reason.contains("expected a file with keys"), "{reason}");
    }
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    write(&file, &line(1, 1));
    let keys = Keys::load(&file).expect("keys");
    for mode in [0o640, 0o604, 0o644, 0o660, 0o620, 0o602, 0o610, 0o777] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("its mode");
        let reason = told(Keys::load(&file));
        let chmod = format!("chmod 600 {}", file.display());
        assert!(reason.contains(&chmod) && reason.contains(&format!("{mode:03o}")), "{reason}");
        told(Keys::load_or_create(&file, &Random::seeded(1)));
        told(keys.reload(&file).map(|()| keys.clone()));
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("its mode");
        assert!(Keys::load(&file).is_ok(), "{mode:o}");
    }
}

fn tokens(node: &Node, session: &Arc<Session>) -> String {
    node.token(session, &Token { page: node.page_id(), path: "/".into() })
}

#[tokio::test]
async fn keys_are_rotated_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    write(&file, &line(1, 1));
    let keys = Keys::load(&file).expect("keys");
    let node = node(keys.clone()).await;
    let session = node.sessions().create();
    let (cookie, token) = (node.sessions().cookie(&session), tokens(&node, &session));

    write(&file, &(line(2, 2) + &line(1, 1)));
    keys.reload(&file).expect("reloaded");
    assert!(node.sessions().open(&cookie).await.expect("the store").is_some(), "the old cookie is good");
    assert!(node.read_token(&session, &token).is_ok(), "the old token is good");
    let (new_cookie, new_token) = (node.sessions().cookie(&session), tokens(&node, &session));
    assert_ne!(new_cookie, cookie);

    write(&file, "nonsense");
    assert!(keys.reload(&file).is_err());
    assert!(node.read_token(&session, &new_token).is_ok(), "a bad file changes nothing");

    write(&file, &line(2, 2));
    keys.reload(&file).expect("reloaded");
    assert!(
        node.sessions().open(&cookie).await.expect("the store").is_none(),
        "the old key has left the ring"
    );
    assert!(node.read_token(&session, &token).is_err());
    assert!(node.sessions().open(&new_cookie).await.expect("the store").is_some());
    assert!(node.read_token(&session, &new_token).is_ok());
}

#[test]
#[ignore = "run by the test below, with the variable set"]
fn child() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    let loaded = Keys::load_or_create(&file, &Random::default());
    assert!(!file.exists(), "the variable wins over the file, which is not made");
    assert!(loaded.is_ok(), "{loaded:?}");
}

#[test]
fn the_variable_wins_over_the_file() {
    let run = |value: &str| {
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--exact", "child", "--ignored"]).env(n2o::KEYS_VARIABLE, value);
        child.output().expect("it runs").status.success()
    };
    assert!(run(&line(1, 1)));
    assert!(!run("1:short"), "and is refused when it is weak, without falling back");
}

/// A connection that hears nothing, and notes how it is closed.
#[derive(Clone)]
struct Line(tokio::sync::mpsc::UnboundedSender<u16>);

impl Channel for Line {
    fn poll_recv(&mut self, _: &mut Context<'_>) -> Poll<Option<Incoming>> {
        if self.0.is_closed() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn poll_send(&mut self, _: &mut Context<'_>, frame: &mut Option<Bytes>) -> Poll<Result<(), Gone>> {
        frame.take();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, code: u16, _: &'static str) -> Poll<()> {
        self.0.send(code).expect("the test listens");
        Poll::Ready(())
    }
}

/// A page that says nothing.
struct Mute;

impl Protocol for Mute {
    fn name(&self) -> &'static str {
        "page"
    }

    fn claims(&self) -> &'static [u8] {
        &[EVENT]
    }

    fn event<'a>(&'a mut self, _: &'a Event<'a>, _: &'a mut Dispatch) -> Later<'a> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_key_that_is_gone_are_told_to_sign_in_again_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys");
    write(&file, &line(1, 1));
    let keys = Keys::load(&file).expect("keys");
    let node = node(keys.clone()).await;
    let mut closed = Vec::new();
    let mut open = || {
        let session = node.sessions().create();
        let _cookie = node.sessions().cookie(&session);
        let page = node.page_id();
        node.wait(Box::new(Mute), Dispatch::new(&node, Arc::clone(&session), page, "/", Vec::new(), "en"));
        let (code, codes) = tokio::sync::mpsc::unbounded_channel();
        let connection = Connection::new(Box::new(Line(code)), Format::Cbor);
        node.connect(&Token { page, path: "/".into() }, connection, || unreachable!("the page waits"));
        closed.push(codes);
        session
    };
    let old = open();
    write(&file, &(line(2, 2) + &line(1, 1)));
    keys.reload(&file).expect("reloaded");
    let new = open();
    assert!(!old.ended() && !new.ended(), "a key that came ends nobody");
    write(&file, &line(2, 2));
    keys.reload(&file).expect("reloaded");
    assert!(old.ended() && !new.ended(), "the old key has left the ring");
    // The page's task has not run yet: it is told, too, as one that is on its way.
    assert_eq!(closed[0].recv().await, Some(4401));
    // All keys are replaced, under the same id.
    write(&file, &line(2, 3));
    keys.reload(&file).expect("reloaded");
    assert!(new.ended());
    assert_eq!(closed[1].recv().await, Some(4401));
}
