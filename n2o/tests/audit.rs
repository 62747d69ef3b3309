//! The lines that an operator reads of sign-ins: who, from where, in which session, and no secret.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use n2o::{AccountLimits, Accounts, Clock, Dispatch, Keys, Limits, Node, Random, Session, Tries};

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines since the last time that say this.
    fn take(&self, what: &str) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("unpoisoned"));
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
    }
}

fn visitor(node: &Node, session: &Arc<Session>) -> Dispatch {
    let cx = Dispatch::new(node, Arc::clone(session), node.page_id(), "/", Vec::new(), "en");
    cx.from_address(Some("203.0.113.7".parse().expect("an address")))
}

async fn commit(mut cx: Dispatch) {
    let _ticket = cx.ticket("/").await.expect("a ticket");
    cx.commit().await.expect("the store");
}

fn says(lines: &[String], parts: &[&str]) {
    let [line] = lines else { panic!("one line, not {lines:?}") };
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(line.contains("client.address=\"203.0.113.7\"") && line.contains("session.key=\""), "{line}");
}

#[tokio::test]
async fn sign_ins_failures_ends_registrations_and_rights_are_told() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(lines).expect("the first");
    let (random, store) = (Random::seeded(1), kvs::Store::open("memory:").await.expect("store"));
    let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_000_000), random);
    let limits =
        AccountLimits { stranger: Tries::new(3, Duration::from_secs(60)), ..AccountLimits::default() };
    let accounts = Accounts::new(limits);

    let session = node.sessions().create();
    let mut cx = visitor(&node, &session);
    accounts.register(&mut cx, "Ann", "correct horse").await.expect("registered");
    assert_eq!(log.take("registered"), Vec::<String>::new(), "not before it is on disk");
    cx.login_as("Ann", &["clerk"]).await.expect("a name");
    commit(cx).await;
    let told = log.take("n2o::audit");
    says(&told[..1], &["account registered", "user=\"Ann\""]);
    says(&told[1..], &["signed in", "user=\"Ann\"", "roles=[\"clerk\"]", "proven=true"]);

    // What a stranger sends is escaped, and told once in a window with the number of the rest.
    let evil = "ann\u{202e}\n2026 WARN forged\u{1b}[2J\"";
    for _ in 0..2 {
        let mut cx = visitor(&node, &node.sessions().create());
        assert!(accounts.verify(&mut cx, evil, "correct horse").await.expect("asked").is_none());
    }
    says(
        &log.take(""),
        &["WARN", "sign-in failed", "held=0", "\\\\u{202e}\\\\n2026 WARN forged\\\\u{1b}[2J"],
    );
    node.clock().advance(Duration::from_secs(10));
    let mut cx = visitor(&node, &node.sessions().create());
    assert!(accounts.verify(&mut cx, evil, "correct horse").await.expect("asked").is_none());
    says(&log.take(""), &["sign-in failed", "held=1"]);
    for _ in 0..3 {
        assert!(accounts.verify(&mut cx, evil, "correct horse").await.is_err());
    }
    says(&log.take(""), &["sign-in braked", "held=0"]);

    let mut first = visitor(&node, &session);
    first.login("Ann").await.expect("a name");
    let ticket = first.ticket("/").await.expect("a ticket").expect("a login");
    first.commit().await.expect("the store");
    let (cookie, _) = node.sessions().trade(&session, &ticket.0).await.expect("traded");
    let session = node.sessions().open(&cookie).await.expect("the store").expect("a session");
    // The line names the session that ends, and the one that goes on.
    let told = log.take("signed in").concat();
    let next =
        told.split("session.next=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the next");
    let goes_on = format!("session.key=\"{next}\"");
    let mut cx = visitor(&node, &session);
    cx.set_roles(&["manager"]).expect("a user");
    cx.commit().await.expect("the store");
    says(&log.take(""), &["roles changed", "user=\"Ann\"", "before=[]", "roles=[\"manager\"]", &goes_on]);
    node.clock().advance(Duration::from_secs(10));
    let mut cx = visitor(&node, &session);
    cx.login("Bob").await.expect("a name");
    commit(cx).await;
    says(&log.take(""), &["signed in", "user=\"Bob\"", "before=\"Ann\""]);
    let mut cx = visitor(&node, &session);
    cx.logout();
    commit(cx).await;
    let lines = log.take("");
    says(&lines, &["signed out", "user=\"Ann\""]);
    let whole = &cookie[..8];
    assert!(!lines[0].contains(whole) && !lines[0].contains("correct horse"), "{lines:?}");

    // Guests come and go without a password, which is told once in a window; each sign-in with one is told.
    node.clock().advance(Duration::from_secs(10));
    let guest = async || {
        let mut cx = visitor(&node, &node.sessions().create());
        cx.login("Ann").await.expect("a name");
        commit(cx).await;
    };
    let holder = async || {
        let mut cx = visitor(&node, &node.sessions().create());
        accounts.verify(&mut cx, "Ann", "correct horse").await.expect("asked").expect("right");
        cx.login("Ann").await.expect("a name");
        commit(cx).await;
    };
    for _ in 0..5 {
        guest().await;
    }
    says(&log.take(""), &["signed in", "proven=false", "held=0"]);
    for _ in 0..3 {
        holder().await;
        says(&log.take(""), &["signed in", "proven=true", "held=0"]);
    }
    for _ in 0..5 {
        let mut cx = visitor(&node, &node.sessions().create());
        cx.logout();
        commit(cx).await;
    }
    says(&log.take(""), &["signed out", "held=0"]);
    node.clock().advance(Duration::from_secs(10));
    guest().await;
    says(&log.take(""), &["signed in", "proven=false", "held=4"]);
}
