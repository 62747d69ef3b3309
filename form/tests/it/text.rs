//! Texts: one rule for all ways in, which are a page, a program's record, a program's process and a file.

use bpe::Engine;
use form::{
    Card, Date, Form, Labels, Records, Who,
    process::{ProcessForm, Processes},
    rest::{self, Call},
};
use kvs::Store;
use nitro::test::TestApp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    app::{app, open},
    leave::FILE,
};

const LABELS: Labels = Labels::new(
    "key | en | uk
     person | People | Люди
     number | Number | Номер
     name | Name | Ім’я
     mail | Mail | Пошта
     tel | Telephone | Телефон
     about | About | Про
     since | Since | З
     days | Days | Дні",
);

#[derive(Clone, Debug, Default, Serialize, Deserialize, Form)]
#[form(table = "person", labels = LABELS, public)]
#[serde(default)]
struct Person {
    #[form(id, auto)]
    number: u32,
    #[form(required, title, length = 2..=10)]
    name: String,
    #[form(email)]
    mail: String,
    #[form(phone)]
    tel: String,
    #[form(lines)]
    about: String,
    since: Option<Date>,
    days: u32,
}

async fn people() -> (TestApp, Store) {
    let (app, store) = app(vec![]).await;
    (app.page::<Card<Person>>("/people/{id}"), store)
}

fn of(field: &str, text: &str) -> Value {
    let mut body = json!({ "name": "Ada", "days": 1 });
    body[field] = text.into();
    body
}

/// What a record keeps of a text, by each way in, or the code of what is wrong with it.
async fn ways(field: &str, text: &str) -> Vec<(&'static str, Result<Value, String>)> {
    let (app, store) = people().await;
    let engine = Engine::builder(&store).open().await.unwrap();
    engine.deploy(FILE).await.unwrap();
    let processes = Processes::new(engine).form("ask", ProcessForm::record::<Person>("ask"));
    let who = Who::new("olena", &["clerk"]);
    let mut all = Vec::new();

    let mut txn = store.txn();
    let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
    let made = rest::create(Records::of::<Person>(), call, &of(field, text)).await.unwrap();
    all.push(("record", made.map(|reply| reply.body[field].clone()).map_err(|it| it.errors[0].code.clone())));
    drop(txn);

    let mut txn = store.txn();
    let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
    let started = rest::process::start(&processes, call, "leave", &of(field, text)).await.unwrap();
    let kept = match started {
        Ok(_) => {
            Ok(serde_json::to_value(txn.get::<Person>("1").await.unwrap().unwrap()).unwrap()[field].clone())
        }
        Err(problem) => Err(problem.errors[0].code.clone()),
    };
    all.push(("process", kept));
    drop(txn);

    let spec = Person::spec();
    let read = spec.document.field(field).unwrap().typed(text, "en");
    let read = read.map_err(|fault| fault.code());
    if field != "name" || read != Ok("".into()) {
        all.push(("file", read));
    }

    let mut page = open(&app, "olena", "clerk", "/people/new?do=create").await;
    page.fill("name", "Ada");
    page.fill("days", "1");
    page.fill(field, text);
    page.click("f.save").await;
    let kept = store.txn().get::<Person>("1").await.unwrap();
    all.push((
        "page",
        match kept {
            Some(person) => Ok(serde_json::to_value(person).unwrap()[field].clone()),
            None => Err(page.text(&format!("{field}.e"))),
        },
    ));
    all
}

/// Asserts that each way keeps this of a text.
async fn keeps(field: &str, text: &str, kept: &str) {
    for (way, found) in ways(field, text).await {
        assert_eq!(found, Ok(kept.into()), "{field} {text:?} by the {way}");
    }
}

