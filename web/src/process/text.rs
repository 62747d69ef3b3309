//! What the screens of processes say, in English and Ukrainian. The names of processes and their elements are
//! those of the files, or of the application's label table.

macro_rules! texts {
    ($($name:ident $en:literal $uk:literal)*) => {
        /// The sentences of one language; `{}` stands for what is filled in.
        #[derive(Debug)]
        pub(crate) struct Text {
            $(pub(crate) $name: &'static str,)*
        }

        const EN: Text = Text { $($name: $en,)* };
        const UK: Text = Text { $($name: $uk,)* };
    };
}

texts! {
    inbox "My tasks" "Мої завдання"
    inbox_empty "There is nothing to do." "Справ немає."
    inbox_empty_lead "New tasks for your roles appear here by themselves." "Нові завдання для ваших ролей з'являться тут самі."
    task "Task" "Завдання"
    process "Process" "Процес"
    processes "Processes" "Процеси"
    since "Waiting since" "Чекає з"
    start "Start" "Розпочати"
    start_of "Start: {}" "Розпочати: {}"
    startable "What can be started" "Що можна розпочати"
    instances "Instances" "Екземпляри"
    none "There are none yet." "Їх ще немає."
    next "Further" "Далі"
    first "From the beginning" "Спочатку"
    state "State" "Стан"
    started "Began" "Початок"
    ended "Ended" "Кінець"
    by "Begun by" "Хто розпочав"
    active "running" "триває"
    completed "completed" "завершено"
    terminated "cancelled" "скасовано"
    stopped "stopped by an incident" "зупинено через інцидент"
    now_at "Now at" "Зараз"
    diagram "Diagram" "Схема"
    no_diagram "The file has no layout to draw." "У файлі немає розмітки для схеми."
    history "History" "Історія"
    variables "Variables" "Змінні"
    incidents "Incidents" "Інциденти"
    retry "Try again" "Повторити"
    cancel "Cancel the process" "Скасувати процес"
    cancel_sure "Cancel this process? It cannot be continued afterwards." "Скасувати цей процес? Продовжити його потім буде неможливо."
    complete "Complete" "Виконати"
    engine "the engine" "рушій"
    to_inbox "To my tasks" "До моїх завдань"
    open_instance "Show the process" "Показати процес"
    no_form "This task needs no data." "Це завдання не потребує даних."
    mend "Please mend what is marked: {}" "Виправте позначене: {}"
    changed "Somebody has changed the record meanwhile. Yours is kept where you changed it; look it over and send again." "Тим часом запис змінився. Ваші зміни збережено; перегляньте й надішліть ще раз."
    gone "The record does not exist any more." "Запису більше немає."
    done_before "This task has been done already, or the process has gone another way. Nothing was changed." "Це завдання вже виконано, або процес пішов іншим шляхом. Нічого не змінено."
    ended_before "The process has ended. Nothing was changed." "Процес завершено. Нічого не змінено."
    did_start "began" "розпочато"
    did_end "ended" "завершено"
    did_cancel "cancelled" "скасовано"
    did_enter "waits" "очікує"
    did_complete "done" "виконано"
    did_leave "left" "залишено"
    did_trigger "occurred" "сталося"
    did_raise "stopped" "зупинено"
    did_resolve "mended" "виправлено"
    did_fail "failed, will be tried again" "невдача, буде повторено"
    yes "yes" "так"
    no "no" "ні"
}

/// The sentences of a language; English when it is not known.
pub(crate) fn text(lang: &str) -> &'static Text {
    if lang == "uk" { &UK } else { &EN }
}
