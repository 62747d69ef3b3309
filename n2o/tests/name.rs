//! Names: what is none, which are the same, and which only look so; named cases and generated ones.

use n2o::{Name, NameError};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn people_are_called_so() {
    let names = [
        "Ann",
        "ann@example.org",
        "O'Neil",
        "Jean-Luc",
        "Mary Ann",
        "user_7",
        "Andr\u{e9}",
        "Ngu\u{1ec5}n",
        "Stra\u{df}e",
        // Ukrainian, with the apostrophe that belongs to the word, and the typewriter's.
        "\u{41c}\u{430}\u{440}\u{2019}\u{44f}\u{43d}\u{430}",
        "\u{41c}\u{430}\u{440}'\u{44f}\u{43d}\u{430}",
        "\u{41e}\u{43b}\u{435}\u{43d}\u{430} \u{41f}\u{447}\u{456}\u{43b}\u{43a}\u{430}",
        // Greek, Hebrew, Arabic, Hindi, Chinese, Japanese in all three of its scripts and Latin, Korean.
        "\u{39d}\u{3af}\u{3ba}\u{3bf}\u{3c2}",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        "\u{645}\u{62d}\u{645}\u{62f}",
        "\u{930}\u{93e}\u{92e}",
        "\u{738b}\u{5c0f}\u{660e}",
        "\u{5c71}\u{7530} \u{3072}\u{308d}\u{30d2} Ken",
        "\u{ae40}\u{c601}\u{d76c}",
        "42",
        &"x".repeat(64),
    ];
    for text in names {
        assert_eq!(name(text).as_str(), text);
    }
}

#[test]
fn what_is_no_name_is_refused_with_its_reason() {
    let cases: [(&str, NameError); 26] = [
        ("", NameError::Length),
        (&"x".repeat(65), NameError::Length),
        (" ann", NameError::Blank),
        ("ann ", NameError::Blank),
        (" ", NameError::Blank),
        ("an  n", NameError::Blank),
        ("-", NameError::Letter),
        ("...", NameError::Letter),
        ("a\u{7}b", NameError::Character('\u{7}')),
        ("a\nb", NameError::Character('\n')),
        ("a\tb", NameError::Character('\t')),
        ("ann\u{0}", NameError::Character('\u{0}')),
        ("ann\u{7f}", NameError::Character('\u{7f}')),
        // No-break and wide blanks, zero-width ones, joiners, direction marks, soft hyphen, filler, tag.
        ("ann\u{a0}b", NameError::Character('\u{a0}')),
        ("ann\u{200b}", NameError::Character('\u{200b}')),
        ("an\u{200d}n", NameError::Character('\u{200d}')),
        ("\u{202e}nna", NameError::Character('\u{202e}')),
        ("an\u{ad}n", NameError::Character('\u{ad}')),
        ("ann\u{3164}", NameError::Character('\u{3164}')),
        ("ann\u{e0041}", NameError::Character('\u{e0041}')),
        // Private use, a noncharacter, and an unassigned one.
        ("ann\u{e000}", NameError::Character('\u{e000}')),
        ("ann\u{ffff}", NameError::Character('\u{ffff}')),
        // Cyrillic in a Latin name, Greek in a Latin one.
        ("\u{410}nn", NameError::Script('n')),
        ("p\u{3b1}ul", NameError::Script('\u{3b1}')),
        // The numero sign.
        ("\u{2116} 1", NameError::Character('\u{2116}')),
        // Full-width letters are the same as others and look nearly so.
        ("\u{ff21}nn", NameError::Character('\u{ff21}')),
    ];
    for (text, error) in cases {
        assert_eq!(Name::new(text), Err(error), "{text:?}");
    }
}

#[test]
fn nobody_is_called_as_the_system_is() {
    let names = [
        "system",
        "SYSTEM",
        "Engine",
        "the engine",
        "N2O",
        "anonymous",
        "server",
        // An rn for an m, and the engine in Ukrainian.
        "systern",
        "\u{420}\u{443}\u{448}\u{456}\u{439}",
    ];
    for text in names {
        assert_eq!(Name::new(text), Err(NameError::Reserved), "{text:?}");
    }
    assert!(Name::new("systemd").is_ok());
}

#[test]
fn the_same_name_in_other_letters_has_the_same_key() {
    let same = [
        ("ann", "ANN"),
        ("Stra\u{df}e", "STRASSE"),
        ("Stra\u{df}e", "stra\u{1e9e}e"),
        ("Andr\u{e9}", "ANDRE\u{301}"),
        ("\u{39d}\u{3af}\u{3ba}\u{3bf}\u{3c2}", "\u{39d}\u{38a}\u{39a}\u{39f}\u{3a3}"),
        ("\u{41e}\u{43b}\u{435}\u{43d}\u{430}", "\u{43e}\u{43b}\u{435}\u{43d}\u{430}"),
    ];
    for (one, two) in same {
        assert_eq!(name(one).key(), name(two).key(), "{one} {two}");
        assert!(name(one).is_like(&name(two)));
    }
    assert_eq!(name("ANDRE\u{301}").as_str(), "ANDR\u{c9}", "composed");
}

