//! Topics as the contexts of pages see them: who is registered, and who is present.

use n2o::{Clock, Dispatch, Keys, Limits, Node, Random};

async fn node() -> Node {
    let store = kvs::Store::open("memory:").await.expect("a store");
    let random = Random::seeded(1);
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(0), random)
}

fn page(node: &Node) -> Dispatch {
    Dispatch::new(node, node.sessions().create(), node.page_id(), "/", Vec::new(), "en")
}

#[tokio::test]
async fn a_page_counts_once_and_leaves_with_its_context() {
    let node = node().await;
    let (mut ann, mut bob) = (page(&node), page(&node));
    ann.reg("a");
    ann.reg("a");
    ann.reg("b");
    bob.reg("a");
    let count = |topic| node.registry().count(topic);
    assert_eq!((count("a"), count("b"), count("c")), (2, 1, 0));
    ann.unreg("a");
    ann.unreg("a");
    ann.unreg("never");
    assert_eq!(count("a"), 2, "a handler leaves when it has ended well");
    ann = ann.commit().await.expect("commit");
    assert_eq!((count("a"), count("b")), (1, 1));
    drop(ann);
    assert_eq!((count("a"), count("b")), (1, 0));
    drop(bob);
    assert_eq!(count("a"), 0);
}

#[tokio::test]
async fn a_name_is_present_while_any_of_its_pages_is() {
    let node = node().await;
    let present = || node.registry().present("a").join(" ");
    let (mut one, mut two, mut bob) = (page(&node), page(&node), page(&node));
    one.join("a", "Ann");
    two.join("a", "Ann");
    bob.join("a", "Bob");
    assert_eq!(present(), "Ann Bob");
    two.join("a", "Ann");
    one.unreg("a");
    one = one.commit().await.expect("commit");
    assert_eq!(present(), "Ann Bob");
    two.join("a", "Anna");
    assert_eq!(present(), "Anna Bob", "a name changes with its page");
    bob.reg("a");
    assert_eq!(present(), "Anna", "registered without a name");
    assert_eq!(node.registry().count("a"), 2);
    drop((one, two, bob));
    assert_eq!((present().as_str(), node.registry().count("a")), ("", 0));
}

#[tokio::test]
async fn what_a_failed_handler_joined_and_left_is_as_before() {
    let node = node().await;
    let mut page = page(&node);
    page.join("old", "Ann");
    page = page.commit().await.expect("commit");
    page.join("new", "Ann");
    page.unreg("old");
    let page = page.rollback();
    let _page = page.commit().await.expect("commit");
    assert_eq!((node.registry().count("old"), node.registry().count("new")), (1, 0));
}
