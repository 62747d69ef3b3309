//! What the screens themselves say, in English and Ukrainian. The words of an application are in its label table.

/// Makes the sentences of each language.
macro_rules! texts {
    ($(#[$meta:meta])* $($name:ident $en:literal $uk:literal)*) => {
        /// The sentences of one language.
        #[derive(Debug)]
        $(#[$meta])*
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
    #[cfg_attr(not(all(feature = "screens", feature = "rest")), expect(dead_code, reason = "each says its own"))]
    required "Please fill in this field." "Заповніть це поле."
    number "Please enter a number." "Введіть число."
    whole "Please enter a whole number." "Введіть ціле число."
    places "At most {} digits after the point." "Не більше {} знаків після коми."
    write "Please write it as {}." "Напишіть так: {}."
    either "This can be read in two ways. Please write {} or {}." "Це можна прочитати двояко. Напишіть {} або {}."
    date "Please enter a date." "Введіть дату."
    email "Please enter an e-mail address, such as name@example.org." "Введіть адресу пошти, наприклад name@example.org."
    phone "Please enter a telephone number, such as +380 44 123 45 67." "Введіть номер телефону, наприклад +380 44 123 45 67."
    choice "Please choose one of the values." "Виберіть одне зі значень."
    short "At least {} characters." "Не менше {} знаків."
    long "At most {} characters." "Не більше {} знаків."
    small "Not less than {}." "Не менше ніж {}."
    large "Not more than {}." "Не більше ніж {}."
    pattern "This does not have the expected form." "Значення не відповідає очікуваному вигляду."
    kind "This is not a value of this field." "Таке значення не підходить для цього поля."
    unseen "There is an invisible character ({}) behind “{}”. Please delete it." "Невидимий символ ({}) за «{}». Приберіть його."
    unseen_first "There is an invisible character ({}) at the beginning. Please delete it." "Невидимий символ ({}) на початку. Приберіть його."
    one_line "This is one line: please remove the line break." "Тут один рядок: приберіть розрив рядка."
    lookup "There is no such record." "Такого запису немає."
    taken "There is already a record with this value." "Запис із таким значенням уже є."
    fixed "This cannot be changed." "Це не можна змінити."
    unknown "There is no such field." "Такого поля немає."
    invalid "The values are not valid; see the fields." "Значення неправильні; дивіться поля."
    version "Send the version of the record that you read." "Надішліть версію запису, яку ви прочитали."
    query_twice "`{}` stands twice in the address." "`{}` стоїть в адресі двічі."
    query_unknown "There is no `{}` to ask for; there are {}." "Параметра `{}` немає; є {}."
    query_sort "There is no field `{}` to sort by; there are {}." "Поля `{}` для сортування немає; є {}."
    query_number "`{}` is a whole number from 1 to {}, and `{}` came." "`{}` - ціле число від 1 до {}, а надійшло `{}`."
    query_value "In `{}` came `{}`. {}" "У `{}` надійшло `{}`. {}"
    query_one_of "Expected one of: {}." "Очікується одне з: {}."
    yes "Yes" "Так"
    no "No" "Ні"
    any "Any" "Будь-яке"
    search "Search" "Пошук"
    new "New" "Створити"
    edit "Edit" "Змінити"
    save "Save" "Зберегти"
    create "Create" "Створити"
    cancel "Cancel" "Скасувати"
    back "Back to the list" "До списку"
    close "Close" "Закрити"
    delete "Delete" "Видалити"
    sure "Delete this record? This cannot be undone." "Видалити цей запис? Повернути його буде неможливо."
    total "Found: {}" "Знайдено: {}"
    more "Found: {} or more. Not all records were looked through: narrow the search." "Знайдено: {} або більше. Переглянуто не всі записи: уточніть пошук."
    none "There is nothing here yet." "Тут ще нічого немає."
    nothing "Nothing was found. Change the search or the filters." "Нічого не знайдено. Змініть пошук або фільтри."
    failed "The records could not be read. Try again." "Не вдалося прочитати записи. Спробуйте ще раз."
    retry "Try again" "Спробувати ще раз"
    previous "Previous page" "Попередня сторінка"
    next "Next page" "Наступна сторінка"
    page "Page {}" "Сторінка {}"
    sort "Sort by this column" "Сортувати за цим стовпцем"
    mend "Please mend what is marked: {}" "Виправте позначене: {}"
    denied "You have no right to do this." "У вас немає права це робити."
    locked "As this record is now{}, you may not change it." "У нинішньому стані запису{} ви не можете його змінювати."
    locked_delete "As this record is now{}, you may not delete it." "У нинішньому стані запису{} ви не можете його видалити."
    locked_create "You may not create such a record{}." "Ви не можете створити такий запис{}."
    locked_fields "As this record is now{}, you may not change: {}." "У нинішньому стані запису{} ви не можете змінювати: {}."
    locked_value "As the record is now{}, you may not change this." "У нинішньому стані запису{} ви не можете цього змінювати."
    locked_typed "What you had typed is kept in the table below, to be read and copied." "Введене вами збережено в таблиці нижче: його можна прочитати й скопіювати."
    locked_mine "This may not be changed now; yours is here to be read." "Зараз цього не можна змінити; ваше залишено тут для читання."
    again "What you typed earlier and did not save is here again." "Те, що ви раніше ввели й не зберегли, знову тут."
    gone "Somebody has deleted this record. What you typed is still here; you can create the record anew." "Хтось видалив цей запис. Введене вами збережено тут; запис можна створити знову."
    anew "Create anew" "Створити знову"
    lost "Somebody has saved this record while you were editing it. Nothing of it or of yours is lost: choose for each field, then save." "Хтось зберіг цей запис, поки ви його змінювали. Нічого не втрачено: виберіть для кожного поля, потім збережіть."
    stale "{} has just saved this record. You will be asked what to keep when you save." "{} щойно зберіг(ла) цей запис. Під час збереження ви виберете, що залишити."
    changed "This record has changed meanwhile; here it is as it is now." "Тим часом запис змінився; ось яким він є тепер."
    field "Field" "Поле"
    before "Before" "Було"
    theirs "Theirs" "Їхнє"
    mine "Mine" "Моє"
    take "Take theirs" "Взяти їхнє"
    keep "Keep mine" "Залишити моє"
    taken_over "Theirs is taken" "Взято їхнє"
    kept "Mine is kept" "Залишено моє"
    not_asked "Mine is kept for when the field is shown again" "Моє залишено, доки поле знову не з’явиться"
    decide "Choose theirs or yours for each field first." "Спершу виберіть для кожного поля: їхнє чи своє."
    history "History" "Історія"
    created "created" "створено"
    updated "changed" "змінено"
    deleted "deleted" "видалено"
    hidden "Fields that you may not see were changed." "Змінено поля, яких ви не бачите."
}