#[test]
fn names_that_look_alike_are_found() {
    let alike = [
        ("lan", "Ian"),
        ("Rnax", "rnax"),
        ("max", "rnax"),
        ("B0B", "BOB"),
        // Cyrillic throughout, and Latin throughout.
        ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
        ("\u{41c}\u{430}\u{440}\u{2019}\u{44f}\u{43d}\u{430}", "\u{41c}\u{430}\u{440}'\u{44f}\u{43d}\u{430}"),
    ];
    for (one, two) in alike {
        assert!(name(one).is_like(&name(two)) && name(two).is_like(&name(one)), "{one} {two}");
    }
    for (one, two) in [("ann", "anna"), ("Ann", "Bob"), ("Andr\u{e9}", "Andre"), ("user_7", "user_1")] {
        assert!(!name(one).is_like(&name(two)), "{one} {two}");
    }
}

/// Letters of one script, among them such as look like others and such as fold to several.
fn letters() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9._@'-]{1,24}",
        "[a-z\u{df}-\u{f6}\u{f8}-\u{17e}]{1,24}",
        "[\u{400}-\u{45f}\u{490}\u{491}]{1,24}",
        "[\u{391}-\u{3a1}\u{3a3}-\u{3a9}\u{3b1}-\u{3c9}]{1,24}",
        "[\u{4e00}-\u{4fff}\u{3041}-\u{3096}]{1,24}",
    ]
}

proptest! {
    #[test]
    fn a_name_is_stable(text in letters()) {
        let Ok(name) = Name::new(&text) else { return Ok(()) };
        prop_assert_eq!(&Name::new(name.as_str()), &Ok(name.clone()), "checked again it is the same");
        prop_assert!(name.is_like(&name));
        for other in [text.to_uppercase(), text.to_lowercase()] {
            if let Ok(other) = Name::new(&other) {
                prop_assert!(other.is_like(&name), "{} {}", other, name);
            }
        }
    }

    #[test]
    fn what_nobody_sees_is_refused_wherever_it_stands(
        text in letters(),
        at in any::<prop::sample::Index>(),
        hidden in prop_oneof![
            Just('\u{ad}'), Just('\u{34f}'), Just('\u{61c}'), Just('\u{115f}'), Just('\u{180e}'), Just('\u{3164}'),
            Just('\u{feff}'), Just('\u{ffa0}'), Just('\u{2800}'), Just('\u{a0}'), Just('\u{3000}'),
            prop::char::range('\u{200b}', '\u{200f}'), prop::char::range('\u{202a}', '\u{202e}'),
            prop::char::range('\u{2060}', '\u{206f}'), prop::char::range('\u{fe00}', '\u{fe0f}'),
            prop::char::range('\u{e0000}', '\u{e0fff}'), prop::char::range('\u{0}', '\u{1f}'),
            prop::char::range('\u{7f}', '\u{9f}'), prop::char::range('\u{e000}', '\u{f8ff}'),
            prop::char::range('\u{f0000}', '\u{10ffff}'),
        ],
    ) {
        let mut chars: Vec<char> = text.chars().collect();
        chars.insert(at.index(chars.len() + 1), hidden);
        let text: String = chars.into_iter().collect();
        prop_assert!(Name::new(&text).is_err(), "{text:?}");
    }

    #[test]
    fn latin_is_mixed_with_no_letter_of_cyrillic_or_greek(
        text in "[a-z]{1,12}",
        other in prop_oneof![
            prop::char::range('\u{400}', '\u{45f}'), prop::char::range('\u{3b1}', '\u{3c9}'),
        ],
        at in any::<prop::sample::Index>(),
    ) {
        let mut text = text;
        text.insert(at.index(text.len() + 1), other);
        match Name::new(&text) {
            // A few letters of these are in no name.
            Err(NameError::Character(never)) => prop_assert_eq!(never, other),
            refused => prop_assert!(matches!(refused, Err(NameError::Script(_))), "{:?}", refused),
        }
    }

    #[test]
    fn any_text_is_a_name_or_is_not_and_nothing_breaks(text in any::<String>()) {
        if let Ok(name) = Name::new(&text) {
            prop_assert!(name.as_str().chars().all(|c| !c.is_control() && !c.is_whitespace() || c == ' '));
            prop_assert!(name.as_str().chars().count() <= Name::MAX && !name.key().is_empty());
        }
    }
}

#[test]
fn names_that_look_the_same_in_capitals_are_alike() {
    for reserved in ["N20", "n20", "ENGlNE", "ANONYM0US", "SYSTEM", "THE ENGlNE"] {
        assert!(Name::new(reserved).is_err(), "{reserved}");
    }
    let bill = Name::new("bill").expect("a name");
    assert!(Name::new("BlLL").expect("a name").is_like(&bill));
    assert!(!Name::new("Bell").expect("a name").is_like(&bill));
}

#[test]
fn the_character_by_which_a_text_is_no_name_is_told() {
    let told = |text: &str| Name::new(text).expect_err(text).to_string();
    for (text, character) in [
        ("\u{2116} 1", "not with \u{2116} (U+2116)"),
        ("ann\u{200b}", "not with U+200B"),
        ("a\nb", "not with U+000A"),
        ("ann\u{3164}", "not with U+3164"),
        ("ann\u{e0041}", "not with U+E0041"),
        ("p\u{3b1}ul", "and \u{3b1} (U+03B1) is of another"),
    ] {
        assert!(told(text).contains(character), "{}", told(text));
    }
}