/// Asserts that each way refuses a text: programs are told the code, people the sentence.
async fn refuses(field: &str, text: &str, code: &str, sentence: &str) {
    for (way, found) in ways(field, text).await {
        let expected = if way == "page" { sentence } else { code };
        assert_eq!(found, Err(expected.to_owned()), "{field} {text:?} by the {way}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_sees_is_none() {
    for unseen in [
        "\u{200b}\u{200b}",
        "\u{1}\u{2}",
        "\u{feff}",
        " \u{2060}\u{a0}",
        "\u{202e}",
        "\u{3164}\u{3164}",
        "\u{2800}",
    ] {
        refuses("name", unseen, "required", "Please fill in this field.").await;
    }
}

#[tokio::test]
async fn a_text_that_turns_the_direction_is_refused_and_it_says_where() {
    let sentence = "There is an invisible character (U+202E) behind \u{201c}Ada\u{201d}. Please delete it.";
    refuses("name", "Ada\u{202e}nik", "character", sentence).await;
    refuses("about", "Ada\u{202e}nik", "character", sentence).await;
    let first = "There is an invisible character (U+202D) at the beginning. Please delete it.";
    refuses("name", "\u{202d}Adanik", "character", first).await;
    let fault = Person::spec().document.field("name").unwrap().typed("Ada\u{202e}nik", "uk").unwrap_err();
    let sentence = fault.text(Person::spec(), "name", "uk");
    assert_eq!(sentence, "\u{41d}евидимий символ (U+202E) за «Ada». Приберіть його.");
}

#[tokio::test]
async fn a_text_with_control_or_zero_width_characters_is_refused() {
    for (text, code) in [("Ad\0a", "0000"), ("Ad\u{200b}a", "200B"), ("Ad\u{1b}a", "001B"), ("Ad\ta", "0009")]
    {
        let sentence = format!(
            "There is an invisible character (U+{code}) behind \u{201c}Ad\u{201d}. Please delete it."
        );
        refuses("name", text, "character", &sentence).await;
    }
    let line = "This is one line: please remove the line break.";
    for text in ["Ad\na", "Ad\r\na", "Ad\u{2028}a"] {
        refuses("name", text, "character", line).await;
    }
}

#[tokio::test]
async fn a_text_is_composed_and_trimmed() {
    keeps("name", "Kra\u{301}l\u{30c}", "Kráľ").await;
    keeps("name", " \u{a0}Ada\u{3000}\t", "Ada").await;
    keeps("name", "\u{feff}Ada\u{200b}", "Ada").await;
    // Ten characters, and twenty before they are composed.
    keeps("name", &"\u{438}\u{306}".repeat(10), &"й".repeat(10)).await;
}

#[tokio::test]
async fn lines_keep_their_breaks_and_tabs() {
    keeps("about", "\n a\r\n\tb\rc\u{2028}d\n\n", "a\n\tb\nc\nd").await;
}

#[tokio::test]
async fn scripts_and_emoji_keep_the_joiners_that_they_need() {
    for text in [
        "می\u{200c}خواهم",
        "ක්\u{200d}ෂ",
        "क्\u{200d}ष",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
        "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "葛\u{e0100}城",
        "1\u{fe0f}\u{20e3} a",
    ] {
        keeps("name", text, text).await;
    }
    for text in ["Ad\u{200d}a", "Ad\u{200c}a", "Ad\u{fe0f}a", "Ad\u{e0061}a", "می\u{200c}\u{200c}خ"] {
        let found = ways("name", text).await;
        assert!(found.iter().all(|(_, found)| found.is_err()), "{found:?}");
    }
}

#[tokio::test]
async fn a_phone_of_separators_is_refused() {
    let sentence = "Please enter a telephone number, such as +380 44 123 45 67.";
    for phone in
        ["-----.....12345", "12345-----", "12--345", "((12345))", "12345 6)", "+-12345", "12345+", "1234"]
    {
        refuses("tel", phone, "phone", sentence).await;
    }
}

#[tokio::test]
async fn a_phone_with_other_blanks_and_hyphens_is_kept_with_the_usual_ones() {
    keeps("tel", "+380\u{a0}44\u{a0}123\u{2011}45\u{2011}67", "+380 44 123-45-67").await;
    keeps("tel", "\u{202a}+380 (44) 123\u{2013}45\u{2013}67\u{202c}", "+380 (44) 123-45-67").await;
    keeps("tel", "+380\u{2009}44  123\t45 67", "+380 44 123 45 67").await;
    keeps("tel", "\u{ff0b}\u{ff13}\u{ff18}\u{ff10} 441234567", "+380 441234567").await;
}

#[tokio::test]
async fn an_international_address_is_taken() {
    keeps("mail", "user@bücher.example", "user@bücher.example").await;
    keeps("mail", "користувач@приклад.укр", "користувач@приклад.укр").await;
    keeps("mail", "user@bu\u{308}cher.example", "user@bücher.example").await;
    keeps("mail", "user@xn--bcher-kva.example", "user@bücher.example").await;
    keeps("mail", " a@b.ua ", "a@b.ua").await;
    let sentence = "Please enter an e-mail address, such as name@example.org.";
    for mail in ["a", "a@b", "a@-b.ua", "a@b..ua", "a@xn--\u{430}.ua", "a@b.ua@c.ua", "☎@b.ua"] {
        refuses("mail", mail, "email", sentence).await;
    }
    let sentence = "There is an invisible character (U+200B) behind \u{201c}a@b\u{201d}. Please delete it.";
    refuses("mail", "a@b\u{200b}c.ua", "character", sentence).await;
}

#[tokio::test]
async fn a_date_is_of_the_years_that_a_page_can_show() {
    for date in ["-004000-01-01", "0000-01-01", "+010000-01-01"] {
        refuses("since", date, "date", "Please enter a date.").await;
    }
    keeps("since", "0001-01-01", "0001-01-01").await;
    keeps("since", "9999-12-31", "9999-12-31").await;
}

#[tokio::test]
async fn a_paste_that_is_too_long_is_never_cut_without_a_word() {
    for (way, found) in ways("name", &"x".repeat(11)).await {
        match way {
            // A file is read without the rules, which run over the record.
            "file" => assert_eq!(found, Ok("x".repeat(11).into())),
            "page" => assert_eq!(found, Err("At most 10 characters.".to_owned())),
            _ => assert_eq!(found, Err("long".to_owned()), "{way}"),
        }
    }
    let (app, _) = people().await;
    let mut page = open(&app, "olena", "clerk", "/people/new?do=create").await;
    for field in ["name", "mail", "tel", "about"] {
        // A browser cuts at this length: whatever is cut there is too long for the server, which says so.
        let most: usize = page.attr(field, "maxlength").unwrap().parse().unwrap();
        page.fill(field, &"x".repeat(most));
        page.click("f.fields").await;
        let told = page.text(&format!("{field}.e"));
        assert!(told.starts_with("At most ") && told.ends_with(" characters."), "{field}: {told}");
    }
}

#[tokio::test]
async fn an_unchanged_text_is_kept_as_it_stands() {
    let store = Store::open("memory:").await.unwrap();
    let (who, records) = (Who::new("olena", &[]), Records::of::<Person>());
    let mut txn = store.txn();
    let before =
        Person { number: 7, name: "Kra\u{301}l".into(), about: "a\n".into(), days: 1, ..Person::default() };
    txn.put(&before).unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.txn();
    let read = rest::get(records, Call { txn: &mut txn, who: &who, lang: "en", now: 0 }, "7").await;
    let (version, mut body) =
        read.map(|reply| reply.map(|reply| (reply.version, reply.body)).unwrap()).unwrap();
    body["about"] = "a".into();
    let meant = version.map(rest::Match::from);
    let call = Call { txn: &mut txn, who: &who, lang: "en", now: 0 };
    let same = rest::update(records, call, "7", meant.as_ref(), &body).await.unwrap().unwrap();
    assert_eq!((same.status, same.changed), (200, None), "nothing that anybody sees has changed");
}
