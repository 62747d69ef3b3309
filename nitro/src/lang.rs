//! What nitro itself says to a user, and the table in which a crate writes down its sentences.

/// A table of sentences, `name "English" "Ukrainian"` in each line, as `text(lang)` with a field for each name;
/// English when the language is not known. `{}` stands for what is filled in.
///
/// ```
/// nitro::texts! {
///     save "Save" "\u{417}\u{431}\u{435}\u{440}\u{435}\u{433}\u{442}\u{438}"
///     total "Found: {}" "\u{417}\u{43d}\u{430}\u{439}\u{434}\u{435}\u{43d}\u{43e}: {}"
/// }
///
/// assert_eq!(text("en").total.replace("{}", "3"), "Found: 3");
/// assert_ne!(text("uk").save, text("de").save);
/// ```
#[macro_export]
macro_rules! texts {
    ($($name:ident $en:literal $uk:literal)*) => {
        /// The sentences of one language.
        #[derive(Debug)]
        pub(crate) struct Text {
            $(pub(crate) $name: &'static str,)*
        }

        const EN: Text = Text { $($name: $en,)* };
        const UK: Text = Text { $($name: $uk,)* };

        /// The sentences of a language; English when it is not known.
        pub(crate) fn text(lang: &str) -> &'static Text {
            if lang == "uk" { &UK } else { &EN }
        }
    };
}

texts! {
    required "Please fill in this field." "Заповніть це поле."
    number "Please enter a number." "Введіть число."
    long "This text is too long." "Цей текст задовгий."
    bad "This is not complete, or cannot be read." "Це введено не повністю, або його неможливо прочитати."
    foreign "This control was made for another page." "Цей елемент створено для іншої сторінки."
    lost "What you did last could not be sent. Please look whether it has to be done again." "Останню дію не вдалося надіслати. Перевірте, чи не треба її повторити."
    denied "You may no longer use this page: somebody has signed in or out in another window, or your rights have changed. What you have typed is still here." "Ви більше не маєте доступу до цієї сторінки: в іншому вікні хтось увійшов чи вийшов, або змінилися ваші права. Введене вами залишилося тут."
    late "What you typed last was too late to be saved:" "Останнє введене не встигло зберегтися:"
    script "Without JavaScript forms can be sent, but other buttons do nothing, and the page shows no news." "Без JavaScript можна надсилати форми, але інші кнопки не працюють, і сторінка не оновлюється."
    off "No connection. Trying to reconnect." "Немає зв'язку. Відновлюємо."
    wait "No connection. What you did is kept and will be sent." "Немає зв'язку. Ваші дії збережено, їх буде надіслано."
}
