//! What the framework itself says to a user, in English and Ukrainian.

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

pub(crate) fn name(lang: &str) -> &'static str {
    choose(lang, "A name has 1 to 64 characters.", "Ім'я має від 1 до 64 знаків.")
}

pub(crate) fn password(lang: &str) -> &'static str {
    choose(lang, "A password has at least 8 characters.", "Пароль має щонайменше 8 знаків.")
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
