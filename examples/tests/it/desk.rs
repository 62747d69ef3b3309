//! The order desk in browsers: an order from a form with mistakes to the end of its process, through the death
//! of the server; and two people who change one record.

use super::common::{Engine, Server, Window, in_every_browser};

in_every_browser!(
    an_order_goes_its_way_although_the_server_dies,
    a_manager_finds_an_instance_by_its_state_and_cancels_it_after_a_question,
    two_editors_save_one_record_and_nothing_is_lost,
    cards_on_one_page_are_edited_through_a_restart_of_the_server,
    a_form_keeps_what_is_shown_when_the_server_is_killed_while_it_is_filled_in,
    what_was_typed_is_there_after_back_and_forward_and_what_was_given_up_is_not,
    a_task_is_done_beside_its_inbox_and_what_is_said_of_it_goes_by_itself,
);

const WIDE: (u32, u32) = (1_280, 900);

impl Window {
    /// Takes a place at the desk.
    async fn sit(&self, base: &str, name: &str, role: &str) {
        self.go(&format!("{base}/desk")).await;
        self.live().await;
        self.type_into("#name", name).await;
        self.click(&format!("#{role}")).await;
        self.until("!location.pathname.startsWith('/desk')").await;
        self.live().await;
    }

    async fn at(&self, url: &str) {
        self.go(url).await;
        self.live().await;
    }

    /// Puts a value into an input, and leaves it; what the server says to it may move what is clicked next.
    async fn put(&self, id: &str, value: &str) {
        self.js(&format!("document.getElementById('{id}').value = ''")).await;
        let selector = format!("#{}", id.replace('.', "\\."));
        self.type_into(&selector, &format!("{value}\u{e004}")).await;
        self.until("!document.querySelector('[aria-busy]')").await;
    }

    /// Chooses an option.
    async fn choose(&self, id: &str, value: &str) {
        let script = format!(
            "const e = document.getElementById('{id}'); e.value = '{value}'; \
             e.dispatchEvent(new Event('change', {{ bubbles: true }}))"
        );
        self.js(&script).await;
    }

    async fn says(&self, id: &str) -> String {
        self.text(&format!("document.getElementById('{id}').textContent")).await
    }

    /// Waits for a token at an element of the diagram.
    async fn token(&self, element: &str) {
        self.until(&format!("document.querySelector('#bpmn-{element}.is-active')")).await;
    }

    /// Orders what a manager has to approve.
    async fn order(&self, base: &str) {
        self.at(&format!("{base}/processes/order/start")).await;
        for (id, value) in [("client", "C-0007"), ("quantity", "9"), ("price", "24000")] {
            self.put(id, value).await;
        }
        self.choose("product", "sofa").await;
        self.click("#f\\.send").await;
        self.until("location.pathname.startsWith('/instances/')").await;
    }

    /// Opens the first task of the list.
    async fn first_task(&self, base: &str) {
        self.at(&format!("{base}/tasks")).await;
        self.until("document.querySelector('#p\\\\.rows a')").await;
        self.click("#p\\.rows a").await;
        self.until("location.pathname.length > 7").await;
        self.live().await;
    }
}

