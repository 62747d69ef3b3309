//! Renderings read: also those that an application has kept, cut or put together itself.

use std::any::TypeId;

use maud::{Render, html};
use proptest::prelude::*;

use super::*;
use crate::{
    Raw,
    event::Never,
    lang::text,
    scope::{self, marked},
    tags::*,
};

fn rendering(nonce: u8, render: impl FnOnce() -> String) -> Marked {
    marked([nonce; 6], TypeId::of::<Never>(), None, None, render)
}

fn read(marked: Marked) -> Draft {
    Draft::new(marked, &NONE, Keying::default(), text("en"))
}

fn draft(render: impl FnOnce() -> String) -> Draft {
    read(rendering(1, render))
}

fn shown(draft: &Draft) -> String {
    draft.html(0, &mut |id, _| format!("seal of {id}"))
}

fn ids(draft: &Draft) -> Vec<&str> {
    (1..draft.nodes.len()).map(|node| draft.id(node)).collect()
}

#[test]
fn two_ids_with_one_key_are_parted() {
    let mut parted = 0;
    for page in 0..50 {
        let list = || html! { @for row in 0..6 { (span().id(format!("{page}.{row}"))) } }.into_string();
        let mut draft = Draft::new(rendering(1, list), &NONE, Keying::weak(4), text("en"));
        parted += usize::from(draft.has_twins(&NONE));
        draft.part_twins();
        let mut keys: Vec<u64> = draft.nodes.iter().map(|node| node.key).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
        // The next rendering has the same keys, of which nothing needs to be parted.
        let next = Draft::new(rendering(2, list), &draft.nodes, draft.keying, text("en"));
        assert!(!next.has_twins(&draft.nodes) && next.nodes == draft.nodes);
    }
    assert!(parted > 0, "16 keys cannot do for 50 times 6 ids");
}

#[test]
fn one_id_that_comes_in_is_looked_for_among_all() {
    let list = |last: usize| {
        html! { @for row in (0..8).chain([last]) { (span().id(format!("r{row}"))) } }.into_string()
    };
    let read = |keying, last| Draft::new(rendering(1, || list(last)), &NONE, keying, text("en"));
    let clashes = |draft: &Draft| draft.nodes.clash(&NONE, |_, _| true);
    let mut salts = std::iter::successors(Some(Keying::weak(6)), |keying| Some(keying.next()));
    let old = salts.find_map(|keying| Some(read(keying, 9)).filter(|old| !clashes(old))).expect("a salt");
    let mut parted = false;
    for last in 100..200 {
        let mut new = read(old.keying, last);
        parted |= new.has_twins(&old.nodes);
        new.part_twins();
        assert!(!clashes(&new));
    }
    assert!(parted, "9 of 64 keys are taken");
}

#[test]
fn there_is_no_last_element() {
    let count = 70_000;
    let draft = draft(|| html! { @for row in 0..count { (span().id(format!("r{row}"))) } }.into_string());
    assert_eq!(draft.nodes.len(), count + 1);
    assert_eq!(draft.nodes.size(0), count + 1);
    assert_eq!(draft.id(count), "r69999");
}

#[test]
fn markup_of_another_rendering_shows_and_is_not_known() {
    let kept =
        rendering(7, || panel().id("a").body(html! { (span().id("b").text("`")) }).render().into_string());
    let draft = draft(|| html! { (Raw(kept.raw)) (p().id("c")) }.into_string());
    assert_eq!(ids(&draft), ["c"]);
    assert_eq!(shown(&draft), r#"<div id="a"><span id="b">`</span></div><p id="c"></p>"#);
    assert_eq!(draft.foreign().count(), 0);
}

#[test]
fn a_control_of_another_rendering_says_so() {
    for (lang, words) in [("en", "made for another page"), ("uk", "\u{456}\u{43d}\u{448}\u{43e}\u{457}")] {
        let kept = rendering(7, || textbox("name").value("\"x").render().into_string());
        let marked = rendering(1, || kept.raw);
        let draft = Draft::new(marked, &NONE, Keying::default(), text(lang));
        assert_eq!(draft.foreign().collect::<Vec<_>>(), ["name"]);
        let html = shown(&draft);
        let start = r#"<input type="text" id="name" name="name" disabled aria-disabled="true" title=""#;
        assert!(html.starts_with(start) && html.contains(words) && !html.contains("data-"), "{html}");
    }
}

#[test]
fn what_is_put_in_twice_is_known_once() {
    let draft = draft(|| {
        let once = span().id("a").text("x").render();
        html! { (once) (once) }.into_string()
    });
    assert_eq!(ids(&draft), ["a"]);
    assert_eq!(shown(&draft), r#"<span id="a">x</span><span id="a">x</span>"#);
}

#[test]
fn what_stands_behind_the_rest_of_a_disabled_element_is_disabled() {
    let draft = draft(|| {
        let fence = fieldset().id("fence").disabled(true).body(html! { "words" (textbox("in")) });
        let cut = fence.render().into_string().replace("words", "more words");
        panel().id("all").body(html! { (Raw(cut)) (textbox("behind")) }).render().into_string()
    });
    assert_eq!(ids(&draft), ["all", "in", "behind"]);
    let disabled = |node: usize| draft.nodes.flags(node) & DISABLED != 0;
    assert_eq!([disabled(1), disabled(2), disabled(3)], [false, true, true]);
}

fn page(text: &str) -> String {
    html! {
        "before " (text)
        (panel().id("outer").class(text).body(html! {
            (text) (span().id("one").text(text)) (textbox("two").label(text).value(text)) p { (text) }
            (panel().id("inner").body(html! { (checkbox("three").checked(true)) "\u{456}" }))
        }))
        (text) " after"
    }
    .into_string()
}

proptest! {
    #[test]
    fn no_text_is_a_mark(text in "[` a\"<&]{0,6}(data-n=\"`|data-n=&quot;`)?[A-Za-z0-9_\"`-]{0,14}") {
        // The number of a rendering is as bad as can be: the text has the right one.
        let known = draft(|| page("x"));
        let digits = scope::marks(&known.raw).next().map(|mark| mark.nonce).expect("a mark");
        let nonce = String::from_utf8_lossy(&digits).into_owned();
        let text = format!("{text} data-n=\"`{nonce}AAAAAc\"");
        let draft = draft(|| page(&text));
        prop_assert_eq!(ids(&draft), ids(&known));
        prop_assert_eq!(shown(&draft), page(&text));
        let value = draft.value(2).map(|(_, value)| value.hash());
        prop_assert_eq!(value, Some(crate::hash::of(text.as_bytes())));
    }

    #[test]
    fn a_rendering_may_be_cut_anywhere(from in 0..700_usize, len in 0..700_usize, again in any::<bool>()) {
        let draft = draft(|| {
            let whole = page("x `");
            let end = (from + len).min(whole.len());
            let cut = String::from_utf8_lossy(&whole.as_bytes()[from.min(end)..end]).into_owned();
            if again { format!("{cut}{whole}") } else { format!("{whole}{cut}") }
        });
        let html = shown(&draft);
        prop_assert_eq!(scope::marks(&html).count(), 0);
        for node in 1..draft.nodes.len() {
            let html = draft.html(node, &mut |_, _| String::new());
            prop_assert!(html.starts_with('<') && html.ends_with('>'), "{}", html);
            prop_assert!(html.contains(draft.id(node)));
        }
    }
}
