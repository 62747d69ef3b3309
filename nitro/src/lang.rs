//! What nitro itself says to a user, in English and Ukrainian.

/// The sentences of one language.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) required: &'static str,
    pub(crate) number: &'static str,
    pub(crate) long: &'static str,
    pub(crate) off: &'static str,
    pub(crate) wait: &'static str,
}

const EN: Text = Text {
    required: "Please fill in this field.",
    number: "Please enter a number.",
    long: "This text is too long.",
    off: "No connection. Trying to reconnect.",
    wait: "No connection. What you did is kept and will be sent.",
};

const UK: Text = Text {
    required: "Заповніть це поле.",
    number: "Введіть число.",
    long: "Цей текст задовгий.",
    off: "Немає зв'язку. Відновлюємо.",
    wait: "Немає зв'язку. Ваші дії збережено, їх буде надіслано.",
};

/// The sentences of a language; English when it is not known.
pub(crate) fn text(lang: &str) -> &'static Text {
    if lang == "uk" { &UK } else { &EN }
}