async fn an_order_goes_its_way_although_the_server_dies(engine: Engine) {
    let mut server = Server::start();
    let base = server.url("");
    let (clerk, manager) = (engine.window(WIDE, "en").await, engine.window(WIDE, "en").await);
    clerk.sit(&base, "Olena", "clerk").await;
    manager.sit(&base, "Max", "manager").await;

    // The clerk makes mistakes. Each is told at its field, and nothing of what was typed is lost.
    clerk.at(&format!("{base}/orders")).await;
    clerk.until("document.querySelectorAll('#f\\\\.rows tr').length == 50").await;
    clerk.click("#f\\.new").await;
    clerk.until("location.pathname == '/processes/order/start'").await;
    clerk.live().await;
    clerk.put("client", "C-9999").await;
    clerk.choose("product", "sofa").await;
    clerk.put("quantity", "9").await;
    clerk.put("price", "24000").await;
    clerk.click("#f\\.send").await;
    clerk.until("document.getElementById('client.e').textContent.includes('no such record')").await;
    assert_eq!(clerk.text("document.getElementById('quantity').value").await, "9");
    clerk.put("client", "C-0007").await;
    clerk.until("document.getElementById('total').textContent == '216,000.00'").await;
    clerk.click("#f\\.send").await;
    clerk.until("location.pathname.startsWith('/instances/')").await;
    clerk.live().await;
    // Nine sofas are more than the store has, and cost more than a clerk may decide.
    clerk.token("approve").await;

    // The manager approves in another window; the clerk sees the token move.
    manager.first_task(&base).await;
    assert!(manager.text("document.querySelector('.about').textContent").await.contains("216,000.00"));
    // What the clerk changes meanwhile is before the manager at once.
    let instance = clerk.text("location.href").await;
    for (quantity, total, moved) in
        [("500", "12,000,000.00", "by Olena: Quantity: 9"), ("9", "216,000.00", "")]
    {
        clerk.at(&format!("{base}/orders/2001?do=edit")).await;
        clerk.put("quantity", quantity).await;
        clerk.click("#f\\.save").await;
        clerk.until("location.search == ''").await;
        manager.until(&format!("document.querySelector('.about').textContent.includes('{total}')")).await;
        let said = manager.says("f.moved").await;
        assert!(said.contains(moved) && said.is_empty() == moved.is_empty(), "{said}");
    }
    manager.choose("decision", "approve").await;
    manager.click("#f\\.send").await;
    manager.until("location.pathname == '/tasks'").await;
    // What was approved stays.
    clerk.at(&format!("{base}/orders/2001")).await;
    clerk.until("document.getElementById('f.rights').textContent.includes('you may not change it')").await;
    assert_eq!(clerk.js("return document.querySelectorAll('#f\\\\.edit, #f\\\\.delete').length").await, 0);
    clerk.at(&instance).await;
    clerk.token("pack").await;
    clerk.until("!document.querySelector('#bpmn-approve.is-active')").await;
    clerk.until("document.querySelector('#bpmn-approve.is-passed')").await;

    // The server dies between two steps and comes back.
    server.kill();
    clerk.until("document.documentElement.dataset.n2o == 'off'").await;
    server.again();
    clerk.live().await;
    let keeper = engine.window(WIDE, "uk").await;
    keeper.sit(&base, "Ivan", "storekeeper").await;
    keeper.first_task(&base).await;
    keeper.put("parcels", "3").await;
    keeper.put("weight", "412.5").await;
    keeper.click("#f\\.send").await;
    keeper.until("location.pathname == '/tasks'").await;
    // Who may see no clients is refused the page of their cards.
    assert_eq!(keeper.js("return fetch('/board').then(answer => answer.status)").await, 403);

    // The process has ended, its history is whole, and the list shows the state.
    clerk.until("document.getElementById('p.state').textContent == 'completed'").await;
    let story = clerk.says("p.history").await;
    for told in [
        "Check the stock: done",
        "Approve the order: done",
        "Write the invoice: done",
        "Pack the goods: done",
    ] {
        assert!(story.contains(told), "{told}: {story}");
    }
    for who in ["Olena", "Max", "Ivan"] {
        assert!(story.contains(who), "{who}: {story}");
    }
    clerk.at(&format!("{base}/orders?sort=number&down=true")).await;
    clerk.until("document.querySelector('#f\\\\.rows tr').textContent.includes('done')").await;
    assert!(clerk.text("document.querySelector('#f\\\\.rows tr').textContent").await.contains("216,000.00"));
    assert!(!server.log().contains("content security policy"), "{}", server.log());
}

async fn a_manager_finds_an_instance_by_its_state_and_cancels_it_after_a_question(engine: Engine) {
    let server = Server::start();
    let base = server.url("");
    let (clerk, manager) = (engine.window(WIDE, "en").await, engine.window(WIDE, "en").await);
    clerk.sit(&base, "Olena", "clerk").await;
    manager.sit(&base, "Max", "manager").await;
    clerk.order(&base).await;

    manager.at(&format!("{base}/processes")).await;
    manager.until("document.getElementById('p.counts').textContent.includes('Running 1')").await;
    manager.click("#p\\.counts a:nth-child(5)").await;
    manager.until("document.getElementById('p.empty') && location.search.includes('ended')").await;
    manager.live().await;
    assert_eq!(manager.says("p.empty").await, "No instance is in this state.");
    manager.click("#p\\.counts a:nth-child(2)").await;
    manager.until("location.search.includes('running') && document.querySelector('#p\\\\.rows a')").await;
    manager.live().await;
    manager.click("#p\\.rows a").await;
    manager.until("document.getElementById('p.cancel')").await;
    manager.live().await;
    // Who is asked and says no has changed nothing.
    manager.js("window.confirm = question => { window.asked = question; return false }").await;
    manager.click("#p\\.cancel").await;
    manager.until("window.asked.startsWith('Cancel this process?')").await;
    assert_eq!(manager.says("p.state").await, "running");
    manager.js("window.confirm = () => true").await;
    manager.click("#p\\.cancel").await;
    manager.until("document.getElementById('p.state').textContent == 'cancelled'").await;
    manager.until("!document.getElementById('p.cancel')").await;
    clerk.until("document.getElementById('p.state').textContent == 'cancelled'").await;
    assert_eq!(manager.console().await, []);
}

