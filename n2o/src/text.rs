//! What the framework itself says to a user, in English and Ukrainian.

use crate::name::{NameError, shown};

fn choose(lang: &str, en: &'static str, uk: &'static str) -> &'static str {
    if lang == "uk" { uk } else { en }
}

pub(crate) fn denied(lang: &str) -> &'static str {
    choose(lang, "You have no right to do this.", "У вас немає права на це.")
}

pub(crate) fn refused(lang: &str) -> &'static str {
    choose(
        lang,
        "This could not be done here any more. Please try again.",
        "Цього тут уже не можна зробити. Спробуйте ще раз.",
    )
}

pub(crate) fn too_long(lang: &str) -> &'static str {
    choose(
        lang,
        "This is too long to be sent. Nothing was changed.",
        "Це задовге, щоб надіслати. Нічого не змінено.",
    )
}

pub(crate) fn expired(lang: &str) -> &'static str {
    choose(
        lang,
        "This page was open for very long and has been renewed. Please try again.",
        "Сторінка була відкрита дуже довго, її оновлено. Спробуйте ще раз.",
    )
}

pub(crate) fn conflict(lang: &str) -> &'static str {
    choose(
        lang,
        "Someone else changed this at the same moment. Please try again.",
        "Хтось інший змінив це тієї ж миті. Спробуйте ще раз.",
    )
}

/// The rule that a name breaks.
pub(crate) fn name(lang: &str, wrong: NameError) -> String {
    let text = match wrong {
        NameError::Length => choose(lang, "A name has 1 to 64 characters.", "Ім'я має від 1 до 64 знаків."),
        NameError::Blank => choose(
            lang,
            "A name has no blanks at its ends, and single ones within.",
            "Ім'я не має пропусків на краях, а всередині лише поодинокі.",
        ),
        NameError::Letter => choose(
            lang,
            "A name has at least one letter or digit.",
            "Ім'я має щонайменше одну літеру чи цифру.",
        ),
        NameError::Character(_) => choose(
            lang,
            "A name is written with visible letters, digits and common signs; {} is none of them.",
            "Ім'я пишуть видимими літерами, цифрами та звичайними знаками; {} до них не належить.",
        ),
        NameError::Script(_) => choose(
            lang,
            "A name is written with letters of one script; {} is of another one than those before it.",
            "Ім'я пишуть літерами однієї писемності; {} належить не до тієї, що літери перед цим.",
        ),
        NameError::Reserved => choose(
            lang,
            "This name is kept for the system itself. Please choose another one.",
            "Це ім'я залишене для самої системи. Оберіть інше.",
        ),
    };
    match wrong {
        NameError::Character(c) | NameError::Script(c) => text.replace("{}", &shown(c)),
        _ => text.to_owned(),
    }
}

/// The rule that the name of an account breaks which was made before there was the rule.
pub(crate) fn rename(lang: &str, wrong: NameError) -> String {
    let text = choose(
        lang,
        "The password is right, but the account's name is not allowed any more. Give the account another name, \
         where this site lets you, or ask its administrators to. All else of it stays.",
        "Пароль правильний, але ім'я облікового запису вже не дозволене. Дайте запису інше ім'я, якщо цей сайт \
         має таку можливість, або попросіть про це його адміністраторів. Решта запису лишається.",
    );
    format!("{text} {}", name(lang, wrong))
}

pub(crate) fn short_password(lang: &str) -> &'static str {
    choose(lang, "A password has at least 8 characters.", "Пароль має щонайменше 8 знаків.")
}

pub(crate) fn long_password(lang: &str) -> &'static str {
    choose(lang, "A password has at most 1,024 characters.", "Пароль має щонайбільше 1024 знаки.")
}

pub(crate) fn registrations(lang: &str) -> &'static str {
    choose(
        lang,
        "Many accounts were made from here just now. Please wait a minute.",
        "Звідси щойно створили багато облікових записів. Зачекайте хвилину.",
    )
}

pub(crate) fn one_try(lang: &str) -> &'static str {
    choose(
        lang,
        "Your last try is still being checked. Please wait a moment.",
        "Вашу попередню спробу ще перевіряють. Зачекайте хвильку.",
    )
}

pub(crate) fn busy(lang: &str) -> &'static str {
    choose(
        lang,
        "Many people are signing in right now. Please try again in a few seconds.",
        "Зараз входить багато людей. Спробуйте ще раз за кілька секунд.",
    )
}

pub(crate) fn taken(lang: &str) -> &'static str {
    choose(lang, "This name is taken.", "Це ім'я зайняте.")
}

pub(crate) fn tries(lang: &str) -> &'static str {
    choose(lang, "Too many tries. Please wait a minute.", "Забагато спроб. Зачекайте хвилину.")
}

pub(crate) fn incident(lang: &str, incident: &str) -> String {
    let text = choose(
        lang,
        "Something went wrong; nothing was changed. Incident",
        "Сталася помилка; нічого не змінено. Інцидент",
    );
    format!("{text} {incident}.")
}

pub(crate) fn unknown(lang: &str, incident: &str) -> String {
    let text = choose(
        lang,
        "It is not known whether this was done. Look before you try again. Incident",
        "Невідомо, чи це зроблено. Перевірте, перш ніж повторювати. Інцидент",
    );
    format!("{text} {incident}.")
}

/// A text with the site of the failure that it is about, if that is told.
pub(crate) fn with_site(text: String, site: &str) -> String {
    if site.is_empty() { text } else { format!("{text} [{site}]") }
}
