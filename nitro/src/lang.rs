//! What nitro itself says to a user, in English and Ukrainian.

/// The sentences of one language.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) required: &'static str,
    pub(crate) number: &'static str,
    pub(crate) mend: &'static str,
}

const EN: Text = Text {
    required: "Please fill in this field.",
    number: "Please enter a number.",
    mend: "Please mend the marked fields.",
};

const UK: Text = Text {
    required: "Заповніть це поле.",
    number: "Введіть число.",
    mend: "Виправте позначені поля.",
};

/// The sentences of a language; English when it is not known.
pub(crate) fn text(lang: &str) -> &'static Text {
    if lang == "uk" { &UK } else { &EN }
}