async fn two_editors_save_one_record_and_nothing_is_lost(engine: Engine) {
    let server = Server::start();
    let base = server.url("");
    let (olena, max) = (engine.window(WIDE, "en").await, engine.window(WIDE, "en").await);
    olena.sit(&base, "Olena", "clerk").await;
    max.sit(&base, "Max", "clerk").await;
    for window in [&olena, &max] {
        window.at(&format!("{base}/clients/C-0005?do=edit")).await;
    }
    olena.put("city", "Lutsk").await;
    olena.put("contact", "Olha").await;
    max.put("city", "Rivne").await;
    max.put("phone", "+380 44 111 22 33").await;
    olena.click("#f\\.save").await;
    olena.until("location.search == ''").await;

    // The second is told, field by field; what only the first changed is taken over by itself.
    max.click("#f\\.save").await;
    max.until("document.getElementById('city.theirs')").await;
    assert!(max.says("f.note").await.contains("Somebody has saved this record"));
    max.until("document.getElementById('contact').value == 'Olha'").await;
    max.click("#city\\.theirs").await;
    max.until("document.getElementById('city').value == 'Lutsk'").await;
    max.click("#city\\.mine").await;
    max.until("document.getElementById('city').value == 'Rivne'").await;
    max.click("#city\\.theirs").await;
    max.until("document.getElementById('city').value == 'Lutsk'").await;
    max.click("#f\\.save").await;
    max.until("location.search == ''").await;
    max.live().await;
    for (field, value) in [("city", "Lutsk"), ("contact", "Olha"), ("phone", "+380 44 111 22 33")] {
        max.until(&format!("document.getElementById('{field}').textContent == '{value}'")).await;
    }
    assert_eq!(max.console().await, []);
}

async fn cards_on_one_page_are_edited_through_a_restart_of_the_server(engine: Engine) {
    let mut server = Server::start();
    let base = server.url("");
    let window = engine.window(WIDE, "en").await;
    window.sit(&base, "Ann", "clerk").await;
    window.at(&format!("{base}/board")).await;
    for code in ["C-0001", "C-0002"] {
        window.until("document.querySelector('.open')").await;
        window
            .js(&format!(
                "[...document.querySelectorAll('.open')].find(e => e.textContent == '{code}').click()"
            ))
            .await;
        window.until(&format!("document.activeElement.id == 'cards.{code}.f.title'")).await;
        window.click(&format!("#cards\\.{code}\\.f\\.edit")).await;
        window.until(&format!("document.activeElement.id == 'cards.{code}.name'")).await;
    }
    // One field of both cards, which must not be each other's.
    window.put("cards.C-0001.city", "Lutsk").await;
    window.put("cards.C-0002.city", "Rivne").await;
    server.signal("TERM");
    assert!(server.ended().await.success());
    server.again();
    window.live().await;
    window.click("#cards\\.C-0002\\.f\\.save").await;
    window.until("document.getElementById('cards.C-0002.city').textContent == 'Rivne'").await;
    window.until("document.getElementById('cards.C-0001.city').value == 'Lutsk'").await;
    window.click("#cards\\.C-0001\\.f\\.save").await;
    window.until("document.getElementById('cards.C-0001.city').textContent == 'Lutsk'").await;
    let shown = "document.getElementById('clients.f.rows')?.textContent ??                  document.querySelector('section.list tbody').textContent";
    window.until(&format!("({shown}).includes('Rivne') && ({shown}).includes('Lutsk')")).await;
    for code in ["C-0001", "C-0002"] {
        window.click(&format!("#cards\\.{code}\\.f\\.close")).await;
        window.until(&format!("!document.getElementById('cards.{code}.f.title')")).await;
    }
    assert_eq!(window.complaints().await, []);
}

