//! Everything the demo says to people, in English and Ukrainian. The framework's own sentences are not here.

/// The sentences that do not depend on a number.
#[derive(Debug)]
pub(crate) struct Text {
    uk: bool,
    pub(crate) home: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) counter: &'static str,
    pub(crate) counter_lead: &'static str,
    pub(crate) more: &'static str,
    pub(crate) chat: &'static str,
    pub(crate) chat_lead: &'static str,
    pub(crate) desk: &'static str,
    pub(crate) desk_lead: &'static str,
    pub(crate) login: &'static str,
    pub(crate) login_lead: &'static str,
    pub(crate) logged_in: &'static str,
    pub(crate) logout: &'static str,
    pub(crate) who: &'static str,
    pub(crate) guest_lead: &'static str,
    pub(crate) name: &'static str,
    pub(crate) room: &'static str,
    pub(crate) room_hint: &'static str,
    pub(crate) or_account: &'static str,
    pub(crate) account_lead: &'static str,
    pub(crate) account: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_hint: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) register: &'static str,
    pub(crate) new_name: &'static str,
    pub(crate) rename: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) no_room: &'static str,
    pub(crate) here: &'static str,
    pub(crate) you: &'static str,
    pub(crate) proven: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) empty_lead: &'static str,
    pub(crate) older: &'static str,
    pub(crate) far: &'static str,
    pub(crate) message: &'static str,
    pub(crate) messages: &'static str,
    pub(crate) send: &'static str,
    pub(crate) slower: &'static str,
}

const EN: Text = Text {
    uk: false,
    home: "Home",
    lead: "Screens that live on the server, written in Rust. The browser shows them and keeps what you type, \
           whatever happens to the connection.",
    counter: "Counter",
    counter_lead: "The smallest page there is: one number, one button.",
    more: "One more",
    chat: "Chat",
    chat_lead: "Rooms with history, who is here, and messages in the same order for everyone.",
    desk: "Order desk",
    desk_lead: "Records with their screens, and a process that carries an order from its form to a parcel.",
    login: "Login",
    login_lead: "As a guest with any name, or with an account and a password.",
    logged_in: "You are logged in as",
    logout: "Log out",
    who: "Who are you?",
    guest_lead: "Any name will do. No password is asked.",
    name: "Name",
    room: "Room",
    room_hint: "Empty: the lobby.",
    or_account: "With an account",
    account_lead: "Your name is then marked as yours.",
    account: "Account",
    password: "Password",
    password_hint: "At least 8 characters.",
    sign_in: "Sign in",
    register: "Register",
    new_name: "New name",
    rename: "Rename and sign in",
    wrong: "The name or the password is not right.",
    no_room: "A room's name has 1 to 64 characters.",
    here: "Here now",
    you: "you",
    proven: "signed in with a password",
    empty: "It is quiet here",
    empty_lead: "Say the first word. Everyone who enters this room will see it.",
    older: "Older messages",
    far: "One page shows no more than this.",
    message: "Message",
    messages: "Messages",
    send: "Send",
    slower: "You are writing very fast. Wait a few seconds, then send again.",
};

const UK: Text = Text {
    uk: true,
    home: "Головна",
    lead: "Екрани, що живуть на сервері й написані мовою Rust. Браузер показує їх і береже те, що ви пишете, \
           хоч би що сталося зі зв'язком.",
    counter: "Лічильник",
    counter_lead: "Найменша сторінка: одне число, одна кнопка.",
    more: "Ще один",
    chat: "Чат",
    chat_lead: "Кімнати з історією, списком присутніх і тим самим порядком повідомлень для всіх.",
    desk: "Стіл замовлень",
    desk_lead: "Записи з екранами та процес, що веде замовлення від форми до посилки.",
    login: "Вхід",
    login_lead: "Гостем під будь-яким ім'ям або з обліковим записом і паролем.",
    logged_in: "Ви увійшли як",
    logout: "Вийти",
    who: "Хто ви?",
    guest_lead: "Підійде будь-яке ім'я. Пароль не потрібен.",
    name: "Ім'я",
    room: "Кімната",
    room_hint: "Порожньо: загальна кімната.",
    or_account: "З обліковим записом",
    account_lead: "Тоді ваше ім'я позначено як ваше.",
    account: "Обліковий запис",
    password: "Пароль",
    password_hint: "Щонайменше 8 знаків.",
    sign_in: "Увійти",
    register: "Зареєструватися",
    new_name: "Нове ім'я",
    rename: "Перейменувати та увійти",
    wrong: "Ім'я або пароль неправильні.",
    no_room: "Назва кімнати має від 1 до 64 знаків.",
    here: "Зараз тут",
    you: "ви",
    proven: "увійшов з паролем",
    empty: "Тут тихо",
    empty_lead: "Скажіть перше слово. Його побачать усі, хто зайде до кімнати.",
    older: "Давніші повідомлення",
    far: "Одна сторінка показує не більше.",
    message: "Повідомлення",
    messages: "Повідомлення",
    send: "Надіслати",
    slower: "Ви пишете дуже швидко. Зачекайте кілька секунд і надішліть ще раз.",
};

/// The sentences of a language; English when it is not known.
pub(crate) fn text(lang: &str) -> &'static Text {
    if lang == "uk" { &UK } else { &EN }
}

impl Text {
    /// How many messages a room has.
    pub(crate) fn count(&self, count: u64) -> String {
        let word =
            self.plural(count, ["message", "messages"], ["повідомлення", "повідомлення", "повідомлень"]);
        format!("{} {word}", self.number(count))
    }

    /// How many people are in a room.
    pub(crate) fn people(&self, count: usize) -> String {
        let word = self.plural(count as u64, ["person", "people"], ["особа", "особи", "осіб"]);
        format!("{} {word}", self.number(count as u64))
    }

    /// How many people are not named.
    pub(crate) fn others(&self, count: usize) -> String {
        format!("{} {}", if self.uk { "і ще" } else { "and" }, self.number(count as u64))
            + if self.uk { "" } else { " more" }
    }

    /// What is wrong with a message that is too long.
    pub(crate) fn too_long(&self, length: usize, most: usize) -> String {
        let (length, most) = (self.number(length as u64), self.number(most as u64));
        if self.uk {
            format!(
                "Повідомлення має щонайбільше {most} знаків, а в цьому їх {length}. Надішліть його частинами."
            )
        } else {
            format!("A message has at most {most} characters, and this one has {length}. Send it in parts.")
        }
    }

    fn plural(&self, count: u64, en: [&'static str; 2], uk: [&'static str; 3]) -> &'static str {
        if !self.uk {
            return en[usize::from(count != 1)];
        }
        match (count % 10, count % 100) {
            (_, 11..=14) => uk[2],
            (1, _) => uk[0],
            (2..=4, _) => uk[1],
            _ => uk[2],
        }
    }

    fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut out = String::with_capacity(digits.len() * 4 / 3);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(if self.uk { '\u{a0}' } else { ',' });
            }
            out.push(digit);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_each_language_does() {
        let (en, uk) = (text("en"), text("uk"));
        assert_eq!(en.count(1), "1 message");
        assert_eq!(en.count(12_345), "12,345 messages");
        assert_eq!(uk.people(1), "1 особа");
        assert_eq!(uk.people(3), "3 особи");
        assert_eq!(uk.people(12), "12 осіб");
        assert_eq!(uk.people(22), "22 особи");
        assert_eq!(uk.count(1_005), "1\u{a0}005 повідомлень");
        assert_eq!(en.others(3), "and 3 more");
        assert_eq!(uk.others(3), "і ще 3");
    }
}
