//! Everything the order desk says, in English and Ukrainian: its own words, the labels of its records, and the
//! names of the elements of its process.

use form::Labels;

nitro::texts! {
    home "Home" "Головна"
    desk "Order desk" "Стіл замовлень"
    desk_lead "Clients, orders, and the process that carries an order from a form to a packed parcel. Take a place; open a second window for another one. Nobody is asked for a password here, and a name belongs to whoever takes it." "Клієнти, замовлення та процес, який веде замовлення від форми до запакованої посилки. Займіть місце; в іншому вікні - ще одне. Паролів тут немає: ім'я належить тому, хто його взяв."
    name "Name" "Ім'я"
    enter_as "Enter as" "Увійти як"
    orders "Orders" "Замовлення"
    clients "Clients" "Клієнти"
    board "Clients and cards" "Клієнти й картки"
    tasks "Tasks" "Завдання"
    todo "Tasks and forms" "Завдання й форми"
    done "The task is done." "Завдання виконано."
    processes "Processes" "Процеси"
    change "Take another place" "Зайняти інше місце"
    show_process "Show the process" "Показати процес"
    clerk "Clerk" "Клерк"
    manager "Manager" "Керівник"
    storekeeper "Storekeeper" "Комірник"
    does_clerk "keeps clients and orders, and starts the process of an order." "веде клієнтів і замовлення та розпочинає процес замовлення."
    does_manager "approves large orders, and mends processes that have stopped." "погоджує великі замовлення та виправляє зупинені процеси."
    does_storekeeper "packs the goods." "пакує товар."
}

impl Text {
    pub(super) fn role(&self, role: &str) -> &'static str {
        match role {
            "clerk" => self.clerk,
            "manager" => self.manager,
            _ => self.storekeeper,
        }
    }

    pub(super) fn does(&self, role: &str) -> &'static str {
        match role {
            "clerk" => self.does_clerk,
            "manager" => self.does_manager,
            _ => self.does_storekeeper,
        }
    }
}

/// The labels of the records and of the forms of tasks.
pub(super) const LABELS: Labels = Labels::new(
    "key                | en                        | uk
     client             | Clients                   | Клієнти
     client.code        | Code                      | Код
     client.code.help   | The letter C, a dash and four digits, such as C-2001. | Латинська літера C, риска й чотири цифри, наприклад C-2001.
     client.code.pattern | Please write it like C-2001. | Напишіть так: C-2001.
     client.name        | Name                      | Назва
     client.kind        | Kind                      | Вид
     client.kind.regular | Regular                  | Звичайний
     client.kind.vip    | VIP                       | VIP
     client.contact     | Contact                   | Контактна особа
     client.email       | E-mail                    | Ел. пошта
     client.phone       | Phone                     | Телефон
     client.city        | City                      | Місто
     client.credit      | Credit limit              | Кредитний ліміт
     client.since       | Client since              | Клієнт із
     note               | Note                      | Примітка
     order              | Orders                    | Замовлення
     order.number       | Number                    | Номер
     order.client       | Client                    | Клієнт
     order.client.help  | Type a part of the name, or the code. | Введіть частину назви або код.
     order.product      | Product                   | Товар
     order.product.chair | Chair                    | Стілець
     order.product.desk | Desk                      | Стіл
     order.product.lamp | Lamp                      | Лампа
     order.product.shelf | Shelf                    | Полиця
     order.product.sofa | Sofa                      | Диван
     order.quantity     | Quantity                  | Кількість
     order.price        | Price                     | Ціна
     order.discount     | Discount, %               | Знижка, %
     order.total        | Total                     | Разом
     order.due          | Needed by                 | Потрібно до
     order.urgent       | Urgent                    | Терміново
     order.state        | State                     | Стан
     order.state.draft  | draft                     | чернетка
     order.state.stock  | stock check               | перевірка складу
     order.state.approval | waits for approval      | чекає на погодження
     order.state.late   | approval is overdue       | погодження прострочено
     order.state.decided | decided on          | розглянуто
     order.state.packing | being packed             | пакується
     order.state.stopped | stopped by an incident   | зупинено через інцидент
     order.state.done   | done                      | виконано
     order.state.refused | refused                  | відхилено
     order.state.cancelled | cancelled              | скасовано
     order.instance     | Process                   | Процес
     approval           | Approval                  | Погодження
     approval.approval  | Number                    | Номер
     approval.decision  | Decision                  | Рішення
     approval.decision.approve | Approve            | Погодити
     approval.decision.refuse | Refuse              | Відхилити
     approval.reason    | Reason                    | Причина
     packing            | Packing                   | Пакування
     packing.packing    | Number                    | Номер
     packing.parcels    | Parcels                   | Посилок
     packing.weight     | Weight, kg                | Вага, кг
    ",
);

/// The names of the process and its elements where they differ from the file's.
pub(super) const ELEMENTS: Labels = Labels::new(
    "key              | en                 | uk
     order            | Order              | Замовлення
     order.lane_clerk | Clerk              | Клерк
     order.lane_manager | Manager          | Керівник
     order.lane_storekeeper | Storekeeper  | Комірник
     order.pool       | Order              | Замовлення
     order.placed     | Order placed       | Замовлено
     order.stock      | Check the stock    | Перевірка складу
     order.large      | Large or short?    | Велике чи бракує?
     order.approve    | Approve the order  | Погодити замовлення
     order.late       | Two days           | Два дні
     order.escalate   | Escalate           | Повідомити керівництво
     order.escalated  | Escalated          | Повідомлено
     order.approved   | Approved?          | Погоджено?
     order.refused    | Refused            | Відхилено
     order.invoice    | Write the invoice  | Виписати рахунок
     order.pack       | Pack the goods     | Запакувати товар
     order.delivered  | Ready to go        | Готово
     order.f_large    | yes                | так
     order.f_small    | no                 | ні
     order.f_approved | yes                | так
     order.f_refused  | no                 | ні
    ",
);