/// What was answered within the last second is not saved yet; the browser shows it, and tells it again.
async fn a_form_keeps_what_is_shown_when_the_server_is_killed_while_it_is_filled_in(engine: Engine) {
    let mut server = Server::start();
    let base = server.url("");
    let window = engine.window(WIDE, "en").await;
    window.sit(&base, "Ann", "clerk").await;
    window.at(&format!("{base}/clients/C-0011?do=edit")).await;
    let fields = [("name", "Ann's"), ("contact", "Olha"), ("phone", "+380 44 111 22 33"), ("city", "Lutsk")];
    for (id, value) in fields {
        window.put(id, value).await;
    }
    window.type_into("#note", "half a sentence").await;
    server.signal("KILL");
    server.ended().await;
    server.again();
    window.live().await;
    window.until("!document.querySelector('[aria-busy]')").await;
    for (id, value) in fields.into_iter().chain([("note", "half a sentence")]) {
        assert_eq!(window.js(&format!("return document.getElementById('{id}').value")).await, value, "{id}");
    }
    window.click("#f\\.save").await;
    window.until("!location.search && document.getElementById('city')?.textContent == 'Lutsk'").await;
    let history = window.js("return document.getElementById('f.history').textContent").await.to_string();
    for said in ["Ann's", "Olha", "111 22 33", "Lutsk", "half a sentence"] {
        assert!(history.contains(said), "{said} is not in {history}");
    }
    assert_eq!(window.complaints().await, []);
}

/// Browsers put back what inputs held themselves, each in its own way and at its own time.
async fn what_was_typed_is_there_after_back_and_forward_and_what_was_given_up_is_not(engine: Engine) {
    let server = Server::start();
    let base = server.url("");
    let window = engine.window(WIDE, "en").await;
    window.sit(&base, "Ann", "clerk").await;
    window.at(&format!("{base}/clients")).await;
    window.at(&format!("{base}/clients/C-0012?do=edit")).await;
    let value = async |id: &str| window.js(&format!("return document.getElementById('{id}').value")).await;
    // It is not left, so that the server knows nothing of it.
    window.type_into("#contact", "Olha").await;
    window.back().await;
    window.until("location.pathname == '/clients'").await;
    window.live().await;
    window.forward().await;
    window.until("location.search == '?do=edit'").await;
    window.live().await;
    window.until("document.getElementById('contact').value == 'Olha'").await;
    window.type_into("#note", "half a sentence").await;
    window.click("#f\\.cancel").await;
    window.until("!location.search").await;
    window.live().await;
    window.back().await;
    window.until("location.search == '?do=edit'").await;
    window.live().await;
    window.until("document.getElementById('contact').value == ''").await;
    assert_eq!(value("note").await, "");
    window.reload().await;
    window.live().await;
    assert_eq!((value("contact").await, value("note").await), ("".into(), "".into()));
    assert_eq!(window.complaints().await, []);
}

async fn a_task_is_done_beside_its_inbox_and_what_is_said_of_it_goes_by_itself(engine: Engine) {
    let server = Server::start();
    let base = server.url("");
    let (clerk, manager) = (engine.window(WIDE, "en").await, engine.window(WIDE, "en").await);
    clerk.sit(&base, "Olena", "clerk").await;
    manager.sit(&base, "Max", "manager").await;
    manager.at(&format!("{base}/todo")).await;
    manager.until("!document.getElementById('inbox.p.empty').hidden").await;
    clerk.order(&base).await;

    // The inbox hears of it, and opens the form beside itself.
    manager.until("document.querySelector('#inbox\\\\.p\\\\.rows .open')").await;
    manager.click("#inbox\\.p\\.rows .open").await;
    manager.until("document.activeElement.id.endsWith('.f.title')").await;
    let within = "document.activeElement.id.slice(0, -'f.title'.length)";
    let task = manager.text(within).await;
    manager.choose(&format!("{task}decision"), "approve").await;
    manager.js(&format!("document.getElementById('{task}f.send').click()")).await;
    manager.until("document.getElementById('said').textContent == 'The task is done.'").await;
    manager
        .until(&format!("!document.getElementById('{task}f.send') && document.activeElement.id == 'title'"))
        .await;
    manager.until("document.getElementById('said').textContent == ''").await;
    assert_eq!(manager.console().await, []);
}
